"""Puts calendars in plain Python into the diary and compares every answer of the engine with theirs.

The single `make_…` functions build small diaries for the tests of single rules, too.
"""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from uuid import uuid4

from django.db import transaction

from clinic import calendars, reasons
from clinic.availability import explain, free_starts, offer_at, request_for, starts_by_person
from clinic.minutes import epoch_minute
from clinic.models import (
    Absence,
    Appointment,
    Claim,
    Closure,
    DatedHours,
    Device,
    DevicePlace,
    ExtraOpening,
    Hold,
    Location,
    OpeningHours,
    Practitioner,
    Qualification,
    Resource,
    Room,
    TravelTime,
    WorkingHours,
)
from clinic.scheduling.ground import offer_of
from patients.models import BodyArea, Patient, User
from tests.clinic.calendars_by_hand import PEOPLE, Course
from tests.clinic.random_calendars import random_world
from treatments.models import (
    DepthStep,
    Indication,
    Phase,
    Protocol,
    ProtocolVersion,
    SeriesArea,
    Service,
    ServiceSegment,
    Technique,
    TreatmentSeries,
    TreatmentSession,
    VersionSegment,
)

NOW = datetime(2026, 3, 1, 7, tzinfo=UTC)
LONG_AGO = date(2020, 1, 6)
FOREVER = datetime(2100, 1, 1, tzinfo=UTC)
MOST_EDGES = 12
ROOM, LOUNGE, DEVICE = "treatment", "numbing", "needling_pen"


def compare(seed):
    """Assert that the engine says what the calendar by hand says; the codes of the reasons that were checked."""
    world = random_world(seed)
    with transaction.atomic():
        request = store(world)
        now = world.moment(world.now)
        free = world.free_starts()
        offers = compare_free_starts(world, request, now, free)
        compare_single_starts(world, request, now, offers)
        codes = Counter()
        for start in range(2880 + seed % 11, 2880 + 1440 + 300, 97):
            if world.first <= world.walls[start][0] <= world.last:
                codes.update(compare_reasons(world, request, start, now))
        transaction.set_rollback(True)
    return codes


def compare_free_starts(world, request, now, free):
    offers = free_starts(request, world.first, world.last, now)
    assert [offer.starts_at for offer in offers] == [world.moment(start) for start in free]
    for offer, start in list(zip(offers, free, strict=True))[::7]:
        compare_takes(world, offer, start)
    by_person = starts_by_person(request, world.first, world.last, now)
    minutes = sorted({minute for starts in by_person.values() for minute in starts})
    assert minutes == [epoch_minute(offer.starts_at) for offer in offers]
    for person, starts in by_person.items():
        alone = without_other_leaders(world, person)
        assert starts == [epoch_minute(world.moment(start)) for start in free if alone.is_free(start)]
    return offers


def without_other_leaders(world, person):
    """The world in which nobody else treats; whoever assisted still may."""
    things = [replace(each, treats=each.pk == person, assists=each.serves("assistant")) for each in world.things]
    return replace(world, things=things)


def compare_takes(world, offer, start):
    """Everything the visit needs is taken by something that can serve, for its minutes and no others."""
    held, present = world.needs()
    assert offer.ends_at == world.moment(start + present)
    taken = {}
    for take in offer.takes:
        minutes = range(world.minute(take.starts_at), world.minute(take.ends_at))
        taken.setdefault(take.resource_id, set()).update(minutes)
    things = {thing.pk: thing for thing in world.things}
    explained = {pk: set() for pk in taken}
    people = set()
    for what, spans in held.items():
        able = [pk for pk in taken if things[pk].serves(what) and world.can(things[pk], what, start, spans)]
        able = [pk for pk in able if world.held(things[pk], start, spans) <= taken[pk]]
        if what == "practitioner":
            able = [pk for pk in able if pk == offer.practitioner_id]
        if what == "assistant":
            able = [pk for pk in able if pk != offer.practitioner_id]
        assert able
        people.update(able[:1] if what in PEOPLE else [])
        explained[able[0]] |= world.held(things[able[0]], start, spans)
    assert len(people) == len([what for what in held if what in PEOPLE])
    assert set().union(*taken.values()) == set().union(*explained.values())


def compare_single_starts(world, request, now, offers):
    """Of starts next to one that is free and one that is not: what each takes, from a look at its own time alone.

    One by one, and several from one reading.
    """
    offers = {offer.starts_at: offer for offer in offers}
    grid = [
        m for day in world.days if world.first <= day <= world.last for m, at in world.days[day] if at % world.grid == 0
    ]
    edges = {m for pair in pairwise(grid) if sum(world.moment(m) in offers for m in pair) == 1 for m in pair}
    starts = [world.moment(m) for m in sorted(edges)[:: max(len(edges) // MOST_EDGES, 1)]]
    for start in starts:
        assert offer_at(request, start, now) == offers.get(start)
    if starts:
        board = calendars.read_starts(request, starts, now)
        for start in starts:
            offer = offer_of(request, board, start, None)
            assert offer == offers.get(start) or (start not in offers and reasons.about_the_time(request, start, now))


def compare_reasons(world, request, start, now):
    """Without all reasons the time is free; with any one of them left it is not; staff may allow the soft ones."""
    moment = world.moment(start)
    reasons = explain(request, moment, now)
    is_free = world.is_free(start)
    assert (not reasons) is is_free
    assert (offer_at(request, moment, now) is not None) is is_free
    causes = [(reason.code, reason.resource_id) for reason in reasons]
    assert world.is_free(start, frozenset(causes))
    for cause in causes:
        assert not world.is_free(start, frozenset(causes) - {cause}), cause
    can_be_allowed = all(reason.is_soft for reason in reasons)
    allowed = frozenset(reason.code for reason in reasons)
    assert (offer_at(request, moment, now, allow=allowed) is not None) is can_be_allowed
    return [code for code, _whom in causes]


def store(world, elsewhere=None):
    """The request for a visit to the world, which is in the diary from now on; `elsewhere` is where people are away."""
    online = "online_" if world.channel == "online" else ""
    rules = {f"{online}notice_minutes": world.notice, f"{online}horizon_days": world.horizon}
    place = make_location(time_zone=world.zone.key, grid_minutes=world.grid, **rules)
    elsewhere = elsewhere or make_location()
    if world.way:
        TravelTime.objects.create(start=elsewhere, end=place, minutes=world.way)
    for row in world.opening:
        OpeningHours.objects.create(location=place, weekday=row.on, opens=wall(row.starts), closes=wall(row.ends))
    for row in world.extra:
        ExtraOpening.objects.create(location=place, on=row.on, opens=wall(row.starts), closes=wall(row.ends))
    for start, end in world.closures:
        Closure.objects.create(location=place, starts_at=world.moment(start), ends_at=world.moment(end), reason="x")
    technique = Technique.objects.create(key=f"t{uuid4().hex}", label="Needling", modality="microneedling")
    service = make_service(*world.segments, technique=technique)
    for thing in world.things:
        store_thing(world, thing, (place, elsewhere), service, technique)
    patient = Patient.objects.create(given_name="Ada", family_name="Quill")
    for start, end in world.patient:
        make_visit(place, service, world.moment(start), end - start, patient)
    session = store_course(world, place, service) if world.course else None
    return request_for(location=place, service=service, session=session, patient=patient, channel=world.channel)


def store_thing(world, thing, places, service, technique):
    place, elsewhere = places
    home = place if thing.is_at_home else elsewhere
    resource = make_thing(thing.what, home, thing.turnaround, thing.usable_until if thing.what == "device" else None)
    thing.pk = resource.pk
    if thing.what == "practitioner":
        store_person(world, thing, places, technique)
    else:
        Resource.objects.filter(pk=resource.pk).update(is_active=thing.is_usable)
        Room.objects.filter(pk=resource.pk).update(serves_all=thing.serves_all)
    for day, is_here in thing.stays.items():
        DevicePlace.objects.create(device_id=thing.pk, on=day, location=place if is_here else elsewhere)
    store_spans(world, thing, (place, elsewhere), service)


def store_spans(world, thing, places, service):
    holds = [
        Hold(
            service=service, location=where, starts_at=world.moment(start), ends_at=world.moment(end),
            made_at=FOREVER - timedelta(hours=1), kept_until=FOREVER,
        )
        for spans, where in zip((thing.taken, thing.away), places, strict=True)
        for start, end in spans
    ]  # fmt: skip
    Claim.objects.bulk_create(
        Claim(resource_id=thing.pk, hold=hold, starts_at=hold.starts_at, ends_at=hold.ends_at)
        for hold in Hold.objects.bulk_create(holds)
    )
    Absence.objects.bulk_create(
        Absence(resource_id=thing.pk, starts_at=world.moment(start), ends_at=world.moment(end), reason="away")
        for start, end in thing.absent
    )


def store_person(world, person, places, technique):
    Practitioner.objects.filter(pk=person.pk).update(treats=person.treats, may_assist=person.assists)
    if person.is_usable:
        Qualification.objects.create(practitioner_id=person.pk, technique=technique, valid_until=person.usable_until)
    for row in person.hours:
        details = {f"is_open_{world.channel}": row.is_open}
        make_hours(Resource(pk=person.pk), places[0], row.on, wall(row.starts), wall(row.ends), **details)
    for row in person.dated:
        DatedHours.objects.create(
            practitioner_id=person.pk,
            on=row.on,
            replaces_usual=row.replaces_usual,
            location=places[0] if row.is_here else places[1],
            starts=wall(row.starts),
            ends=wall(row.ends),
            **{f"is_open_{world.channel}": row.is_open},
        )


def store_course(world, place, service):
    """The second of three sessions; the first is done, the third booked where the world says so."""
    course: Course = world.course
    session = make_session(service, areas=1, intervals=[(1, 1), (course.least, course.most), (course.next_least, 400)])
    version, series = session.series.protocol_version, session.series
    VersionSegment.objects.filter(version=version).delete()
    for position, segment in enumerate(world.segments):
        VersionSegment.objects.create(version=version, position=position, **segment_details(*segment))
    version.depth_steps.update(technique=service.technique)
    series.sessions.filter(number=1).update(state="booked")
    series.sessions.filter(number=1).update(state="done", done_on=course.done_on)
    if course.next_on:
        noon = datetime.combine(course.next_on, time(12), tzinfo=world.zone)
        make_visit(place, service, noon, session=series.sessions.get(number=3))
    for on, least, is_same in course.others:
        other = make_session(service, areas=1, intervals=[(least, 400)])
        TreatmentSeries.objects.filter(pk=other.series_id).update(patient=series.patient)
        if is_same:
            SeriesArea.objects.filter(series=other.series_id).update(area=series.series_areas.get().area)
        noon = datetime.combine(on, time(12), tzinfo=world.zone)
        make_visit(place, service, noon, patient=series.patient, session=other)
    place.apart_days = course.apart
    place.save(update_fields=["apart_days"])
    return series.sessions.get(number=2)


def wall(minutes):
    return time(minutes // 60, minutes % 60)


def segment_details(kind, minutes, held):
    """A segment that holds what is named: practitioner, assistant, room, lounge, device."""
    return {
        "kind": kind,
        "base_minutes": minutes,
        "holds_practitioner": "practitioner" in held,
        "needs_assistant": "assistant" in held,
        "room_kind": ROOM if "room" in held else LOUNGE if "lounge" in held else "",
        "device_kind": DEVICE if "device" in held else "",
    }


def make_service(*segments, technique=None):
    service = Service.objects.create(key=f"s{uuid4().hex}", name="Visit", kind="review", technique=technique)
    for position, segment in enumerate(segments or [("hands_on", 45, ["practitioner"])]):
        ServiceSegment.objects.create(service=service, position=position, **segment_details(*segment))
    return service


def make_location(**details):
    return Location.objects.create(**{"name": uuid4().hex, "time_zone": "Europe/London", "grid_minutes": 30, **details})


def make_thing(what, place, turnaround=0, due_on=None, name="X"):
    is_room = what in ("room", "lounge")
    resource = Resource.objects.create(
        type="room" if is_room else what, name=name, location=place, turnaround_minutes=turnaround
    )
    if is_room:
        Room.objects.create(resource=resource, kind=ROOM if what == "room" else LOUNGE)
    elif what == "device":
        Device.objects.create(resource=resource, kind=DEVICE, calibration_due_on=due_on)
    else:
        user = User.objects.create(email=f"{uuid4().hex}@clinic.example", name=name)
        Practitioner.objects.create(resource=resource, user=user)
    return resource


def make_hours(resource, place, weekday=1, starts=time(9), ends=time(12), **details):
    return WorkingHours.objects.create(
        practitioner_id=resource.pk,
        location=place,
        weekday=weekday,
        starts=starts,
        ends=ends,
        **{"valid_from": LONG_AGO, **details},
    )


def take(resource, starts_at, ends_at, place, service, *, kept_until=None):
    kept_until = kept_until or FOREVER
    hold = Hold.objects.create(
        service=service,
        location=place,
        starts_at=starts_at,
        ends_at=ends_at,
        made_at=kept_until - timedelta(hours=1),
        kept_until=kept_until,
    )
    return Claim.objects.create(resource=resource, hold=hold, starts_at=starts_at, ends_at=ends_at)


def make_visit(place, service, starts_at, minutes=30, patient=None, **details):
    return Appointment.objects.create(
        patient=patient or Patient.objects.create(given_name="Ada", family_name="Quill"),
        service=service,
        location=place,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=minutes),
        booked_at=NOW,
        **details,
    )


def make_session(service, areas, intervals=((7, 7),)):
    """The first session of a series with one phase, and session, for each (least, most) days."""
    indication = Indication.objects.create(key=f"i{uuid4().hex}", label="Glow")
    protocol = Protocol.objects.create(
        key=f"p{uuid4().hex}", name="P", modality="microneedling", indication=indication, service=service
    )
    version = ProtocolVersion.objects.create(
        protocol=protocol, number=1, sessions_min=1, sessions_typical=1, sessions_max=9, min_age_years=18
    )
    VersionSegment.objects.create(
        version=version, position=1, kind="hands_on", base_minutes=10, minutes_per_area=4, holds_practitioner=True
    )
    series = TreatmentSeries.objects.create(
        patient=Patient.objects.create(given_name="Ada", family_name="Quill"),
        protocol_version=version,
        sessions_planned=len(intervals),
        started_on=LONG_AGO,
        first_possible_on=LONG_AGO,
        created_by=User.objects.create(email=f"{uuid4().hex}@clinic.example", name="S"),
    )
    technique = Technique.objects.create(key=f"t{uuid4().hex}", label="Needling", modality="microneedling")
    for _number in range(areas):
        area = BodyArea.objects.create(key=f"a{uuid4().hex}", label="Area", group="face")
        SeriesArea.objects.create(series=series, area=area)
        DepthStep.objects.create(version=version, area=area, technique=technique, depth_min_mm=1, depth_max_mm=1)
    for number, (least, most) in enumerate(intervals, start=1):
        days = {"interval_min_days": least, "interval_ideal_days": least, "interval_max_days": most}
        phase = Phase.objects.create(version=version, position=number, name="Phase", sessions=1, **days)
        TreatmentSession.objects.create(series=series, number=number, phase=phase)
    return series.sessions.get(number=1)
