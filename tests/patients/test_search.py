from datetime import date

import pytest

from patients import search
from tests.patients import factories


def names(query, **details):
    return [str(patient) for patient in search.find(query, **details).patients]


@pytest.fixture
def people(db):
    factories.patient("Zoë", "Müller", birth_date=date(1990, 1, 2), email="zoe@post.example", phone="+447700900123")
    factories.patient("Muriel", "Łukasz", birth_date=date(1985, 12, 31), email="m.l@post.example", phone="")
    factories.patient("Anna", "O'Brien-Weiß", birth_date=None, email="", phone="+4915112345678")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("mu", ["Muriel Łukasz", "Zoë Müller"]),
        ("MÜ", ["Muriel Łukasz", "Zoë Müller"]),
        ("zoe", ["Zoë Müller"]),
        ("ZOË", ["Zoë Müller"]),
        ("zoe\u0308", ["Zoë Müller"]),
        ("luk", ["Muriel Łukasz"]),
        ("uka", ["Muriel Łukasz"]),
        ("müller zoe", ["Zoë Müller"]),
        ("zo mu", ["Zoë Müller"]),
        ("weiss", ["Anna O'Brien-Weiß"]),
        ("o’brien", ["Anna O'Brien-Weiß"]),
        ("ul", []),
        ("07700 900123", ["Zoë Müller"]),
        ("+44 (0)7700 900-123", ["Zoë Müller"]),
        ("0044 7700900123", ["Zoë Müller"]),
        ("900123", ["Zoë Müller"]),
        ("0151 1234", ["Anna O'Brien-Weiß"]),
        ("2 Jan 1990", ["Zoë Müller"]),
        ("2. January 1990", ["Zoë Müller"]),
        ("02/01/1990", ["Zoë Müller"]),
        ("2.1.1990", ["Zoë Müller"]),
        ("1990-01-02", ["Zoë Müller"]),
        ("12/31/1985", ["Muriel Łukasz"]),
        ("mu 1990-01-02", ["Zoë Müller"]),
        ("mu 900123", ["Zoë Müller"]),
        ("ZOE@post", ["Zoë Müller"]),
        ("m.l@post.example", ["Muriel Łukasz"]),
        ("31/31/1990", []),
        ("%%%", []),
        ("___", []),
        ("'; --", []),
        ("zoe\x00", ["Zoë Müller"]),
    ],
)
def test_find_gives_whom_the_words_fit(people, query, found):
    assert names(query) == found


@pytest.mark.parametrize("query", ["", "m", " m ", "00", "\x00\x01"])
def test_find_looks_nothing_up_when_too_little_was_typed(people, query):
    assert search.find(query) == search.Found([], is_too_short=True)


@pytest.mark.parametrize(("number", "has_more"), [(2, False), (3, True)])
@pytest.mark.django_db
def test_find_says_when_there_are_more(number, has_more):
    for _ in range(number):
        factories.patient()

    found = search.find("quill", limit=2)

    assert (len(found.patients), found.has_more) == (2, has_more)


@pytest.mark.django_db
def test_find_orders_by_name_without_case_and_accents():
    for family in ("Öz", "oak", "Pine", "Abel"):
        factories.patient("Ada", family)

    assert [patient.family_name for patient in search.find("ada").patients] == ["Abel", "oak", "Öz", "Pine"]


@pytest.mark.django_db
def test_find_gives_the_surviving_record_for_a_merged_one():
    survivor = factories.patient("Bo", "Lund")
    factories.patient("Bo", "Maiden", merged_into=survivor)

    assert search.find("maiden").patients == [survivor]


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.django_db
def test_find_asks_the_database_once(number, django_assert_num_queries):
    for _ in range(number):
        factories.patient()

    with django_assert_num_queries(1):
        search.find("quill")


@pytest.mark.parametrize(
    ("text", "day"),
    [("2026-02-30", None), ("13/13/1990", None), ("2 Foo 1990", None), ("29.2.2024", date(2024, 2, 29))],
)
def test_read_date_knows_real_days_only(text, day):
    assert search.read_date(text) == day
