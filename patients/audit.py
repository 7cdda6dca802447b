"""Who opened whose chart."""

from patients.models import AccessLog, Patient, User


def chart_opened(user: User, patient: Patient, page: str) -> AccessLog:
    """Note that the user saw this page (the name of its URL) of the patient's chart."""
    return AccessLog.objects.create(user=user, patient=patient, act=AccessLog.Act.OPENED, page=page)
