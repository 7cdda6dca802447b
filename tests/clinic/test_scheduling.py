"""Planning a whole course: windows, wishes, prices, chosen starts, other courses, safety; and what it says."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clinic import availability, scheduling
from clinic.models import Absence, Claim, Closure, Location
from clinic.scheduling import Wish
from tests import factories, factories_treatments
from tests.clinic.treatment_desk import TODAY, TreatmentDesk
from tests.factories import NOW
from treatments import series as treatment_series
from treatments.models import TreatmentSession

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk():
    return TreatmentDesk()


def planned(series, wish=None, first=TODAY, **details):
    return scheduling.plan(series, wish or Wish(), first=first, now=NOW, **details)


def days(plan):
    return [visit.chosen and visit.chosen.day for visit in plan.visits]


def starts(plan):
    return {visit.number: visit.chosen.starts_at for visit in plan.visits}


def closed(desk, first, last):
    """The clinic is closed from one local day to another, both included."""
    begins, ends = (datetime.combine(day, time(0), tzinfo=desk.location.zone) for day in (first, last))
    Closure.objects.create(location=desk.location, starts_at=begins, ends_at=ends + timedelta(days=1), reason="x")


def test_every_session_is_on_its_best_day_when_all_is_free(desk):
    plan = planned(desk.start())

    assert (days(plan), plan.cost) == ([date(2026, 3, 2), date(2026, 4, 1), date(2026, 5, 1)], 0)


def test_the_local_hour_stays_the_same_when_the_clocks_change(desk):
    plan = planned(desk.start())

    assert [visit.chosen.starts_at.hour for visit in plan.visits] == [8, 7, 7]


def test_a_closed_best_day_costs_the_days_to_the_nearest_open_one(desk):
    closed(desk, date(2026, 4, 1), date(2026, 4, 2))

    plan = planned(desk.start())

    assert (days(plan)[1], plan.cost, plan.visits[1].chosen.cost) == (date(2026, 3, 31), 1, 1)


def test_when_nothing_is_free_in_time_the_session_is_late_and_marked(desk):
    closed(desk, date(2026, 3, 30), date(2026, 4, 15))

    second = planned(desk.start(), fixed={1: NOW + timedelta(hours=1)}).visits[1].chosen

    assert (second.day, second.is_late, second.misses) == (date(2026, 4, 16), True, ("late",))
    assert second.cost == 15 + 5 + 3  # from the best day, late at all, and three days of it


def test_a_session_is_never_before_its_earliest_safe_day(desk):
    closed(desk, date(2026, 3, 31), date(2026, 4, 28))

    assert days(planned(desk.start()))[1] == date(2026, 3, 30)


def test_a_closure_of_months_is_looked_beyond(desk):
    closed(desk, date(2026, 3, 3), date(2026, 8, 31))

    assert days(planned(desk.start())) == [date(2026, 3, 2), date(2026, 9, 1), date(2026, 10, 1)]


def test_until_ends_what_is_looked_at(desk):
    closed(desk, date(2026, 3, 3), date(2026, 4, 30))

    plan = planned(desk.start(), until=date(2026, 4, 20))

    assert days(plan) == [date(2026, 3, 2), None, None]


# -- Wishes -----------------------------------------------------------------------------------------------------------


def test_a_wished_weekday_moves_the_visit_where_it_is_cheaper_than_missing_it(desk):
    Location.objects.update(cost_of_weekday=5)

    plan = planned(desk.start(), Wish(weekdays=frozenset({4})))

    assert [day.isoweekday() for day in days(plan)] == [4, 4, 4]


def test_a_wished_weekday_that_is_too_far_away_is_missed_and_named(desk):
    first = planned(desk.start(), Wish(weekdays=frozenset({7}))).visits[0].chosen

    assert (first.day, first.misses, first.cost) == (TODAY, ("weekday",), 2)


def test_a_wished_time_of_day_is_kept_with_both_ends(desk):
    wish = Wish(earliest=time(14, 15), latest=time(14, 15))

    first = planned(desk.start(), wish).visits[0].chosen

    assert (first.starts_at, first.misses) == (datetime(2026, 3, 2, 14, 15, tzinfo=UTC), ())


def test_a_time_of_day_that_is_never_free_is_missed_at_a_price(desk):
    first = planned(desk.start(), Wish(earliest=time(20))).visits[0].chosen

    assert (first.misses, first.cost) == (("time",), 2)


def test_days_that_do_not_suit_are_left_out(desk):
    wish = Wish(not_on=frozenset({date(2026, 4, 1), date(2026, 3, 31)}))

    assert days(planned(desk.start(), wish))[1] == date(2026, 4, 2)


def test_rather_a_person_waits_for_them_as_long_as_it_costs_less(desk):
    other = factories.practitioner(desk.location, "Dr Other", techniques=[desk.technique])
    desk.needler.working_hours.exclude(weekday=5).delete()  # Fridays only; 1 May is one
    wish = Wish(who="prefer", practitioner_id=desk.needler.pk)

    cheap = planned(desk.start(), wish)
    Location.objects.update(cost_of_practitioner=9)
    dear = planned(desk.start(), wish)

    assert [visit.chosen.practitioner_id for visit in cheap.visits] == [other.pk, other.pk, desk.needler.pk]
    assert [visit.chosen.misses for visit in cheap.visits] == [("practitioner",), ("practitioner",), ("change",)]
    assert {visit.chosen.practitioner_id for visit in dear.visits} == {desk.needler.pk}


def test_only_a_person_is_with_nobody_else(desk):
    factories.practitioner(desk.location, "Dr Other", techniques=[desk.technique])
    desk.needler.working_hours.exclude(weekday=5).delete()

    plan = planned(desk.start(), Wish(who="same", practitioner_id=desk.needler.pk))

    assert {visit.chosen.practitioner_id for visit in plan.visits} == {desk.needler.pk}
    assert {day.isoweekday() for day in days(plan)} == {5}


def test_the_same_person_is_kept_from_visit_to_visit(desk):
    other = factories.practitioner(desk.location, "Dr Other", techniques=[desk.technique])
    day = datetime(2026, 4, 1, 0, tzinfo=desk.location.zone)
    Absence.objects.create(resource=desk.needler.resource, starts_at=day, ends_at=day + timedelta(days=1), reason="x")

    plan = planned(desk.start())

    assert {visit.chosen.practitioner_id for visit in plan.visits} == {other.pk}


def test_another_location_is_used_when_it_saves_more_than_it_costs(desk):
    far = factories.location()
    factories.room(far, "treatment")
    person = factories.practitioner(far, "Dr Far", techniques=[desk.technique])
    closed(desk, date(2026, 3, 2), date(2026, 3, 30))

    plan = planned(desk.start(), Wish(location_id=desk.location.pk))

    first = plan.visits[0].chosen
    assert (first.location_id, first.practitioner_id, first.misses) == (far.pk, person.pk, ("location",))
    assert plan.visits[1].chosen.location_id == desk.location.pk


def test_a_wish_is_read_from_its_row_and_written_to_one():
    wish = Wish(frozenset({2, 5}), time(9), None, "any", None, None, frozenset({TODAY}))

    assert wish.fields["weekdays"] == [2, 5]
    assert Wish.of(None) == Wish()


# -- Chosen starts ----------------------------------------------------------------------------------------------------


def test_a_chosen_start_is_kept_and_what_comes_after_is_planned_anew(desk):
    series = desk.start()
    fixed = {2: datetime(2026, 4, 6, 9, tzinfo=UTC)}

    plan = planned(series, fixed=fixed)

    assert days(plan) == [date(2026, 3, 2), date(2026, 4, 6), date(2026, 5, 6)]
    assert [visit.is_fixed for visit in plan.visits] == [False, True, False]


def test_a_chosen_start_leaves_those_before_it_alone(desk):
    plan = planned(desk.start(), fixed={3: datetime(2026, 5, 12, 9, tzinfo=UTC)})

    assert days(plan) == [date(2026, 3, 2), date(2026, 4, 1), date(2026, 5, 12)]


def test_a_chosen_start_that_is_too_early_says_so_and_what_is_near(desk):
    plan = planned(desk.start(), fixed={2: datetime(2026, 3, 20, 9, tzinfo=UTC)})

    second, third = plan.visits[1:]
    assert second.reasons == ("Too early: the earliest safe day for this session is Mon 30 March 2026.",)
    assert [one.day for one in second.nearest] == [date(2026, 3, 30), date(2026, 3, 31), date(2026, 4, 1)]
    assert (third.chosen, third.is_date_only, third.reasons) == (None, True, ("Session 2 before it has no time yet.",))


def test_a_chosen_start_that_somebody_else_has_says_so(desk):
    taken = datetime(2026, 4, 1, 9, tzinfo=UTC)
    desk.book_session(desk.start(), 1, taken)

    assert planned(desk.start(), fixed={2: taken}).visits[1].reasons == ("This time is no longer free.",)


def test_all_chosen_starts_are_read_for_their_days_alone(desk):
    series = desk.start()
    free = planned(series)

    assert starts(planned(series, fixed=starts(free))) == starts(free)


def test_a_start_at_the_end_of_time_is_not_possible(desk):
    plan = planned(desk.start(), fixed={1: datetime(9999, 12, 31, 23, 59, tzinfo=UTC)})

    assert plan.visits[0].chosen is None


# -- What is in the diary already -------------------------------------------------------------------------------------


def test_done_and_booked_sessions_stay_and_count(desk):
    series = desk.start()
    desk.book_session(series, 1, NOW + timedelta(days=3, hours=2))

    plan = planned(series)

    assert [visit.number for visit in plan.visits] == [2, 3]
    assert days(plan) == [date(2026, 4, 4), date(2026, 5, 4)]


def test_a_session_before_a_booked_one_leaves_it_its_distance(desk):
    series = desk.start()
    desk.book_session(series, 3, datetime(2026, 5, 1, 9, tzinfo=UTC))
    closed(desk, date(2026, 3, 25), date(2026, 4, 2))

    plan = planned(series)

    assert days(plan) == [date(2026, 3, 2), date(2026, 4, 3)]
    assert plan.visits[1].chosen.is_late is False


def test_a_missed_session_is_planned_like_one_that_was_never_booked(desk):
    series = desk.start()
    TreatmentSession.objects.filter(series=series, number=1).update(state="booked")
    TreatmentSession.objects.filter(series=series, number=1).update(state="missed")

    assert days(planned(series))[0] == TODAY


def test_a_session_on_hold_is_left_out_and_its_best_day_counts(desk):
    series = desk.start()
    TreatmentSession.objects.filter(series=series, number=2).update(state="on_hold")

    plan = planned(series)

    assert [visit.number for visit in plan.visits] == [1, 3]
    assert days(plan) == [date(2026, 3, 2), date(2026, 5, 1)]


def test_own_dates_of_a_session_are_kept(desk):
    series = desk.start()
    dates = {"not_before_on": date(2026, 4, 8), "best_on": date(2026, 4, 9), "window_reason": "holiday"}
    TreatmentSession.objects.filter(series=series, number=2).update(**dates)

    assert days(planned(series))[1] == date(2026, 4, 9)


def test_two_courses_on_the_same_area_keep_the_longer_distance(desk):
    who = factories.patient()
    desk.book_session(desk.start(who), 1, NOW + timedelta(days=2, hours=2))

    assert days(planned(desk.start(who)))[0] == date(2026, 4, 1)  # 28 days after the other's


def test_two_courses_on_other_areas_keep_the_days_of_the_location(desk):
    Location.objects.update(apart_days=3)
    who, series = factories.patient(), desk.start()
    other = desk.start(who)
    other.series_areas.update(area=factories_treatments.area("chin"))
    desk.book_session(other, 1, NOW + timedelta(days=1, hours=2))
    type(series).objects.filter(pk=series.pk).update(patient=who)
    series.refresh_from_db()

    assert days(planned(series))[0] == date(2026, 3, 6)


def test_days_on_which_safety_forbids_booking_are_no_options(desk):
    who = factories.patient()
    condition = factories_treatments.condition("isotretinoin", washout_days=30, action="defer")
    factories_treatments.answered(who, condition, on=TODAY, happened_on=TODAY)
    series = treatment_series.start(
        who, desk.version, areas=[desk.area], sessions_planned=3, first_possible_on=date(2026, 4, 20),
        today=TODAY, by=desk.by,
    )  # fmt: skip
    series.first_possible_on = TODAY
    series.save()

    assert days(planned(series))[0] == date(2026, 4, 1)


def test_visits_beyond_those_kept_ahead_are_dates_only(desk):
    Location.objects.update(visits_ahead=2)
    series = desk.start()
    desk.book_session(series, 1, NOW + timedelta(hours=3))

    plan = planned(series)

    assert [(visit.number, visit.is_date_only) for visit in plan.visits] == [(2, False), (3, True)]
    assert [visit.number for visit in plan.to_book] == [2]


def test_beyond_the_horizon_nothing_is_placed_and_the_reason_says_until_when(desk):
    Location.objects.update(horizon_days=40)

    third = planned(desk.start()).visits[2]

    assert third.reasons == (
        "Its earliest safe day is Wed 29 April 2026; visits can be booked until Sat 11 April 2026.",
    )


def test_the_planner_offers_only_what_is_free(desk):
    series = desk.start()
    plan = planned(series, Wish(weekdays=frozenset({2}), earliest=time(10)))

    for visit in plan.visits[:1]:
        request = availability.request_for(
            location=desk.location, service=desk.treatment, session=visit.session, patient=series.patient
        )
        assert availability.explain(request, visit.chosen.starts_at, NOW) == []


# -- What can be asked about it ---------------------------------------------------------------------------------------


def test_alternatives_are_other_times_of_the_day_and_other_days_in_order(desk):
    series = desk.start()
    plan = planned(series)

    found = scheduling.alternatives(series, Wish(), 2, plan=plan, now=NOW)

    assert [f"{one.starts_at:%m-%d %H:%M}" for one in found] == [
        "03-30 07:00", "03-31 07:00", "04-01 08:00", "04-01 09:00", "04-02 07:00", "04-03 07:00",
    ]  # fmt: skip


def test_every_alternative_can_be_chosen(desk):
    series = desk.start()
    plan = planned(series)

    for one in scheduling.alternatives(series, Wish(), 2, plan=plan, now=NOW):
        again = planned(series, fixed={1: plan.visits[0].chosen.starts_at, 2: one.starts_at})
        assert again.visits[1].chosen.starts_at == one.starts_at


def test_alternatives_of_a_plan_of_chosen_starts_are_the_same(desk):
    series = desk.start()
    plan = planned(series)
    chosen = planned(series, fixed=starts(plan))

    assert scheduling.alternatives(series, Wish(), 2, plan=chosen, now=NOW) == scheduling.alternatives(
        series, Wish(), 2, plan=plan, now=NOW
    )


def test_why_not_earlier_names_each_stretch_of_days(desk):
    closed(desk, date(2026, 4, 1), date(2026, 4, 3))
    series, wish = desk.start(), Wish(not_on=frozenset({date(2026, 3, 31), date(2026, 3, 30)}))
    plan = planned(series, wish)

    assert scheduling.why_not_earlier(series, wish, 2, plan=plan, now=NOW) == [
        "Mon 30 March 2026 to Tue 31 March 2026: This day does not suit the patient.",
        "Wed 1 April 2026 to Fri 3 April 2026: The clinic is closed.",
    ]


def test_why_not_earlier_says_what_is_free_but_worse(desk):
    series = desk.start()
    plan = planned(series)

    assert scheduling.why_not_earlier(series, Wish(), 2, plan=plan, now=NOW) == [
        "Mon 30 March 2026 to Tue 31 March 2026: Something is free, but the best day is Wed 1 April 2026."
    ]
    assert scheduling.why_not_earlier(series, Wish(), 1, plan=plan, now=NOW) == []


def test_a_session_without_a_time_says_why_and_what_would_be_free_with_somebody_else(desk):
    other = factories.practitioner(desk.location, "Dr Other", techniques=[desk.technique])
    desk.needler.working_hours.exclude(weekday=7).delete()

    first = planned(desk.start(), Wish(who="same", practitioner_id=desk.needler.pk), until=date(2026, 3, 7)).visits[0]

    assert first.reasons == ("Mon 2 March 2026 to Sat 7 March 2026: Dr Needle does not work then.",)
    assert [one.practitioner_id for one in first.nearest] == [other.pk] * 3


def test_a_full_day_says_what_there_is_none_of(desk):
    room = desk.location.resources.get(type="room", room__kind="treatment")
    visit = desk.book(NOW + timedelta(hours=3))
    begins = datetime(2026, 3, 2, 12, tzinfo=UTC)
    for number in range(30):
        start = begins + timedelta(hours=12 * number)
        Claim.objects.create(resource=room, appointment=visit, starts_at=start, ends_at=start + timedelta(hours=12))
    Claim.objects.create(resource=room, appointment=visit, starts_at=NOW, ends_at=begins)

    first = planned(desk.start(), until=date(2026, 3, 10)).visits[0]

    assert first.reasons == ("Mon 2 March 2026 to Tue 10 March 2026: No room of the right kind is free.",)


# -- Reading ----------------------------------------------------------------------------------------------------------


def counted(series, wish=None, **details):
    with CaptureQueriesContext(connection) as seen:
        planned(series, wish, **details)
    return len(seen)


def test_a_plan_reads_as_often_however_many_days_people_and_sessions_there_are(desk):
    series = desk.start()
    counted(series)
    few = counted(series, until=TODAY + timedelta(days=100))
    for number in range(3):
        factories.practitioner(desk.location, f"Dr {number}", techniques=[desk.technique])
        factories.room(desk.location, "treatment")
        desk.book_session(desk.start(), 1, NOW + timedelta(days=number, hours=2))
    more = treatment_series.start(
        factories.patient(), desk.version, areas=[desk.area], sessions_planned=4, first_possible_on=TODAY,
        today=TODAY, by=desk.by,
    )  # fmt: skip

    counted(more)

    assert counted(more, until=TODAY + timedelta(days=300)) == few <= 10


def test_the_same_question_has_the_same_answer(desk):
    series = desk.start()

    assert planned(series, Wish(weekdays=frozenset({3, 4}))) == planned(series, Wish(weekdays=frozenset({3, 4})))
