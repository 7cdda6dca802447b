"""Proposals as they are, for pages and for the verbs: with their visits, and as changes of the diary."""

from datetime import datetime

from django.db.models import Prefetch, QuerySet

from clinic.booking import Moved, Placed
from clinic.booking.changes import Change
from clinic.models import Appointment, Location, Practitioner, Proposal, ProposedVisit
from clinic.scheduling import Reflow
from patients import merging
from patients.models import Patient

State = Proposal.State
WAITING = (Appointment.Status.BOOKED, Appointment.Status.CONFIRMED)


def open_for(patient: Patient, now: datetime) -> list[Proposal]:
    """What waits for the patient's answer, the first deadline first; each with its visits in `visits.all()`."""
    waiting = with_visits().filter(patient__in=merging.group_of(patient), state=State.OPEN, kept_until__gt=now)
    return [proposal for proposal in waiting.order_by("kept_until", "pk") if not is_overtaken(proposal)]


def listed(now: datetime) -> list[Proposal]:
    """What staff have to look after: the open ones by deadline, those that have run out first.

    Each with its visits in `visits.all()`; `has_run_out` says whether its times are free again, `is_behind` whether one
    of its visits has been changed since.
    """
    found = list(with_visits().filter(state=State.OPEN).select_related("made_by").order_by("kept_until", "pk"))
    for proposal in found:
        proposal.has_run_out = proposal.kept_until <= now
        proposal.is_behind = is_overtaken(proposal)
    return found


def is_overtaken(proposal: Proposal) -> bool:
    """Whether one of its visits has another time than when it was proposed, or does not take place any more."""
    visits = [(row.was_at, row.appointment) for row in proposal.visits.all() if row.appointment is not None]
    return any(visit.status not in WAITING or visit.starts_at != was_at for was_at, visit in visits)


def changes_of(proposal: Proposal) -> list[Change]:
    """The visits of a proposal as they are to be moved and placed, with what is kept for them."""
    return [change_of(row) for row in rows_of(proposal)]


def from_reflow(found: Reflow) -> list[Change]:
    """The changes of a course that was looked at again, as they are proposed or made."""
    people = Practitioner.objects.in_bulk({visit.chosen.practitioner_id for visit in found.changes} - {None})
    places = Location.objects.in_bulk({visit.chosen.location_id for visit in found.changes})
    changes: list[Change] = []
    for visit in found.changes:
        chosen, person = visit.chosen, people.get(visit.chosen.practitioner_id)
        takes = frozenset(take.resource_id for take in chosen.offer.takes)
        if visit.appointment is None:
            place = places[chosen.location_id]
            changes.append(Placed(visit.session, chosen.starts_at, person, place, takes=takes))
        else:
            version = visit.appointment.version
            changes.append(Moved(visit.appointment, chosen.starts_at, person, version, takes=takes))
    return changes


def as_it_is(proposal: Proposal) -> Proposal:
    """Read again, with its visits."""
    return with_visits().get(pk=proposal.pk)


def with_visits() -> QuerySet[Proposal]:
    rows = ProposedVisit.objects.select_related(
        "appointment__service", "session__phase", "session__series", "location", "practitioner__resource"
    )
    found = Proposal.objects.select_related("patient", "series__protocol_version__protocol")
    return found.prefetch_related(Prefetch("visits", rows))


def rows_of(proposal: Proposal) -> list[ProposedVisit]:
    rows = proposal.visits.select_related(
        "appointment__session__series", "appointment__patient", "appointment__service", "appointment__location",
        "appointment__session__phase", "session__phase", "session__series__patient",
        "session__series__protocol_version__protocol__service", "location", "practitioner", "hold",
    )  # fmt: skip
    return list(rows.order_by("starts_at", "pk"))


def change_of(row: ProposedVisit) -> Change:
    if row.appointment is None:
        return Placed(row.session, row.starts_at, row.practitioner, row.location, hold=row.hold)
    return Moved(row.appointment, row.starts_at, row.practitioner, hold=row.hold)
