"""The rows of a proposal: its visits, each with the people, rooms and devices of its new time kept or given away."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from clinic.booking.together_look import Found
from clinic.models import Claim, Hold, Proposal, ProposedVisit
from clinic.timespans import Span
from patients.models import User

LONGEST = timedelta(hours=72)
Taken = Mapping[int, list[Span]]


@dataclass(frozen=True)
class About:
    """Whose visits it is about and why, as fields of the row; who makes it, and when."""

    fields: Mapping[str, object]
    by: User
    now: datetime


def kept(found: Sequence[Found], about: About, kept_until: datetime) -> Proposal:
    """An open proposal whose times are kept until then, and never beyond the first of them."""
    until = min(kept_until, *(each.offer.starts_at for each in found))
    proposal = _proposal(about, kept_until=until)
    own = _own_claims(found)
    for each in found:
        hold = _hold(each, about, until)
        Claim.objects.bulk_create(
            Claim(hold=hold, resource_id=take.resource_id, starts_at=span.start, ends_at=span.end)
            for take in each.offer.takes
            for span in _beyond(Span(take.starts_at, take.ends_at), own[take.resource_id])
        )
        _visit(proposal, each, hold)
    return proposal


def agreed(found: Sequence[Found], about: About) -> Proposal:
    """A proposal that was accepted at once: call it before the visits are moved, which takes what they need."""
    answer = {"state": Proposal.State.ACCEPTED, "answer": Proposal.Answer.PHONE}
    answered = {"answered_by": about.by, "answered_at": about.now}
    proposal = _proposal(about, kept_until=about.now + LONGEST, **answer, **answered)
    for each in found:
        hold = _hold(each, about, about.now + LONGEST, ended_at=about.now, end=Hold.End.BOOKED)
        _visit(proposal, each, hold)
    return proposal


def _proposal(about: About, **details: object) -> Proposal:
    return Proposal.objects.create(**about.fields, made_by=about.by, made_at=about.now, **details)


def _hold(found: Found, about: About, until: datetime, **details: object) -> Hold:
    item, offer = found.item, found.offer
    return Hold.objects.create(
        patient=item.patient,
        service=item.service,
        session=item.session,
        location=item.location,
        practitioner_id=offer.practitioner_id,
        starts_at=offer.starts_at,
        ends_at=offer.ends_at,
        kept_until=until,
        is_pencil=True,
        made_by=about.by,
        made_at=about.now,
        **details,
    )


def _visit(proposal: Proposal, found: Found, hold: Hold) -> None:
    visit = found.visit
    ProposedVisit.objects.create(
        proposal=proposal,
        appointment=visit,
        session=found.item.session,
        location=found.item.location,
        practitioner_id=found.offer.practitioner_id,
        was_at=visit.starts_at if visit is not None else None,
        starts_at=found.offer.starts_at,
        ends_at=found.offer.ends_at,
        is_late=found.is_late,
        hold=hold,
    )


def _own_claims(found: Iterable[Found]) -> dict[int, list[Span]]:
    """What the visits have already, by resource: it needs no second claim."""
    own: dict[int, list[Span]] = defaultdict(list)
    visits = [each.visit.pk for each in found if each.visit is not None]
    for claim in Claim.objects.filter(appointment__in=visits, live=True):
        own[claim.resource_id].append(Span(claim.starts_at, claim.ends_at))
    return own


def _beyond(span: Span, others: Iterable[Span]) -> list[Span]:
    """The parts of a span that none of the others has."""
    parts, start = [], span.start
    for other in sorted(others, key=lambda each: each.start):
        if other.overlaps(span):
            if start < other.start:
                parts.append(Span(start, other.start))
            start = max(start, other.end)
    return [*parts, Span(start, span.end)] if start < span.end else parts
