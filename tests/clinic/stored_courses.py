"""Puts courses in plain Python into the diary and compares the plan with every combination tried by hand."""

from collections import Counter
from datetime import UTC, datetime, time
from uuid import uuid4

from django.db import transaction

from clinic import scheduling
from clinic.models import Location
from clinic.scheduling import Wish
from patients.models import BodyArea
from tests.clinic import stored_calendars
from tests.clinic.courses_by_hand import CourseByHand
from tests.clinic.random_courses import random_course
from tests.clinic.stored_calendars import make_visit, segment_details, store, without_other_leaders
from treatments.models import (
    Indication,
    Phase,
    Protocol,
    ProtocolVersion,
    SeriesArea,
    TreatmentSeries,
    TreatmentSession,
    VersionSegment,
)

STATES = {"open": "planned", "done": "done", "booked": "booked", "on_hold": "on_hold"}


def compare(seed):
    """Assert that the planner does what the calendar by hand does; what was seen, counted."""
    course = random_course(seed)
    with transaction.atomic():
        series, wish = put(course)
        plan = planned(course, series, wish)
        cost, chosen = by_hand(course).best()
        told = {
            visit.number: (course.world.minute(visit.chosen.starts_at), visit.chosen.practitioner_id)
            for visit in plan.visits
            if visit.chosen is not None
        }
        assert (plan.cost, told) == (cost, chosen)
        for visit in plan.visits:
            check(course, visit)
        if seed % 5 == 0:
            assert planned(course, series, wish) == plan
        transaction.set_rollback(True)
    open_ones = sum(session.state == "open" for session in course.sessions)
    return Counter(
        sessions=open_ones,
        placed=len(chosen),
        impossible=open_ones - len(chosen),
        late=sum(visit.chosen is not None and visit.chosen.is_late for visit in plan.visits),
    )


def planned(course, series, wish):
    return scheduling.plan(
        series, wish, first=course.first, now=course.world.moment(course.world.now), until=course.world.last
    )


def check(course, visit):
    """A placed visit is inside its window or marked late, at its wall time; one that is not says why."""
    if visit.chosen is None:
        assert visit.reasons
        return
    day, wall = course.world.walls[course.world.minute(visit.chosen.starts_at)]
    assert (visit.chosen.day, wall % course.world.grid) == (day, 0)
    assert day >= visit.window.earliest
    assert visit.chosen.is_late is (day > visit.window.latest) is ("late" in visit.chosen.misses)
    taken = {take.resource_id for take in visit.chosen.offer.takes}
    assert visit.chosen.practitioner_id in taken


def by_hand(course):
    """The plain course, with the free starts of the plain calendar."""
    world = course.world
    people = [thing for thing in world.things if thing.what == "practitioner"]
    grid = [
        minute
        for day, minutes in world.days.items()
        if world.first <= day <= world.last
        for minute, wall in minutes
        if wall % world.grid == 0
    ]
    free = []
    for person in people:
        alone = without_other_leaders(world, person.pk)
        free += [(minute, person.pk) for minute in grid if alone.is_free(minute)]
    return CourseByHand(
        sessions=course.sessions,
        first_possible=course.first_possible,
        first=course.first,
        last=world.last,
        free=free,
        when=dict(enumerate(world.walls)),
        wished=course.wished,
        prices=course.prices,
        others=[(day, least if same else course.apart, same) for day, least, same in course.others],
    )


def put(course):
    """The series and the wish of the world, which is in the diary from now on."""
    keep_clear(course)
    request = store(course.world)
    place, service, patient = request.location, request.service, request.patient
    people = [thing.pk for thing in course.world.things if thing.what == "practitioner"]
    for session in course.sessions:
        session.person = None if session.person is None or session.state == "open" else people[session.person]
    prices = course.prices
    Location.objects.exclude(pk=place.pk).update(is_active=False)
    Location.objects.filter(pk=place.pk).update(
        cost_of_weekday=prices.weekday, cost_of_time=prices.time, cost_of_practitioner=prices.person,
        cost_of_change=prices.change, cost_of_lateness=prices.late, cost_of_each_late_day=prices.late_day,
        apart_days=course.apart,
    )  # fmt: skip
    area = BodyArea.objects.create(key=f"a{uuid4().hex}", label="Area", group="face")
    series = make_series(course, service, patient, area)
    for number, session in enumerate(course.sessions, start=1):
        if session.state in ("done", "booked") and (session.state == "booked" or session.person):
            status = {"done": "completed", "booked": "booked"}[session.state]
            make_course_visit(course, place, series.sessions.get(number=number), session, status)
    for day, least, same in course.others:
        make_other(course, place, patient, service, area if same else None, day, least)
    wished = course.wished
    if wished.person is not None:
        wished.person = people[wished.person]
    return series, Wish(
        weekdays=frozenset(wished.weekdays),
        earliest=None if wished.earliest is None else stored_calendars.wall(wished.earliest),
        latest=None if wished.latest is None else stored_calendars.wall(wished.latest),
        who=wished.who,
        practitioner_id=wished.person,
        not_on=frozenset(wished.not_on),
    )


def keep_clear(course):
    """The first minutes of the days on which the patient comes for a course are free of other visits."""
    world = course.world
    days = [session.day for session in course.sessions if session.day] + [day for day, _least, _same in course.others]
    clear = [world.minute(datetime.combine(day, time(0), tzinfo=world.zone).astimezone(UTC)) for day in days]
    world.patient = [
        (start, end) for start, end in world.patient if not any(start < each + 10 and each < end for each in clear)
    ]


def make_course_visit(course, place, session, stated, status):
    """At midnight, when nobody works, so that it is in nobody's way; the calendar by hand knows of it too."""
    start = datetime.combine(stated.day, time(0), tzinfo=course.world.zone).astimezone(UTC)
    series = session.series
    service = series.protocol_version.protocol.service
    details = {"session": session, "status": status, "practitioner_id": stated.person}
    make_visit(place, service, start, 1, series.patient, **details)
    minute = course.world.minute(start)
    course.world.patient.append((minute, minute + 1))


def make_other(course, place, patient, service, area, day, least):
    """A visit of another course of the patient."""
    area = area or BodyArea.objects.create(key=f"a{uuid4().hex}", label="Other", group="face")
    series = make_rows(service, patient, area, [{"least": least, "ideal": least, "most": least}], day)
    start = datetime.combine(day, time(0, 5), tzinfo=course.world.zone).astimezone(UTC)
    make_visit(place, service, start, 1, patient, session=series.sessions.get())
    series.sessions.update(state="booked")
    minute = course.world.minute(start)
    course.world.patient.append((minute, minute + 1))


def make_series(course, service, patient, area):
    rows = [
        {
            "least": each.least, "ideal": each.ideal, "most": each.most,
            "state": STATES[each.state], "done_on": each.day if each.state == "done" else None,
            "not_before_on": each.not_before, "best_on": each.best, "not_after_on": each.not_after,
        }
        for each in course.sessions
    ]  # fmt: skip
    return make_rows(service, patient, area, rows, course.first_possible, course.world.segments)


def make_rows(service, patient, area, rows, first_possible, segments=()):
    indication = Indication.objects.create(key=f"i{uuid4().hex}", label="Glow")
    protocol = Protocol.objects.create(
        key=f"p{uuid4().hex}", name="P", modality="microneedling", indication=indication, service=service
    )
    version = ProtocolVersion.objects.create(
        protocol=protocol, number=1, sessions_min=1, sessions_typical=1, sessions_max=9, min_age_years=18
    )
    for position, segment in enumerate(segments):
        VersionSegment.objects.create(version=version, position=position, **segment_details(*segment))
    series = TreatmentSeries.objects.create(
        patient=patient, protocol_version=version, sessions_planned=len(rows), started_on=first_possible,
        first_possible_on=first_possible, state="active",
        created_by=stored_calendars.User.objects.create(email=f"{uuid4().hex}@clinic.example", name="S"),
    )  # fmt: skip
    SeriesArea.objects.create(series=series, area=area)
    for number, row in enumerate(rows, start=1):
        days = {f"interval_{name}_days": row.pop(key) for name, key in NAMES.items()}
        phase = Phase.objects.create(version=version, position=number, name="Phase", sessions=1, **days)
        reason = "by hand" if row.get("not_before_on") or row.get("best_on") or row.get("not_after_on") else ""
        TreatmentSession.objects.create(series=series, number=number, phase=phase, window_reason=reason, **row)
    return series


NAMES = {"min": "least", "ideal": "ideal", "max": "most"}
