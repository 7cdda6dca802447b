"""Who a patient is: the record made at the desk and its corrections."""

import unicodedata
from datetime import date

from django.contrib.postgres.search import TrigramSimilarity
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Case, F, Func, IntegerField, Q, TextField, Value, When
from django.db.models.functions import Greatest
from django.utils.translation import gettext as _
from phonenumber_field.phonenumber import PhoneNumber

from patients import locks
from patients.models import Patient
from patients.refusals import Conflict, Refused

SIMILAR_NAME = 0.3
MOST_DUPLICATES = 5
OLDEST_BIRTH_DATE = date(1890, 1, 1)
EDITABLE = ("given_name", "family_name", "birth_date", "email", "phone", "wants_messages")


class LikelyDuplicates(Refused):
    """The person may be known already; `patients` are the records to look at, most alike first."""

    def __init__(self, patients: list[Patient]) -> None:
        super().__init__(_("This person may be here already. Look at the likely records before you add a new one."))
        self.patients = patients


def register(
    *,
    given_name: str,
    family_name: str,
    on: date,
    birth_date: date | None = None,
    email: str = "",
    phone: PhoneNumber | str = "",
    wants_messages: bool = True,
    is_surely_new: bool = True,
) -> Patient:
    """Make a patient record on the date `on`; raises `LikelyDuplicates` unless the person is surely new."""
    details = _checked(
        {
            "given_name": given_name,
            "family_name": family_name,
            "birth_date": birth_date,
            "email": email,
            "phone": phone,
            "wants_messages": wants_messages,
        },
        on=on,
    )
    if not is_surely_new:
        likely = likely_duplicates(given_name, family_name, birth_date, email, phone)
        if likely:
            raise LikelyDuplicates(likely)
    return Patient.objects.create(**details)


def update(patient: Patient, *, version: int, on: date, **changes: object) -> Patient:
    """Correct the record that was shown at `version`; raises `Conflict` when it has changed since.

    Locks the patient. A new date of birth makes booked visits due for another safety check.
    """
    unknown = set(changes) - set(EDITABLE)
    if unknown:
        raise TypeError(f"Not a detail of a patient that can be corrected: {', '.join(sorted(unknown))}.")
    with locks.or_busy(), transaction.atomic():
        locks.take(patients=[patient.pk])
        current = Patient.objects.select_for_update().get(pk=patient.pk)
        if current.version != version:
            raise Conflict(_("Somebody else changed this patient while you were typing. Nothing was saved yet."))
        is_other_age = changes.get("birth_date", current.birth_date) != current.birth_date
        for name, value in _checked({name: getattr(current, name) for name in EDITABLE} | changes, on=on).items():
            setattr(current, name, value)
        current.version += 1
        current.safety_revision += is_other_age
        current.save(update_fields=[*EDITABLE, "version", "safety_revision"])
    return current


def likely_duplicates(
    given: str, family: str, birth_date: date | None, email: str, phone: PhoneNumber | str
) -> list[Patient]:
    """Return at most five records that may be this person, most alike first, each with `alike` (the sum of points).

    Points: same birth date and a similar name 4, same name 3, same phone 2, same e-mail 2.
    """
    same_name = Q(given_key=_fold(given), family_key=_fold(family)) | Q(
        given_key=_fold(family), family_key=_fold(given)
    )
    signs = [(same_name, 3)]
    near = same_name
    if birth_date:
        signs.append((Q(birth_date=birth_date, name_likeness__gt=SIMILAR_NAME), 4))
        near |= Q(birth_date=birth_date)
    if phone:
        signs.append((Q(phone=phone), 2))
        near |= Q(phone=phone, search_text__contains=str(phone).lstrip("+"))
    if email:
        signs.append((Q(email__iexact=email), 2))
        near |= Q(email__iexact=email, search_text__contains=_fold(email))
    return list(
        Patient.objects.current()
        .filter(near)
        .annotate(name_likeness=Greatest(*(_likeness(given, family)), *(_likeness(family, given))))
        .annotate(alike=sum((_points(sign, number) for sign, number in signs), Value(0)))
        .filter(alike__gt=0)
        .order_by(F("alike").desc(), "family_key", "given_key", "pk")[:MOST_DUPLICATES]
    )


def _likeness(given: str, family: str) -> tuple[TrigramSimilarity, TrigramSimilarity]:
    return TrigramSimilarity("given_key", _fold(given)), TrigramSimilarity("family_key", _fold(family))


def _points(sign: Q, number: int) -> Case:
    return Case(When(sign, then=Value(number)), default=Value(0), output_field=IntegerField())


def _fold(text: str) -> Func:
    return Func(Value(_composed(text)), function="cadence_fold", output_field=TextField())


def _composed(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _checked(details: dict, *, on: date) -> dict:
    names = {name: _composed(details[name]) for name in ("given_name", "family_name")}
    errors = {name: _("Please type a name.") for name, value in names.items() if not value}
    born = details["birth_date"]
    if born and not OLDEST_BIRTH_DATE <= born <= on:
        errors["birth_date"] = _("This date of birth is not possible. Please check the year.")
    if errors:
        raise ValidationError(errors)
    return details | names
