"""Other times are kept for a patient until a deadline; one answer counts, and nothing is ever half done."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from functools import partial
from threading import Barrier

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clinic import booking, course_changes, proposals, scheduling
from clinic.booking import Moved, Placed, Wanted
from clinic.models import Appointment, Claim, Hold, Proposal, ProposedVisit, Reminder, RuleOverride, Task
from clinic.refusals import Refused, Taken
from clinic.scheduling import Wish
from patients.refusals import Conflict
from patients.submissions import Sent
from tests import factories
from tests.clinic.treatment_desk import TreatmentDesk
from tests.factories import NOW
from treatments.models import TreatmentSeries

DEADLINE = NOW + timedelta(hours=48)
LATER = DEADLINE + timedelta(hours=1)


@pytest.fixture
def desk(db):
    return TreatmentDesk()


def at(month, day, hour=8, minute=0):
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


@pytest.fixture
def visits(desk):
    """Sessions on 10 March, 9 April and 11 May 2026; 28 to 42 days between them."""
    series = desk.start(factories.patient(email="ada@post.example"))
    starts = (at(3, 10, 9), at(4, 9), at(5, 11))
    return [desk.book_session(series, number, start) for number, start in enumerate(starts, start=1)]


def propose(desk, *changes, kept_until=DEADLINE, **details):
    about = {"patient": changes[0].patient, "series": changes[0].session.series, "cause": "moved"}
    return proposals.propose(changes, kept_until=kept_until, by=desk.by, now=NOW, **about, **details)


def accept(desk, proposal, **details):
    return proposals.accept(proposal, by=desk.by, now=NOW, **details)


def starts():
    return list(Appointment.objects.live().order_by("session__number").values_list("starts_at", flat=True))


def news():
    return list(Reminder.objects.filter(proposal__isnull=False, state="scheduled").values_list("rule_key", flat=True))


@pytest.fixture
def proposal(desk, visits):
    return propose(desk, Moved(visits[1], at(4, 10)), Moved(visits[2], at(5, 12)))


def test_every_new_time_is_kept_and_said(desk, proposal):
    with pytest.raises(Taken):
        desk.book(at(4, 10), now=NOW, service=desk.treatment, practitioner=desk.needler)

    assert [(row.was_at, row.starts_at) for row in proposal.visits.all()] == [
        (at(4, 9), at(4, 10)), (at(5, 11), at(5, 12)),
    ]  # fmt: skip
    assert set(Hold.objects.values_list("is_pencil", "kept_until", "ended_at")) == {(True, DEADLINE, None)}
    assert Claim.objects.filter(hold__isnull=False, live=True).count() == 4
    assert news() == ["visits_proposed"]
    assert Reminder.objects.get(rule_key="visits_proposed").expires_at == DEADLINE
    assert starts() == [at(3, 10, 9), at(4, 9), at(5, 11)]


@pytest.mark.parametrize("hours", [0, 73])
def test_it_is_kept_for_72_hours_at_most(desk, visits, hours):
    with pytest.raises(Refused, match="72 hours"):
        propose(desk, Moved(visits[1], at(4, 10)), kept_until=NOW + timedelta(hours=hours))


def test_nothing_is_kept_when_one_time_is_taken(desk, visits):
    desk.book(at(5, 12), now=NOW, service=desk.treatment, practitioner=desk.needler)

    with pytest.raises(Taken) as refusal:
        propose(desk, Moved(visits[1], at(4, 10)), Moved(visits[2], at(5, 12)))

    assert refusal.value.keys == {visits[2].pk}
    assert not Hold.objects.exists()
    assert not Proposal.objects.exists()
    assert news() == []


def test_a_time_next_to_the_old_one_can_be_kept(desk, visits):
    proposal = propose(desk, Moved(visits[1], at(4, 9, 8, 15)))

    kept = set(Claim.objects.filter(hold__isnull=False, live=True).values_list("starts_at", "ends_at"))
    assert kept == {(at(4, 9, 8, 45), at(4, 9, 9))}
    accept(desk, proposal)
    assert starts()[1] == at(4, 9, 8, 15)


def test_it_is_about_one_patient(desk, visits):
    theirs = desk.book_session(desk.start(factories.patient("Bo", "Reed")), 1, at(3, 12))

    with pytest.raises(Refused, match="one patient"):
        propose(desk, Moved(visits[1], at(4, 10)), Moved(theirs, at(3, 13)))


def test_an_older_one_about_the_same_visits_is_taken_back(desk, visits, proposal):
    newer = propose(desk, Moved(visits[1], at(4, 10)), Moved(visits[2], at(5, 12, 9)))

    proposal.refresh_from_db()
    assert (proposal.state, newer.state) == ("withdrawn", "open")
    assert Hold.objects.filter(ended_at=None).count() == 2
    assert news() == ["visits_proposed"]


def test_accepting_moves_all_with_one_message(desk, proposal):
    accepted = accept(desk, proposal)

    assert (accepted.state, accepted.answer, accepted.version) == ("accepted", "online", 2)
    assert starts() == [at(3, 10, 9), at(4, 10), at(5, 12)]
    assert set(Hold.objects.values_list("end", flat=True)) == {"booked"}
    assert Claim.objects.filter(live=True).count() == 6
    assert news() == ["visits_moved_together"]
    moved = Reminder.objects.filter(rule_key="visit_moved")
    assert not moved.exists()


def test_accepting_twice_is_once(desk, proposal):
    accept(desk, proposal)

    again = accept(desk, proposal, by_phone=True)

    assert again.answer == "online"
    assert Reminder.objects.filter(rule_key="visits_moved_together").count() == 1


def test_after_the_deadline_it_still_counts_if_all_is_free(desk, proposal):
    accepted = proposals.accept(proposal, by=desk.by, now=LATER)

    assert accepted.state == "accepted"
    assert starts()[1:] == [at(4, 10), at(5, 12)]


def test_after_the_deadline_it_is_refused_once_a_time_is_gone(desk, proposal):
    desk.book(at(5, 12), now=LATER, service=desk.treatment, practitioner=desk.needler)

    with pytest.raises(Taken, match="Tue 12 May 2026, 09:00"):
        proposals.accept(proposal, by=desk.by, now=LATER)

    proposal.refresh_from_db()
    assert proposal.state == "open"
    assert starts()[1] == at(4, 9)


def test_a_visit_that_has_another_time_by_now_is_a_conflict(desk, visits, proposal):
    Appointment.objects.filter(pk=visits[2].pk).update(starts_at=at(5, 13), ends_at=at(5, 13, 9))

    with pytest.raises(Conflict, match="changed since"):
        accept(desk, proposal)
    assert proposals.open_for(visits[0].patient, NOW) == []
    assert [each.is_behind for each in proposals.listed(NOW)] == [True]


def moved(desk, visit):
    booking.move(visit, starts_at=at(4, 13), version=1, by=desk.by, now=NOW)


def moved_next_to_what_is_proposed(desk, visit):
    booking.move(visit, starts_at=at(4, 10, 8, 15), version=1, by=desk.by, now=NOW)


def moved_together(desk, visit):
    booking.move_together([Moved(visit, at(4, 10, 8, 15))], by=desk.by, now=NOW)


def cancelled(desk, visit):
    booking.cancel(visit, cancelled_by="patient", reason="ill", version=1, by=desk.by, now=NOW)


def missed(desk, visit):
    booking.no_show(visit, version=1, by=desk.by, now=visit.starts_at)


def entered_in_error(desk, visit):
    booking.enter_in_error(visit, version=1, by=desk.by, now=NOW)


def paused(desk, visit):
    series = TreatmentSeries.objects.get()
    course_changes.pause(series, reason="ill", version=series.version, by=desk.by, now=NOW)


def stopped(desk, visit):
    series = TreatmentSeries.objects.get()
    seen = [each.public_id for each in course_changes.to_come(series)]
    course_changes.stop(series, reason="ill", version=series.version, by=desk.by, now=NOW, seen=seen)


BY_HAND = [
    moved, moved_next_to_what_is_proposed, moved_together, cancelled, missed, entered_in_error, paused, stopped
]  # fmt: skip


@pytest.mark.parametrize("by_hand", BY_HAND)
def test_what_changes_a_visit_in_another_way_takes_the_proposal_back(desk, visits, proposal, by_hand):
    by_hand(desk, visits[1])

    proposal.refresh_from_db()
    assert (proposal.state, proposal.answered_by) == ("withdrawn", desk.by)
    assert not Hold.objects.filter(ended_at=None).exists()
    assert not Claim.objects.filter(hold__isnull=False, live=True).exists()
    assert news() == []
    with pytest.raises(Conflict, match="taken back"):
        accept(desk, proposal)


def test_a_move_that_is_refused_leaves_the_proposal_as_it_is(desk, visits, proposal):
    with pytest.raises(Refused):
        booking.move(visits[1], starts_at=at(3, 12), version=1, by=desk.by, now=NOW)

    proposal.refresh_from_db()
    assert proposal.state == "open"
    assert Claim.objects.filter(hold__isnull=False, live=True).count() == 4


def test_a_call_that_was_asked_for_is_settled_by_a_move(desk, visits, proposal):
    proposals.ask_for_call(proposal, by=desk.by, now=NOW, wish="After six please")

    moved(desk, visits[1])

    assert not Task.objects.filter(kind="call", done_at=None).exists()


def test_a_visit_of_another_patient_ends_no_proposal(desk, visits, proposal):
    other = desk.book_session(desk.start(factories.patient("Bo", "Reed")), 1, at(3, 12))

    booking.cancel(other, cancelled_by="patient", reason="ill", version=1, by=desk.by, now=NOW)

    proposal.refresh_from_db()
    assert proposal.state == "open"


def waiting(desk, visit):
    """The session of a visit that was given up; it waits to be booked again."""
    booking.cancel(visit, version=1, cancelled_by="patient", reason="ill", by=desk.by, now=NOW)
    visit.session.refresh_from_db()
    return visit.session


def booked_alone(desk, session):
    desk.book_session(session.series, session.number, at(4, 12))


def booked_with_another(desk, session):
    wanted = [Wanted(desk.treatment, session)]
    details = {"location": desk.location, "starts_at": at(4, 12), "by": desk.by, "now": NOW}
    booking.book_several(patient=session.series.patient, wanted=wanted, **details)


def planned(desk, session):
    plan = scheduling.plan(session.series, Wish(), first=NOW.date(), now=NOW)
    booking.book_plan(plan, by=desk.by, now=NOW)


@pytest.mark.parametrize("by_hand", [booked_alone, booked_with_another, planned])
def test_a_time_kept_for_a_session_is_free_again_once_it_is_booked_by_hand(desk, visits, by_hand):
    session = waiting(desk, visits[1])
    proposal = propose(desk, Placed(session, at(4, 10), None, desk.location))
    proposals.ask_for_call(proposal, by=desk.by, now=NOW, wish="After six please")

    by_hand(desk, session)

    proposal.refresh_from_db()
    assert (proposal.state, Hold.objects.filter(ended_at=None).exists()) == ("withdrawn", False)
    assert not Claim.objects.filter(hold__isnull=False, live=True).exists()
    assert not Task.objects.filter(kind="call", done_at=None).exists()


def test_a_booking_of_another_session_ends_no_proposal(desk, visits):
    session, other = waiting(desk, visits[1]), waiting(desk, visits[2])
    proposal = propose(desk, Placed(session, at(4, 10), None, desk.location))

    desk.book_session(other.series, other.number, at(5, 12))

    proposal.refresh_from_db()
    assert proposal.state == "open"


def test_a_time_kept_for_a_session_that_waits_ends_with_its_course(desk, visits):
    session = waiting(desk, visits[1])
    proposal = propose(desk, Placed(session, at(4, 10), None, desk.location))

    paused(desk, visits[1])

    proposal.refresh_from_db()
    assert (proposal.state, Hold.objects.filter(ended_at=None).exists()) == ("withdrawn", False)


def test_crossed_versions_are_a_conflict(desk, proposal):
    proposals.ask_for_call(proposal, by=desk.by, now=NOW, wish="")

    with pytest.raises(Conflict):
        accept(desk, proposal, version=1)


def test_agreed_by_phone_in_one_go(desk, visits):
    sent = Sent(uuid.uuid4(), {"x": "1"})
    about = {"patient": visits[0].patient, "series": visits[0].session.series, "cause": "away"}
    changes = [Moved(visits[1], at(4, 10)), Moved(visits[2], at(5, 12))]

    agreed = proposals.agreed(changes, by=desk.by, now=NOW, submission=sent, **about)
    again = proposals.agreed(changes, by=desk.by, now=NOW, submission=sent, **about)

    assert (agreed.pk, agreed.state, agreed.answer) == (again.pk, "accepted", "phone")
    assert starts()[1:] == [at(4, 10), at(5, 12)]
    assert news() == ["visits_moved_together"]
    assert not Hold.objects.filter(ended_at=None).exists()


def test_a_session_that_waits_is_proposed_and_booked(desk, visits):
    session = waiting(desk, visits[1])
    proposal = propose(desk, Placed(session, at(4, 10), None, desk.location))

    accept(desk, proposal)

    visit = Appointment.objects.live().get(session=session)
    assert visit.starts_at == at(4, 10)
    assert news() == ["visits_moved_together"]
    assert not visit.reminders.filter(rule_key="visit_booked").exists()


def test_who_proposed_answers_for_a_late_visit(desk, visits):
    proposal = propose(desk, Moved(visits[2], at(6, 10)))
    patient = factories.user(name="Ada")

    proposals.accept(proposal, by=patient, now=NOW)

    assert RuleOverride.objects.get().allowed_by == desk.by
    assert ProposedVisit.objects.get().is_late


def test_another_time_frees_all_and_asks_reception(desk, proposal):
    for _time in range(2):
        declined = proposals.ask_for_another(proposal, by=desk.by, now=NOW, wish="Only on Mondays")

    assert (declined.state, declined.answer, declined.wish) == ("declined", "another", "Only on Mondays")
    assert not Claim.objects.filter(hold__isnull=False, live=True).exists()
    task = Task.objects.get(kind="call")
    assert ("Only on Mondays" in task.text, task.for_role, task.patient) == (True, "reception", proposal.patient)
    assert news() == []
    with pytest.raises(Conflict):
        accept(desk, proposal)
    with pytest.raises(Refused, match="which times"):
        proposals.ask_for_another(proposal, by=desk.by, now=NOW, wish=" ")


def test_a_call_keeps_the_times_and_can_still_be_agreed(desk, proposal):
    asked = proposals.ask_for_call(proposal, by=desk.by, now=NOW, wish="After six please")
    proposals.ask_for_call(proposal, by=desk.by, now=NOW, wish="After six please")

    assert (asked.state, asked.wish) == ("open", "After six please")
    assert Claim.objects.filter(hold__isnull=False, live=True).count() == 4
    task = Task.objects.get(kind="call", done_at=None)
    assert "After six please" in task.text

    accept(desk, proposal, by_phone=True)

    task.refresh_from_db()
    assert task.done_at == NOW


def test_withdrawing_frees_all_and_says_nothing(desk, proposal):
    proposals.withdraw(proposal, by=desk.by, now=NOW)
    proposals.withdraw(proposal, by=desk.by, now=NOW)

    assert not Claim.objects.filter(hold__isnull=False, live=True).exists()
    assert news() == []
    with pytest.raises(Conflict, match="taken back"):
        accept(desk, proposal)


def test_lists_for_the_patient_and_the_desk(desk, visits, proposal):
    assert proposals.open_for(visits[0].patient, NOW) == [proposal]
    assert proposals.open_for(visits[0].patient, LATER) == []
    (row,) = proposals.listed(LATER)
    assert (row, row.has_run_out, row.is_behind) == (proposal, True, False)


def test_lists_take_the_same_statements_for_many(desk, visits, proposal):
    def statements():
        with CaptureQueriesContext(connection) as queries:
            for row in proposals.listed(NOW):
                for visit in row.visits.all():
                    str((row.patient, visit.location, visit.practitioner, visit.appointment, visit.session.phase))
        return len(queries)

    before = statements()
    theirs = desk.book_session(desk.start(factories.patient("Bo", "Reed")), 1, at(3, 12))
    propose(desk, Moved(theirs, at(3, 13)))

    assert statements() == before


def test_nobody_without_an_address_is_written_to(desk):
    theirs = desk.book_session(desk.start(factories.patient("Bo", "Reed", email="")), 1, at(3, 12))

    propose(desk, Moved(theirs, at(3, 13)))

    assert news() == []


# -- At once ----------------------------------------------------------------------------------------------------------


def at_once(*acts):
    """What each of them said, all begun at the same moment, in a connection of its own."""
    barrier = Barrier(len(acts))

    def attempt(act):
        barrier.wait()
        try:
            return act().state
        except (Conflict, Taken) as refusal:
            return type(refusal).__name__
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(attempt, acts))


def at_a_real_desk():
    desk = TreatmentDesk()
    series = desk.start(factories.patient(email="ada@post.example"))
    visits = [desk.book_session(series, 1, at(3, 10, 9)), desk.book_session(series, 2, at(4, 9))]
    return desk, propose(desk, Moved(visits[1], at(4, 10)))


def test_two_acceptances_at_once_are_one(transactional_db):
    desk, proposal = at_a_real_desk()

    said = at_once(*[lambda: accept(desk, proposal)] * 3)

    assert said == ["accepted"] * 3
    assert Reminder.objects.filter(rule_key="visits_moved_together").count() == 1
    assert starts() == [at(3, 10, 9), at(4, 10)]


def test_of_an_acceptance_and_other_answers_at_once_one_counts(transactional_db):
    desk, proposal = at_a_real_desk()

    said = at_once(
        lambda: accept(desk, proposal),
        lambda: proposals.withdraw(proposal, by=desk.by, now=NOW),
        lambda: proposals.ask_for_another(proposal, by=desk.by, now=NOW, wish="Mondays"),
    )

    assert sorted(said)[:2] == ["Conflict", "Conflict"]
    proposal.refresh_from_db()
    assert proposal.state in said
    assert starts()[1] == (at(4, 10) if proposal.state == "accepted" else at(4, 9))
    kept = Claim.objects.filter(hold__isnull=False, live=True)
    assert not kept.exists()


def test_of_two_proposals_of_the_same_time_at_once_one_is_kept(transactional_db):
    desk, now = TreatmentDesk(), timezone.now()  # by the clock of the database times that were kept long ago are free
    nine = [datetime.combine(now.date() + timedelta(days=days), time(9), UTC) for days in (10, 11, 15)]
    people = [factories.patient(name, "Reed") for name in ("Bo", "Cy")]
    theirs = [desk.book(day, who, now=now) for day, who in zip(nine, people, strict=False)]

    def keep(visit):
        about = {"patient": visit.patient, "series": None, "cause": "moved"}
        kept_until = now + timedelta(hours=1)
        return proposals.propose([Moved(visit, nine[2])], kept_until=kept_until, by=desk.by, now=now, **about)

    said = at_once(*[partial(keep, visit) for visit in theirs])

    assert sorted(said) == ["SomeTaken", "open"]
    assert Claim.objects.filter(hold__isnull=False, live=True).count() == 2
