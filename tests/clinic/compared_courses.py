"""Compares the plan of a random course with every combination tried by hand, and tells what the course had."""

from collections import Counter
from datetime import timedelta
from unittest.mock import patch

from django.db import transaction

from clinic import scheduling
from clinic.scheduling import course_rows
from tests.clinic import stored_calendars
from tests.clinic.courses_by_hand import CourseByHand
from tests.clinic.random_courses import random_course
from tests.clinic.stored_calendars import without_other_leaders
from tests.clinic.stored_courses import put

FEATURES = (
    "two locations",
    "two locations in two zones",
    "somebody on the way between two locations",
    "a visit at the other location",
    "starts chosen by hand",
    "all starts chosen by hand",
    "a choice that is impossible",
    "a birthday to wait for",
    "a wash-out that ends",
    "a clinician's word that ends",
    "days off",
    "another course on another area",
    "another course on the same area",
    "sessions done",
    "sessions booked",
    "a session on hold",
    "one practitioner alone",
    "a rather wished practitioner",
    "wished days",
    "wished times",
    "a short first look",
)


def compare(seed, rng=None):
    """Assert that the planner does what the calendar by hand does; what was seen, counted."""
    course = random_course(seed, rng)
    with transaction.atomic():
        series, wish = put(course)
        hand = by_hand(course)
        plan = planned(course, hand, series, wish)
        cost, chosen = hand.planned()
        told = {
            visit.number: (
                course.world.minute(visit.chosen.starts_at),
                visit.chosen.location_id,
                visit.chosen.practitioner_id,
            )
            for visit in plan.visits
            if visit.chosen is not None
        }
        assert (plan.cost, told) == (cost, chosen), f"{(plan.cost, told)} and not {(cost, chosen)}"
        late = hand.late(chosen)
        for visit in plan.visits:
            check(course, hand, visit, is_late=visit.number in late)
        if seed % 5 == 0:
            assert planned(course, hand, series, wish) == plan
        transaction.set_rollback(True)
    return seen_of(course, hand, plan, chosen, late)


def planned(course, hand, series, wish):
    slack = course_rows.SLACK if course.slack is None else timedelta(course.slack)
    with patch.object(course_rows, "SLACK", slack):
        return scheduling.plan(
            series, wish, first=course.first, now=course.world.moment(course.world.now), until=course.world.last,
            fixed={number: course.world.moment(minute) for number, (minute, _person) in hand.by_hand.items()},
            people={number: person for number, (_minute, person) in hand.by_hand.items()},
        )  # fmt: skip


def check(course, hand, visit, *, is_late):
    """A placed visit is at its wall time, in its window or marked late, and takes what is free; else it says why."""
    if visit.chosen is None:
        assert visit.reasons
        return
    world = course.worlds[visit.chosen.location_id != hand.home]
    start = world.minute(visit.chosen.starts_at)
    day, wall = world.walls[start]
    local = visit.chosen.starts_at.astimezone(world.zone)
    assert (local.date(), local.hour * 60 + local.minute) == (day, wall)
    assert (visit.chosen.day, wall % world.grid) == (day, 0)
    assert visit.chosen.is_late is is_late is ("late" in visit.chosen.misses)
    stored_calendars.compare_takes(world, visit.chosen.offer, start)


def seen_of(course, hand, plan, chosen, late):
    """What the course has, by name, and how many of its visits are what."""
    open_ones = len(hand.open_ones)
    has = {name for name, is_there in zip(FEATURES, features(course, hand, chosen), strict=True) if is_there}
    counts = {"sessions": open_ones, "placed": len(chosen), "impossible": open_ones - len(chosen), "late": len(late)}
    return Counter(f"with {name}" for name in has | clock_changes(course, hand, chosen)) + Counter(counts)


def features(course, hand, chosen):
    """Whether the course has each of the things that one may have, in the order of FEATURES."""
    waited = {number: minute for number, (minute, _person) in hand.by_hand.items()}
    kept = {number for number, minute in waited.items() if number in chosen and chosen[number][0] == minute}
    second, wished, states = course.second, course.wished, {session.state for session in course.sessions}
    return (
        second is not None,
        second is not None and second.zone != course.world.zone,
        second is not None and course.world.way > 0,
        any(place != hand.home for _minute, place, _person in chosen.values()),
        bool(kept),
        bool(waited) and set(waited) == set(hand.open_ones) == kept,
        bool(set(waited) - kept),
        any(what == "birthday" for what, _day in course.safety),
        any(what == "washout" for what, _day in course.safety),
        any(what == "word" for what, _day in course.safety),
        bool(wished.not_on),
        any(not same for _day, _least, same, _where in course.others),
        any(same for _day, _least, same, _where in course.others),
        "done" in states,
        "booked" in states,
        "on_hold" in states,
        wished.who == "same",
        wished.who == "prefer",
        bool(wished.weekdays),
        wished.earliest is not None or wished.latest is not None,
        course.slack is not None,
    )


def clock_changes(course, hand, chosen):
    """By zone whether the clock is put forward or back, and whether visits on both sides have the same hour."""
    found = set()
    for world in course.worlds:
        for day, minutes in world.days.items():
            if not world.first < day <= world.last or len(minutes) == 24 * 60:
                continue
            what = f"the clock put {'forward' if len(minutes) < 24 * 60 else 'back'} in {world.zone.key}"
            at = [
                hand.when[minute, place]
                for minute, place, _person in chosen.values()
                if world is course.worlds[place != hand.home]
            ]
            before, after = {wall for on, wall in at if on < day}, {wall for on, wall in at if on > day}
            found |= {what} | ({f"{what}, the hour kept"} if before & after else set())
    return found


def by_hand(course):
    """The plain course, with the free starts of the plain calendars and what was chosen of them."""
    free, when = [], {}
    for world, place in zip(course.worlds, course.places, strict=False):
        when |= {(minute, place): at for minute, at in enumerate(world.walls)}
        grid = [
            minute
            for day, minutes in world.days.items()
            if world.first <= day <= world.last
            for minute, wall in minutes
            if wall % world.grid == 0
        ]
        for person in (thing for thing in world.things if thing.what == "practitioner"):
            alone = without_other_leaders(world, person.pk)
            free += [(minute, place, person.pk) for minute in grid if alone.is_free(minute)]
    hand = CourseByHand(
        sessions=course.sessions,
        first_possible=course.first_possible,
        first=course.first,
        last=course.world.last,
        free=free,
        when=when,
        wished=course.wished,
        prices=course.prices,
        others=[(day, least if same else course.apart, same) for day, least, same, _where in course.others],
        home=course.places[0],
        today=course.world.walls[course.world.now][0],
        is_forbidden=course.is_forbidden,
    )
    may_be_chosen = sorted(one for one in free if hand.may_be_at(*one)) or free
    for each in course.by_hand if free else ():
        minute, _place, person = may_be_chosen[int(each.share * len(may_be_chosen))]
        hand.by_hand[each.number] = (minute + each.later, person if each.names_person else None)
    return hand
