"""Pages about kept times and what a visit gets besides its time. Refusals keep what was typed."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from clinic import booking
from clinic.models import Appointment, Hold
from tests.factories import NOW as EARLY
from tests.factories import patient, practitioner, room

HTMX = {"HX-Request": "true"}
DAY = timedelta(days=1)
# Kept times run out by the clock of the database too, so these tests live today.
NOW = timezone.now().replace(second=0, microsecond=0)
TEN = (NOW + 2 * DAY).replace(hour=10, minute=0)


@pytest.fixture
def staff(client, desk):
    client.force_login(desk.by)
    return client


def address(name, desk, start=TEN, **more):
    query = {"service": desk.service.public_id, "start": start.isoformat(), **more}
    return reverse(name, query=query)


def typed(start=TEN, **details):
    return {"key": str(uuid.uuid4()), "starts_at": start.isoformat(), "note": "knocks twice", **details}


def diary(staff, desk):
    return staff.get(reverse("diary"), {"day": f"{TEN:%Y-%m-%d}"})


# -- While the form is open -------------------------------------------------------------------------------------------


def test_the_booking_page_keeps_nothing_by_being_looked_at(staff, desk):
    text = staff.get(address("appointment_new", desk)).content.decode()

    assert "Keep this time for 10 minutes" in text
    assert not Hold.objects.exists()


def test_keep_answers_the_script_with_until_when(staff, desk):
    answer = staff.post(address("appointment_new", desk), typed(keep="1"), headers=HTMX)

    kept = Hold.objects.get()
    assert f"Kept for you until {kept.kept_until.astimezone(desk.location.zone):%H:%M}." in answer.content.decode()
    assert f'value="{kept.public_id}"' in answer.content.decode()


def test_keep_without_a_script_shows_the_page_with_everything_typed(staff, desk):
    text = staff.post(address("appointment_new", desk), typed(keep="1")).content.decode()

    assert "Kept for you until" in text
    assert "knocks twice" in text


def test_keep_says_why_a_time_cannot_be_kept(staff, desk):
    desk.book(TEN, now=NOW)

    answer = staff.post(address("appointment_new", desk), typed(keep="1"), headers=HTMX)

    assert answer.status_code == 409
    assert "This time cannot be kept for you" in answer.content.decode()


def test_book_takes_the_kept_time(staff, desk):
    staff.post(address("appointment_new", desk), typed(keep="1"), headers=HTMX)
    kept, ada = Hold.objects.get(), patient()

    answer = staff.post(address("appointment_new", desk), typed(patient=ada.public_id, hold=kept.public_id))

    assert answer.url == reverse("appointment", args=[Appointment.objects.get().public_id])
    assert Hold.objects.get().end == "booked"


@pytest.mark.parametrize("others", [0, 1])
def test_nothing_is_kept_for_a_form_that_has_booked(staff, desk, others):
    """The script asks while the form is on its way: there may be somebody else who could be kept, or nobody."""
    for _number in range(others):
        practitioner(desk.location, "Dr Other")
        room(desk.location, "consultation")
    body = typed(patient=patient().public_id)
    assert staff.post(address("appointment_new", desk), body).status_code == 302

    answer = staff.post(address("appointment_new", desk), body | {"keep": "1"}, headers=HTMX)

    assert answer.status_code == 200
    assert "This form was sent already" in answer.content.decode()
    assert not Hold.objects.filter(ended_at=None).exists()
    assert Hold.objects.count() == others


def test_release_quietly_answers_nothing_and_frees_the_time(staff, desk):
    kept = booking.hold(service=desk.service, location=desk.location, starts_at=TEN, by=desk.by, now=timezone.now())

    answer = staff.post(reverse("hold_release", args=[kept.public_id]), {"quietly": "1"})

    assert (answer.status_code, Hold.objects.get().end) == (204, "released")


def test_release_leads_to_the_day_in_the_diary(staff, desk):
    kept = booking.hold(service=desk.service, location=desk.location, starts_at=TEN, by=desk.by, now=timezone.now())

    answer = staff.post(reverse("hold_release", args=[kept.public_id]), follow=True)

    assert "is free again" in answer.content.decode()
    assert answer.context["day"] == TEN.date()


def test_release_of_an_unknown_time_is_not_found(staff):
    assert staff.post(reverse("hold_release", args=[uuid.uuid4()])).status_code == 404


@pytest.mark.parametrize("hold", ["x", "f844a348-d1f2-4c96-b8a1-49225201c85d"])
def test_a_kept_time_that_is_not_there_is_in_nobodys_way(staff, desk, hold):
    body = typed(patient=patient().public_id, hold=hold)

    assert staff.post(address("appointment_new", desk), body).status_code == 302


# -- Pencil -----------------------------------------------------------------------------------------------------------


def test_pencil_keeps_the_time_and_shows_it_in_the_diary(staff, desk):
    body = {"key": str(uuid.uuid4()), "kept_for": "Ada, calls back", "hours": "24"}

    answer = staff.post(address("pencil_new", desk), body, follow=True)
    text = answer.content.decode()

    assert "Pencilled in. The time is kept until" in text
    assert "Ada, calls back" in text
    assert "Book it" in text


def test_pencil_asks_for_whom(staff, desk):
    answer = staff.post(address("pencil_new", desk), {"key": str(uuid.uuid4()), "hours": "24"})

    assert answer.status_code == 422
    assert "Say for whom the time is pencilled in." in answer.content.decode()


def test_pencil_of_a_taken_time_keeps_what_was_typed(staff, desk):
    desk.book(TEN, now=NOW)

    answer = staff.post(address("pencil_new", desk), {"key": str(uuid.uuid4()), "kept_for": "Ada", "hours": "24"})

    assert answer.status_code == 409
    assert 'value="Ada"' in answer.content.decode()


def test_pencil_leads_back_to_the_search_when_the_address_says_too_little(staff):
    assert staff.get(reverse("pencil_new")).url == reverse("find_time")


def test_a_pencilled_time_is_booked_from_its_page(staff, desk):
    ada = patient()
    kept = booking.pencil(
        service=desk.service, location=desk.location, starts_at=TEN, by=desk.by, now=NOW, patient=ada,
        kept_until=NOW + DAY,
    )  # fmt: skip
    page = staff.get(address("appointment_new", desk, hold=kept.public_id))

    staff.post(address("appointment_new", desk), typed(patient=ada.public_id, hold=kept.public_id))

    assert page.context["answer"].reasons == []
    assert page.context["chosen"] == ada
    assert Appointment.objects.get().patient == ada


def test_the_diary_asks_as_often_for_three_kept_times_as_for_one(staff, desk):
    diary(staff, desk)
    counts = []
    for number in (1, 3):
        while Hold.objects.count() < number:
            start = TEN + Hold.objects.count() * timedelta(minutes=30)
            booking.pencil(
                service=desk.service, location=desk.location, starts_at=start, by=desk.by, now=NOW, kept_for="Ada",
                kept_until=NOW + DAY,
            )  # fmt: skip
        with CaptureQueriesContext(connection) as queries:
            diary(staff, desk)
        counts.append(len(queries))

    assert counts[0] == counts[1]


# -- Who and where ----------------------------------------------------------------------------------------------------


def places(visit):
    return reverse("appointment_places", args=[visit.public_id])


def test_places_offers_what_else_there_is(staff, desk):
    second, visit = room(desk.location, "consultation"), desk.book(TEN, now=NOW, chosen=[desk.room.pk])

    text = staff.get(places(visit)).content.decode()

    assert str(second.resource.public_id) in text
    assert 'name="device"' not in text


def test_places_says_so_when_there_is_nothing_else(staff, desk):
    text = staff.get(places(desk.book(TEN, now=NOW))).content.decode()

    assert "There is nobody and nothing else to choose from here." in text


def test_places_changes_the_room(staff, desk):
    second, visit = room(desk.location, "consultation"), desk.book(TEN, now=NOW, chosen=[desk.room.pk])
    body = {"version": 1, "room": second.resource.public_id, "reason": "lamp broken"}

    answer = staff.post(places(visit), body)

    assert answer.url == reverse("appointment", args=[visit.public_id])
    assert visit.claims.filter(live=True, resource=second.resource).exists()
    assert "Person, room or device exchanged" in staff.get(answer.url).content.decode()


def test_places_of_an_old_page_is_refused_with_409(staff, desk):
    second, visit = room(desk.location, "consultation"), desk.book(TEN, now=NOW, chosen=[desk.room.pk])
    booking.confirm(visit, version=1, by=desk.by, now=NOW)

    answer = staff.post(places(visit), {"version": 1, "room": second.resource.public_id, "reason": "lamp broken"})

    assert answer.status_code == 409
    assert "lamp broken" in answer.content.decode()


def test_places_lets_a_rule_be_allowed_anyway_with_a_reason(staff, desk):
    other = practitioner(desk.location, "Dr Arden")
    other.working_hours.all().delete()
    visit = desk.book(TEN, now=NOW, practitioner=desk.practitioner)
    body = {"version": 1, "practitioner": other.resource.public_id}

    refused = staff.post(places(visit), body)
    allowed = staff.post(places(visit), body | {"allow": refused.context["allow"], "allow_reason": "steps in"})

    assert refused.status_code == 422
    assert "Allow anyway" in refused.content.decode()
    assert allowed.status_code == 302
    assert visit.overrides.get().reason == "steps in"


# -- One more right after, and a past visit ---------------------------------------------------------------------------


def test_another_books_right_after_the_visit(staff, desk):
    visit = desk.book(TEN, now=NOW)
    body = {"key": str(uuid.uuid4()), "service": desk.service.public_id, "note": ""}

    answer = staff.post(reverse("appointment_another", args=[visit.public_id]), body)

    added = Appointment.objects.exclude(pk=visit.pk).get()
    visit.refresh_from_db()
    assert answer.url == reverse("appointment", args=[added.public_id])
    assert (added.starts_at, added.visit_group, added.patient) == (visit.ends_at, visit.visit_group, visit.patient)


def test_another_asks_for_the_service_and_keeps_the_note(staff, desk):
    visit = desk.book(TEN, now=NOW)

    answer = staff.post(reverse("appointment_another", args=[visit.public_id]), {"note": "bring glasses"})

    assert answer.status_code == 422
    assert "Choose a service." in answer.content.decode()
    assert "bring glasses" in answer.content.decode()


def test_another_is_refused_when_the_time_after_is_taken(staff, desk):
    visit = desk.book(TEN, now=NOW)
    desk.book(visit.ends_at, now=NOW)
    body = {"key": str(uuid.uuid4()), "service": desk.service.public_id, "note": ""}

    assert staff.post(reverse("appointment_another", args=[visit.public_id]), body).status_code == 409


def test_past_leads_to_the_booking_page_of_a_time_that_is_over(staff, desk):
    past = TEN - 7 * DAY
    query = {"service": desk.service.public_id, "day": f"{past:%Y-%m-%d}", "time": "10:00"}

    answer = staff.get(reverse("appointment_past"), query, follow=True)

    assert "The visit is entered later: nobody gets a message about it." in answer.content.decode()
    assert answer.context["is_past"]


def test_past_refuses_a_time_that_is_still_to_come(staff, desk):
    query = {"service": desk.service.public_id, "day": f"{TEN:%Y-%m-%d}", "time": "10:00"}

    answer = staff.get(reverse("appointment_past"), query)

    assert answer.status_code == 422
    assert "This time is still to come." in answer.content.decode()


def test_a_past_visit_is_entered_and_marked_as_done_at_once(staff, desk):
    past = TEN - 7 * DAY
    page = staff.get(address("appointment_new", desk, past))
    body = typed(past, patient=patient().public_id, allow=page.context["allow"], allow_at=past.isoformat())

    answer = staff.post(address("appointment_new", desk, past), body | {"allow_reason": "Entered later"})
    visit = Appointment.objects.get()
    staff.post(reverse("appointment_status", args=[visit.public_id]), {"action": "took_place", "version": 1})

    visit.refresh_from_db()
    assert answer.status_code == 302
    assert (visit.is_entered_later, visit.status) == (True, "completed")
    assert not visit.reminders.exists()


@pytest.mark.usefixtures("stopped_clock")
def test_the_diary_shows_who_runs_late(client, desk):
    begins = EARLY - timedelta(minutes=50)
    free = {"past": "x", "closed": "x", "outside_hours": "x", "off_grid": "x"}
    first = desk.book(begins, now=begins, overrides=free)
    desk.book(begins + timedelta(minutes=30), now=begins, overrides=free)
    first = booking.check_in(first, version=1, by=desk.by, now=begins)
    booking.start(first, version=first.version, by=desk.by, now=begins)
    client.force_login(desk.by)

    assert "about 20 min late" in client.get(reverse("diary")).content.decode()
