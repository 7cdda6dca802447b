"""Free starts and their reasons, against a calendar in plain Python and by single rules."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.availability import Take, explain, free_starts, nearest, offer_at, request_for
from clinic.models import (
    Absence,
    Appointment,
    Claim,
    Closure,
    Device,
    Hold,
    Location,
    OpeningHours,
    Practitioner,
    Qualification,
    Resource,
    Room,
    WorkingHours,
)
from clinic.refusals import Refused
from patients.models import BodyArea, Patient, User
from tests.clinic.calendars_by_hand import random_world
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

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 1, 7, tzinfo=UTC)
LONG_AGO = date(2020, 1, 6)
ROOM, DEVICE = "treatment", "needling_pen"


def at(hour, minute=0, day=2):
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def clock(offers):
    return [f"{offer.starts_at:%H:%M}" for offer in offers]


def codes(request, starts_at, now=NOW):
    return [reason.code for reason in explain(request, starts_at, now)]


def wall(minutes):
    return time(minutes // 60, minutes % 60)


def make_service(*segments, technique=None):
    service = Service.objects.create(key=f"s{uuid4().hex}", name="Visit", kind="review", technique=technique)
    for position, (kind, minutes, held) in enumerate(segments or [("hands_on", 45, ["practitioner"])]):
        ServiceSegment.objects.create(
            service=service,
            position=position,
            kind=kind,
            base_minutes=minutes,
            holds_practitioner="practitioner" in held,
            room_kind=ROOM if "room" in held else "",
            device_kind=DEVICE if "device" in held else "",
        )
    return service


def make_location(**details):
    return Location.objects.create(**{"name": uuid4().hex, "time_zone": "Europe/London", "grid_minutes": 30, **details})


def make_thing(what, place, turnaround=0, due_on=None, name="X"):
    resource = Resource.objects.create(type=what, name=name, location=place, turnaround_minutes=turnaround)
    if what == "room":
        Room.objects.create(resource=resource, kind=ROOM)
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
    kept_until = kept_until or datetime(2100, 1, 1, tzinfo=UTC)
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


@pytest.fixture
def clinic():
    """One practitioner, Mondays 9 to 12 in London; a visit of 45 minutes that needs nobody else."""
    place, service = make_location(), make_service()
    person = make_thing("practitioner", None, name="Dr Bell")
    make_hours(person, place)
    return place, service, person


# -- The whole engine against the plain calendar ----------------------------------------------------------------------


def store(world):
    place = make_location(
        time_zone=world.zone.key, grid_minutes=world.grid, notice_minutes=world.notice, horizon_days=world.horizon
    )
    for weekday, opens, closes, _holds in world.opening:
        OpeningHours.objects.create(location=place, weekday=weekday, opens=wall(opens), closes=wall(closes))
    for start, end in world.closures:
        Closure.objects.create(location=place, starts_at=world.moment(start), ends_at=world.moment(end), reason="x")
    technique = Technique.objects.create(key=f"t{uuid4().hex}", label="Needling", modality="microneedling")
    service = make_service(*world.segments, technique=technique)
    for thing in world.things:
        store_thing(world, thing, place, service, technique)
    patient = Patient.objects.create(given_name="Ada", family_name="Quill")
    for start, end in world.patient:
        make_visit(place, service, world.moment(start), end - start, patient)
    return request_for(location=place, service=service, patient=patient)


def store_thing(world, thing, place, service, technique):
    if thing.what == "practitioner":
        resource = make_thing(thing.what, place, thing.turnaround)
        if thing.is_usable:
            Qualification.objects.create(
                practitioner_id=resource.pk, technique=technique, valid_until=thing.usable_until
            )
        for weekday, starts, ends, _holds in thing.hours:
            make_hours(resource, place, weekday, wall(starts), wall(ends))
    else:
        if thing.what == "room":
            thing.usable_until = None
        resource = make_thing(thing.what, place, thing.turnaround, thing.usable_until)
        Resource.objects.filter(pk=resource.pk).update(is_active=thing.is_usable)
    thing.pk = resource.pk
    for start, end in thing.taken:
        take(resource, world.moment(start), world.moment(end), place, service)
    for start, end in thing.absent:
        Absence.objects.create(
            resource=resource, starts_at=world.moment(start), ends_at=world.moment(end), reason="away"
        )


def check_takes(world, offer, start):
    held, present = world.needs()
    assert offer.ends_at == world.moment(start + present)
    things = {thing.pk: thing for thing in world.things}
    for what, spans in held.items():
        (thing,) = {things[t.resource_id].pk: things[t.resource_id] for t in offer.takes if things[t.resource_id].what == what}.values()  # fmt: skip # noqa: E501 (one row of a table)
        hours = world.minutes_of(thing.hours)
        busy = {m for begins, ends in [*thing.taken, *thing.absent] for m in range(begins, ends)}
        assert world.can(thing, start, spans, hours, busy)
        expected = [
            Take(thing.pk, world.moment(start + begins), world.moment(start + ends)) for begins, _u, ends in spans
        ]
        last = max(spans[-1][2], spans[-1][1] + thing.turnaround)
        expected[-1] = Take(thing.pk, expected[-1].starts_at, world.moment(start + last))
        assert [t for t in offer.takes if t.resource_id == thing.pk] == expected


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_free_starts_and_explain_agree_with_a_plain_calendar(seed):
    world = random_world(seed)
    with transaction.atomic():
        request = store(world)
        now = world.moment(world.now)
        expected = world.free_starts()

        offers = free_starts(request, world.first, world.last, now)

        assert [offer.starts_at for offer in offers] == [world.moment(start) for start in expected]
        for offer, start in list(zip(offers, expected, strict=True))[::7]:
            check_takes(world, offer, start)
        for start in range(2880 + seed % 11, 2880 + 1440, 97):
            check_reasons(request, world, start, start in expected, now)
        transaction.set_rollback(True)


def check_reasons(request, world, start, is_free, now):
    if not (world.first <= world.walls[start][0] <= world.last):
        return
    moment = world.moment(start)
    reasons = explain(request, moment, now)
    assert (not reasons) is is_free
    assert (offer_at(request, moment, now) is not None) is is_free
    allowed = frozenset(reason.code for reason in reasons)
    can_be_allowed = all(reason.is_soft for reason in reasons)
    assert (offer_at(request, moment, now, allow=allowed) is not None) is can_be_allowed


# -- Single rules -----------------------------------------------------------------------------------------------------


def test_free_starts_fill_the_hours_and_end_with_them(clinic):
    place, service, person = clinic

    offers = free_starts(request_for(location=place, service=service), MONDAY, MONDAY, NOW)

    assert clock(offers) == ["09:00", "09:30", "10:00", "10:30", "11:00"]
    assert offers[0].practitioner_id == person.pk
    assert offers[0].takes == (Take(person.pk, at(9), at(9, 45)),)


def test_free_starts_find_the_gaps_between_visits(clinic):
    place, service, person = clinic
    WorkingHours.objects.update(starts=time(8), ends=time(18))
    for hour, minute in [(8, 0), (8, 30), (9, 0), (10, 30), (11, 0), (11, 30), (13, 0), (13, 30), (14, 0), (15, 30), (16, 0), (16, 30)]:  # fmt: skip # noqa: E501 (one row of a table)
        take(person, at(hour, minute), at(hour, minute) + timedelta(minutes=30), place, service)

    offers = free_starts(request_for(location=place, service=service), MONDAY, MONDAY, NOW)

    assert clock(offers) == ["09:30", "12:00", "14:30", "17:00"]


def test_free_starts_keep_local_hours_when_the_clocks_change(clinic):
    place, service, _person = clinic

    before = free_starts(request_for(location=place, service=service), date(2026, 3, 23), date(2026, 3, 23), NOW)
    after = free_starts(request_for(location=place, service=service), date(2026, 3, 30), date(2026, 3, 30), NOW)

    assert [offer.starts_at.hour for offer in (before[0], after[0])] == [9, 8]


def test_free_starts_ignore_the_visit_that_is_moved(clinic):
    place, service, person = clinic
    visit = make_visit(place, service, at(9), 180)
    Claim.objects.create(resource=person, appointment=visit, starts_at=at(9), ends_at=at(12))

    plain = request_for(location=place, service=service, patient=visit.patient)
    moving = request_for(location=place, service=service, patient=visit.patient, ignore=visit)

    assert clock(free_starts(plain, MONDAY, MONDAY, NOW)) == []
    assert len(free_starts(moving, MONDAY, MONDAY, NOW)) == 5


@pytest.mark.parametrize(("kept_for_minutes", "is_free"), [(0, True), (1, False)])
def test_free_starts_count_a_hold_until_its_time_is_over(clinic, kept_for_minutes, is_free):
    place, service, person = clinic
    take(person, at(9), at(12), place, service, kept_until=NOW + timedelta(minutes=kept_for_minutes))

    assert bool(free_starts(request_for(location=place, service=service), MONDAY, MONDAY, NOW)) is is_free


def test_free_starts_forget_claims_that_are_not_live(clinic):
    place, service, person = clinic
    take(person, at(9), at(12), place, service)
    Claim.objects.update(live=False)

    assert len(free_starts(request_for(location=place, service=service), MONDAY, MONDAY, NOW)) == 5


def test_free_starts_see_the_patient_under_a_merged_record(clinic):
    place, service, _person = clinic
    kept = Patient.objects.create(given_name="Ada", family_name="Quill")
    merged = Patient.objects.create(given_name="Ada", family_name="Quil", merged_into=kept)
    make_visit(place, service, at(9), 120, patient=merged)

    for patient in (kept, merged):
        request = request_for(location=place, service=service, patient=patient)
        assert clock(free_starts(request, MONDAY, MONDAY, NOW)) == ["11:00"]


def test_free_starts_use_the_week_of_the_cycle(clinic):
    place, service, _person = clinic
    WorkingHours.objects.update(cycle_weeks=2, cycle_week=2, valid_from=date(2026, 3, 4))

    days = free_starts(request_for(location=place, service=service), MONDAY, MONDAY + timedelta(days=28), NOW)

    assert sorted({offer.starts_at.day for offer in days}) == [9, 23]


def test_free_starts_end_with_the_validity_of_the_hours(clinic):
    place, service, _person = clinic
    WorkingHours.objects.update(valid_until=date(2026, 3, 9))

    days = free_starts(request_for(location=place, service=service), MONDAY, MONDAY + timedelta(days=28), NOW)

    assert sorted({offer.starts_at.day for offer in days}) == [2, 9]


def test_free_starts_are_those_of_the_channel_and_the_service(clinic):
    place, service, person = clinic
    WorkingHours.objects.update(is_open_online=False)
    other = make_hours(person, place, starts=time(14), ends=time(15))
    other.services.add(make_service())

    desk = request_for(location=place, service=service)
    online = request_for(location=place, service=service, channel="online")

    assert len(free_starts(desk, MONDAY, MONDAY, NOW)) == 5
    assert free_starts(online, MONDAY, MONDAY, NOW) == []
    other.services.add(service)
    assert clock(free_starts(online, MONDAY, MONDAY, NOW)) == ["14:00"]


def test_free_starts_pick_what_leaves_no_new_gap(clinic):
    place, service, person = clinic
    tighter = make_thing("practitioner", None, name="Dr Close")
    make_hours(tighter, place)
    take(tighter, at(9), at(10), place, service)
    take(tighter, at(10, 45), at(12), place, service)

    offers = free_starts(request_for(location=place, service=service), MONDAY, MONDAY, NOW)

    assert {f"{offer.starts_at:%H:%M}": offer.practitioner_id for offer in offers} == {
        "09:00": person.pk,
        "09:30": person.pk,
        "10:00": tighter.pk,
        "10:30": person.pk,
        "11:00": person.pk,
    }


def test_free_starts_ask_the_named_practitioner_alone(clinic):
    place, service, person = clinic
    make_hours(make_thing("practitioner", None), place)
    named = Practitioner.objects.get(pk=person.pk)

    offers = free_starts(request_for(location=place, service=service, practitioner=named), MONDAY, MONDAY, NOW)

    assert {offer.practitioner_id for offer in offers} == {person.pk}


@pytest.mark.parametrize("size", [1, 6])
def test_free_starts_take_the_same_queries_for_any_size(size):
    place = make_location()
    technique = Technique.objects.create(key="needles", label="Needling", modality="microneedling")
    segments = [("hands_on", 30, ["practitioner", "room", "device"])]
    service = make_service(*segments, technique=technique)
    for number in range(size):
        people = [
            make_thing(what, None if what == "practitioner" else place) for what in ("practitioner", "room", "device")
        ]
        make_hours(people[0], place)
        Qualification.objects.create(practitioner_id=people[0].pk, technique=technique)
        for thing in people:
            take(thing, at(9), at(9, 30 + number), place, service)
    patient = Patient.objects.create(given_name="Ada", family_name="Quill")
    request = request_for(location=place, service=service, patient=patient)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        offers = free_starts(request, MONDAY, MONDAY + timedelta(days=7 * size), NOW)

    assert offers
    assert len(queries) == 5


def test_free_starts_of_days_that_are_over_are_none(clinic):
    place, service, _person = clinic

    assert free_starts(request_for(location=place, service=service), MONDAY, MONDAY, at(9, day=3)) == []


def test_nearest_are_the_free_starts_around_a_time(clinic):
    place, service, _person = clinic
    request = request_for(location=place, service=service)

    assert clock(nearest(request, at(10), 3, NOW)) == ["10:00", "09:30", "10:30"]
    assert [offer.starts_at for offer in nearest(request, at(10), 2, at(10, 1))] == [at(10, 30), at(11)]
    assert {offer.starts_at.day for offer in nearest(request, at(10), 99, NOW)} == {2, 9, 16}


@pytest.mark.parametrize(
    ("starts_at", "now", "expected"),
    [
        (at(10), NOW, []),
        (at(10, 10), NOW, ["off_grid"]),
        (at(10), at(10, 1), ["past"]),
        (at(10), at(10), ["inside_notice"]),
        (at(10), at(9), []),
        (at(10), at(9, 1), ["inside_notice"]),
        (at(13), NOW, ["outside_hours"]),
        (at(10, day=9), at(10), []),
        (at(10, day=16), at(10), ["beyond_horizon"]),
    ],
)
def test_explain_names_the_rule_about_the_time(clinic, starts_at, now, expected):
    place, service, _person = clinic
    place.notice_minutes, place.horizon_days = 60, 10

    request = request_for(location=place, service=service)

    assert codes(request, starts_at, now) == expected
    assert (offer_at(request, starts_at, now, allow=frozenset(expected)) is not None) is True


def test_explain_names_closure_absence_and_the_person(clinic):
    place, service, person = clinic
    Closure.objects.create(location=place, starts_at=at(9), ends_at=at(10), reason="Holiday")
    Absence.objects.create(resource=person, starts_at=at(9, 30), ends_at=at(10, 30), reason="Leave")

    reasons = explain(request_for(location=place, service=service), at(9), NOW)

    assert [(reason.code, reason.text, reason.is_soft) for reason in reasons] == [
        ("closed", "The clinic is closed then.", True),
        ("absent", "Dr Bell is away then.", True),
    ]


def test_explain_calls_outside_the_opening_hours_closed(clinic):
    place, service, _person = clinic
    OpeningHours.objects.create(location=place, weekday=1, opens=time(10), closes=time(12))

    assert codes(request_for(location=place, service=service), at(9, 30)) == ["closed"]


def test_explain_lets_the_best_person_speak(clinic):
    place, service, person = clinic
    take(person, at(9), at(12), place, service)
    make_hours(make_thing("practitioner", None, name="Dr Late"), place, starts=time(14), ends=time(18))

    (reason,) = explain(request_for(location=place, service=service), at(10), NOW)

    assert (reason.code, reason.text) == ("outside_hours", "Dr Late does not work then.")


def test_explain_is_hard_where_nothing_can_be_allowed(clinic):
    place, _service, person = clinic
    technique = Technique.objects.create(key="needles", label="Needling", modality="microneedling")
    service = make_service(("hands_on", 30, ["practitioner", "room", "device"]), technique=technique)
    patient = Patient.objects.create(given_name="Ada", family_name="Quill")
    make_visit(place, service, at(9), patient=patient)
    take(person, at(9), at(12), place, service)

    request = request_for(location=place, service=service, patient=patient)
    reasons = explain(request, at(9), NOW)

    assert [reason.code for reason in reasons] == ["patient_busy", "no_device", "not_qualified", "busy", "no_room"]
    assert not any(reason.is_soft for reason in reasons)
    assert offer_at(request, at(9), NOW, allow=frozenset(reason.code for reason in reasons)) is None


def test_explain_is_hard_for_patients(clinic):
    place, service, _person = clinic

    (reason,) = explain(request_for(location=place, service=service, channel="online"), at(13), NOW)

    assert (reason.code, reason.is_soft) == ("outside_hours", False)


def test_explain_says_when_nobody_works_here():
    request = request_for(location=make_location(), service=make_service())

    assert [reason.text for reason in explain(request, at(9), NOW)] == ["Nobody works here who could do this visit."]


def test_offer_at_refuses_seconds_even_when_the_grid_is_allowed(clinic):
    place, service, _person = clinic
    odd = at(10) + timedelta(seconds=30)
    request = request_for(location=place, service=service)

    (reason,) = explain(request, odd, NOW)

    assert (reason.code, reason.is_soft) == ("off_grid", False)
    assert offer_at(request, odd, NOW, allow=frozenset({"off_grid"})) is None


def test_offer_at_prefers_somebody_for_whom_nothing_must_be_allowed(clinic):
    place, service, person = clinic
    take(person, at(9), at(10), place, service)
    later = make_thing("practitioner", None)
    make_hours(later, place, starts=time(10), ends=time(12))
    allow = frozenset({"outside_hours", "absent"})
    request = request_for(location=place, service=service)

    assert offer_at(request, at(9), NOW, allow=allow).practitioner_id == later.pk
    assert offer_at(request, at(8), NOW, allow=allow).practitioner_id == person.pk
    Absence.objects.create(resource=later, starts_at=at(8), ends_at=at(12), reason="Leave")
    assert offer_at(request, at(10), NOW, allow=allow).practitioner_id == person.pk


def test_a_device_is_usable_until_the_end_of_the_day_its_calibration_is_due(clinic):
    place, _service, _person = clinic
    service = make_service(("hands_on", 30, ["practitioner", "device"]))
    make_thing("device", place, due_on=MONDAY)
    request = request_for(location=place, service=service)

    assert codes(request, at(10)) == []
    assert codes(request, at(10, day=9)) == ["no_device"]


def test_request_for_refuses_a_service_without_a_duration():
    service = Service.objects.create(key="nothing", name="Nothing", kind="review")

    with pytest.raises(Refused, match="“Nothing” has no duration yet, so it cannot be booked"):
        request_for(location=make_location(), service=service)


def test_request_for_a_session_asks_the_version_its_areas_and_their_techniques():
    service = make_service(technique=Technique.objects.create(key="own", label="Own", modality="microneedling"))
    session = make_session(service, areas=2)
    named = Technique.objects.get(key="needles")

    request = request_for(location=make_location(), service=service, session=session)

    assert request.shape.minutes == 10 + 2 * 4
    assert request.technique_ids == {service.technique_id, named.pk}


def make_session(service, areas):
    indication = Indication.objects.create(key="glow", label="Glow")
    protocol = Protocol.objects.create(
        key="p", name="P", modality="microneedling", indication=indication, service=service
    )
    version = ProtocolVersion.objects.create(
        protocol=protocol, number=1, sessions_min=1, sessions_typical=1, sessions_max=1, min_age_years=18
    )
    phase = Phase.objects.create(
        version=version,
        position=1,
        name="Phase",
        sessions=1,
        interval_min_days=7,
        interval_ideal_days=7,
        interval_max_days=7,
    )
    VersionSegment.objects.create(
        version=version, position=1, kind="hands_on", base_minutes=10, minutes_per_area=4, holds_practitioner=True
    )
    technique = Technique.objects.create(key="needles", label="Needling", modality="microneedling")
    series = TreatmentSeries.objects.create(
        patient=Patient.objects.create(given_name="Ada", family_name="Quill"),
        protocol_version=version,
        sessions_planned=1,
        started_on=MONDAY,
        first_possible_on=MONDAY,
        created_by=User.objects.create(email="series@clinic.example", name="S"),
    )
    for number in range(areas):
        area = BodyArea.objects.create(key=f"area{number}", label="Area", group="face")
        SeriesArea.objects.create(series=series, area=area)
        DepthStep.objects.create(version=version, area=area, technique=technique, depth_min_mm=1, depth_max_mm=1)
    return TreatmentSession.objects.create(series=series, number=1, phase=phase)
