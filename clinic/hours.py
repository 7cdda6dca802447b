"""The writer of hours: usual weeks copied, and single days that are longer, off, or swapped between two people.

Every verb takes the locks of the people whose hours change. Times are wall times at the location of the row, dates are
local there. Visits already booked stay; `clinic.to_move` lists those that no longer fit.
"""

from collections.abc import Sequence
from datetime import date, time, timedelta

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from clinic import premises, rotas, timespans
from clinic.models import DatedHours, Location, OpeningHours, Practitioner, WorkingHours
from clinic.rotas import Shift
from patients.refusals import Refused


def add_day(
    person: Practitioner, *, on: date, location: Location, starts: time, ends: time, replaces_usual: bool = False,
    reason: str = "",
) -> DatedHours:  # fmt: skip
    """Hours on one date, besides the usual ones or instead of them; 00:00 as the end is midnight.

    Instead: whatever was said of that date before is forgotten. A day off becomes a day with these hours alone. Saying
    the same twice changes nothing. Raises `Refused`.
    """
    if ends <= starts and ends != timespans.MIDNIGHT:
        raise Refused({"ends": _("It must end after it begins.")})
    details = {"location": location, "starts": starts, "ends": ends, "reason": reason.strip()}

    def write() -> DatedHours:
        said, instead = person.dated_hours.filter(on=on), replaces_usual
        if instead:
            said.delete()
        elif said.filter(starts=None).delete()[0]:
            instead = True
        row, _created = said.get_or_create(
            replaces_usual=instead, **details, defaults={"practitioner": person, "on": on}
        )
        return row

    return premises.locked(lambda: [person.pk], write)


def day_off(person: Practitioner, *, on: date, reason: str = "") -> DatedHours:
    """Nothing on one date, whatever the usual hours and earlier extra hours say."""
    return premises.locked(lambda: [person.pk], lambda: _say(person, on, [], reason))[0]


def as_usual(person: Practitioner, *, on: date) -> None:
    """Forget everything that was said of one date: the usual hours hold again."""
    premises.locked(lambda: [person.pk], lambda: person.dated_hours.filter(on=on).delete())


def swapped(first: Practitioner, second: Practitioner, *, on: date) -> dict[int, list[Shift]]:
    """What each of the two would work on the date if they swapped, by practitioner; reads only."""
    rota = rotas.read(on, people=[first.pk, second.pk])
    return {first.pk: rota.shifts(second.pk, on), second.pk: rota.shifts(first.pk, on)}


def swap_day(first: Practitioner, second: Practitioner, *, on: date, reason: str = "") -> list[DatedHours]:
    """Each works what the other would have worked on one date. Doing it twice brings back what was.

    Hours that are for some services only are for all of them in the swapped day: what somebody may do is decided by
    what they are qualified for. Raises `Refused`.
    """
    if first == second:
        raise Refused(_("Choose two people."))

    def write() -> list[DatedHours]:
        shifts = swapped(first, second, on=on)
        if not any(shifts.values()):
            raise Refused(_("Neither of the two works on this day, so there is nothing to swap."))
        return [row for person in (first, second) for row in _say(person, on, shifts[person.pk], reason)]

    return premises.locked(lambda: [first.pk, second.pk], write)


def _say(person: Practitioner, on: date, shifts: Sequence[Shift], reason: str) -> list[DatedHours]:
    """Instead of everything said of the date before: these shifts, or a day off."""
    person.dated_hours.filter(on=on).delete()
    wanted = [
        {"location_id": shift.location_id, "starts": shift.starts, "ends": shift.ends}
        | {"is_open_online": shift.is_open_online, "is_open_desk": shift.is_open_desk}
        for shift in shifts
    ]
    rows = [
        DatedHours(practitioner=person, on=on, replaces_usual=True, reason=reason.strip(), **details)
        for details in wanted or [{}]
    ]
    return DatedHours.objects.bulk_create(rows)


def copy_hours(
    source: Practitioner, to: Practitioner, *, from_on: date, at: Location | None = None,
    to_location: Location | None = None,
) -> list[WorkingHours]:  # fmt: skip
    """From a date on `to` works the usual weeks of `source`: all of them, or those at one location, there or elsewhere.

    Weeks of a cycle stay the same weeks of the calendar. The hours that `to` had (of one location: where the copies
    are) end the day before. Single days are not copied. Locks both. Raises `Refused`.
    """
    if (source, at) == (to, to_location or at):
        raise Refused(_("Choose somebody else, or another location, to copy to."))

    def write() -> list[WorkingHours]:
        rows = source.working_hours.filter(Q(valid_until=None) | Q(valid_until__gte=from_on)).order_by("pk")
        originals = list((rows.filter(location=at) if at else rows).prefetch_related("services"))
        if not originals:
            raise Refused(_("%(name)s has no hours there from this day on.") % {"name": source})
        copies = [_copy(row, to, to_location, from_on) for row in originals]
        ended = Q(location__in={copy.location_id for copy in copies}) if at or source == to else Q()
        _end_hours(to.working_hours.filter(ended), from_on)
        for copy, row in zip(copies, originals, strict=True):
            copy.save()
            copy.services.set(row.services.all())
        return copies

    return premises.locked(lambda: [source.pk, to.pk], write)


def _copy(row: WorkingHours, to: Practitioner, to_location: Location | None, from_on: date) -> WorkingHours:
    """The row for somebody else, with its cycle counted from the Monday of the new first day."""
    valid_from = max(row.valid_from, from_on)
    weeks = (_monday(valid_from) - _monday(row.valid_from)).days // 7
    return WorkingHours(
        practitioner=to, location=to_location or row.location, cycle_weeks=row.cycle_weeks,
        cycle_week=(row.cycle_week - 1 - weeks) % row.cycle_weeks + 1, weekday=row.weekday, starts=row.starts,
        ends=row.ends, valid_from=valid_from, valid_until=row.valid_until, is_open_online=row.is_open_online,
        is_open_desk=row.is_open_desk,
    )  # fmt: skip


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _end_hours(rows: QuerySet[WorkingHours], from_on: date) -> None:
    """What begins on the date or later goes; what began before ends the day before, with its cycle as it was."""
    rows.filter(valid_from__gte=from_on).delete()
    rows.filter(Q(valid_until=None) | Q(valid_until__gte=from_on)).update(valid_until=from_on - timespans.ONE_DAY)


def copy_opening_hours(source: Location, to: Location) -> list[OpeningHours]:
    """`to` opens on the same weekdays at the same wall times as `source`, instead of its own. Raises `Refused`."""
    if source == to:
        raise Refused(_("Choose another location to copy to."))

    def write() -> list[OpeningHours]:
        rows = source.opening_hours.order_by("weekday", "opens").values_list("weekday", "opens", "closes")
        if not rows:
            raise Refused(_("%(name)s states no opening hours.") % {"name": source})
        to.opening_hours.all().delete()
        return OpeningHours.objects.bulk_create(
            OpeningHours(location=to, weekday=weekday, opens=opens, closes=closes) for weekday, opens, closes in rows
        )

    return premises.locked(lambda: premises.resources_of(to), write)
