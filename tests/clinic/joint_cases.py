"""The cases that are worked out by hand, as the engine takes them."""

from clinic.scheduling.joint import Apart, Candidate, Found, Item, solve
from tests.clinic.joint_by_hand import DAY, Case


def items_of(case: Case) -> list[Item]:
    """The visits with all their places; a patient of two visits is one more diary."""
    shared = {visit: -1 - number for number, pair in enumerate(case.together) for visit in pair}
    items = []
    for visit, (was_at, minutes) in enumerate(case.visits):
        found = []
        for cost, start, who in case.places(visit):
            span = (start, start + minutes)
            takes = ((who, *span),) + (((shared[visit], *span),) if visit in shared else ())
            rooms = tuple(((room, *span),) for room in case.rooms if case.is_free(room, *span))
            found.append(Candidate(start, cost, who, takes, (rooms,) if case.rooms else (), start // DAY))
        items.append(Item(visit, was_at, tuple(found)))
    return items


def bonds_of(case: Case) -> list[Apart]:
    return [Apart(*each) for each in case.apart]


def solved(case: Case) -> Found:
    return solve(items_of(case), bonds_of(case))


def plan_of(case: Case, found: Found) -> dict[int, tuple[int, int, int | None]]:
    """Start, person and room by visit."""
    plan: dict[int, tuple] = {}
    for visit, chosen in found.chosen.items():
        rooms = [what for what, _start, _end in found.takes[visit] if what > 100]
        plan[visit] = (chosen.start, chosen.person, rooms[0] if rooms else None)
    return plan
