"""What is medically known of a patient. Facts are appended; each one makes booked visits due for another check."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import pghistory
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from patients import locks, merging
from patients.models import (
    Allergy,
    BodyArea,
    Condition,
    HistoryAnswer,
    HistoryReview,
    Measurement,
    Medication,
    Patient,
    SubstanceTag,
    User,
)
from patients.refusals import Conflict, Refused

WEIGHT_KG = (20, 400)
SKIN_TYPES = range(1, 7)


@dataclass(frozen=True)
class Given:
    """One answer as the patient gave it; the date and the areas belong to a yes."""

    condition: Condition
    answer: str
    happened_on: date | None = None
    areas: Sequence[BodyArea] = ()
    note: str = ""


def record_review(
    patient: Patient, answers: Sequence[Given], *, on: date, by: User, seen_revision: int | None = None
) -> HistoryReview:
    """Append a review with these answers, as of the local date `on`; what is not in it keeps its last answer.

    Raises `Conflict` when `seen_revision` (the patient's when the form was shown) is no longer the current one.
    """
    _check_answers(answers, on)
    with _changing(patient, seen_revision=seen_revision):
        review = HistoryReview.objects.create(patient=patient, reviewed_on=on, reviewed_by=by)
        rows = HistoryAnswer.objects.bulk_create(
            HistoryAnswer(
                review=review,
                condition=given.condition,
                answer=given.answer,
                happened_on=given.happened_on,
                note=given.note,
            )
            for given in answers
        )
        places = HistoryAnswer.areas.through
        places.objects.bulk_create(
            places(historyanswer=row, bodyarea=area)
            for row, given in zip(rows, answers, strict=True)
            for area in given.areas
        )
    return review


def add_allergy(
    patient: Patient,
    *,
    tags: Iterable[SubstanceTag],
    by: User,
    at: datetime,
    substance: str = "",
    criticality: str = Allergy.Criticality.UNKNOWN,
    verification: str = Allergy.Verification.UNCONFIRMED,
) -> Allergy:
    """Note an allergy. Only the tags are compared with what is in a mix; the words are for people."""
    tags, substance = list(tags), substance.strip()
    if not tags and not substance:
        raise ValidationError(_("Choose a substance, or write what the patient said."))
    with _changing(patient):
        allergy = Allergy.objects.create(
            patient=patient,
            substance=substance,
            criticality=criticality,
            verification=verification,
            noted_at=at,
            noted_by=by,
        )
        allergy.tags.set(tags)
    return allergy


def refute_allergy(allergy: Allergy, *, by: User) -> Allergy:
    """Rule an allergy out; the row stays and its history says who did."""
    with _changing(allergy.patient), pghistory.context(user=by.pk):
        row = Allergy.objects.get(pk=allergy.pk)
        if row.verification == Allergy.Verification.REFUTED:
            raise Refused(_("This allergy has already been ruled out."))
        row.verification = Allergy.Verification.REFUTED
        row.save(update_fields=["verification"])
    return row


def add_measurement(patient: Patient, *, kind: str, value: Decimal, on: date, by: User) -> Measurement:
    """Note a weight in kilograms or a Fitzpatrick skin type measured on a local date."""
    lowest, highest = WEIGHT_KG
    if kind == Measurement.Kind.WEIGHT_KG and not lowest <= value <= highest:
        raise ValidationError({"value": _("A weight is between 20 and 400 kg.")})
    if kind == Measurement.Kind.SKIN_TYPE and value not in SKIN_TYPES:
        raise ValidationError({"value": _("A skin type is a whole number from 1 to 6.")})
    with _changing(patient):
        return Measurement.objects.create(patient=patient, kind=kind, value=value, measured_on=on, measured_by=by)


def add_medication(
    patient: Patient, *, name: str, by: User, since: date | None = None, until: date | None = None
) -> Medication:
    """Note a medicine and its dose."""
    if not name.strip():
        raise ValidationError({"name": _("Please type the medicine.")})
    if since and until and until < since:
        raise ValidationError({"until": _("The medicine cannot end before it began.")})
    with _changing(patient):
        return Medication.objects.create(patient=patient, name=name.strip(), since=since, until=until, noted_by=by)


def current_answers(patient: Patient) -> dict[int, HistoryAnswer]:
    """Return the latest answer to each question (by condition id) over all merged records; `areas` are fetched."""
    rows = (
        HistoryAnswer.objects.filter(review__patient__in=merging.group_of(patient))
        .order_by("condition_id", "-review__reviewed_on", "-review__reviewed_at", "-pk")
        .distinct("condition_id")
        .select_related("review", "condition")
        .prefetch_related("areas")
    )
    return {row.condition_id: row for row in rows}


def open_questions(answers: dict[int, HistoryAnswer]) -> list[Condition]:
    """Return the questions that are asked and have no answer among these yet."""
    asked = Condition.objects.filter(is_active=True, answered_by=Condition.AnsweredBy.QUESTION)
    return [condition for condition in asked if condition.pk not in answers]


def latest_review(patient: Patient) -> HistoryReview | None:
    """Return the review of the newest date over all merged records."""
    rows = HistoryReview.objects.filter(patient__in=merging.group_of(patient)).select_related("reviewed_by")
    return rows.order_by("-reviewed_on", "-reviewed_at", "-pk").first()


def active_allergies(patient: Patient) -> list[Allergy]:
    """Return the allergies that were not ruled out, newest first, over all merged records; `tags` are fetched."""
    rows = Allergy.objects.filter(patient__in=merging.group_of(patient)).prefetch_related("tags")
    return list(rows.exclude(verification=Allergy.Verification.REFUTED))


def allergies_of(patients: Iterable[int]) -> dict[int, list[Allergy]]:
    """The allergies that were not ruled out of several patients at once, by their key, over all merged records."""
    keys = list(patients)
    found: dict[int, list[Allergy]] = {}
    rows = Allergy.objects.filter(Q(patient__in=keys) | Q(patient__merged_into__in=keys)).select_related("patient")
    for row in rows.exclude(verification=Allergy.Verification.REFUTED).prefetch_related("tags"):
        found.setdefault(row.patient.merged_into_id or row.patient_id, []).append(row)
    return found


def latest_measurements(patient: Patient) -> dict[str, Measurement]:
    """Return the newest measurement of each kind over all merged records."""
    rows = (
        Measurement.objects.filter(patient__in=merging.group_of(patient))
        .order_by("kind", "-measured_on", "-pk")
        .distinct("kind")
    )
    return {row.kind: row for row in rows}


@contextmanager
def _changing(patient: Patient, *, seen_revision: int | None = None) -> Iterator[None]:
    """Lock the person and, with what is written inside, make the diary above check the booked visits again."""
    keys = {patient.pk, merging.survivor(patient).pk}
    with locks.or_busy(), transaction.atomic():
        locks.take(patients=keys)
        patient.refresh_from_db(fields=["safety_revision"])
        if seen_revision not in (None, patient.safety_revision):
            raise Conflict(_("Somebody else changed this history while you were typing. Nothing was saved yet."))
        yield
        Patient.objects.filter(pk__in=keys).update(safety_revision=F("safety_revision") + 1)
    patient.refresh_from_db(fields=["safety_revision"])


def _check_answers(answers: Sequence[Given], on: date) -> None:
    if not answers:
        raise ValidationError(_("No question was answered yet."))
    if len({given.condition.pk for given in answers}) < len(answers):
        raise ValidationError(_("A question was answered twice."))
    for given in answers:
        problem = _problem(given, on)
        if problem:
            raise ValidationError(problem, params={"question": given.condition.label})


def _problem(given: Given, on: date) -> str:
    if given.answer not in HistoryAnswer.Answer.values:
        return _("%(question)s: the answer is yes, no or not known.")
    if (given.happened_on or given.areas) and given.answer != HistoryAnswer.Answer.YES:
        return _("%(question)s: a date or a place needs a yes.")
    if given.happened_on and given.happened_on > on:
        return _("%(question)s: the date lies in the future.")
    return ""
