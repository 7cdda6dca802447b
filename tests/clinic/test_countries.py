"""What follows from a clinic's country."""

from datetime import date
from zoneinfo import available_timezones

import pytest

from clinic import countries

ALL = list(countries.names("en"))


def test_every_country_has_a_name_a_zone_a_currency_and_a_language(counted):
    lacking = [
        code
        for code in ALL
        if not (
            countries.zones(code)
            and {zone.name for zone in countries.zones(code)} <= available_timezones()
            and countries.currency(code) in countries.currencies("en")
            and countries.language(code, ["en"], "en")
        )
    ]

    counted(f"Countries: {len(ALL)}")
    assert lacking == []
    assert len(ALL) > 200


def test_countries_stand_in_the_order_of_their_names():
    assert ALL.index("DE") < ALL.index("GB") < ALL.index("US")
    assert ALL.index("AX") < ALL.index("BE")


@pytest.mark.parametrize(
    ("country", "zone", "money"),
    [
        ("GB", "Europe/London", "GBP"),
        ("DE", "Europe/Berlin", "EUR"),
        ("US", "America/New_York", "USD"),
        ("AU", "Australia/Sydney", "AUD"),
        ("BR", "America/Sao_Paulo", "BRL"),
        ("UA", "Europe/Kyiv", "UAH"),
        ("CH", "Europe/Zurich", "CHF"),
    ],
)
def test_the_first_zone_is_the_one_most_people_live_in(country, zone, money):
    assert countries.zones(country)[0].name == zone
    assert countries.currency(country) == money


def test_main_zones_are_zones_of_their_country():
    assert all(zone in {each.name for each in countries.zones(code)} for code, zone in countries.MAIN_ZONES.items())


def test_an_unknown_country_has_nothing():
    assert countries.zones("ZZ") == ()
    assert countries.currency("ZZ") == ""
    assert countries.regions("ZZ") == {}
    assert countries.public_holidays("ZZ", "", [2026], "en") == {}


def test_public_holidays_are_those_of_the_region_in_the_language_asked_for():
    bavaria = countries.public_holidays("DE", "BY", [2026, 2027], "en")
    country = countries.public_holidays("DE", "", [2026], "de")

    assert bavaria[date(2026, 1, 6)] == "Epiphany"
    assert date(2027, 12, 25) in bavaria
    assert date(2026, 1, 6) not in country
    assert country[date(2026, 4, 3)] == "Karfreitag"
    assert list(country) == sorted(country)


def test_an_unknown_region_is_the_whole_country():
    assert countries.public_holidays("GB", "BY", [2026], "en") == countries.public_holidays("GB", "", [2026], "en")


def test_regions_have_names():
    assert countries.regions("GB")["SCT"] == "Scotland"
    assert countries.regions("VA") == {}


@pytest.mark.parametrize(
    ("known", "language"), [(["en", "de"], "de"), (["en"], "en"), (["en", "fr"], "en")]
)  # fmt: skip
def test_language_is_the_countrys_own_where_the_product_speaks_it(known, language):
    assert countries.language("AT", known, "en") == language


@pytest.mark.parametrize(
    ("header", "country"),
    [
        ("en-GB,en;q=0.9", "GB"),
        ("de, de-AT;q=0.8", "AT"),
        ("zh-Hant-TW", "TW"),
        ("de", "IE"),
        ("", "IE"),
        ("x-yy", "IE"),
    ],
)
def test_the_browser_names_a_country(header, country):
    assert countries.spoken_of(header, "IE") == country


def test_a_language_nobody_knows_is_english():
    assert countries.names("xx")["DE"] == "Germany"
    assert countries.names("de")["DE"] == "Deutschland"
