"""New times for the visits of somebody who is away, worked out a little at each look; several looks may come at once.

What has been found so far is kept in the cache of the database, in the same transaction; without it the visits are
looked at again. Nothing of the diary is written here.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import transaction
from django.utils.translation import gettext as _

from clinic import to_move
from clinic.minutes import epoch_minute
from clinic.models import Appointment, BulkMove, BulkMoveVisit
from clinic.scheduling import joint
from clinic.scheduling.course_rows import moment_of
from clinic.scheduling.joint import Item, Work
from clinic.scheduling.nearby import Looked, Nearby, Start
from clinic.timespans import Span

State, Outcome = BulkMove.State, BulkMoveVisit.Outcome
KEPT_SECONDS = 24 * 60 * 60
NEW_TIME = ("starts_at", "ends_at", "practitioner", "takes")

Starts = dict[int, tuple[Start, ...]]


def go_on(bulk_move: BulkMove, *, now: datetime, is_enough: Callable[[], bool]) -> BulkMove:
    """Work on until it is ready or enough for now, at least a step; a look that comes while another works does nothing.

    Reads the diary and writes the plan alone.
    """
    with transaction.atomic():
        bulk = (
            BulkMove.objects.select_for_update(skip_locked=True).filter(pk=bulk_move.pk, state=State.PLANNING).first()
        )
        if bulk is not None:
            _Look(bulk, now).go_on(is_enough)
    bulk_move.refresh_from_db()
    return bulk_move


def waiting(bulk_move: BulkMove, now: datetime) -> tuple[list[BulkMoveVisit], list[BulkMoveVisit]]:
    """The rows that nothing has become of yet, and of these the ones whose visit is not as it was."""
    rows = list(bulk_move.visits.filter(outcome=Outcome.WAITING))
    visits = Appointment.objects.for_lists().in_bulk([row.appointment_id for row in rows])
    still = to_move.taking([bulk_move.practitioner_id], Span(bulk_move.starts_at, bulk_move.ends_at))
    there = set(
        Appointment.objects.filter(still, status__in=to_move.WAITING, starts_at__gte=now).values_list("pk", flat=True)
    )
    for row in rows:
        row.appointment = visits[row.appointment_id]
    changed = [row for row in rows if row.appointment_id not in there or row.appointment.starts_at != row.was_at]
    return rows, changed


def leave_changed(rows: Sequence[BulkMoveVisit]) -> None:
    """Nothing is planned any more for visits that somebody has changed."""
    keys = [row.pk for row in rows]
    why = _("Somebody has changed this visit meanwhile.")
    gone = {"starts_at": None, "ends_at": None, "takes": []}
    BulkMoveVisit.objects.filter(pk__in=keys).update(outcome=Outcome.LEFT, why=why, **gone)


def forget(bulk_move: BulkMove) -> None:
    """What was found so far is of no use any more."""
    cache.delete_many([_key(bulk_move, "starts"), _key(bulk_move, "work")])


class _Look:
    """One look at one plan, under the lock of its row."""

    def __init__(self, bulk: BulkMove, now: datetime) -> None:
        self.bulk = bulk
        rows, changed = waiting(bulk, now)
        leave_changed(changed)
        self.rows = [row for row in rows if row not in changed]
        self.starts: Starts = cache.get(_key(bulk, "starts")) or {}
        self.nearby = Nearby([row.appointment for row in self.rows], now) if self.rows else None

    def go_on(self, is_enough: Callable[[], bool]) -> None:
        to_look = [row for row in self.rows if not row.is_looked_at or row.pk not in self.starts]
        for number, row in enumerate(to_look):
            if number and is_enough():
                break
            self._look_at(row)
        if to_look:
            BulkMoveVisit.objects.bulk_update(to_look, ["is_looked_at", "why", *NEW_TIME])
            cache.set(_key(self.bulk, "starts"), self.starts, KEPT_SECONDS)
        if all(row.is_looked_at for row in self.rows) and not (to_look and is_enough()):
            self._put_together(is_enough)

    def _look_at(self, row: BulkMoveVisit) -> None:
        looked = Looked((_start_of(row),)) if row.starts_at else self.nearby.look(row.appointment)
        row.is_looked_at, row.why = True, looked.why
        row.starts_at = row.ends_at = row.practitioner = None
        row.takes = []
        self.starts[row.pk] = looked.starts

    def _put_together(self, is_enough: Callable[[], bool]) -> None:
        work = self._work()
        joint.go_on(work, is_enough)
        if work.is_done:
            self._write(joint.found(work))
            forget(self.bulk)
        else:
            cache.set(_key(self.bulk, "work"), replace(work, items=(), apart=()), KEPT_SECONDS)

    def _work(self) -> Work:
        items = [
            Item(
                row.appointment_id,
                epoch_minute(row.was_at),
                self.nearby.candidates(row.appointment, self.starts[row.pk]),
            )
            for row in self.rows
        ]
        bonds = self.nearby.bonds if self.nearby else []
        kept: Work | None = cache.get(_key(self.bulk, "work"))
        if kept is not None and {item.key for item in items} >= kept.placed.keys():
            return replace(kept, items=sorted(items, key=lambda each: (each.was_at, each.key)), apart=tuple(bonds))
        one_time = [row.appointment_id for row in self.rows if len(self.starts[row.pk]) == 1]
        return joint.begin(items, bonds, first=one_time)

    def _write(self, found: joint.Found) -> None:
        for row in self.rows:
            chosen = found.chosen.get(row.appointment_id)
            length = row.appointment.ends_at - row.appointment.starts_at
            if chosen is not None:
                row.starts_at = moment_of(chosen.start)
                row.ends_at = row.starts_at + self._minutes(row, length)
                row.practitioner_id = chosen.person
                row.takes = sorted(Nearby.resources_of(found.takes[row.appointment_id]))
            elif self.starts[row.pk]:
                row.why = _("What is near goes to the other visits.")
        BulkMoveVisit.objects.bulk_update(self.rows, ["why", *NEW_TIME])
        bulk = self.bulk
        bulk.state = State.READY
        bulk.shift_minutes, bulk.one_by_one_minutes, bulk.least_minutes = found.cost, found.one_by_one, found.least
        bulk.version += 1
        bulk.save(update_fields=["state", "shift_minutes", "one_by_one_minutes", "least_minutes", "version"])

    def _minutes(self, row: BulkMoveVisit, length: timedelta) -> timedelta:
        kind = self.nearby.kind(row.appointment)
        return timedelta(minutes=kind.request.shape.minutes) if kind else length


def _start_of(row: BulkMoveVisit) -> Start:
    """The time that it keeps while others are worked out anew."""
    return epoch_minute(row.starts_at), row.practitioner_id


def _key(bulk_move: BulkMove, what: str) -> str:
    return f"bulk-move:{bulk_move.public_id}:{what}"
