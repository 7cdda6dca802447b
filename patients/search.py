"""Finding a patient by what the desk hears: a name, a phone number, an e-mail address or a date of birth."""

import contextlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Func, Q, TextField, Value
from django.db.models.functions import Coalesce

from patients.models import Patient

SHORTEST = 2
LONGEST = 100
LIMIT = 20
SHORT_WORD = 2  # a trigram index needs three letters; shorter words are looked up as beginnings of names
DATE = re.compile(
    r"(?<!\S)(\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{4}|\d{1,2}\.? +[A-Za-z]{3,9}\.? +\d{4})(?!\S)"
)
PHONE = re.compile(r"(?<!\S)[+(]*\d[\d\s()./-]*(?!\S)")
DATE_FORMATS = ("%Y-%m-%d", "%d-%m-%Y", "%d %b %Y", "%d %B %Y", "%m-%d-%Y")


@dataclass(frozen=True)
class Found:
    """Patients by name; `has_more` says that the list was cut, `is_too_short` that nothing was looked up yet."""

    patients: list[Patient]
    has_more: bool = False
    is_too_short: bool = False


def find(query: str, *, limit: int = LIMIT) -> Found:
    """Find the patients that fit everything in the query; case and accents do not matter, nor does the order.

    Two letters find beginnings of names, three or more find any part. `02/01/1990` is read day first. Of merged
    records the surviving one is found by the words of all.
    """
    conditions = _conditions(query)
    if not conditions:
        return Found([], is_too_short=True)
    fitting = Patient.objects.filter(*conditions).values(survivor=Coalesce("merged_into", "pk"))
    rows = list(Patient.objects.filter(pk__in=fitting).by_name()[: limit + 1])
    return Found(rows[:limit], has_more=len(rows) > limit)


def _conditions(query: str) -> list[Q]:
    text = _printable(query)
    if len(text) < SHORTEST:
        return []
    text, born = _take_date(text)
    text, digits = _take_phone(text)
    conditions = [Q(birth_date=born)] if born else []
    conditions += [Q(search_text__contains=number) for number in digits]
    return conditions + [_word(word) for word in text.split()]


def _printable(query: str) -> str:
    text = unicodedata.normalize("NFC", query[:LONGEST])
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _take_date(text: str) -> tuple[str, date | None]:
    found = DATE.search(text)
    born = read_date(found[0]) if found else None
    return (text.replace(found[0], " ", 1), born) if born else (text, None)


def read_date(text: str) -> date | None:
    """Read a date as people write it, day before month where both could be meant; None if it is none."""
    plain = text.replace("/", "-").replace(". ", " ").replace(".", "-")
    for form in DATE_FORMATS:
        with contextlib.suppress(ValueError):
            return datetime.strptime(plain, form).date()  # noqa: DTZ007 (a date of birth has no zone)
    return None


def _take_phone(text: str) -> tuple[str, list[str]]:
    numbers = [re.sub(r"\D", "", chunk.replace("(0)", "")).lstrip("0") for chunk in PHONE.findall(text)]
    return PHONE.sub(" ", text), [number for number in numbers if number]


def _word(word: str) -> Q:
    folded = Func(Value(word), function="cadence_fold", output_field=TextField())
    if len(word) <= SHORT_WORD:
        return Q(given_key__startswith=folded) | Q(family_key__startswith=folded)
    return Q(search_text__contains=folded)
