"""What follows from the country a clinic is in: time zones, currency, public holidays. Pure lookups, no database."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources

import holidays
from babel import Locale, UnknownLocaleError
from babel.languages import get_official_languages
from babel.numbers import get_territory_currencies

# Where the table of zones does not begin with the zone that most people of the country live in.
MAIN_ZONES = {
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "CD": "Africa/Kinshasa",
    "FM": "Pacific/Pohnpei",
    "KI": "Pacific/Tarawa",
    "KZ": "Asia/Almaty",
    "MN": "Asia/Ulaanbaatar",
    "MX": "America/Mexico_City",
    "RU": "Europe/Moscow",
    "UA": "Europe/Kyiv",
    "UZ": "Asia/Tashkent",
}
WITHOUT_RESIDENTS = {"AQ"}


@dataclass(frozen=True, slots=True)
class Zone:
    """One time zone of a country, with where in the country it holds (empty where the country has one)."""

    name: str
    where: str


@lru_cache
def zones(country: str) -> tuple[Zone, ...]:
    """The time zones of a country by its two letters, the one that most people live in first."""
    found = _zone_table().get(country, ())
    main = MAIN_ZONES.get(country)
    return tuple(sorted(found, key=lambda zone: zone.name != main)) if main else found


def currency(country: str) -> str:
    """The three letters of what people pay with."""
    found = get_territory_currencies(country)
    return found[0] if found else ""


def language(country: str, known: Iterable[str], default: str) -> str:
    """The first official language of the country among the known ones, else the default."""
    official = get_official_languages(country, de_facto=True)
    return next((each for each in official if each in set(known)), default)


@lru_cache
def names(language: str) -> dict[str, str]:
    """Every country a clinic can be in, by its two letters, in the order of its names."""
    known = set(_zone_table()) & set(holidays.list_supported_countries(include_aliases=False)) - WITHOUT_RESIDENTS
    territories = _locale(language).territories
    pairs = [(code, territories.get(code, code)) for code in known if currency(code)]
    return dict(sorted(pairs, key=lambda pair: (_without_accents(pair[1]), pair[0])))


@lru_cache
def currencies(language: str) -> dict[str, str]:
    """The currencies of all these countries, by their three letters."""
    said = _locale(language).currencies
    codes = sorted({code for country in names(language) for code in get_territory_currencies(country)})
    return {code: said.get(code, code) for code in codes}


def regions(country: str) -> dict[str, str]:
    """The parts of a country with public holidays of their own: code -> name."""
    calendar = _calendar(country)
    said = {code: name for name, code in getattr(calendar, "subdivisions_aliases", {}).items()}
    return {code: said.get(code, code) for code in getattr(calendar, "subdivisions", ())}


def public_holidays(country: str, region: str, years: Iterable[int], language: str) -> dict[date, str]:
    """The public holidays of these years by date, named in the language where it is known, else in the country's."""
    calendar = _calendar(country)
    if calendar is None:
        return {}
    spoken = getattr(calendar, "supported_languages", ())
    wanted = next((each for each in spoken if each.split("_")[0] == language), None)
    region = region if region in regions(country) else None
    found = holidays.country_holidays(country, subdiv=region, years=list(years), language=wanted)
    return dict(sorted(found.items()))


def spoken_of(header: str, default: str) -> str:
    """The country that a browser's Accept-Language names first (en-GB names GB), else the default."""
    for part in header.split(","):
        country = part.split(";")[0].strip()[-2:].upper() if "-" in part else ""
        if country in _zone_table():
            return country
    return default


@lru_cache
def _zone_table() -> dict[str, tuple[Zone, ...]]:
    table: dict[str, tuple[Zone, ...]] = {}
    text = resources.files("tzdata.zoneinfo").joinpath("zone.tab").read_text()
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        country, _place, name, *where = line.split("\t")
        table[country] = (*table.get(country, ()), Zone(name, where[0] if where else ""))
    return table


def _calendar(country: str) -> type[holidays.HolidayBase] | None:
    return getattr(holidays, country, None) if country in _zone_table() else None


def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def _without_accents(name: str) -> str:
    return name.replace("Å", "A").replace("É", "E")
