"""Several visits that get new times at once, under their locks: what each takes, and what stands in the way."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from clinic import diary_rows, gate, placing, reasons, timespans
from clinic.availability import Offer
from clinic.booking import course_days
from clinic.booking.changes import Change, SomeRefused, SomeTaken, day_of
from clinic.booking.records import Status
from clinic.booking.together_desk import Desk, Locked
from clinic.models import Appointment, Claim, Hold, Resource
from clinic.refusals import Refused
from clinic.scheduling.words import next_to
from clinic.spacing import Elsewhere, too_close
from clinic.timespans import Span
from patients import merging
from patients.refusals import Conflict
from treatments.safety import Checked

WAITING = (Status.BOOKED, Status.CONFIRMED)
MOST_TRIES = 8


@dataclass
class Found:
    """One of them as it is written: the visit as it is now (None for a session), and what it gets."""

    item: Change
    visit: Appointment | None
    offer: Offer
    is_late: bool
    checked: Checked

    @property
    def new(self) -> Span:
        return Span(self.offer.starts_at, self.offer.ends_at)


def lock(items: Sequence[Change], given_up: Sequence[Hold], now: datetime, *, is_wide: bool) -> Locked:
    """Every lock in one statement: of all that the visits have and get.

    Where it is not known what one gets, or if that has turned out to be gone (`is_wide`), everything bookable.
    """
    holds = [item.hold.pk for item in items if item.hold is not None] + [hold.pk for hold in given_up]
    visits = [item.appointment.pk for item in items if item.appointment is not None]
    rows = Claim.objects.filter(Q(hold__in=holds) | Q(appointment__in=visits), live=True).order_by()
    has: dict[tuple[int | None, int | None], set[int]] = defaultdict(set)
    for resource, visit, hold in rows.values_list("resource_id", "appointment_id", "hold_id"):
        has[visit, hold].add(resource)
    kept = {item: set(item.takes) for item in items}
    for item in items:
        mine = has[None, item.hold.pk] if item.hold is not None else set()
        own = has[item.appointment.pk, None] if item.appointment is not None else set()
        # A time that is kept next to the old one needs nothing more of what the visit has already.
        is_kept = item.hold is not None and item.hold.ended_at is None and item.hold.kept_until > now
        kept[item] |= (mine | own) if is_kept else set()
    resources = {resource for each in has.values() for resource in each}.union(*kept.values())
    if is_wide or not all(kept.values()):
        resources |= set(Resource.objects.filter(is_active=True).order_by().values_list("pk", flat=True))
    placing.lock(resources, {key for item in items for key in merging.keys_of(item.patient)}, now)
    return Locked(kept, frozenset(resources))


def look(items: Sequence[Change], locked: Locked, now: datetime) -> list[Found]:
    """What each takes of what is locked, as things are now. Holds of the new times are released.

    Raises `SomeTaken`, `SomeRefused`, or `Conflict` for a visit that somebody else has changed.
    """
    visits = _as_they_are(items)
    desk = Desk(items, visits, locked, now)
    late, refused = _judged(items, visits)
    for item in items:
        visit = _visit(item, visits)
        if visit is None or item.starts_at != visit.starts_at:
            refused[item] += [each.text for each in reasons.about_the_time(desk.requests[item], item.starts_at, now)]
    checked = _checked(items, refused)
    if why := [(item, refused[item]) for item in items if refused[item]]:
        raise SomeRefused(why)
    offers = _offers(items, locked.kept, desk, lambda: Desk(items, visits, locked, now))
    return [Found(item, _visit(item, visits), offers[item], item in late, checked[item]) for item in items]


def _offers(
    items: Sequence[Change], kept: Mapping[Change, set[int]], desk: Desk, fresh: Callable[[], Desk]
) -> dict[Change, Offer]:
    """What each takes, beside the others; whoever finds nothing left goes first in another try.

    What fits together can be given out so that it does not: two short visits may leave no device a whole hour. Raises
    `SomeTaken` for those that find nothing even when they go first.
    """
    first: list[Change] = []
    for _try in range(MOST_TRIES):
        places = {item: place for place, item in enumerate(first)}
        # What is known to be kept for one is not given to another.
        order = sorted(items, key=lambda each: (not kept[each], places.get(each, len(items)), each.starts_at))
        offers = {item: desk.offer(item) for item in order}
        missed = [item for item in order if offers[item] is None]
        if not missed:
            return offers
        if (first or order)[0] in missed:
            break
        first, desk = list(dict.fromkeys([*missed, *first])), fresh()
    raise SomeTaken(missed)


def _visit(item: Change, visits: Mapping[int, Appointment]) -> Appointment | None:
    return None if item.appointment is None else visits[item.appointment.pk]


def _as_they_are(items: Sequence[Change]) -> dict[int, Appointment]:
    keys = [item.appointment.pk for item in items if item.appointment is not None]
    if len(set(keys)) < len(keys):
        raise Refused(_("A visit can get one new time only."))
    visits = Appointment.objects.for_lists().in_bulk(keys)
    for item in items:
        visit = _visit(item, visits)
        if visit is None:
            continue
        if item.version is not None and visit.version != item.version:
            raise Conflict(
                _("Somebody else changed this visit in the meantime: %(visit)s. Look at it again before you move it.")
                % {"visit": f"{visit.patient}, {visit.get_status_display()}"}
            )
        if visit.status not in WAITING:
            raise Refused(_("Only a booked visit can be moved; this one is: %s.") % visit.get_status_display())
    return visits


def _judged(items: Sequence[Change], visits: Mapping[int, Appointment]) -> tuple[set[Change], dict[Change, list[str]]]:
    """Those that come later than is best, and why the course refuses others: with all new days in place."""
    late, refused = set(), defaultdict(list)
    for series, mine in _by_series(items).items():
        rows, first_possible_on = diary_rows.sessions(series, None)
        found = course_days.judged(rows, first_possible_on, {number: day_of(item) for number, item in mine.items()})
        # One that stays on its day is as late as it was allowed to be.
        late |= {mine[number] for number in found.late if not _stays(mine[number], visits)}
        for number, why in found.refused.items():
            refused[mine[number]] += why
        booked = {row.number for row in rows if row.booked_on or row.done_on}
        for number, item in mine.items():
            if item.appointment is None and number in booked:
                refused[item].append(_("This session already has a visit in the diary."))
        for item, close in _next_to_other_courses(mine.values(), items, visits):
            refused[item].append(next_to(close))
    return late, refused


def _next_to_other_courses(
    mine: Collection[Change], items: Iterable[Change], visits: Mapping[int, Appointment]
) -> Iterator[tuple[Change, Elsewhere]]:
    """Those of one course that come too near to a visit of another one, with all new days in place."""
    others = course_days.other_courses(next(iter(mine)).session.series, items)
    for item in mine:
        least, apart = item.session.phase.interval_min_days, item.location.apart_days
        close = too_close(others, day_of(item), least_days=least, apart_days=apart)
        if close is not None and not _stays(item, visits):
            yield item, close


def _stays(item: Change, visits: Mapping[int, Appointment]) -> bool:
    visit = _visit(item, visits)
    return visit is not None and timespans.date_of(item.location.zone, visit.starts_at) == day_of(item)


def _by_series(items: Iterable[Change]) -> dict[int, dict[int, Change]]:
    found: dict[int, dict[int, Change]] = defaultdict(dict)
    for item in items:
        if item.session is not None:
            found[item.session.series_id][item.session.number] = item
    return found


def _checked(items: Sequence[Change], refused: dict[Change, list[str]]) -> dict[Change, Checked]:
    """What safety says of each on its day; adds to `refused` what forbids it."""
    checked = {}
    met = gate.met_by({item.session.series.patient_id for item in items if item.session is not None})
    for mine in _by_series(items).values():
        days = {item.session: day_of(item) for item in mine.values()}
        said = gate.check_days(next(iter(days)).series, days, met)
        checked |= {item: said[item.session] for item in mine.values()}
    for item in items:
        if item.session is None:
            checked[item] = gate.check(item.patient, item.service, None, day_of(item))
        try:
            gate.refuse_blocked(checked[item].findings, "book")
        except Refused as refusal:
            refused[item] += refusal.messages
    return checked
