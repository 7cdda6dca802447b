"""The visits of a whole course come into the diary: all that were chosen, or none."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic import calendars, course_reads, diary_rows, gate, placing, reasons, scheduling, todo
from clinic.availability import Offer
from clinic.booking import course_days, new_visits, records
from clinic.models import Appointment, RuleOverride
from clinic.refusals import Refused, Taken
from clinic.scheduling import Plan, PlannedVisit, Wish
from clinic.scheduling.course_rows import Pin
from clinic.scheduling.ground import offer_of
from patients import merging
from patients.models import User
from patients.submissions import Sent
from treatments import series as treatment_series
from treatments.safety import Checked

TRIES = placing.OTHER_PICKS


class PlanTaken(Taken):
    """Something of the plan is not free any more. `plan` is a new one, `changed` the numbers that it had to touch."""

    def __init__(self, plan: Plan, changed: Collection[int]) -> None:
        numbers = sorted(changed)
        words = ngettext(
            "Session %(numbers)s cannot be kept as shown: its time has just been taken. Nothing is booked yet.",
            "Sessions %(numbers)s cannot be kept as shown: a time has just been taken. Nothing is booked yet.",
            len(numbers),
        )
        super().__init__(words % {"numbers": ", ".join(map(str, numbers))})
        self.plan = plan
        self.changed = frozenset(changed)


class _Gone(Exception):
    """What was picked is not free under the locks."""


@dataclass(frozen=True)
class _Placed:
    """One visit as it is written."""

    visit: PlannedVisit
    offer: Offer
    is_late: bool
    checked: Checked


def book_plan(
    plan: Plan, *, by: User, now: datetime, submission: Sent | None = None, only: Collection[int] | None = None,
    wishes: Wish | None = None,
) -> list[Appointment]:  # fmt: skip
    """Book the planned visits, or those of the numbers in `only`: all or none, in one transaction; keeps the wishes.

    Late ones are allowed with a reason. Raises `PlanTaken` with another plan when one of the times is not free any
    more: the visits that can stay as they were do. A repeated submission gets the first visits.
    """
    numbers = _all_that_were_shown(plan) if only is None else set(only)
    for _try in range(TRIES):
        try:
            return _settled(plan, numbers, by, now, submission, wishes or plan.ground.wish)
        except (Taken, _Gone) as error:
            again = scheduling.replanned(plan, now=now)
            changed = _changed(plan, again)
            lost = numbers - {visit.number for visit in again.to_book}
            if changed or lost or isinstance(error, Taken):
                raise PlanTaken(again, changed | lost or numbers) from error
            plan = again
    raise placing.Busy


def _all_that_were_shown(plan: Plan) -> set[int]:
    """Those with a time, and those that were given one by hand which is gone."""
    gone = {visit.number for visit in plan.visits if visit.is_fixed and visit.chosen is None}
    return gone | {visit.number for visit in plan.to_book}


def _settled(
    plan: Plan, numbers: set[int], by: User, now: datetime, submission: Sent | None, wishes: Wish
) -> list[Appointment]:
    def write() -> list[Appointment]:
        wanted = [visit for visit in plan.visits if visit.number in numbers]
        _refuse_more_than_is_kept(wanted)
        if not numbers or numbers - {visit.number for visit in plan.to_book}:
            _refuse_nothing(numbers)
            raise _Gone
        _lock(plan, wanted, now)
        visits = _write(plan, _looked_at_again(plan, wanted, now), by, now)
        new_visits.settle_around(visits, by, now)
        scheduling.keep(wishes, plan.ground.series)
        return visits

    return placing.settled(lambda: new_visits.once(write, submission, by))


def _refuse_nothing(numbers: set[int]) -> None:
    if not numbers:
        raise Refused(_("Choose at least one visit."))


def _refuse_more_than_is_kept(wanted: Sequence[PlannedVisit]) -> None:
    beyond = [visit.number for visit in wanted if visit.chosen is not None and visit.is_date_only]
    if beyond:
        words = {"numbers": ", ".join(map(str, beyond))}
        raise Refused(_("So many visits are not kept at once: leave out %(numbers)s for now.") % words)


def _lock(plan: Plan, wanted: Sequence[PlannedVisit], now: datetime) -> None:
    resources = {take.resource_id for visit in wanted for take in visit.chosen.offer.takes}
    placing.lock(resources, merging.keys_of(plan.ground.series.patient), now)


def _changed(before: Plan, after: Plan) -> set[int]:
    """The numbers of the sessions that have another start or person than they had, or none any more."""
    one, other = before.starts(), after.starts()
    return {number for number in one.keys() | other.keys() if not _is_kept(one.get(number), other.get(number))}


def _is_kept(one: Pin | None, other: Pin | None) -> bool:
    """Whether the start stays, and the person where one was named."""
    if one is None or other is None:
        return one is other
    return one.start == other.start and one.person in (None, other.person)


# -- Under the locks --------------------------------------------------------------------------------------------------


def _looked_at_again(plan: Plan, wanted: Sequence[PlannedVisit], now: datetime) -> list[_Placed]:
    """Each visit with what it takes now among what is locked, and what the course and safety say of its day."""
    late = _late(plan, wanted)
    _refuse_too_close(plan, wanted)
    offers = {}
    for location_id in {visit.chosen.location_id for visit in wanted}:
        here = [visit for visit in wanted if visit.chosen.location_id == location_id]
        offers |= _offers(plan, location_id, here, now)
    days = {visit.session: visit.chosen.day for visit in wanted}
    checked = gate.check_days(plan.ground.series, days)
    for each in checked.values():
        gate.refuse_blocked(each.findings, "book")
    return [
        _Placed(visit, offers[visit.number], visit.number in late, checked[visit.session])
        for visit in sorted(wanted, key=lambda visit: visit.number)
    ]


def _offers(plan: Plan, location_id: int, wanted: Sequence[PlannedVisit], now: datetime) -> dict[int, Offer]:
    """What the visits take at one location, from one reading."""
    place = plan.ground.places[location_id]
    locked = {take.resource_id for visit in wanted for take in visit.chosen.offer.takes}
    board = calendars.read_starts(place.request, [visit.chosen.starts_at for visit in wanted], now, among=locked)
    found = {}
    for visit in wanted:
        if reasons.about_the_time(place.request, visit.chosen.starts_at, now):
            raise _Gone
        offer = offer_of(place.request, board, visit.chosen.starts_at, visit.chosen.practitioner_id)
        if offer is None:
            raise _Gone
        found[visit.number] = offer
    return found


def _late(plan: Plan, wanted: Sequence[PlannedVisit]) -> set[int]:
    """The numbers of late visits; raises `Refused` where the course as it is now forbids a day."""
    rows, first_possible_on = diary_rows.sessions(plan.ground.series.pk, None)
    days = {visit.number: visit.chosen.day for visit in wanted}
    if not days.keys() <= {row.number for row in rows if not row.booked_on and not row.done_on}:
        raise _Gone
    found = course_days.judged(rows, first_possible_on, days)
    if found.refused:
        raise Refused([reason for reasons_of in found.refused.values() for reason in reasons_of])
    return found.late


def _refuse_too_close(plan: Plan, wanted: Sequence[PlannedVisit]) -> None:
    """Raise `_Gone` where a visit of another course of the patient, as they are by now, is too near."""
    ground = replace(plan.ground, elsewhere=course_reads.of_other_courses(plan.ground.series))
    if any(ground.is_too_close(visit.session, visit.chosen.day) for visit in wanted):
        raise _Gone


def _write(plan: Plan, placed: Sequence[_Placed], by: User, now: datetime) -> list[Appointment]:
    """Write the visits, their claims and what was allowed, a statement for each table."""
    visits = []
    for each in placed:
        location = plan.ground.places[each.visit.chosen.location_id].location
        visit = records.of_session(each.visit.session, location, by, now)
        records.settle_into(visit, each.offer, each.checked)
        visits.append(visit)
    records.write_new((visit, each.offer) for visit, each in zip(visits, placed, strict=True))
    reason = _("Planned with the whole course: nothing earlier suited.")
    late = [visit for visit, each in zip(visits, placed, strict=True) if each.is_late]
    if late:
        allowed = {"rule": "after_window", "reason": reason, "allowed_by": by, "allowed_at": now}
        RuleOverride.objects.bulk_create(RuleOverride(appointment=visit, **allowed) for visit in late)
    treatment_series.mark_all_booked([each.visit.session for each in placed])
    for visit in visits:
        if visit.needs_review:
            todo.open_review(visit, now)
    return visits
