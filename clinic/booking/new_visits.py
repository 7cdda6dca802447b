"""Visits that come into the diary: one, many at once, or some of one patient back to back."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.translation import gettext as _

from clinic import placing, reminders, todo
from clinic.availability import Offer, request_for
from clinic.booking import groups, kept_times, proposal_ends, records
from clinic.models import Appointment, Hold, Location, Practitioner, Resource
from clinic.placing import NotFree, Placement
from clinic.refusals import Refused, Taken
from patients import merging, submissions
from patients.models import Patient, User
from patients.submissions import Sent
from treatments import series as treatment_series
from treatments.models import Service, ServiceSegment, TreatmentSession

LATER_IN_A_GROUP = frozenset({"off_grid", "inside_notice"})


@dataclass(frozen=True)
class Wanted:
    """One of several visits that follow one another."""

    service: Service
    session: TreatmentSession | None = None
    practitioner: Practitioner | None = None
    chosen: Iterable[int] = ()
    note: str = ""

    @property
    def has_numbing(self) -> bool:
        owner = self.session.series.protocol_version if self.session else self.service
        return owner.segments.filter(kind=ServiceSegment.Kind.NUMBING).exists()


def book(
    *,
    patient: Patient,
    service: Service,
    location: Location,
    starts_at: datetime,
    by: User,
    now: datetime,
    session: TreatmentSession | None = None,
    practitioner: Practitioner | None = None,
    chosen: Iterable[int] = (),
    hold: Hold | None = None,
    overrides: Mapping[str, str] | None = None,
    note: str = "",
    submission: Sent | None = None,
) -> Appointment:
    """Book one visit, or the given session of a series. A repeated submission gets the first visit.

    `chosen` are resources (keys) that it must have for their kind. What `hold` keeps becomes the visit's; one that has
    run out counts for nothing, so the time is lost only if somebody else took it.
    """
    request = request_for(
        location=location,
        service=service,
        session=session,
        practitioner=practitioner,
        patient=patient,
        chosen=chosen,
        ignore_hold=hold,
    )
    placement = Placement(request, patient, starts_at, note, overrides or {}, hold=hold)
    return book_many([placement], by=by, now=now, submission=submission)[0]


def book_many(
    placements: Sequence[Placement], *, by: User, now: datetime, submission: Sent | None = None
) -> list[Appointment]:
    """Book all visits or none, in one transaction; plans their messages and marks their sessions."""
    try:
        return _book_all(placements, by, now, submission)
    except Taken:
        kept = [kept_times.own(placement, by, now) for placement in placements]
        if kept == list(placements):
            raise
        return _book_all(kept, by, now, submission)


def book_several(
    *,
    patient: Patient,
    wanted: Sequence[Wanted],
    location: Location,
    starts_at: datetime,
    by: User,
    now: datetime,
    after: Appointment | None = None,
    overrides: Mapping[str, str] | None = None,
    submission: Sent | None = None,
) -> list[Appointment]:
    """Book visits of one patient back to back, all or none: checked in together, numbed once, announced once.

    The first begins at `starts_at`, each other when the patient leaves the one before; if its only room is not ready
    then, as soon as it is. With `after` they follow that visit and join it. Locks everything of the location, because
    what the second visit may have depends on what the first one took.
    """

    def write() -> list[Appointment]:
        _lock_everything(merging.keys_of(patient), now)
        group, first_at, is_numbed = _join(after, starts_at)
        visits, begins = [], [first_at]
        for one in wanted:
            request = request_for(
                location=location,
                service=one.service,
                session=one.session,
                practitioner=one.practitioner,
                patient=patient,
                chosen=one.chosen,
                without_numbing=is_numbed,
            )
            unasked = LATER_IN_A_GROUP if visits or after is not None else frozenset()
            asked = Placement(request, patient, begins[0], one.note, overrides or {}, unasked)
            placement, offer = _first_fitting(asked, begins, now)
            visits.append(_write(placement, offer, by, now, visit_group=group))
            begins = [offer.ends_at, max(take.ends_at for take in offer.takes)]
            is_numbed = is_numbed or one.has_numbing
        settle_around(visits, by, now)
        return visits

    if not wanted:
        raise Refused(_("Choose at least one service."))
    return placing.settled(lambda: once(write, submission, by))


def _book_all(placements: Sequence[Placement], by: User, now: datetime, submission: Sent | None) -> list[Appointment]:
    placements = [kept_times.with_its_person(placement) for placement in placements]

    ids = [uuid.uuid4() for _placement in placements]

    def write() -> list[Appointment]:
        if len(placements) == 1:
            held = kept_times.resources_of([one.hold for one in placements if one.hold is not None])
            offer = placing.lock_and_look_again(placements[0], now, freed=held)
            visits = [_write(placements[0], offer, by, now, public_id=ids[0])]
        else:
            # What one takes, and where it leaves its series, counts for the next: each is picked after the last is in.
            _lock_everything({key for one in placements for key in merging.keys_of(one.patient)}, now)
            visits = [
                _write(placement, placing.pick(placement, now), by, now, public_id=public_id)
                for placement, public_id in zip(placements, ids, strict=True)
            ]
        settle_around(visits, by, now)
        return visits

    return placing.settled(lambda: once(write, submission, by, ids=ids))


def once(
    write: Callable[[], list[Appointment]], submission: Sent | None, by: User, *, verb: str = "book",
    ids: Iterable[uuid.UUID] = (),
) -> list[Appointment]:  # fmt: skip
    """Do it, or find what an earlier copy of the same request did. `ids`: the visits' public ids, if known before."""
    if submission is None:
        return write()
    result = ",".join(map(str, ids))
    stored = submissions.once(submission, user=by, verb=verb, result=result)
    if stored is not None:
        return records.by_public_ids(stored)
    visits = write()
    if not result:
        result = ",".join(str(visit.public_id) for visit in visits)
        submissions.record(submission, user=by, verb=verb, result=result)
    return visits


def settle_around(visits: Sequence[Appointment], by: User, now: datetime) -> None:
    """New visits are in the diary: other times proposed for their sessions are free again, their messages planned."""
    if sessions := [visit.session_id for visit in visits if visit.session_id is not None]:
        proposal_ends.take_back(proposal_ends.about([], sessions), by, now)
    reminders.plan([visit for visit in visits if not visit.is_entered_later], now)


def _join(after: Appointment | None, starts_at: datetime) -> tuple[uuid.UUID, datetime, bool]:
    """The group, when its next visit may begin, and whether the patient is numbed by then."""
    if after is None:
        return uuid.uuid4(), starts_at, False
    visit = Appointment.objects.live().filter(pk=after.pk).first()
    if visit is None:
        raise Refused(_("The visit before is not in the diary any more, so nothing can follow it."))
    if visit.visit_group is None:
        visit.visit_group = uuid.uuid4()
        records.save(visit, "visit_group")
    together = groups.together_with(visit)
    return visit.visit_group, max(starts_at, visit.ends_at), groups.numbs_any(together)


def _first_fitting(wanted: Placement, begins: Iterable[datetime], now: datetime) -> tuple[Placement, Offer]:
    """The visit at the first of the moments that suits; raises `NotFree` with what stands in the way at the first."""
    refusal = None
    for moment in dict.fromkeys(begins):
        placement = replace(wanted, starts_at=moment)
        try:
            return placement, placing.pick(placement, now)
        except NotFree as reasons:
            refusal = refusal or reasons
    raise refusal


def _lock_everything(patients: set[int], now: datetime) -> None:
    """The locks of everybody and everything bookable and of these patients, for what cannot be known beforehand."""
    everything = set(Resource.objects.filter(is_active=True).order_by().values_list("pk", flat=True))
    placing.lock(everything, patients, now)


def _write(
    placement: Placement, offer: Offer, by: User, now: datetime, *, public_id: uuid.UUID | None = None,
    visit_group: uuid.UUID | None = None,
) -> Appointment:  # fmt: skip
    checked = placing.check_safety(placement)
    visit = Appointment(
        public_id=public_id or uuid.uuid4(),
        patient=placement.patient,
        service=placement.request.service,
        session=placement.request.session,
        location=placement.request.location,
        note=placement.note,
        booked_by=by,
        booked_at=now,
        is_entered_later=placement.starts_at < now,
        visit_group=visit_group,
    )
    records.settle_into(visit, offer, checked)
    if placement.hold is not None:
        kept_times.end_as_booked(placement.hold, at=placement.starts_at, now=now)
    records.write_new([(visit, offer)])
    placing.write_overrides(visit, placement, by, now)
    if visit.session is not None:
        treatment_series.mark_booked(visit.session)
    if visit.needs_review:
        todo.open_review(visit, now)
    return visit
