"""What a patient has agreed to. A new wording does not end an older consent; only withdrawing it does."""

from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from patients import locks, merging
from patients.models import Consent, ConsentText, Patient, User
from patients.refusals import Refused


def sign(patient: Patient, text: ConsentText, *, method: str, at: datetime, by: User) -> Consent:
    """Keep that the patient signed this wording; booked visits are then checked again."""
    if text.published_at is None or text.published_at > at:
        raise Refused(_("This wording is not in use yet, so it cannot be signed."))
    with locks.or_busy(), transaction.atomic():
        _touch(patient)
        if Consent.objects.filter(patient__in=merging.group_of(patient), text=text, withdrawn_at=None).exists():
            raise Refused(_("This consent has already been signed."))
        return Consent.objects.create(patient=patient, text=text, method=method, signed_at=at, taken_by=by)


def withdraw(consent: Consent, *, at: datetime) -> Consent:
    """End a consent; it no longer counts from now on. A second call changes nothing."""
    with locks.or_busy(), transaction.atomic():
        _touch(consent.patient)
        row = Consent.objects.get(pk=consent.pk)
        if row.withdrawn_at is None:
            row.withdrawn_at = max(at, row.signed_at)
            row.save(update_fields=["withdrawn_at"])
    return row


def valid_scopes(patient: Patient) -> frozenset[str]:
    """Return what the person's consents cover, over all merged records."""
    rows = Consent.objects.filter(patient__in=merging.group_of(patient), withdrawn_at=None)
    return frozenset(rows.values_list("text__scope", flat=True))


def in_use(at: datetime, language: str) -> list[ConsentText]:
    """Return the newest wording of each scope that is in use at that moment."""
    rows = ConsentText.objects.filter(published_at__lte=at, language=language)
    return list(rows.order_by("scope", "-number").distinct("scope"))


def _touch(patient: Patient) -> None:
    keys = {patient.pk, merging.survivor(patient).pk}
    locks.take(patients=keys)
    Patient.objects.filter(pk__in=keys).update(safety_revision=F("safety_revision") + 1)
