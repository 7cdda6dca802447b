"""Instead of the proposed time the patient takes another one that is free: what they are shown, and what it does."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from clinic import availability, booking, proposals
from clinic.booking import Moved, Placed
from clinic.models import Absence, Appointment, AppointmentChange, Claim, Hold, Reminder, WorkingHours
from clinic.refusals import Refused, Taken
from patients.refusals import Conflict
from tests import factories, factories_treatments
from tests.clinic.test_proposals import at_once
from tests.clinic.treatment_desk import TreatmentDesk, on_other_skin
from tests.factories import NOW

HOUR = timedelta(hours=1)


def at(month, day, hour=8, minute=0):
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


# Sessions are 28 to 42 days apart: the second may come from 7 April on, and until 13 April because of the third.
FIRST, SECOND, THIRD, NEW = at(3, 10, 9), at(4, 9, 9), at(5, 11, 9), at(4, 10, 9)


@pytest.fixture
def desk(db):
    return TreatmentDesk()


def three_visits(desk):
    series = desk.start(factories.patient(email="ada@post.example"))
    return [desk.book_session(series, number, at) for number, at in enumerate((FIRST, SECOND, THIRD), start=1)]


def propose(desk, *changes):
    about = {"patient": changes[0].patient, "series": changes[0].session.series, "cause": "moved"}
    return proposals.propose(changes, kept_until=NOW + 48 * HOUR, by=desk.by, now=NOW, **about)


@pytest.fixture
def visits(desk):
    return three_visits(desk)


@pytest.fixture
def proposal(desk, visits):
    return propose(desk, Moved(visits[1], NEW))


def row_of(proposal, visit=None):
    rows = proposal.visits.all()
    return (rows.get(appointment=visit) if visit else rows.get()).pk


def shown(proposal, visit=None, **chosen):
    return proposals.others(proposal, row_of(proposal, visit), NOW, **chosen)


def days(proposal, visit=None, **chosen):
    return {start.date() for start in shown(proposal, visit, **chosen)}


def pick(desk, proposal, start, visit=None, **details):
    return proposals.pick(proposal, {row_of(proposal, visit): start}, by=desk.by, now=NOW, **details)


def starts():
    return list(Appointment.objects.live().order_by("session__number").values_list("starts_at", flat=True))


def is_untouched(proposal):
    proposal.refresh_from_db()
    return proposal.state == "open" and starts() == [FIRST, SECOND, THIRD]


# -- What the patient is shown ----------------------------------------------------------------------------------------


def test_others_are_free_apart_from_each_other_and_inside_the_course(desk, visits, proposal):
    found = shown(proposal)
    asked = availability.request_for(
        location=desk.location, service=desk.treatment, session=visits[1].session, patient=visits[1].patient,
        practitioner=visits[1].practitioner, ignore=visits[1], channel="online",
    )  # fmt: skip
    free = {offer.starts_at for offer in availability.free_starts(asked, date(2026, 4, 1), date(2026, 4, 30), NOW)}

    assert len(found) == 6
    assert found == sorted(found)
    assert set(found) <= free
    assert max(Counter(start.date() for start in found).values()) == 2
    times = sorted([*found, SECOND, NEW])
    assert all(later - earlier >= HOUR for earlier, later in pairwise(times))
    assert all(date(2026, 4, 7) <= start.date() <= date(2026, 4, 13) for start in found)


def test_others_are_with_the_same_person(desk, visits, proposal):
    factories.practitioner(desk.location, "Dr Other", techniques=[desk.technique])

    pick(desk, proposal, shown(proposal)[0])

    assert Appointment.objects.get(session__number=2).practitioner == desk.needler


def test_others_are_when_patients_may_book(desk, proposal):
    hours = WorkingHours.objects.filter(practitioner=desk.needler)

    near = min(days(proposal))
    hours.filter(weekday=near.isoweekday()).update(is_open_online=False)
    assert near not in days(proposal)
    hours.update(is_open_online=False)
    assert shown(proposal) == []


def test_others_are_none_of_what_cannot_be_booked_any_more(desk):
    visit = desk.book(at(3, 10, 9), now=NOW)
    about = {"patient": visit.patient, "series": None, "cause": "away", "kept_until": NOW + 48 * HOUR}
    proposal = proposals.propose([Moved(visit, at(3, 11, 9))], by=desk.by, now=NOW, **about)
    assert shown(proposal)

    desk.service.segments.all().delete()

    assert shown(proposal) == []
    with pytest.raises(Taken):
        pick(desk, proposal, at(3, 12, 9))


def test_others_keep_the_distance_to_another_course(desk, visits, proposal):
    assert min(days(proposal)) == date(2026, 4, 9)
    series = on_other_skin(desk.start(visits[0].patient))
    other = Appointment.objects.filter(pk=desk.book_session(series, 1, at(3, 13)).pk)
    series.series_areas.update(area=desk.area)
    assert min(days(proposal)) == date(2026, 4, 10)  # both courses treat the cheek: 28 days apart

    other.update(starts_at=at(3, 20), ends_at=at(3, 20, 9))

    assert days(proposal) == set()


def test_others_are_on_days_that_safety_allows(desk, visits, proposal):
    washout = factories_treatments.condition("isotretinoin", "defer", washout_days=30)
    assert min(days(proposal)) < date(2026, 4, 10)

    factories_treatments.answered(visits[1].patient, washout, on=NOW.date(), happened_on=date(2026, 3, 11))

    assert min(days(proposal)) == date(2026, 4, 10)


def test_others_take_the_same_statements_in_a_full_diary(desk, visits, proposal):
    def statements():
        with CaptureQueriesContext(connection) as found:
            assert shown(proposal)
        return len(found)

    few = statements()
    for hour in range(8, 12):
        desk.book(at(4, 8, hour), now=NOW, practitioner=desk.needler)

    assert statements() == few


# -- What it does -----------------------------------------------------------------------------------------------------


def test_the_visit_gets_the_time_that_was_picked(desk, visits, proposal):
    start = shown(proposal)[0]

    picked = pick(desk, proposal, start)

    assert (picked.state, picked.answer) == ("accepted", "online")
    assert starts() == [FIRST, start, THIRD]
    (row,) = picked.visits.all()
    assert (row.starts_at, row.was_at, row.is_late) == (start, SECOND, False)
    assert Hold.objects.get().end == "released"
    assert not Claim.objects.filter(hold__isnull=False, live=True).exists()
    assert Claim.objects.filter(live=True).count() == 6
    assert "took another time" in AppointmentChange.objects.get(kind="moved").reason
    told = Reminder.objects.filter(proposal=proposal, state="scheduled")
    assert [each.rule_key for each in told] == ["visits_moved_together"]


def test_a_session_that_waits_gets_the_time_that_was_picked(desk, visits):
    booking.cancel(visits[1], version=1, cancelled_by="patient", reason="ill", by=desk.by, now=NOW)
    visits[1].session.refresh_from_db()
    proposal = propose(desk, Placed(visits[1].session, NEW, None, desk.location))
    start = shown(proposal)[0]

    pick(desk, proposal, start)

    assert starts() == [FIRST, start, THIRD]


def test_picking_twice_is_once_and_another_one_then_a_conflict(desk, proposal):
    first, second = shown(proposal)[:2]

    pick(desk, proposal, first)
    proposal.refresh_from_db()

    assert pick(desk, proposal, first).state == "accepted"
    with pytest.raises(Conflict, match="accepted online"):
        pick(desk, proposal, second)
    assert starts()[1] == first
    assert Reminder.objects.filter(rule_key="visits_moved_together").count() == 1


def test_who_accepts_after_somebody_picked_gets_what_was_picked(desk, proposal):
    earlier = type(proposal).objects.get(pk=proposal.pk)
    pick(desk, proposal, shown(proposal)[0])

    assert proposals.accept(earlier, by=desk.by, now=NOW).visits.get().starts_at == starts()[1]


@pytest.mark.parametrize("start", [at(4, 9, 9), at(4, 10, 9, 1), at(4, 20), at(4, 10, 3), at(2, 1)])
def test_what_was_not_shown_cannot_be_picked(desk, proposal, start):
    with pytest.raises(Taken, match="No longer free"):
        pick(desk, proposal, start)

    assert is_untouched(proposal)


def test_picking_what_is_proposed_is_accepting_it(desk, proposal):
    assert pick(desk, proposal, NEW).state == "accepted"
    assert starts() == [FIRST, NEW, THIRD]
    assert Hold.objects.get().end == "booked"


def test_what_is_gone_meanwhile_cannot_be_picked(desk, proposal):
    start = shown(proposal)[0]
    Absence.objects.create(resource=desk.needler.resource, starts_at=start, ends_at=start + HOUR, reason="x")

    with pytest.raises(Taken):
        pick(desk, proposal, start)

    assert is_untouched(proposal)


def test_an_old_version_cannot_be_answered(desk, proposal):
    proposals.ask_for_call(proposal, by=desk.by, now=NOW, wish="After six")

    with pytest.raises(Conflict, match="in the meantime"):
        pick(desk, proposal, shown(proposal)[0], version=1)

    assert is_untouched(proposal)


def test_of_two_picks_at_once_one_counts(transactional_db):
    desk = TreatmentDesk()
    visits = three_visits(desk)
    proposal = propose(desk, Moved(visits[1], NEW))
    first, second = shown(proposal)[:2]

    said = at_once(*[lambda start=start: pick(desk, proposal, start) for start in (first, second, first, second)])

    assert sorted(said) == ["Conflict", "Conflict", "accepted", "accepted"]
    assert starts()[1] in (first, second)
    assert starts()[1] == proposal.visits.get().starts_at
    assert Claim.objects.filter(live=True).count() == 6
    assert Reminder.objects.filter(rule_key="visits_moved_together").count() == 1


# -- Of several visits ------------------------------------------------------------------------------------------------

LAST = at(5, 18, 9)  # the third visit as it is proposed: 28 to 42 days after the second


@pytest.fixture
def both(desk, visits):
    """The second visit a day later, the third a week later."""
    return propose(desk, Moved(visits[1], NEW), Moved(visits[2], LAST))


def refused(proposal, **starts):
    """Which of the chosen starts cannot be had; visits by `second` and `third`."""
    rows = {"second": row_of(proposal, at_visit(2)), "third": row_of(proposal, at_visit(3))}
    gone = proposals.gone(proposal, {rows[name]: start for name, start in starts.items()}, NOW)
    return {name for name, row in rows.items() if row in gone}


def at_visit(number):
    return Appointment.objects.get(session__number=number)


def test_others_of_one_of_several_are_beside_the_others_as_they_are_proposed(visits, both):
    found = shown(both, visits[1])

    assert len(found) == 6
    assert all(not refused(both, second=start) for start in found)
    # 28 to 42 days after the first and before the third as it is proposed: as it is booked, until the 13th.
    assert [refused(both, second=at(4, day, 9)) for day in (6, 7, 13, 20, 21)] == [
        {"second"}, set(), set(), set(), {"second"},
    ]  # fmt: skip


def test_others_make_no_other_visit_later_than_it_is_proposed(visits, both):
    both.visits.filter(appointment=visits[2]).update(starts_at=at(5, 21, 9), ends_at=at(5, 21, 10))

    assert [refused(both, second=at(4, day, 8)) for day in (8, 9)] == [{"second"}, set()]  # 43 and 42 days before


def test_others_of_a_late_one_are_not_kept_away_by_its_being_late(visits, both):
    both.visits.filter(appointment=visits[2]).update(starts_at=at(5, 26, 9), ends_at=at(5, 26, 10), is_late=True)

    assert [refused(both, second=at(4, day, 9)) for day in (7, 13)] == [set(), set()]
    assert [refused(both, third=at(5, day, 9)) for day in (22, 23)] == [set(), {"third"}]


def test_others_are_looked_for_beside_what_was_chosen(visits, both):
    second, thirds = at(4, 20, 9), [at(5, day, 8) for day in (12, 13, 17, 18)]

    assert refused(both, second=second) == set()
    assert [refused(both, third=third) for third in thirds] == [set()] * 4
    assert [refused(both, second=second, third=third) for third in thirds] == [
        {"second", "third"}, {"second", "third"}, {"second", "third"}, set(),
    ]  # fmt: skip
    assert all(start >= at(5, 18, 0) for start in shown(both, visits[2], chosen={row_of(both, visits[1]): second}))


def test_others_are_not_where_the_patient_would_be_at_another_of_the_visits(desk, visits):
    other = desk.book(at(5, 20, 9), visits[0].patient, now=NOW)
    about = {"patient": visits[0].patient, "series": None, "cause": "moved", "kept_until": NOW + 48 * HOUR}
    changes = [Moved(visits[2], LAST), Moved(other, at(5, 19, 9))]
    proposal = proposals.propose(changes, by=desk.by, now=NOW, **about)
    row = row_of(proposal, visits[2])

    # With an hour between them for turnaround and ways.
    assert proposals.gone(proposal, {row: at(5, 19, 11)}, NOW) == set()
    assert [proposals.gone(proposal, {row: at(5, 19, *when)}, NOW) for when in ((8,), (9,), (10,))] == [{row}] * 3


def test_all_visits_get_their_times_and_the_one_that_was_picked(desk, visits, both):
    start = shown(both, visits[1])[0]

    picked = pick(desk, both, start, visits[1])

    assert (picked.state, picked.answer) == ("accepted", "online")
    assert starts() == [FIRST, start, LAST]
    assert sorted(Hold.objects.values_list("end", flat=True)) == ["booked", "released"]
    assert not Claim.objects.filter(hold__isnull=False, live=True).exists()
    assert Reminder.objects.filter(proposal=both, rule_key="visits_moved_together").count() == 1
    reasons = AppointmentChange.objects.filter(kind="moved").order_by("starts_at").values_list("reason", flat=True)
    assert list(reasons) == ["The patient took another time than the proposed one.", ""]


def test_two_can_be_picked_at_once(desk, visits, both):
    wanted = {row_of(both, visits[1]): at(4, 20, 9), row_of(both, visits[2]): at(5, 20, 9)}

    proposals.pick(both, wanted, by=desk.by, now=NOW)

    assert starts() == [FIRST, at(4, 20, 9), at(5, 20, 9)]


def test_what_does_not_go_with_the_others_cannot_be_picked_and_nothing_moves(desk, visits, both):
    with pytest.raises(Taken, match="21 April"):
        pick(desk, both, at(4, 21, 9), visits[1])

    assert is_untouched(both)


def test_picking_several_twice_is_once(desk, visits, both):
    start = shown(both, visits[1])[0]
    pick(desk, both, start, visits[1])
    both.refresh_from_db()

    assert pick(desk, both, start, visits[1]).state == "accepted"
    assert Reminder.objects.filter(rule_key="visits_moved_together").count() == 1


@pytest.mark.parametrize("first_chosen", [False, True])
def test_everything_that_is_shown_can_be_had(desk, visits, both, first_chosen):
    factories.practitioner(desk.location, "Dr Other", techniques=[desk.technique])
    chosen = {row_of(both, visits[1]): at(4, 20, 9)} if first_chosen else {}
    shown_for = [visits[2]] if first_chosen else visits[1:]
    wanted = [
        {**chosen, row_of(both, visit): start} for visit in shown_for for start in shown(both, visit, chosen=chosen)
    ]  # fmt: skip

    assert len(wanted) == 6 * len(shown_for)
    for starts_of in wanted:
        with transaction.atomic():
            assert proposals.pick(both, starts_of, by=desk.by, now=NOW).state == "accepted"
            assert set(starts_of.values()) <= set(starts())
            transaction.set_rollback(True)  # the next one finds the diary as it was


# -- Of several courses, and of none ----------------------------------------------------------------------------------


def of_two_courses(desk, first, second):
    """A proposal of the first sessions of two courses on different skin, which have no visit yet."""
    type(desk.location).objects.update(apart_days=7)
    desk.location.refresh_from_db()
    ada = factories.patient("Ada")
    courses = [desk.start(ada), on_other_skin(desk.start(ada))]
    sessions = [course.sessions.get(number=1) for course in courses]
    changes = [Placed(one, at, None, desk.location) for one, at in zip(sessions, (first, second), strict=True)]
    about = {"patient": ada, "series": None, "cause": "other", "kept_until": NOW + 48 * HOUR}
    return proposals.propose(changes, by=desk.by, now=NOW, **about), sessions


def test_sessions_that_have_no_visit_yet_keep_their_distance_to_one_another(desk):
    proposal, (one, _two) = of_two_courses(desk, at(3, 11, 9), at(3, 25, 9))
    row = proposal.visits.get(session=one).pk

    gone = [proposals.gone(proposal, {row: at(3, day, 12)}, NOW) for day in (18, 19, 25)]

    assert gone == [set(), {row}, {row}]
    with pytest.raises(Taken):
        proposals.pick(proposal, {row: at(3, 25, 12)}, by=desk.by, now=NOW)


def test_two_sessions_without_a_visit_are_not_proposed_too_near_to_one_another(desk):
    with pytest.raises(Refused, match="Too close to a visit of another course"):
        of_two_courses(desk, at(3, 11, 9), at(3, 13, 9))

    assert not Hold.objects.exists()


def test_a_visit_of_no_course_is_not_shown_days_that_safety_forbids(desk):
    alone = factories.service("treatment", 30, "treatment", name="Alone", modality="microneedling")
    ada = factories.patient("Ada")
    visit = desk.book(at(3, 20, 9), ada, now=NOW, service=alone)
    about = {"patient": ada, "series": None, "cause": "other", "kept_until": NOW + 48 * HOUR}
    proposal = proposals.propose([Moved(visit, at(3, 24, 9))], by=desk.by, now=NOW, **about)
    assert min(days(proposal)) < date(2026, 3, 24)

    washout = factories_treatments.condition("isotretinoin", "defer", washout_days=21)
    factories_treatments.answered(ada, washout, on=NOW.date(), happened_on=date(2026, 3, 3))

    assert min(days(proposal)) == date(2026, 3, 24)
