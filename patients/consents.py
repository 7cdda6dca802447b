"""What a patient has agreed to. A new wording does not end an older consent; only withdrawing it does."""

from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from patients import locks, merging
from patients.models import Consent, ConsentText, Patient, User
from patients.refusals import Refused
from patients.roles import CLINICAL_LEAD, has_role


def publish(text: ConsentText, *, by: User, at: datetime) -> ConsentText:
    """Put a wording that a clinical lead has read into use; one that is in use already stays as it is."""
    if not has_role(by, CLINICAL_LEAD):
        raise Refused(_("Only a clinical lead puts a consent wording into use."))
    with locks.or_busy(), transaction.atomic():
        locks.take()
        row = ConsentText.objects.select_for_update().get(pk=text.pk)
        if not row.body.strip():
            raise Refused(_("There is no text yet. Write the wording, save it, then bring it into use."))
        if row.published_at is None:
            row.published_at = at
            row.save(update_fields=["published_at"])
    return row


def new_version(text: ConsentText) -> ConsentText:
    """Return the draft that follows this wording: the one that is open already, or a copy with the next number."""
    with locks.or_busy(), transaction.atomic():
        locks.take()
        same = ConsentText.objects.filter(scope=text.scope, language=text.language)
        newest = same.select_for_update().order_by("-number").first()
        if newest.published_at is None:
            return newest
        return ConsentText.objects.create(
            scope=text.scope,
            language=text.language,
            number=newest.number + 1,
            title=text.title,
            body=text.body,
            provenance=_("copied from version %(number)s") % {"number": text.number},
        )


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
