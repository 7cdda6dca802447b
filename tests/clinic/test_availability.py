"""Free starts and their reasons, against a calendar in plain Python and by single rules."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.availability import Around, OneStart, Take, explain, free_starts, nearest, offer_at, request_for
from clinic.models import (
    Absence,
    Claim,
    Closure,
    OpeningHours,
    Practitioner,
    Qualification,
    WorkingHours,
)
from clinic.refusals import Refused
from patients.models import Patient
from tests.clinic.stored_calendars import (
    NOW,
    compare,
    make_hours,
    make_location,
    make_service,
    make_session,
    make_thing,
    make_visit,
    take,
)
from treatments.models import DepthStep, Service, Technique

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 3, 2)


def at(hour, minute=0, day=2):
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def clock(offers):
    return [f"{offer.starts_at:%H:%M}" for offer in offers]


def codes(request, starts_at, now=NOW):
    return [reason.code for reason in explain(request, starts_at, now)]


@pytest.fixture
def clinic():
    """One practitioner, Mondays 9 to 12 in London; a visit of 45 minutes that needs nobody else."""
    place, service = make_location(), make_service()
    person = make_thing("practitioner", None, name="Dr Bell")
    make_hours(person, place)
    return place, service, person


# -- The whole engine against the plain calendar ----------------------------------------------------------------------


CODES = {
    "absent", "after_window", "before_window", "beyond_horizon", "busy", "closed", "device_due", "device_elsewhere",
    "inside_notice", "near_other_area", "near_same_area", "no_assistant", "no_device", "no_room", "not_qualified",
    "off_grid", "outside_hours", "past", "patient_busy", "too_close_to_next", "travel",
}  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_the_engine_agrees_with_a_plain_calendar(seed):
    assert set(compare(seed)) <= CODES


def test_every_reason_is_given_and_free_without_it():
    codes = sum((compare(seed) for seed in range(30)), Counter())

    assert set(codes) == CODES


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


@pytest.mark.parametrize("taken", [((9, 0), (10, 0)), ((10, 45), (12, 0))])
def test_a_look_at_one_start_sees_what_it_would_lie_right_beside(clinic, taken):
    place, service, _person = clinic
    tighter = make_thing("practitioner", None, name="Dr Close")
    make_hours(tighter, place)
    take(tighter, at(*taken[0]), at(*taken[1]), place, service)

    assert offer_at(request_for(location=place, service=service), at(10), NOW).practitioner_id == tighter.pk


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
    assert len(queries) == 1


def test_free_starts_of_days_that_are_over_are_none(clinic):
    place, service, _person = clinic

    assert free_starts(request_for(location=place, service=service), MONDAY, MONDAY, at(9, day=3)) == []


def test_nearest_are_the_free_starts_around_a_time(clinic):
    place, service, _person = clinic
    request = request_for(location=place, service=service)

    assert clock(nearest(request, at(10), 3, NOW)) == ["10:00", "09:30", "10:30"]
    assert [offer.starts_at for offer in nearest(request, at(10), 2, at(10, 1))] == [at(10, 30), at(11)]
    assert {offer.starts_at.day for offer in nearest(request, at(10), 99, NOW)} == {2, 9, 16}


@pytest.mark.parametrize("day", [3, 28, 29, 31])  # clocks change on the 29th
@pytest.mark.parametrize("count", [1, 3, 9, 25])
def test_nearest_are_nearest_of_all_however_few_dates_are_enough(clinic, day, count):
    place, service, person = clinic
    for weekday, ends in ((3, time(10)), (5, time(13)), (7, time(10, 30))):
        make_hours(person, place, weekday, ends=ends)
    take(person, at(9, day=day), at(10, day=day), place, service)
    request = request_for(location=place, service=service)
    asked, two_weeks = at(9, 30, day), timedelta(days=14)

    everything = free_starts(request, asked.date() - two_weeks, asked.date() + two_weeks, NOW)
    by_distance = sorted(everything, key=lambda offer: (abs(offer.starts_at - asked), offer.starts_at))
    with CaptureQueriesContext(connection) as queries:
        found = nearest(request, asked, count, NOW)

    assert found == by_distance[:count]
    assert len(queries) <= 2


def test_a_time_is_explained_and_others_found_with_one_look_at_the_diary(clinic):
    place, service, person = clinic
    for weekday in (2, 3):
        make_hours(person, place, weekday)
    around = Around(request_for(location=place, service=service), at(8), NOW)

    with CaptureQueriesContext(connection) as queries:
        said, offers = [reason.code for reason in around.reasons()], around.nearest(2)

    assert (said, clock(offers)) == (["outside_hours"], ["09:00", "09:30"])
    assert len(queries) == 1


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
    assert codes(request, at(10, day=9)) == ["device_due"]


def test_request_for_refuses_a_service_without_a_duration():
    service = Service.objects.create(key="nothing", name="Nothing", kind="review")

    with pytest.raises(Refused, match="“Nothing” has no duration yet, so it cannot be booked"):
        request_for(location=make_location(), service=service)


def test_request_for_a_session_asks_the_version_its_areas_and_their_techniques():
    service = make_service(technique=Technique.objects.create(key="own", label="Own", modality="microneedling"))
    session = make_session(service, areas=2)
    named = DepthStep.objects.first().technique

    request = request_for(location=make_location(), service=service, session=session)

    assert request.shape.minutes == 10 + 2 * 4
    assert request.technique_ids == {service.technique_id, named.pk}


def absent(person, starts_at, ends_at):
    Absence.objects.create(resource=person, starts_at=starts_at, ends_at=ends_at, reason="Ill")


@pytest.mark.parametrize(
    ("change", "is_kept"),
    [
        (lambda person, place, service: take(person, at(10), at(11), place, service), True),
        (lambda person, place, service: take(person, at(9, 30), at(10), place, service), False),
        (lambda person, _place, _service: absent(person, at(8), at(12)), False),
        (lambda person, _place, _service: WorkingHours.objects.update(starts=time(9, 30)), False),
    ],
)
def test_the_look_under_the_locks_sees_what_has_changed(clinic, change, is_kept):
    place, service, person = clinic
    start = OneStart(request_for(location=place, service=service), at(9), NOW)
    first = start.offer()

    change(person, place, service)
    second = start.offer(among={person.pk})

    assert second is (first if is_kept else None)
    assert (offer_at(start.request, at(9), NOW) == first) is is_kept
