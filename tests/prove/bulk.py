"""New times for many visits at once, on random cases against every combination; and moved all or none."""

import random
import time
import uuid
from collections import Counter
from datetime import timedelta
from unittest.mock import patch

from django.db import transaction

from clinic import booking, bulk_moves, bulk_plans
from clinic.models import Appointment, BulkMove
from clinic.scheduling import joint, joint_order
from patients import submissions
from patients.submissions import Sent
from tests import factories
from tests.clinic import joint_by_hand
from tests.clinic.joint_cases import plan_of, solved
from tests.factories import NOW
from tests.prove import web
from tests.prove.report import Row

SIZES, ALIKE, WHOLES = {"small": 60, "full": 1000}, {"small": 40, "full": 500}, {"small": 6, "full": 60}
TEETH = 200
SAME, MOST = 0.95, 1.25
HOUR = timedelta(hours=1)


def prove(size: str) -> Row:
    """Feasible, never worse than one by one, nearly always the best there is; applied whole or not at all."""
    row = Row("bulk")
    started, first = time.perf_counter(), random.randrange(10**6)
    faults, seen = attack(range(first, first + SIZES[size]))
    alike_faults, alike = attack_alike(range(first, first + ALIKE[size]))
    with patch.object(joint, "go_on", _nothing), patch.object(joint_order, "settle", _nothing):
        greedily, found = _first_difference(first)
    with web.on_a_copy():
        halves = half_moved(range(first, first + WHOLES[size]))
        with (
            patch.object(booking, "move_together", each_by_itself),
            patch.object(submissions, "answer", as_it_comes),
        ):
            parts = half_moved(range(first, first + WHOLES["small"]))
    same = seen["as good as the best"] / seen["cases"]
    row.tried, row.accepted, row.lost = seen["cases"] + alike["cases"], seen["visits"], len(halves)
    row.errors = len(faults) + len(alike_faults)
    row.more = dict(seen) | {"as good as the best": f"{same:.1%}", "alike ones": alike["cases"]}
    row.more |= {"first faults": (faults + alike_faults + halves)[:3]} if faults or alike_faults or halves else {}
    row.more["teeth found"] = {
        "when each takes the nearest that is left": found or "nothing", "after": greedily,
        "when each visit is moved by itself": parts[0] if parts else "nothing",
    }  # fmt: skip
    row.teeth = bool(found and parts)
    row.seconds = time.perf_counter() - started
    return row.settle(holds=not row.errors and not halves and same >= SAME and seen["better than one by one"] > 0)


def attack(seeds) -> tuple[list[str], Counter]:
    """Compare one case for each seed with every combination; returns what is wrong and what was looked at."""
    faults, seen = [], Counter()
    for number in seeds:
        case = joint_by_hand.random_case(number)
        best, alone = joint_by_hand.best(case), joint_by_hand.one_by_one(case)
        found = solved(case)
        mine = case.cost(plan_of(case, found))
        seen["cases"] += 1
        seen["visits"] += len(found.chosen)
        seen["as good as the best"] += mine == best
        seen["better than one by one"] += mine < alone
        seen["bound reached"] += found.least == mine[1]
        faults += [f"case {number}: {said}" for said in _wrong(case, found, mine, best, alone)]
    return faults, seen


def _wrong(case, found, mine, best, alone) -> list[str]:
    wrong = case.clashes(plan_of(case, found))
    if mine > alone:
        wrong.append(f"{mine} is worse than one by one, {alone}")
    if mine < best:
        wrong.append(f"{mine} is better than the best, {best}")
    if mine[0] != best[0] or mine[1] > MOST * best[1]:
        wrong.append(f"{mine} is far from the best, {best}")
    if mine == best and found.least > best[1]:
        wrong.append(f"the bound {found.least} is above the best, {best[1]}")
    if found.cost != mine[1] or len(found.left) != mine[0]:
        wrong.append(f"says {len(found.left)}, {found.cost} and is {mine}")
    return wrong


def attack_alike(seeds) -> tuple[list[str], Counter]:
    """Visits of one length on one diary: always the best there is."""
    faults, seen = [], Counter()
    for number in seeds:
        case = joint_by_hand.alike_case(number)
        mine, best = case.cost(plan_of(case, solved(case))), joint_by_hand.best(case)
        seen["cases"] += 1
        if mine != best:
            faults.append(f"alike case {number}: {mine} and not {best}")
    return faults, seen


def half_moved(seeds) -> list[str]:
    """Take one of the new times away before all are moved: whatever was moved then is a fault."""
    faults = []
    for number in seeds:
        rng = random.Random(number)
        with transaction.atomic():
            desk, at = factories.Desk(), NOW + timedelta(days=3, hours=3)
            for each in range(4):
                desk.book(at + each * HOUR, factories.patient("Ada", f"Quill {number} {each}"))
            bulk = _worked_out(desk, at)
            row = rng.choice(list(bulk.visits.all()))
            desk.book(row.starts_at, factories.patient("Bo", f"Marsh {number}"), practitioner=row.practitioner)
            before = _starts(bulk)
            try:
                ticked = set(bulk.visits.values_list("pk", flat=True))
                sent = Sent(uuid.uuid4(), {})
                bulk_moves.move_all(bulk, ticked, by=desk.by, now=NOW, version=bulk.version, submission=sent)
            except bulk_moves.Touched:
                moved = sum(one != other for one, other in zip(before, _starts(bulk), strict=True))
                faults += [f"case {number}: {moved} of 4 moved"] if moved else []
            else:
                faults.append(f"case {number}: all moved though one time was taken")
            transaction.set_rollback(True)
    return faults


def _worked_out(desk, at) -> BulkMove:
    bulk = bulk_moves.begin(
        desk.practitioner, starts_at=at, ends_at=at + 4 * HOUR, reason="Flu", by=desk.by, now=NOW,
        submission=Sent(uuid.uuid4(), {}),
    )  # fmt: skip
    while bulk.state == BulkMove.State.PLANNING:
        bulk_plans.go_on(bulk, now=NOW, is_enough=lambda: False)
    return bulk


def _starts(bulk: BulkMove) -> list:
    rows = Appointment.objects.filter(bulk_moves__bulk_move=bulk).order_by("pk")
    return list(rows.values_list("starts_at", flat=True))


def _first_difference(first: int) -> tuple[int, str]:
    """How many cases it takes to find a fault, and the fault."""
    for tried, number in enumerate(range(first, first + TEETH), start=1):
        faults, seen = attack([number])
        if faults or not seen["as good as the best"]:
            return tried, (faults or [f"case {number} is not the best"])[0]
    return 0, ""


def _nothing(*_positional, **_named) -> bool:
    """Stand where the search was."""
    return False


MOVED_TOGETHER = booking.move_together


def each_by_itself(moves, **details) -> list[Appointment]:
    """Each visit in a transaction of its own, which stays when a later one is refused."""
    return [visit for each in moves for visit in MOVED_TOGETHER([each], **details)]


def as_it_comes(_sent, *, act, **_details) -> str:
    """Without the transaction around all."""
    return act()
