"""Random lives of a small clinic, step by step beside a diary in plain Python: every answer and every row must agree.

Time jumps forward over both changes of the clock. Each life is one transaction that is rolled back.
"""

import contextlib
import io
import random
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from itertools import pairwise
from unittest.mock import patch

from django.core.exceptions import ValidationError
from django.db import transaction
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from clinic import booking, placing, premises
from clinic.minutes import Ruler
from clinic.models import Absence, Appointment, Claim, Closure, Hold
from patients.refusals import Busy, Conflict
from tests.prove import diary_by_hand as by_hand
from tests.prove import web
from tests.prove.diary_by_hand import Booked
from tests.prove.machine_world import SHIFTS, ZONE, World, changes_of_the_clock, set_hours
from tests.prove.report import Row

SIZES = {"small": (30, 30), "full": (400, 50)}
WALLS = (0, 30, 60, 90, 120, 150, 180, 480, 510, 540, 555, 570, 600, 690, 930, 1050)
MINUTE = timedelta(minutes=1)
# What is taken away -> where it stands, and what stands there instead.
FAULTS = {
    "a cancelled visit keeps its place": (placing, "release_claims", lambda visit: None),
    "a time kept too long keeps its place": (placing, "freeing", lambda resources, now: ""),
    "wall time by adding to UTC": (Ruler, "has_clock_change", lambda ruler, day: False),
}


def prove(size: str) -> Row:
    """Whatever happens in whatever order, the diary says what the plain one says."""
    lives, steps = SIZES[size]
    row = Row("state machine")
    started, number = time.perf_counter(), random.randrange(2**32)
    with web.on_a_copy():
        world = World()
        fault, seen = live(world, lives, steps, number)
        row.tried, row.accepted = seen["steps"], seen["states"]
        row.doubled, row.errors = int("overlap" in fault), int(bool(fault))
        row.more = {"lives": seen["lives"], "steps": dict(sorted(seen.items()))}
        row.more |= {"first fault": fault} if fault else {}
        row.more["teeth found"] = {}
        for name, (owner, attribute, instead) in FAULTS.items():
            with patch.object(owner, attribute, instead):
                found, without = live(world, lives, steps, number)
            row.more["teeth found"][name] = f"after {without['steps']} steps: {found}" if found else "not found"
    row.teeth = "not found" not in row.more["teeth found"].values()
    row.seconds = time.perf_counter() - started
    return row.settle(holds=not fault and seen["lives"] >= lives and seen["on a change of the clock"] > 0)


def live(world: World, lives: int, steps: int, number: int) -> tuple[str, Counter]:
    """Live so many lives, or until one goes wrong; returns what did (empty if nothing) and what was counted."""
    counted = Counter()
    life = seed(number)(type("Life", (Life,), {"world": world, "counted": counted}))
    asked = settings(
        max_examples=lives,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            run_state_machine_as_test(life, settings=asked)
    except Exception as fault:  # noqa: BLE001 (any error of the product is what is looked for)
        return f"{type(fault).__name__}: {str(fault).splitlines()[0] if str(fault) else ''}", counted
    return "", counted


class Life(RuleBasedStateMachine):
    """One life. `world` and `counted` belong to the run that it is part of."""

    world: World
    counted: Counter

    def __init__(self) -> None:
        super().__init__()
        self.diary = self.world.diary()
        self.whole = transaction.atomic()
        self.whole.__enter__()
        self.counted["lives"] += 1

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.whole.__exit__(None, None, None)

    # -- What is drawn ------------------------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        return by_hand.moment(self.diary.now)

    def start(self, when: tuple[int, int, bool]) -> int:
        """A wall time some days ahead; of one that exists twice also the second."""
        days, wall, is_second = when
        day = by_hand.wall_of(ZONE.key, self.diary.now)[0] + timedelta(days=days)
        first = by_hand.reached(ZONE.key, day, wall)
        shown = by_hand.wall_of(ZONE.key, first + 60)
        return first + 60 if is_second and shown == (day, wall) else first

    def pick(self, rows: dict, number: int) -> tuple[int, Booked]:
        return list(rows.items())[number % len(rows)]

    def details(self, kind: str, patient: int, start: int, person: int | None) -> dict:
        world = self.world
        return {
            "service": world.services[kind],
            "location": world.place,
            "patient": world.patients[patient],
            "starts_at": by_hand.moment(start),
            "practitioner": next((one for one in world.people if one.pk == person), None),
            "now": self.now,
        }

    def done(self, what: str, is_possible: bool, act):
        """Do it; it must go as the plain diary says. Returns what it gave, None if it was refused."""
        self.counted["steps"] += 1
        try:
            result = act()
        except (Busy, Conflict):
            raise
        except ValidationError as refusal:
            self.counted[f"{what} refused"] += 1
            if is_possible:
                raise AssertionError(f"{what} was refused: {refusal.messages}") from refusal
            return None
        self.counted[f"{what} done"] += 1
        assert is_possible, f"{what} was done although it is not possible"
        return result

    def person(self, number: int) -> int | None:
        return [None, *(one.pk for one in self.world.people)][number]

    def takes(self, **owner) -> dict[int, tuple[int, int]]:
        rows = Claim.objects.filter(live=True, **owner).values_list("resource_id", "starts_at", "ends_at")
        return {pk: (by_hand.minute_of(start), by_hand.minute_of(end)) for pk, start, end in rows}

    def in_diary(self, visit: Appointment, one: Booked, *, is_put_back: bool = False) -> None:
        one.takes = self.takes(appointment=visit)
        assert self.diary.fits(one, is_put_back=is_put_back), f"{one} does not fit"
        self.diary.visits[visit.pk] = one
        self.counted["on a change of the clock"] += by_hand.wall_of(ZONE.key, one.start)[0] in changes_of_the_clock()

    # -- Steps --------------------------------------------------------------------------------------------------------

    when = st.tuples(st.sampled_from([0, 0, 1, 1, 2]), st.sampled_from(WALLS), st.booleans())
    kinds = st.sampled_from(sorted(by_hand.SHAPES))
    who = st.integers(0, 2)
    any_number = st.integers(0, 99)

    @rule(kind=kinds, patient=who, when=when, person=who)
    def book(self, kind, patient, when, person):
        self.book_at("book", kind, patient, self.start(when), self.person(person))

    @rule(
        kind=kinds,
        patient=who,
        when=when,
        person=who,
        lasts=st.sampled_from([5, 10, 60, 300, 4000]),
        by=st.integers(0, 1),
    )
    def keep(self, kind, patient, when, person, lasts, by):
        """A hold for an hour at most, or a pencil for three days."""
        start, person = self.start(when), self.person(person)
        user, details = self.world.by[by], self.details(kind, patient, start, person)
        mine = self._mine(kind, start, person, by) if lasts <= 60 else None
        possible = self.diary.can_have(kind, patient, start, person, besides=mine)
        if lasts <= 60:
            hold = self.done("hold", possible, lambda: booking.hold(by=user, minutes=lasts, **details))
        else:
            until = self.now + lasts * MINUTE
            hold = self.done("pencil", possible, lambda: booking.pencil(by=user, kept_until=until, **details))
        if hold is None:
            return
        if mine:
            mine.status = "released"
        one = Booked(kind, patient, start, self.takes(hold=hold), f"by {by}", by_hand.minute_of(hold.kept_until))
        one.by, one.is_pencil, one.status = by, lasts > 60, "kept"
        assert self.diary.fits(one), f"{one} does not fit"
        self.diary.kept[hold.pk] = one

    def _mine(self, kind: str, start: int, person: int | None, by: int) -> Booked | None:
        """Asking again for the same time renews what the same desk keeps."""
        found = [
            one
            for one in self.diary.kept.values()
            if (one.kind, one.start, one.by, one.is_pencil, one.status) == (kind, start, by, False, "kept")
            and one.kept_until > self.diary.now
            and person in (None, one.person)
        ]
        return found[-1] if found else None

    @precondition(lambda self: self.diary.kept)
    @rule(number=any_number)
    def book_kept(self, number):
        pk, kept = self.pick(self.diary.kept, number)
        hold = Hold.objects.get(pk=pk)
        possible = self.diary.can_have(kept.kind, kept.patient, kept.start, kept.person, besides=kept)
        details = self.details(kept.kind, kept.patient, kept.start, kept.person)
        visit = self.done("book kept", possible, lambda: booking.book(by=self.world.by[0], hold=hold, **details))
        if visit:
            kept.status = "booked"
            self.in_diary(visit, Booked(kept.kind, kept.patient, kept.start, {}))

    @precondition(lambda self: self.diary.kept)
    @rule(number=any_number, patient=who)
    def book_what_somebody_keeps(self, number, patient):
        """Possible only once it ran out or was given back, or when it is for the same patient at the same desk."""
        _pk, kept = self.pick(self.diary.kept, number)
        self.book_at("book over", kept.kind, patient, kept.start, kept.person)

    def book_at(self, what: str, kind: str, patient: int, start: int, person: int | None) -> None:
        """Book without naming a kept time; where nothing else is left, what the same desk keeps for it is used."""
        possible, mine = self.diary.can_have(kind, patient, start, person), None
        if not possible:
            mine = self._mine(kind, start, person, 0)
            possible = bool(mine) and mine.patient == patient
            possible = possible and self.diary.can_have(kind, patient, start, mine.person, besides=mine)
        details = self.details(kind, patient, start, person)
        visit = self.done(what, possible, lambda: booking.book(by=self.world.by[0], **details))
        if visit:
            if mine:
                mine.status = "booked"
                self.counted["books what the same desk keeps"] += 1
            self.in_diary(visit, Booked(kind, patient, start, {}))

    @precondition(lambda self: self.diary.kept)
    @rule(number=any_number)
    def release(self, number):
        pk, kept = self.pick(self.diary.kept, number)
        hold = Hold.objects.get(pk=pk)
        self.done("release", True, lambda: booking.release(hold, by=self.world.by[0], now=self.now))
        kept.status = "released" if kept.status == "kept" else kept.status

    @precondition(lambda self: self.diary.visits)
    @rule(number=any_number, when=when, person=who)
    def move(self, number, when, person):
        pk, one = self.pick(self.diary.visits, number)
        start, person = self.start(when), self.person(person)
        possible = one.status in ("booked", "confirmed") and self.diary.can_have(
            one.kind, one.patient, start, person, besides=one
        )
        visit, details = self._visit(pk)
        wanted = {
            "starts_at": by_hand.moment(start),
            "practitioner": self.details(one.kind, 0, start, person)["practitioner"],
        }
        if self.done("move", possible, lambda: booking.move(visit, **wanted, **details)):
            one.start, one.status = start, "booked"
            self.in_diary(visit, one)

    @precondition(lambda self: self.diary.visits)
    @rule(number=any_number, verb=st.sampled_from(sorted(by_hand.STEPS)))
    def step(self, number, verb):
        pk, one = self.pick(self.diary.visits, number)
        before, after = by_hand.STEPS[verb]
        possible = one.status in before and not (verb == "no_show" and self.diary.now < one.start)
        visit, details = self._visit(pk)
        details |= {"cancelled_by": "patient", "reason": "asked to"} if verb == "cancel" else {}
        if self.done(verb, possible, lambda: getattr(booking, verb)(visit, **details)):
            one.status = after

    @precondition(lambda self: self.diary.visits)
    @rule(number=any_number)
    def go_on(self, number):
        """The next step of a visit that goes as planned, or does not take place."""
        pk, one = self.pick(self.diary.visits, number)
        verb = {"arrived": "start", "in_treatment": "complete"}.get(one.status, "check_in")
        if one.status in ("booked", "confirmed") and one.start <= self.diary.now and number % 2:
            verb = "no_show"
        before, after = by_hand.STEPS[verb]
        visit, details = self._visit(pk)
        if self.done(verb, one.status in before, lambda: getattr(booking, verb)(visit, **details)):
            one.status = after

    @precondition(lambda self: self.diary.visits)
    @rule(number=any_number)
    def undo(self, number):
        pk, one = self.pick(self.diary.visits, number)
        possible, is_put_back = one.status in by_hand.TAKEN_BACK, one.status in ("cancelled", "no_show")
        if is_put_back:
            possible = self.diary.can_have(one.kind, one.patient, one.start, one.person, is_put_back=True)
        visit, details = self._visit(pk)
        if self.done("undo", possible, lambda: booking.undo(visit, **details)):
            one.status = by_hand.TAKEN_BACK[one.status]
            if is_put_back:
                self.in_diary(visit, one, is_put_back=True)

    def _visit(self, pk: int) -> tuple[Appointment, dict]:
        visit = Appointment.objects.get(pk=pk)
        return visit, {"version": visit.version, "by": self.world.by[0], "now": self.now}

    @rule(thing=any_number, when=when, minutes=st.sampled_from([30, 90, 600]))
    def absence(self, thing, when, minutes):
        pk, start = sorted(self.world.things)[thing % len(self.world.things)], self.start(when)
        row = Absence(
            resource_id=pk, starts_at=by_hand.moment(start), ends_at=by_hand.moment(start + minutes), reason="x"
        )
        self.done("absence", True, lambda: premises.keep_absence(row))
        self.diary.absences[row.pk] = (pk, start, start + minutes)

    @precondition(lambda self: self.diary.absences)
    @rule(number=any_number)
    def come_back(self, number):
        pk = list(self.diary.absences)[number % len(self.diary.absences)]
        self.done("absence ends", True, lambda: premises.end_absence(Absence.objects.get(pk=pk)) or True)
        del self.diary.absences[pk]

    @rule(when=when, minutes=st.sampled_from([30, 60, 60, 1440]))
    def closure(self, when, minutes):
        start = self.start(when)
        row = Closure(
            location=self.world.place,
            starts_at=by_hand.moment(start),
            ends_at=by_hand.moment(start + minutes),
            reason="x",
        )
        self.done("closure", True, lambda: premises.keep_parts(self.world.place, saved=[row], removed=[]) or True)
        self.diary.closures[row.pk] = (start, start + minutes)

    @precondition(lambda self: self.diary.closures)
    @rule(number=any_number)
    def open_again(self, number):
        pk = list(self.diary.closures)[number % len(self.diary.closures)]
        row = Closure.objects.get(pk=pk)
        self.done("closure ends", True, lambda: premises.keep_parts(self.world.place, saved=[], removed=[row]) or True)
        del self.diary.closures[pk]

    @rule(person=st.integers(0, 1), shift=st.integers(0, len(SHIFTS) - 1))
    def hours(self, person, shift):
        row = self.world.people[person]
        self.done("hours", True, lambda: set_hours(row, self.world.place, SHIFTS[shift]) or True)
        self.diary.things[row.pk].hours = SHIFTS[shift]

    @rule(minutes=st.sampled_from([5, 15, 60, 60, 300, 1440]))
    def wait(self, minutes):
        self.diary.now += minutes
        self.counted["steps"] += 1

    @rule(change=st.integers(0, 1))
    def jump(self, change):
        """To the evening before the clocks change."""
        eve = datetime.combine(changes_of_the_clock()[change] - timedelta(days=1), clock(20), tzinfo=UTC)
        if by_hand.minute_of(eve) > self.diary.now:
            self.diary.now = by_hand.minute_of(eve)
            self.counted["jumps to a change of the clock"] += 1
        self.counted["steps"] += 1

    # -- After each step ----------------------------------------------------------------------------------------------

    @invariant()
    def rows_agree(self):
        visits = {
            pk: (status, by_hand.minute_of(start), by_hand.minute_of(end), person)
            for pk, status, start, end, person in Appointment.objects.values_list(
                "pk", "status", "starts_at", "ends_at", "practitioner_id"
            )
        }
        assert visits == {pk: (one.status, one.start, one.end, one.person) for pk, one in self.diary.visits.items()}, (
            "the visits differ"
        )
        rows = Claim.objects.filter(live=True).values_list(
            "resource_id", "starts_at", "ends_at", "appointment_id", "hold_id", "hold__kept_until"
        )
        live = [row for row in rows if row[3] or row[5] > self.now]
        claims = sorted((pk, by_hand.minute_of(start), by_hand.minute_of(end)) for pk, start, end, *_owner in live)
        assert claims == sorted(self.diary.taken()), "what is taken differs"
        for one, two in pairwise(claims):
            assert one[0] != two[0] or one[2] <= two[1], f"{one} and {two} overlap"
        self.counted["states"] += 1
