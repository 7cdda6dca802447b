"""Times kept before they are booked, and what a visit gets besides its time: other people and places, company."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from clinic import booking
from clinic.booking import Wanted
from clinic.models import Appointment, Claim, Hold, Reminder
from clinic.refusals import Refused, Taken
from patients.submissions import Sent
from tests.factories import patient, practitioner, room, service, user

HALF, DAY, MINUTE = timedelta(minutes=30), timedelta(days=1), timedelta(minutes=1)
# Kept times run out by the clock of the database too: these tests live today, and long after the last of them has run.
NOW = timezone.now().replace(second=0, microsecond=0) + timedelta(hours=3)
TEN = (NOW + 2 * DAY).replace(hour=10, minute=0)


def keep(desk, at=TEN, now=NOW, **details):
    wanted = {"service": desk.service, "location": desk.location, "by": desk.by, **details}
    return booking.hold(starts_at=at, now=now, **wanted)


def pencil(desk, at=TEN, now=NOW, until=NOW + DAY, **details):
    wanted = {"service": desk.service, "location": desk.location, "by": desk.by, "kept_for": "Ada", **details}
    return booking.pencil(starts_at=at, now=now, kept_until=until, **wanted)


def book(desk, at=TEN, who=None, now=NOW, **details):
    return desk.book(at, who, now=now, **details)


def live():
    return set(Claim.objects.filter(live=True).values_list("resource_id", flat=True))


# -- Keep -------------------------------------------------------------------------------------------------------------


def test_hold_keeps_the_time_as_long_as_the_location_says(desk):
    kept = keep(desk)

    assert (kept.starts_at, kept.ends_at, kept.practitioner) == (TEN, TEN + HALF, desk.practitioner)
    assert kept.kept_until == NOW + timedelta(minutes=10)
    assert live() == {desk.practitioner.pk, desk.room.pk}
    desk.by = user("reception")
    with pytest.raises(Taken):
        book(desk)


def test_hold_is_refused_for_a_taken_time(desk):
    book(desk)

    with pytest.raises(Taken):
        keep(desk)


def test_hold_of_somebody_else_is_in_the_way(desk):
    keep(desk)

    with pytest.raises(Taken):
        keep(desk, by=practitioner(desk.location, "Dr Arden").user, practitioner=desk.practitioner)


def test_hold_asked_for_twice_by_one_person_is_kept_anew(desk):
    first = keep(desk)
    second = keep(desk, now=NOW + 5 * MINUTE)

    first.refresh_from_db()
    assert (first.end, second.kept_until) == ("released", NOW + timedelta(minutes=15))
    assert Claim.objects.filter(live=True).count() == 2


@pytest.mark.parametrize("minutes", [0, 61])
def test_hold_lasts_an_hour_at_most(desk, minutes):
    with pytest.raises(Refused, match="1 to 60 minutes"):
        keep(desk, minutes=minutes)


def test_hold_answers_a_repeated_submission_with_the_first(desk):
    sent = Sent(uuid.uuid4(), {"start": "10:00"})

    assert keep(desk, submission=sent) == keep(desk, submission=sent)
    assert Hold.objects.count() == 1


def test_hold_that_has_run_out_is_in_nobodys_way(desk):
    keep(desk)

    assert book(desk, now=NOW + 11 * MINUTE).starts_at == TEN


def test_release_frees_the_time_and_twice_changes_nothing(desk):
    kept = keep(desk)

    given_back = booking.release(kept, by=desk.by, now=NOW)
    again = booking.release(kept, by=desk.by, now=NOW + MINUTE)

    assert (given_back.end, again.ended_at) == ("released", NOW)
    assert live() == set()


def test_release_leaves_what_was_booked_alone(desk):
    kept = keep(desk)
    book(desk, hold=kept)

    assert booking.release(kept, by=desk.by, now=NOW).end == "booked"
    assert len(live()) == 2


# -- Pencil -----------------------------------------------------------------------------------------------------------


def test_pencil_keeps_the_time_for_up_to_72_hours(desk):
    kept = pencil(desk, at=TEN + 5 * DAY, until=NOW + 3 * DAY)

    assert (kept.is_pencil, kept.kept_for, kept.kept_until) == (True, "Ada", NOW + 3 * DAY)
    with pytest.raises(Refused, match="72 hours"):
        pencil(desk, at=TEN + 6 * DAY, until=NOW + 3 * DAY + MINUTE)


def test_pencil_ends_with_the_time_itself(desk):
    assert pencil(desk, at=TEN, until=NOW + 3 * DAY).kept_until == TEN


def test_pencil_asks_for_whom(desk):
    with pytest.raises(Refused, match="for whom"):
        pencil(desk, kept_for=" ")


# -- Book what is kept ------------------------------------------------------------------------------------------------


def test_book_takes_what_is_kept(desk):
    kept = keep(desk)

    visit = book(desk, hold=kept)

    kept.refresh_from_db()
    assert (kept.end, kept.ended_at) == ("booked", NOW)
    assert set(visit.claims.filter(live=True).values_list("resource_id", flat=True)) == live()
    assert not kept.claims.filter(live=True).exists()


def test_book_finds_what_the_same_person_keeps_though_the_form_did_not_say(desk):
    kept = keep(desk)

    visit = book(desk)

    kept.refresh_from_db()
    assert (visit.starts_at, kept.end) == (TEN, Hold.End.BOOKED)


def test_book_with_a_kept_time_stays_with_the_person_it_is_kept_with(desk):
    other = practitioner(desk.location, "Dr Arden")
    kept = keep(desk, practitioner=other)

    assert book(desk, hold=kept).practitioner == other


def test_book_is_refused_for_another_patient_than_the_time_is_kept_for(desk):
    kept = pencil(desk, patient=patient("Ada", "Quill"))

    with pytest.raises(Refused, match="kept for Ada Quill"):
        book(desk, hold=kept)

    kept.refresh_from_db()
    assert kept.ended_at is None
    assert book(desk, who=kept.patient, hold=kept).starts_at == TEN


def test_book_with_a_kept_time_that_ran_out_wins_while_nobody_took_it(desk):
    kept = keep(desk)

    assert book(desk, hold=kept, now=NOW + 20 * MINUTE).starts_at == TEN


def test_book_with_a_kept_time_that_ran_out_loses_to_who_took_it(desk):
    kept = keep(desk)
    book(desk, now=NOW + 20 * MINUTE)

    with pytest.raises(Taken):
        book(desk, hold=kept, now=NOW + 21 * MINUTE)


def test_book_of_another_time_gives_the_kept_one_back(desk):
    kept = keep(desk)

    book(desk, TEN + 2 * HALF, hold=kept)

    kept.refresh_from_db()
    assert kept.end == "released"
    assert book(desk).starts_at == TEN


def test_book_uses_the_room_that_was_chosen(desk):
    second = room(desk.location, "consultation")

    visit = book(desk, chosen=[second.pk])

    assert set(visit.claims.values_list("resource_id", flat=True)) == {desk.practitioner.pk, second.pk}


# -- Exchange people and places ---------------------------------------------------------------------------------------


def change(desk, visit, **details):
    return booking.change_resources(visit, version=visit.version, by=desk.by, now=NOW, **details)


def places(visit):
    return set(visit.claims.filter(live=True).values_list("resource_id", flat=True))


def test_change_resources_gives_the_visit_another_room_and_keeps_the_rest(desk):
    second, visit = room(desk.location, "consultation"), book(desk)
    first = (places(visit) - {desk.practitioner.pk}).pop()
    other = second if first == desk.room.pk else desk.room

    visit = change(desk, visit, room=other, reason="lamp broken")

    assert places(visit) == {desk.practitioner.pk, other.pk}
    assert (visit.starts_at, visit.version) == (TEN, 2)
    assert visit.changes.values_list("kind", "reason").get() == ("places", "lamp broken")


def test_change_resources_gives_the_visit_another_practitioner(desk):
    other, visit = practitioner(desk.location, "Dr Arden"), book(desk, practitioner=desk.practitioner)

    visit = change(desk, visit, practitioner=other)

    assert visit.practitioner == other
    assert places(visit) == {other.pk, desk.room.pk}
    assert visit.changes.get().practitioner == desk.practitioner


def test_change_resources_tells_the_patient_of_another_person_but_not_of_another_room(desk):
    other, second = practitioner(desk.location, "Dr Arden"), room(desk.location, "consultation")
    visit = book(desk, who=patient(email="ada@post.example"), practitioner=desk.practitioner)
    Reminder.objects.filter(rule_key="visit_booked").update(state="claimed", lease_until=NOW)
    Reminder.objects.filter(rule_key="visit_booked").update(state="sent", sent_at=NOW)

    visit = change(desk, visit, room=next(one for one in (second, desk.room) if one.pk not in places(visit)))
    assert not visit.reminders.filter(rule_key="visit_with_another").exists()
    visit = change(desk, visit, practitioner=other)

    assert visit.reminders.get(rule_key="visit_with_another").state == "scheduled"


def test_change_resources_is_refused_when_the_room_is_taken(desk):
    second, other = room(desk.location, "consultation"), practitioner(desk.location, "Dr Arden")
    visit = book(desk, practitioner=desk.practitioner, chosen=[desk.room.pk])
    book(desk, practitioner=other, chosen=[second.pk])

    with pytest.raises(Taken):
        change(desk, visit, room=second)

    assert places(visit) == {desk.practitioner.pk, desk.room.pk}


def test_change_resources_works_for_a_patient_who_is_here(desk):
    second = room(desk.location, "consultation")
    visit = booking.check_in(book(desk, chosen=[desk.room.pk]), version=1, by=desk.by, now=TEN)

    visit = booking.change_resources(visit, room=second, version=visit.version, by=desk.by, now=TEN + MINUTE)

    assert (visit.status, second.pk in places(visit)) == ("arrived", True)


def test_change_resources_is_refused_for_a_visit_that_is_over(desk):
    second = room(desk.location, "consultation")
    visit = booking.no_show(book(desk), version=1, by=desk.by, now=TEN)

    with pytest.raises(Refused, match="Did not come"):
        change(desk, visit, room=second)


def test_change_resources_is_refused_when_nothing_changes(desk):
    visit = book(desk)

    with pytest.raises(Refused, match="planned already"):
        change(desk, visit, room=desk.room)


# -- Several ----------------------------------------------------------------------------------------------------------


def several(desk, *services, at=TEN, **details):
    wanted = [Wanted(one) for one in services]
    details = {"patient": patient(), **details}
    return booking.book_several(wanted=wanted, location=desk.location, starts_at=at, by=desk.by, now=NOW, **details)


def test_book_several_puts_them_back_to_back_in_one_group(desk):
    first, second = several(desk, desk.service, desk.service)

    assert (first.ends_at, first.visit_group) == (second.starts_at, second.visit_group)
    assert first.visit_group is not None


def test_book_several_waits_for_the_only_room_to_be_ready(desk):
    cleaned = service(name="Peel", turnaround=10)

    first, second = several(desk, cleaned, desk.service)

    assert second.starts_at == first.ends_at + 10 * MINUTE


def test_book_several_books_all_or_none(desk):
    book(desk, TEN + HALF)

    with pytest.raises(Taken):
        several(desk, desk.service, desk.service)

    assert Appointment.objects.count() == 1


def test_book_several_announces_them_once(desk):
    first, second = several(desk, desk.service, desk.service)

    assert set(first.reminders.values_list("template_key", flat=True)) == {"visit_booked"}
    assert not second.reminders.exists()


def test_cancel_of_the_first_announces_the_next(desk):
    first, second = several(desk, desk.service, desk.service)

    booking.cancel(first, cancelled_by="clinic", reason="ill", version=first.version, by=desk.by, now=NOW)

    assert set(second.reminders.values_list("template_key", flat=True)) == {"visit_booked"}


def test_book_several_after_a_visit_joins_it(desk):
    visit = book(desk)

    (second,) = several(desk, desk.service, patient=visit.patient, at=visit.ends_at, after=visit)

    visit.refresh_from_db()
    assert (second.starts_at, second.visit_group) == (visit.ends_at, visit.visit_group)


def test_book_several_needs_a_service(desk):
    with pytest.raises(Refused, match="at least one"):
        several(desk)


def test_check_in_greets_the_patient_for_all_visits_back_to_back(desk):
    first, second = several(desk, desk.service, desk.service)

    booking.check_in(first, version=first.version, by=desk.by, now=TEN)

    second.refresh_from_db()
    assert (second.status, second.arrived_at) == ("arrived", TEN)


def test_move_takes_a_visit_out_of_its_group(desk):
    _first, second = several(desk, desk.service, desk.service)

    moved = booking.move(second, starts_at=TEN + DAY, version=second.version, by=desk.by, now=NOW)

    assert moved.visit_group is None
    assert moved.reminders.filter(state="scheduled").exists()


# -- Entered later ----------------------------------------------------------------------------------------------------


def entered_later(desk):
    return book(desk, TEN - 5 * DAY, overrides={"past": "written down late"})


def test_took_place_completes_a_visit_that_was_entered_later_at_its_planned_times(desk):
    visit = entered_later(desk)

    done = booking.took_place(visit, version=visit.version, by=desk.by, now=NOW)

    assert (done.status, done.started_at, done.finished_at) == ("completed", visit.starts_at, visit.ends_at)
    assert not done.reminders.exists()


def test_took_place_is_refused_for_a_visit_that_is_still_to_come(desk):
    with pytest.raises(Refused, match="entered later"):
        booking.took_place(book(desk), version=1, by=desk.by, now=NOW)
