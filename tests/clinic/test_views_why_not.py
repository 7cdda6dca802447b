"""“Why not 10:00?” on every page that offers times, times later than planned, rooms and devices by hand."""

import uuid
from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic.models import Appointment
from tests.clinic.treatment_desk import TreatmentDesk
from tests.factories import patient, practitioner, room

NINE = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
AT_NINE = {"ask_day": "2026-03-03", "ask_time": "09:00"}
AT_NIGHT = {"ask_day": "2026-03-03", "ask_time": "20:00"}

pytestmark = pytest.mark.usefixtures("stopped_clock")


@pytest.fixture
def desk(db):
    return TreatmentDesk()


@pytest.fixture
def staff(client, desk):
    client.force_login(desk.by)
    return client


@pytest.fixture
def find(staff, desk):
    def ask(headers=None, **query):
        return staff.get(reverse("find_time"), {"service": str(desk.service.public_id), **query}, headers=headers or {})

    return ask


def book_page(series):
    return reverse("session_book", args=[series.public_id])


def typed(**details):
    return {"key": str(uuid.uuid4()), **details}


def key(row):
    return str(row.resource.public_id)


# -- Why not ----------------------------------------------------------------------------------------------------------


def test_why_not_says_that_a_time_is_free_and_leads_to_its_booking(find, desk):
    answer = find(**AT_NINE)
    text = answer.content.decode()

    assert "Tuesday 3 March 2026, 09:00 is free" in text
    assert f"{reverse('appointment_new')}?service={desk.service.public_id}&amp;start=2026-03-03T09%3A00" in text


def test_why_not_gives_every_reason_and_the_three_nearest_free_times(find, desk):
    ada = patient()
    desk.book(NINE, ada, practitioner=desk.practitioner)

    answer = find(**AT_NINE).context["answer"]

    assert {reason.code for reason in answer.reasons} >= {"no_room"}
    assert [slot.starts_at - NINE for slot in answer.nearest] == [
        timedelta(minutes=-30),
        timedelta(minutes=30),
        timedelta(minutes=-45),
    ]


def test_why_not_of_a_rule_that_may_be_allowed_leads_on_with_a_reason(find):
    text = find(**AT_NIGHT).content.decode()

    assert "Tuesday 3 March 2026, 20:00 is not offered" in text
    assert "Book it anyway, with a reason" in text


def test_why_not_of_a_taken_room_is_never_allowed(find, desk):
    desk.book(NINE)

    assert "Book it anyway" not in find(**AT_NINE).content.decode()


def test_why_not_answers_htmx_with_the_answer_alone(find):
    text = find(headers={"HX-Request": "true"}, **AT_NINE).content.decode()

    assert "is free" in text
    assert "<html" not in text


def test_why_not_keeps_the_filters(find, desk):
    text = find(**AT_NINE, day="2026-03-09").content.decode()

    assert f'<input type="hidden" name="service" value="{desk.service.public_id}">' in text
    assert '<input type="hidden" name="day" value="2026-03-09">' in text


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"ask_day": "2026-02-30", "ask_time": "09:00"}, "Enter a valid date."),
        ({"ask_day": "2026-03-03", "ask_time": "25:00"}, "Enter a valid time."),
        ({"ask_day": "2026-03-03"}, "This field is required."),
        ({"ask_day": "1066-10-14", "ask_time": "09:00"}, "Enter a date between 2000 and 2100."),
    ],
)
def test_why_not_says_what_is_wrong_with_what_was_typed(find, query, sentence):
    answer = find(**query)

    assert answer.status_code == 200
    assert sentence in answer.content.decode()


def test_why_not_at_the_far_ends_of_the_calendar_is_answered(find):
    assert find(ask_day="2000-01-01", ask_time="00:00").context["answer"].reasons != []
    assert find(ask_day="2100-01-01", ask_time="23:59").context["answer"].reasons != []


def test_why_not_asks_as_often_with_three_people_as_with_one(find, desk):
    counts = []
    desk.book(NINE)
    find(**AT_NINE)
    for people in (2, 4):
        while desk.location.working_hours.values("practitioner").distinct().count() < people:
            practitioner(desk.location, f"Dr {people}")
        with CaptureQueriesContext(connection) as queries:
            find(**AT_NINE)
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_why_not_when_a_session_is_booked_offers_a_button_that_books(staff, desk):
    series = desk.start()

    answer = staff.get(book_page(series), AT_NINE)
    booked = staff.post(book_page(series), typed(starts_at=answer.context["answer"].starts_at.isoformat(), note=""))

    assert answer.context["answer"].reasons == []
    assert 'value="2026-03-03T09:00:00+00:00" form="choose"' in answer.content.decode()
    assert booked.status_code == 302
    assert Appointment.objects.get().starts_at == NINE


def test_why_not_when_a_session_is_booked_lets_the_desk_allow_it_with_a_reason(staff, desk):
    series = desk.start()

    told = staff.get(book_page(series), AT_NIGHT).context["answer"]
    at = told.starts_at.isoformat()
    body = typed(starts_at=at, allow_at=at, allow=told.allow, allow_reason="opens late for her", note="")

    assert staff.post(book_page(series), body).status_code == 302
    assert {row.reason for row in Appointment.objects.get().overrides.all()} == {"opens late for her"}


def test_why_not_of_a_move_does_not_count_the_visit_itself(staff, desk):
    visit = desk.book(NINE)

    answer = staff.get(reverse("appointment_move", args=[visit.public_id]), AT_NINE)

    assert answer.context["answer"].reasons == []


def test_booking_page_of_a_time_that_is_taken_shows_the_nearest_as_links(staff, desk):
    desk.book(NINE)
    page = reverse("appointment_new")

    text = staff.get(
        page, {"service": str(desk.service.public_id), "start": NINE.isoformat(), "patient": ""}
    ).content.decode()

    assert "This time is not offered" in text
    assert text.count('class="slot" href="/appointments/new/') == 3


# -- Later than planned -----------------------------------------------------------------------------------------------


def test_times_after_the_best_days_of_a_session_are_listed_apart(staff, desk):
    answer = staff.get(book_page(desk.start()), {"day": "2026-04-12"})

    assert [str(day) for day, _ in answer.context["days"]] == ["2026-04-12", "2026-04-13"]
    assert str(answer.context["late_days"][0][0]) == "2026-04-14"
    assert "Later than planned" in answer.content.decode()
    assert 'name="late_starts_at"' in answer.content.decode()


def test_times_before_the_earliest_safe_day_are_not_offered(staff, desk):
    series = desk.start()
    desk.book_session(series, 1, NINE)

    answer = staff.get(book_page(series), {"day": "2026-03-28"})

    assert str(answer.context["days"][0][0]) == "2026-03-31"


def test_a_time_later_than_planned_is_booked_with_its_reason(staff, desk):
    series = desk.start()
    late = datetime(2026, 4, 20, 9, 0, tzinfo=UTC)

    answer = staff.post(book_page(series), typed(late_starts_at=late.isoformat(), late_reason="travels", note=""))

    visit = Appointment.objects.get()
    assert answer.status_code == 302
    assert [(row.rule, row.reason) for row in visit.overrides.all()] == [("after_window", "travels")]


def test_a_time_later_than_planned_without_a_reason_is_refused_and_asks_for_it(staff, desk):
    late = datetime(2026, 4, 20, 8, 0, tzinfo=UTC)

    answer = staff.post(book_page(desk.start()), typed(late_starts_at=late.isoformat(), note="brings a friend"))

    assert answer.status_code == 422
    assert "Later than planned" in answer.content.decode()
    assert "brings a friend" in answer.content.decode()
    assert answer.context["allow"] == "after_window"


def test_a_reason_for_being_late_is_not_kept_with_a_time_as_planned(staff, desk):
    body = typed(starts_at=NINE.isoformat(), late_reason="travels", note="")

    staff.post(book_page(desk.start()), body)

    assert Appointment.objects.get().overrides.count() == 0


# -- By hand and by channel -------------------------------------------------------------------------------------------


def test_a_room_is_not_asked_for_where_one_would_do(find):
    assert 'name="room"' not in find().content.decode()


def test_a_room_picked_by_hand_is_the_one_that_must_be_free(find, desk):
    other = room(desk.location, "consultation", name="Quiet room")
    desk.book(NINE, chosen=[other.pk])

    def reasons(**query):
        return {reason.code for reason in find(**AT_NIGHT | {"ask_time": "09:00"}, **query).context["answer"].reasons}

    practitioner(desk.location, "Dr Arden")
    assert reasons() == set()
    assert reasons(room=key(desk.room)) == set()
    assert "no_room" in reasons(room=key(other))


def test_a_room_of_another_kind_cannot_be_picked(find, desk):
    room(desk.location, "consultation")
    other = room(desk.location, "treatment", name="Laser room")

    text = find(room=key(other)).content.decode()

    assert "Select a valid choice" in text
    assert "Laser room" not in text


def test_a_room_picked_by_hand_is_the_room_of_the_visit(staff, desk):
    other = room(desk.location, "consultation", name="Quiet room")
    query = f"?service={desk.service.public_id}&start={NINE:%Y-%m-%dT%H:%MZ}&room={key(other)}"

    page = staff.get(reverse("appointment_new") + query)
    staff.post(
        reverse("appointment_new") + query,
        typed(starts_at=NINE.isoformat(), note="", patient=str(patient().public_id)),
    )

    visit = Appointment.objects.get()
    assert "Quiet room" in page.content.decode()
    assert other.pk in visit.claims.values_list("resource_id", flat=True)


def test_a_room_that_is_gone_is_refused_on_the_booking_page(staff, desk):
    query = f"?service={desk.service.public_id}&start={NINE:%Y-%m-%dT%H:%MZ}&room={uuid.uuid4()}"
    body = typed(starts_at=NINE.isoformat(), note="", patient=str(patient().public_id))

    answers = [staff.get(reverse("appointment_new") + query), staff.post(reverse("appointment_new") + query, body)]

    assert [answer.status_code for answer in answers] == [200, 422]
    assert all("The room or device is not in use here any more." in answer.content.decode() for answer in answers)
    assert Appointment.objects.count() == 0


def test_a_session_is_booked_in_the_room_picked_by_hand(staff, desk):
    other = room(desk.location, "treatment", name="Laser room")

    staff.post(f"{book_page(desk.start())}?room={key(other)}", typed(starts_at=NINE.isoformat(), note=""))

    assert other.pk in Appointment.objects.get().claims.values_list("resource_id", flat=True)


def test_find_follows_the_rules_for_patients_online(find, desk):
    desk.service.is_online = True
    desk.service.save()
    desk.location.online_notice_minutes = 2 * 24 * 60
    desk.location.save()

    answers = {channel: find(channel=channel, **AT_NINE) for channel in ("desk", "online")}

    assert {reason.code for reason in answers["online"].context["answer"].reasons} == {"inside_notice"}
    assert answers["desk"].context["answer"].reasons == []
    assert "Book it anyway" not in answers["online"].content.decode()


def test_find_says_when_patients_cannot_book_a_service_online(find):
    assert "Patients cannot book this service online" in find(channel="online").content.decode()


def test_hours_that_only_patients_may_book_are_not_offered_at_the_desk(find, desk):
    desk.practitioner.working_hours.update(is_open_desk=False, starts=time(8))
    desk.needler.working_hours.update(is_open_desk=False)

    assert find(**AT_NINE).context["days"] == []
