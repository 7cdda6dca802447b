"""Hours: single days longer, off and swapped, usual weeks copied with their cycles."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from clinic import hours, rotas
from clinic.availability import free_starts, request_for
from clinic.models import DatedHours, OpeningHours, WorkingHours
from patients.refusals import Refused
from tests import factories
from tests.factories import MONDAY, NOW

TUESDAY = MONDAY + timedelta(days=1)
NINE, NOON, FIVE = time(9), time(12), time(17)


def worked(person, on):
    """What the person works on a date, as (location, from, until)."""
    shifts = rotas.read(on, people=[person.pk]).shifts(person.pk, on)
    return [(shift.location_id, shift.starts, shift.ends) for shift in shifts]


def offered(desk, on=TUESDAY, person=None):
    request = request_for(location=desk.location, service=desk.service, practitioner=person or desk.practitioner)
    return [offer.starts_at.strftime("%H:%M") for offer in free_starts(request, on, on, NOW)]


@pytest.fixture
def late(desk):
    """A second person, who works from 12 to 18."""
    return factories.practitioner(desk.location, "Dr Crane", starts=NOON, ends=time(18))


def test_extra_hours_come_besides_the_usual_ones(desk):
    hours.add_day(desk.practitioner, on=TUESDAY, location=desk.location, starts=time(18), ends=time(20))

    usual, extra = (desk.location.pk, time(8), time(18)), (desk.location.pk, time(18), time(20))
    assert worked(desk.practitioner, TUESDAY) == [usual, extra]


def test_hours_instead_replace_what_was_said_of_the_day_before(desk):
    hours.add_day(desk.practitioner, on=TUESDAY, location=desk.location, starts=time(18), ends=time(20))

    hours.add_day(
        desk.practitioner,
        on=TUESDAY,
        location=desk.location,
        starts=NINE,
        ends=NOON,
        replaces_usual=True,
        reason="Talk",
    )

    assert worked(desk.practitioner, TUESDAY) == [(desk.location.pk, NINE, NOON)]
    assert DatedHours.objects.get().reason == "Talk"


def test_saying_the_same_hours_twice_keeps_one_row(desk):
    for _again in range(2):
        hours.add_day(desk.practitioner, on=TUESDAY, location=desk.location, starts=time(18), ends=time(20))

    assert DatedHours.objects.count() == 1


def test_hours_that_end_before_they_begin_are_refused(desk):
    with pytest.raises(Refused, match="It must end after it begins"):
        hours.add_day(desk.practitioner, on=TUESDAY, location=desk.location, starts=NOON, ends=NINE)

    assert DatedHours.objects.count() == 0


def test_hours_may_last_until_midnight(desk):
    row = hours.add_day(desk.practitioner, on=TUESDAY, location=desk.location, starts=time(20), ends=time(0))

    assert row.ends == time(0)


def test_on_a_day_off_nothing_is_worked_and_the_day_after_is_as_usual(desk):
    hours.day_off(desk.practitioner, on=TUESDAY, reason="Training")

    assert worked(desk.practitioner, TUESDAY) == []
    assert worked(desk.practitioner, TUESDAY + timedelta(days=1)) != []


def test_extra_hours_on_a_day_off_are_the_only_ones(desk):
    hours.day_off(desk.practitioner, on=TUESDAY)

    hours.add_day(desk.practitioner, on=TUESDAY, location=desk.location, starts=NINE, ends=NOON)

    assert worked(desk.practitioner, TUESDAY) == [(desk.location.pk, NINE, NOON)]


def test_as_usual_forgets_what_was_said_of_the_day(desk):
    hours.day_off(desk.practitioner, on=TUESDAY)

    hours.as_usual(desk.practitioner, on=TUESDAY)

    assert worked(desk.practitioner, TUESDAY) == [(desk.location.pk, time(8), time(18))]


def test_swapping_a_day_gives_each_the_hours_of_the_other(desk, late):
    hours.swap_day(desk.practitioner, late, on=TUESDAY, reason="Dentist")

    assert worked(desk.practitioner, TUESDAY) == [(desk.location.pk, NOON, time(18))]
    assert worked(late, TUESDAY) == [(desk.location.pk, time(8), time(18))]
    assert worked(late, TUESDAY + timedelta(days=1)) == [(desk.location.pk, NOON, time(18))]


def test_swapping_with_somebody_who_is_not_there_makes_a_day_off(desk, late):
    late.working_hours.filter(weekday=TUESDAY.isoweekday()).delete()

    hours.swap_day(desk.practitioner, late, on=TUESDAY)

    assert worked(desk.practitioner, TUESDAY) == []
    assert worked(late, TUESDAY) == [(desk.location.pk, time(8), time(18))]


def test_swapping_twice_brings_back_what_was(desk, late):
    for _again in range(2):
        hours.swap_day(desk.practitioner, late, on=TUESDAY)

    assert worked(desk.practitioner, TUESDAY) == [(desk.location.pk, time(8), time(18))]
    assert worked(late, TUESDAY) == [(desk.location.pk, NOON, time(18))]


def test_swapping_a_day_on_which_neither_works_is_refused(desk, late):
    WorkingHours.objects.all().delete()

    with pytest.raises(Refused, match="Neither of the two works on this day"):
        hours.swap_day(desk.practitioner, late, on=TUESDAY)


def test_swapping_with_oneself_is_refused(desk):
    with pytest.raises(Refused, match="Choose two people"):
        hours.swap_day(desk.practitioner, desk.practitioner, on=TUESDAY)


def test_the_engine_offers_swapped_hours(desk, late):
    hours.swap_day(desk.practitioner, late, on=TUESDAY)

    assert offered(desk)[0] == "12:00"
    assert offered(desk, person=late)[0] == "08:00"


def test_a_copied_week_holds_from_its_day_on_and_ends_the_hours_before(desk, late):
    hours.copy_hours(desk.practitioner, late, from_on=date(2026, 4, 1))

    assert worked(late, date(2026, 3, 31)) == [(desk.location.pk, NOON, time(18))]
    assert worked(late, date(2026, 4, 1)) == [(desk.location.pk, time(8), time(18))]


@pytest.mark.parametrize("cycle_weeks", [1, 2, 3, 4])
@pytest.mark.parametrize("days_later", [0, 1, 6, 7, 15, 27])
def test_a_copied_cycle_works_in_the_same_weeks_of_the_calendar(desk, cycle_weeks, days_later):
    desk.practitioner.working_hours.all().delete()
    source, to = desk.practitioner, factories.practitioner(desk.location, "Dr Crane")
    details = {"location": desk.location, "weekday": 3, "starts": NINE, "ends": FIVE, "valid_from": date(2026, 3, 5)}
    source.working_hours.create(cycle_weeks=cycle_weeks, cycle_week=min(2, cycle_weeks), **details)
    from_on = date(2026, 3, 5) + timedelta(days=days_later)

    hours.copy_hours(source, to, from_on=from_on)

    days = [from_on + timedelta(days=number) for number in range(60)]
    assert [worked(to, day) for day in days] == [worked(source, day) for day in days]


def test_a_copy_keeps_channel_services_and_validity(desk, late):
    row = desk.practitioner.working_hours.get(weekday=1)
    row.valid_until, row.is_open_online = date(2026, 6, 30), False
    row.save()
    row.services.add(desk.service)

    hours.copy_hours(desk.practitioner, late, from_on=date(2026, 4, 1))

    copy = late.working_hours.get(weekday=1, valid_until=date(2026, 6, 30))
    assert (copy.is_open_online, list(copy.services.all())) == (False, [desk.service])


def test_hours_at_one_location_are_copied_to_another_for_the_same_person(desk):
    other = factories.location(time_zone="Europe/Berlin")

    hours.copy_hours(desk.practitioner, desk.practitioner, from_on=MONDAY, at=desk.location, to_location=other)

    assert {(place, starts) for place, starts, _ends in worked(desk.practitioner, TUESDAY)} == {
        (desk.location.pk, time(8)), (other.pk, time(8)),
    }  # fmt: skip


def test_copying_to_the_same_person_and_place_is_refused(desk):
    with pytest.raises(Refused, match="Choose somebody else, or another location"):
        hours.copy_hours(desk.practitioner, desk.practitioner, from_on=MONDAY)


def test_copying_hours_that_are_not_there_is_refused_and_changes_nothing(desk, late):
    other = factories.location()

    with pytest.raises(Refused, match="Dr Bell has no hours there"):
        hours.copy_hours(desk.practitioner, late, from_on=MONDAY, at=other)

    assert worked(late, TUESDAY) == [(desk.location.pk, NOON, time(18))]


def test_opening_hours_are_copied_to_another_location(desk):
    other = factories.location(opens=NINE, closes=NOON)

    hours.copy_opening_hours(desk.location, other)

    rows = OpeningHours.objects.filter(location=other).values_list("weekday", "opens", "closes")
    assert list(rows) == [(day, time(8), time(18)) for day in range(1, 8)]


def test_opening_hours_that_are_not_stated_are_not_copied(desk):
    desk.location.opening_hours.all().delete()
    other = factories.location()

    with pytest.raises(Refused, match="states no opening hours"):
        hours.copy_opening_hours(desk.location, other)
    with pytest.raises(Refused, match="Choose another location"):
        hours.copy_opening_hours(other, other)

    assert other.opening_hours.count() == 7


def test_a_rota_takes_as_many_queries_for_three_people_as_for_one(desk, django_assert_num_queries):
    with django_assert_num_queries(6):
        rotas.read(TUESDAY)
    for name in ("Dr Crane", "Dr Dove"):
        person = factories.practitioner(desk.location, name)
        hours.day_off(person, on=TUESDAY)
        person.working_hours.first().services.add(desk.service)

    with django_assert_num_queries(6):
        rotas.read(TUESDAY)


@pytest.mark.parametrize(
    ("spans", "is_covered"),
    [
        ([(8, 18)], True),
        ([(8, 9), (9, 12)], True),
        ([(10, 12), (8, 10)], True),
        ([(9, 10)], True),
        ([(8, 9), (9, 9)], False),
        ([(8, 9.4), (9.6, 12)], False),
        ([], False),
    ],
)
def test_spans_that_touch_cover_together(spans, is_covered):
    def moment(hour):
        return datetime(2026, 3, 3, tzinfo=UTC) + timedelta(hours=hour)

    given = [rotas.Span(moment(start), moment(end)) for start, end in spans]

    assert rotas.covers([None, *given], rotas.Span(moment(9), moment(10))) is is_covered
