"""Records that turned out to be one person. The surviving record stands for all of them."""

from django.db.models import Q, QuerySet

from patients.models import Patient


def survivor(patient: Patient) -> Patient:
    """Return the record this one was merged into, or the record itself."""
    return patient.merged_into if patient.merged_into_id else patient


def group_of(patient: Patient) -> QuerySet[Patient]:
    """Return every record of the person: what is medically known is read over all of them."""
    key = patient.merged_into_id or patient.pk
    return Patient.objects.filter(Q(pk=key) | Q(merged_into=key))
