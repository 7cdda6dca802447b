"""Proposals written straight into the tables, for tests of what is shown and said about them."""

from datetime import timedelta

from clinic.models import Hold, Proposal, ProposedVisit, Reminder
from tests.factories import NOW

HOURS = timedelta(hours=1)


def proposal(changes, *, patient=None, series=None, **details):
    """`changes` are (visit, new start) or (session, new start, place); kept for two days."""
    first = changes[0][0]
    patient = patient or getattr(first, "patient", None) or first.series.patient
    details = {"kept_until": NOW + 48 * HOURS, "made_at": NOW, "cause": "moved", **details}
    row = Proposal.objects.create(patient=patient, series=series, **details)
    for about, starts_at, *place in changes:
        _add(row, about, starts_at, place[0] if place else None)
    return row


def _add(row, about, starts_at, place):
    visit = about if hasattr(about, "starts_at") else None
    session = visit.session if visit else about
    details = {
        "session": session,
        "location": visit.location if visit else place,
        "practitioner": visit.practitioner if visit else None,
        "starts_at": starts_at,
        "ends_at": starts_at + HOURS,
    }
    service = visit.service if visit else about.series.protocol_version.protocol.service
    hold = Hold.objects.create(
        patient=row.patient, service=service, kept_until=row.kept_until, is_pencil=True, made_at=row.made_at, **details
    )
    was_at = visit.starts_at if visit else None
    details["session"] = None if visit else session
    return ProposedVisit.objects.create(proposal=row, appointment=visit, was_at=was_at, hold=hold, **details)


def answered(row, state, answer="", **details):
    Proposal.objects.filter(pk=row.pk).update(state=state, answer=answer, answered_at=NOW, **details)
    row.refresh_from_db()
    return row


def message(row, key, **details):
    """A message about the proposal that waits to be sent."""
    first = row.visits.first()
    details = {"due_at": NOW, "expires_at": row.kept_until, **details}
    return Reminder.objects.create(
        proposal=row, patient=row.patient, location=first.location, rule_key=key, template_key=key, **details
    )
