"""Visits to be moved: derived from hours, absences, closures, qualifications and devices as they are now."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clinic import availability, booking, hours, premises, to_move
from clinic.models import (
    Absence,
    Closure,
    DevicePlace,
    ExtraOpening,
    Qualification,
    Resource,
)
from tests import factories
from tests.factories import NOW
from treatments.models import ServiceSegment, Technique

TEN = datetime(2026, 3, 3, 10, tzinfo=UTC)
TUESDAY = date(2026, 3, 3)
HOUR = timedelta(hours=1)


def reasons(visit):
    return to_move.found(NOW).get(visit.pk, [])


def away(resource, starts_at=TEN, ends_at=TEN + HOUR):
    absence = Absence(resource=resource, starts_at=starts_at, ends_at=ends_at, reason="Leave")
    return premises.keep_absence(absence)


@pytest.fixture
def visit(desk):
    return desk.book(TEN)


@pytest.fixture
def technique(db):
    return Technique.objects.create(key="needling", label="Needling", modality="microneedling")


@pytest.fixture
def with_device(desk, technique):
    """A visit with a pen, by somebody who is qualified for it."""
    desk.pen = factories.device(desk.location)
    desk.service = factories.service(technique=technique)
    ServiceSegment.objects.filter(service=desk.service).update(device_kind="needling_pen")
    Qualification.objects.create(practitioner=desk.practitioner, technique=technique)
    return desk.book(TEN)


def test_visits_that_fit_are_not_listed(desk, with_device):
    desk.book(TEN + HOUR)

    assert to_move.found(NOW) == {}
    assert to_move.count(NOW) == 0


def test_a_visit_in_an_absence_is_listed_with_who_is_away(desk, visit):
    away(desk.practitioner.resource)

    assert reasons(visit) == ["Dr Bell is away then."]


def test_a_visit_whose_room_is_away_is_listed(desk, visit):
    away(desk.room.resource)

    assert reasons(visit) == [f"{desk.room} is away then."]


def test_an_absence_that_touches_the_visit_leaves_it_alone(desk, visit):
    away(desk.practitioner.resource, TEN - HOUR, TEN)
    away(desk.practitioner.resource, visit.ends_at, visit.ends_at + HOUR)

    assert reasons(visit) == []


def test_a_visit_in_a_closure_is_listed(desk, visit):
    Closure.objects.create(location=desk.location, starts_at=TEN, ends_at=TEN + HOUR, reason="Fair")

    assert reasons(visit) == ["The clinic is closed then."]


def test_a_visit_outside_opening_hours_is_listed_until_the_day_opens_longer(desk, visit):
    desk.location.opening_hours.update(opens=time(12))
    assert reasons(visit) == ["The clinic is closed then."]

    ExtraOpening.objects.create(location=desk.location, on=TUESDAY, opens=time(9), closes=time(12))

    assert reasons(visit) == []


def test_a_visit_outside_hours_is_listed(desk, visit):
    hours.day_off(desk.practitioner, on=TUESDAY)

    assert reasons(visit) == ["Dr Bell does not work then."]


def test_hours_for_other_services_only_do_not_count(desk, visit):
    desk.practitioner.working_hours.get(weekday=2).services.add(factories.service())

    assert reasons(visit) == ["Dr Bell does not work then."]


def test_turnaround_may_reach_over_the_end_of_the_hours(desk):
    Resource.objects.filter(pk=desk.practitioner.pk).update(turnaround_minutes=30)
    visit = desk.book(datetime(2026, 3, 3, 17, 30, tzinfo=UTC))

    assert reasons(visit) == []


def test_a_qualification_that_ends_before_the_visit_lists_it(desk, with_device):
    Qualification.objects.update(valid_until=TUESDAY)
    assert reasons(with_device) == []

    Qualification.objects.update(valid_until=TUESDAY - timedelta(days=1))

    assert reasons(with_device) == ["Dr Bell is not qualified for this treatment."]


def test_a_qualification_that_was_taken_away_lists_the_visit(desk, with_device):
    Qualification.objects.all().delete()

    assert reasons(with_device) == ["Dr Bell is not qualified for this treatment."]


def test_a_device_due_for_calibration_lists_the_visit(desk, with_device):
    desk.pen.calibration_due_on = TUESDAY
    desk.pen.save()
    assert reasons(with_device) == []

    desk.pen.calibration_due_on = TUESDAY - timedelta(days=1)
    desk.pen.save()

    assert reasons(with_device) == [f"{desk.pen} is due for calibration before then."]


def test_a_device_at_another_location_that_day_lists_the_visit(desk, with_device):
    elsewhere = factories.location()
    DevicePlace.objects.create(device=desk.pen, on=TUESDAY + timedelta(days=1), location=elsewhere)
    assert reasons(with_device) == []

    DevicePlace.objects.create(device=desk.pen, on=TUESDAY, location=elsewhere)

    assert reasons(with_device) == [f"{desk.pen} is at another location that day."]


@pytest.mark.parametrize(
    ("which", "sentence"),
    [
        ("practitioner", "{} no longer works here."),
        ("room", "{} is no longer in use there."),
        ("pen", "{} is no longer in use."),
    ],
)
def test_what_is_no_longer_in_use_lists_the_visit(desk, with_device, which, sentence):
    owner = getattr(desk, which)
    Resource.objects.filter(pk=owner.pk).update(is_active=False)

    assert reasons(with_device) == [sentence.format(owner)]


def test_what_staff_allowed_is_not_held_against_the_visit_until_it_is_moved(desk):
    away(desk.practitioner.resource)
    visit = desk.book(TEN, overrides={"absent": "She comes in for this one"})
    assert reasons(visit) == []

    moved = booking.move(visit, starts_at=TEN + 3 * HOUR, version=visit.version, by=desk.by, now=NOW + HOUR)
    away(desk.practitioner.resource, moved.starts_at, moved.ends_at)

    assert reasons(moved) == ["Dr Bell is away then."]


@pytest.mark.parametrize("act", ["cancelled", "over", "arrived"])
def test_visits_that_are_over_or_off_are_not_listed(desk, visit, act):
    away(desk.practitioner.resource)
    now = NOW
    if act == "cancelled":
        booking.cancel(visit, cancelled_by="patient", reason="Ill", version=visit.version, by=desk.by, now=NOW)
    elif act == "arrived":
        booking.check_in(visit, version=visit.version, by=desk.by, now=NOW)
    else:
        now = TEN + timedelta(minutes=1)

    assert to_move.found(now) == {}


def test_a_visit_is_listed_once_with_every_reason(desk, visit):
    away(desk.practitioner.resource)
    away(desk.practitioner.resource, TEN - HOUR, TEN + HOUR)
    Closure.objects.create(location=desk.location, starts_at=TEN, ends_at=TEN + HOUR, reason="Fair")

    (one,) = to_move.listed(to_move.found(NOW))

    assert one.visit == visit
    assert one.reasons == ["The clinic is closed then.", "Dr Bell is away then."]


def test_what_is_planned_is_looked_at_before_it_is_saved(desk, visit):
    planned = {(desk.practitioner.pk, TUESDAY): []}

    assert to_move.found(NOW, planned=planned) == {visit.pk: ["Dr Bell does not work then."]}
    assert to_move.found(NOW) == {}


def test_only_what_was_asked_for_is_looked_at(desk, visit):
    later = desk.book(TEN + 2 * HOUR)
    away(desk.practitioner.resource, TEN, TEN + 8 * HOUR)

    within = to_move.taking([desk.practitioner.pk], to_move.Span(TEN + 2 * HOUR, TEN + 3 * HOUR))

    assert list(to_move.found(NOW, within=within)) == [later.pk]


@pytest.mark.parametrize("zone", ["Europe/London", "America/New_York"])
def test_no_visit_is_listed_that_was_just_offered_when_the_clocks_change(db, zone):
    desk = factories.Desk(time_zone=zone, opens=time(0), closes=time(0))
    desk.practitioner.working_hours.update(starts=time(0), ends=time(0))
    request = availability.request_for(location=desk.location, service=desk.service)
    for day in (date(2026, 3, 8), date(2026, 3, 29)):
        for offer in availability.free_starts(request, day, day, NOW)[::2]:
            desk.book(offer.starts_at)

    assert to_move.found(NOW) == {}


def test_as_many_queries_for_three_visits_as_for_one(desk, with_device):
    counts = []
    away(desk.practitioner.resource, TEN, TEN + 8 * HOUR)
    for number in (1, 3):
        while desk.practitioner.appointments.count() < number:
            starts_at = TEN + HOUR * desk.practitioner.appointments.count()
            desk.book(starts_at, overrides={"absent": "Test"})
            latest = desk.practitioner.appointments.order_by("-pk").first()
            latest.overrides.all().delete()
        with CaptureQueriesContext(connection) as queries:
            found = to_move.listed(to_move.found(NOW))
        assert len(found) == number
        counts.append(len(queries))

    assert counts[0] == counts[1] <= 18


def test_proposals_begin_with_the_same_time_and_somebody_else(desk, visit):
    crane = factories.practitioner(desk.location, "Dr Crane")
    away(desk.practitioner.resource)

    same, *others = to_move.proposals(visit, NOW)

    assert (same.starts_at, same.practitioner, same.is_same_time) == (TEN, crane, True)
    assert [one.practitioner for one in others] == [desk.practitioner, desk.practitioner]
    assert len(others) == 2


def test_proposals_go_to_somebody_else_when_the_person_is_away_for_long(desk, visit):
    crane = factories.practitioner(desk.location, "Dr Crane")
    away(desk.practitioner.resource, NOW, TEN + HOUR * 24 * 30)

    found = to_move.proposals(visit, NOW)

    assert [one.practitioner for one in found] == [crane] * 3
    assert len({one.starts_at for one in found}) == 3


def test_every_proposal_can_be_taken(desk, visit):
    factories.practitioner(desk.location, "Dr Crane")
    away(desk.practitioner.resource)

    for one in to_move.proposals(visit, NOW):
        visit = booking.move(
            visit, starts_at=one.starts_at, practitioner=one.practitioner, version=visit.version, by=desk.by, now=NOW
        )

    assert to_move.found(NOW) == {}
