"""Records that turned out to be one person. The surviving record stands for all of them."""

from django.db.models import Q, QuerySet

from patients.models import Patient


def survivor(patient: Patient) -> Patient:
    """Return the record this one was merged into, or the record itself."""
    return patient.merged_into if patient.merged_into_id else patient


def keys_of(patient: Patient) -> set[int]:
    """The keys to lock for the person: the record's own and that of the one it was merged into."""
    return {patient.pk, patient.merged_into_id or patient.pk}


def group_of(patient: Patient) -> QuerySet[Patient]:
    """Return every record of the person: what is medically known is read over all of them."""
    key = patient.merged_into_id or patient.pk
    return Patient.objects.filter(Q(pk=key) | Q(merged_into=key))
