"""A visit gets another time, another person, room or device, or its old place back."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from django.utils.translation import gettext as _

from clinic import availability, placing, reminders, todo
from clinic.availability import request_for
from clinic.booking import groups, proposal_ends, records
from clinic.booking.records import ASSESSED, Status
from clinic.models import Appointment, AppointmentChange, Device, Practitioner, Resource, Room
from clinic.placing import Placement
from clinic.refusals import Refused
from patients.models import User
from treatments import series as treatment_series

Kind = AppointmentChange.Kind
# Rules about when, which a change of who and where alone leaves as they were.
ABOUT_TIME = frozenset({"past", "inside_notice", "beyond_horizon", "off_grid", "closed", "after_window"})
IN_PLACE = (Status.BOOKED, Status.CONFIRMED, Status.ARRIVED, Status.IN_TREATMENT)


def move(
    appointment: Appointment,
    *,
    starts_at: datetime,
    version: int,
    by: User,
    now: datetime,
    practitioner: Practitioner | None = None,
    chosen: Iterable[int] = (),
    overrides: Mapping[str, str] | None = None,
    reason: str = "",
) -> Appointment:
    """Give the visit another time (and practitioner); its old place is free in the same transaction."""

    def work() -> Appointment:
        placement = _placement_of(appointment, starts_at, practitioner, chosen, overrides)
        placement = _beside_what_is_proposed(placement, appointment)
        offer = placing.lock_and_look_again(placement, now, freed=records.resources_of([appointment]))
        visit = records.current(appointment, version)
        if visit.status not in (Status.BOOKED, Status.CONFIRMED):
            raise Refused(_("Only a booked visit can be moved; this one is: %s.") % visit.get_status_display())
        group, was_at = visit.visit_group, visit.starts_at
        groups.leave(visit)
        records.end_proposals(visit, by, now)
        checked = placing.check_safety(placement)
        records.keep(visit, Kind.MOVED, by, now, reason)
        placing.release_claims(visit)
        records.settle_into(visit, offer, checked)
        visit.status = Status.BOOKED
        visit.is_entered_later = starts_at < now
        visit.plan_version += 1
        visit.ical_sequence += 1
        counted = ("is_entered_later", "visit_group", "plan_version", "ical_sequence")
        records.save(visit, "starts_at", "ends_at", "practitioner", "status", *counted, *ASSESSED)
        placing.write_claims(visit, offer)
        placing.write_overrides(visit, placement, by, now)
        todo.follow_review(visit, now)
        reminders.replan(visit, now)
        groups.speak_of_the_next(visit, group, was_at, now)
        return visit

    return placing.settled(work)


def _beside_what_is_proposed(placement: Placement, visit: Appointment) -> Placement:
    """What is kept for the visit itself, as a time that is proposed, is not in its way."""
    kept = proposal_ends.kept_for(visit)
    return replace(placement, request=replace(placement.request, ignore_hold_id=kept.pk)) if kept else placement


def change_resources(
    appointment: Appointment,
    *,
    version: int,
    by: User,
    now: datetime,
    practitioner: Practitioner | None = None,
    room: Room | None = None,
    device: Device | None = None,
    overrides: Mapping[str, str] | None = None,
    reason: str = "",
) -> Appointment:
    """Give the visit another person, room or device at the same time; what is not named stays as it is.

    Also for a visit that has begun. Rules about the time are not asked again, those about people and places are. A
    patient who comes to somebody else is told so; of visits back to back only the first is spoken of.
    """

    def work() -> Appointment:
        has = Resource.objects.filter(claims__appointment=appointment, claims__live=True).order_by("pk").distinct()
        kept = {row.pk: row for row in has.select_related("room", "device")}
        chosen = _chosen(kept.values(), practitioner, room, device)
        placement = _placement_of(
            appointment, appointment.starts_at, practitioner or appointment.practitioner, chosen, overrides, ABOUT_TIME
        )
        offer = placing.lock_and_look_again(placement, now, freed=kept)
        visit = records.current(appointment, version)
        if visit.status not in IN_PLACE:
            raise Refused(_("Nothing can be exchanged any more in a visit that is: %s.") % visit.get_status_display())
        if {take.resource_id for take in offer.takes} == set(kept):
            raise Refused(_("This is how the visit is planned already: choose somebody or something else."))
        records.keep(visit, Kind.RESOURCES, by, now, reason)
        placing.release_claims(visit)
        is_another = visit.practitioner_id != offer.practitioner_id
        visit.practitioner_id, visit.ends_at = offer.practitioner_id, offer.ends_at
        visit.plan_version += is_another
        records.save(visit, "practitioner", "ends_at", "plan_version")
        placing.write_claims(visit, offer)
        placing.write_overrides(visit, placement, by, now)
        if is_another and visit.status in (Status.BOOKED, Status.CONFIRMED):
            reminders.replan(visit, now)
        return visit

    return placing.settled(work)


def _chosen(
    kept: Iterable[Resource], practitioner: Practitioner | None, room: Room | None, device: Device | None
) -> set[int]:
    """What the visit shall have: what was named, and of the rest what it has. A room stands in for one of its kind."""
    named = {one.pk for one in (practitioner, room, device) if one is not None}
    for row in kept:
        is_exchanged = (
            (practitioner is not None and row.type == Resource.Type.PRACTITIONER)
            or (room is not None and row.type == Resource.Type.ROOM and _same_use(row.room, room))
            or (device is not None and row.type == Resource.Type.DEVICE and row.device.kind == device.kind)
        )
        if not is_exchanged:
            named.add(row.pk)
    return named


def _same_use(one: Room, other: Room) -> bool:
    return one.kind == other.kind or one.serves_all or other.serves_all


def restore(appointment: Appointment, *, version: int, by: User, now: datetime, reason: str = "") -> Appointment:
    """Take a cancelled or missed visit back into its place, if that is still free."""

    def work() -> Appointment:
        # The visit was in the diary before, so rules that staff may allow are not asked a second time.
        asked_before = availability.SOFT
        at = appointment.starts_at
        placement = _placement_of(appointment, at, appointment.practitioner, (), None, asked_before)
        offer = placing.lock_and_look_again(placement, now)
        visit = records.current(appointment, version)
        checked = placing.check_safety(placement)
        visit.cancelled_by = visit.cancel_reason = ""
        visit.is_late_cancellation = False
        visit.plan_version += 1
        visit.ical_sequence += 1
        records.settle_into(visit, offer, checked)
        records.become(visit, Status.BOOKED, by, now, reason, is_undo=True)
        cleared = ("cancelled_by", "cancel_reason", "is_late_cancellation", "plan_version", "ical_sequence")
        records.save(visit, "status", "ends_at", "practitioner", *cleared, *ASSESSED)
        placing.write_claims(visit, offer)
        if visit.session is not None:
            treatment_series.mark_booked(visit.session)
        todo.follow_review(visit, now)
        reminders.replan(visit, now)
        groups.speak_of_the_next(visit, visit.visit_group, visit.starts_at, now)
        return visit

    return placing.settled(work)


def _placement_of(
    visit: Appointment,
    starts_at: datetime,
    practitioner: Practitioner | None,
    chosen: Iterable[int],
    overrides: Mapping[str, str] | None,
    unasked: frozenset[str] = frozenset(),
) -> Placement:
    request = request_for(
        location=visit.location,
        service=visit.service,
        session=visit.session,
        practitioner=practitioner,
        patient=visit.patient,
        ignore=visit,
        chosen=chosen,
        without_numbing=groups.is_numbed_already(visit, starts_at),
    )
    return Placement(request, visit.patient, starts_at, overrides=overrides or {}, unasked=unasked)
