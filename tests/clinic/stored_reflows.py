"""Puts booked courses in plain Python into the diary and compares the least change with the one found by hand."""

from collections import Counter
from datetime import UTC, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.db import transaction

from clinic import scheduling
from clinic.models import Claim, Closure, Location, Qualification
from patients.models import BodyArea, Patient
from tests.clinic import stored_calendars, stored_courses
from tests.clinic.reflows_by_hand import A_DAY, GRID, MINUTES, random_booked
from treatments.models import Technique

OFFSETS = range(-30, 61)
SEGMENT = ("hands_on", MINUTES, ["practitioner"])


def compare(seed, offsets=OFFSETS):
    """Assert for each offset that the change is one, and as small as the smallest by hand; what was seen, counted."""
    world = random_booked(seed)
    if world is None:
        return Counter()
    seen = Counter(courses=1)
    with transaction.atomic():
        series = put(world)
        for offset in offsets:
            expected = world.least(world.moved, offset)
            changed = change_of(world, series, offset)
            rank = rank_of(world, changed, offset)
            assert rank == expected, f"offset {offset}: {rank} instead of {expected}"
            seen += Counter(
                offsets=1, changed=rank[2] > 0, nowhere=rank[0] > 0, late=rank[1] > 0, waiting=None in by_day(world)
            )
        transaction.set_rollback(True)
    return seen


def by_day(world):
    return [step.at for step in world.steps[world.moved + 1 :]]


def change_of(world, series, offset):
    """The starts that the engine gives to the sessions after the one that is moved, by place."""
    day, wall, person = world.steps[world.moved].at
    moved_to = moment(world, day + timedelta(days=offset), wall)
    asked = {world.moved + 1: (moved_to, world.keys[person])}
    found = scheduling.reflow(series, now=now_of(world), changes=asked)
    starts = {}
    for visit in found.visits:
        if visit.chosen is not None and not visit.is_pinned:
            local = visit.chosen.starts_at.astimezone(ZoneInfo(world.zone))
            who = world.keys.index(visit.chosen.practitioner_id)
            starts[visit.number - 1] = (local.date(), local.hour * 60 + local.minute, who)
            assert visit.is_late is (visit.chosen.day > visit.window.latest)
    return starts


def rank_of(world, starts, offset):
    """What a change is worth; asserts that every new start is free, on the grid and not too early."""
    before = world.steps[world.moved].at[0] + timedelta(days=offset)
    nowhere = late = minutes = 0
    for place, step in enumerate(world.steps[world.moved + 1 :], start=world.moved + 1):
        earliest, ideal, latest = (before + timedelta(days=n) for n in (step.least, step.ideal, step.most))
        at = starts.get(place)
        if at is not None:
            assert world.is_free(*at)
            assert at[1] % GRID == 0
            assert at[0] >= earliest
            was = step.at or (ideal, at[1])
            minutes += abs((at[0] - was[0]).days) * A_DAY + abs(at[1] - was[1])
            late += at[0] > latest
        elif step.at is None:
            nowhere += 1
            at = (max(ideal, world.first),)
        else:
            at = step.at
            is_nowhere = at[0] < earliest or not world.stands(step)
            nowhere += is_nowhere
            late += at[0] > latest and not is_nowhere
        before = at[0]
    return nowhere, late, len(starts), minutes


def moment(world, day, wall):
    return datetime.combine(day, time(*divmod(wall, 60)), tzinfo=ZoneInfo(world.zone)).astimezone(UTC)


def now_of(world):
    return moment(world, world.first, 5 * 60)


def put(world):
    """The series of the world, which is in the diary from now on."""
    place = stored_calendars.make_location(
        time_zone=world.zone, grid_minutes=GRID, notice_minutes=0, horizon_days=world.days - 1
    )
    Location.objects.exclude(pk=place.pk).update(is_active=False)
    technique = Technique.objects.create(key=f"t{uuid4().hex}", label="Needling", modality="microneedling")
    service = stored_calendars.make_service(SEGMENT, technique=technique)
    world.keys = [put_person(world, number, place, service, technique) for number in range(len(world.hours))]
    for day in world.closed:
        span = {"starts_at": moment(world, day, 0), "ends_at": moment(world, day + timedelta(days=1), 0)}
        Closure.objects.create(location=place, reason="x", **span)
    patient = Patient.objects.create(given_name="Ada", family_name="Quill")
    area = BodyArea.objects.create(key=f"a{uuid4().hex}", label="Area", group="face")
    rows = [
        {"least": step.least, "ideal": step.ideal, "most": step.most, "state": "booked" if step.at else "missed"}
        for step in world.steps
    ]
    series = stored_courses.make_rows(service, patient, area, rows, world.first, [SEGMENT])
    series.protocol_version.depth_steps.update(technique=technique)
    for number, step in enumerate(world.steps, start=1):
        if step.at:
            put_visit(world, place, service, series.sessions.get(number=number), step.at)
    return series


def put_person(world, number, place, service, technique):
    resource = stored_calendars.make_thing("practitioner", place)
    Qualification.objects.create(practitioner_id=resource.pk, technique=technique)
    for weekday, hours in world.hours[number].items():
        stored_calendars.make_hours(resource, place, weekday, *(stored_calendars.wall(each) for each in hours))
    for day, start, end in merged(world.taken[number]):
        stored_calendars.take(resource, moment(world, day, start), moment(world, day, end), place, service)
    return resource.pk


def merged(taken):
    """Each day once: the diary has a resource once at a time."""
    return {day: (day, start, end) for day, start, end in taken}.values()


def put_visit(world, place, service, session, at):
    day, wall, person = at
    start = moment(world, day, wall)
    visit = stored_calendars.make_visit(
        place, service, start, MINUTES, session.series.patient, session=session, practitioner_id=world.keys[person]
    )
    Claim.objects.create(
        resource_id=world.keys[person], appointment=visit, starts_at=start, ends_at=start + timedelta(minutes=MINUTES)
    )
