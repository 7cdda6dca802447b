"""Every change of the diary: one function per state change, used by desk, portal, admin, import and tasks alike.

Nothing else writes appointments, holds or claims. Each verb is one transaction that takes the advisory locks of all
people, rooms, devices and patients of the old and the new state in one statement (see `clinic.placing`), then writes.
Times are aware datetimes in UTC; `now` is handed in. Verbs raise `Taken` (409, with alternatives), `Refused` (422),
`Busy` (503) and `Conflict` (409, somebody else saved first); after any of them nothing was written.
"""

from clinic.booking.changes import Moved, Placed, SomeRefused, SomeTaken
from clinic.booking.counts import count_session
from clinic.booking.kept_times import hold, pencil, release
from clinic.booking.moves import change_resources, move
from clinic.booking.new_visits import Wanted, book, book_many, book_several
from clinic.booking.plans import PlanTaken, book_plan
from clinic.booking.steps import (
    cancel,
    check_in,
    complete,
    confirm,
    enter_in_error,
    no_show,
    start,
    took_place,
    undo,
)
from clinic.booking.together import move_together

__all__ = [
    "Moved",
    "Placed",
    "PlanTaken",
    "SomeRefused",
    "SomeTaken",
    "Wanted",
    "book",
    "book_many",
    "book_plan",
    "book_several",
    "cancel",
    "change_resources",
    "check_in",
    "complete",
    "confirm",
    "count_session",
    "enter_in_error",
    "hold",
    "move",
    "move_together",
    "no_show",
    "pencil",
    "release",
    "start",
    "took_place",
    "undo",
]
