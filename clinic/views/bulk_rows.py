"""A plan for the visits of somebody who is away as its page shows it: what waits, what has no time, whom to call."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import tzinfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic import timespans
from clinic.models import BulkMove, BulkMoveVisit

Outcome = BulkMoveVisit.Outcome
HOUR, DAY = 60, 24 * 60


@dataclass(frozen=True)
class Line:
    """One visit of the plan."""

    row: BulkMoveVisit
    is_ticked: bool

    @property
    def visit(self) -> object:
        return self.row.appointment

    @property
    def zone(self) -> tzinfo:
        return self.row.appointment.location.zone

    @property
    def is_other_person(self) -> bool:
        return self.row.practitioner_id is not None and self.row.practitioner_id != self.row.bulk_move.practitioner_id

    @property
    def shift(self) -> str:
        """How far it moves, in words: days on the calendar, else hours and minutes."""
        row = self.row
        minutes = (row.starts_at - row.was_at) // timespans.ONE_MINUTE
        if not minutes:
            return _("same time")
        days = (timespans.date_of(self.zone, row.starts_at) - timespans.date_of(self.zone, row.was_at)).days
        if days:
            said = ngettext("%(count)d day", "%(count)d days", abs(days)) % {"count": abs(days)}
        else:
            said = duration(abs(minutes))
        return (_("%(distance)s later") if minutes > 0 else _("%(distance)s earlier")) % {"distance": said}


def sections(bulk: BulkMove, ticked: Collection[str] | None = None) -> dict:
    """The lines of the page in its parts, read in one statement; `ticked` as sent, else everything."""
    rows = bulk.visits.select_related(
        "bulk_move", "appointment__patient", "appointment__service", "appointment__location", "practitioner__resource",
        "appointment__practitioner__resource", "called_by",
    )  # fmt: skip
    lines = [Line(row, ticked is None or str(row.appointment.public_id) in ticked) for row in rows]
    waiting = [line for line in lines if line.row.outcome == Outcome.WAITING]
    return {
        "lines": [line for line in waiting if line.row.starts_at],
        "without": [line for line in waiting if not line.row.starts_at],
        "ended": [line for line in lines if line.row.outcome != Outcome.WAITING],
        "calls": [line for line in lines if line.row.is_to_call],
        "to_call": sum(line.row.is_to_call and not line.row.call for line in lines),
        "count": len(lines),
        "figures": _figures(bulk),
    }


def duration(minutes: int) -> str:
    """Days, hours and minutes, the largest two of them."""
    days, rest = divmod(minutes, DAY)
    hours, left = divmod(rest, HOUR)
    parts = []
    if days:
        parts.append(ngettext("%(count)d day", "%(count)d days", days) % {"count": days})
    if hours:
        parts.append(_("%(count)d h") % {"count": hours})
    if left and not days:
        parts.append(_("%(count)d min") % {"count": left})
    return " ".join(parts) or _("0 min")


def _figures(bulk: BulkMove) -> list[tuple[str, str]]:
    found = [
        (_("All visits together move by"), bulk.shift_minutes),
        (_("With the times that were looked at, no plan could be below"), bulk.least_minutes),
        (_("Moved one by one it would be"), bulk.one_by_one_minutes),
    ]
    return [(label, duration(minutes)) for label, minutes in found if minutes is not None]
