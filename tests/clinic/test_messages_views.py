"""The pages of messages and tasks, and what the load balancer asks."""

import uuid

import pytest
from django.db import OperationalError, connection, connections
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from clinic import outbox, todo
from clinic.models import DeliveryAttempt, MessageTemplate, Reminder, Task
from clinic.views import messages as pages
from patients.models import AccessLog
from tests import factories
from tests.clinic.messages import DAY, HOUR, NOW, course, reminder, visit


@pytest.fixture
def place(db):
    return factories.location(name="Northgate", time_zone="Asia/Tokyo")


@pytest.fixture
def desk(client, db):
    client.force_login(factories.user("reception"))
    return client


def queries(client, url):
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert client.get(url).status_code == 200
    return len(seen)


def test_messages_lists_state_patient_and_local_time(desk, place):
    row = reminder(place, state="claimed", lease_until=NOW + HOUR)
    Reminder.objects.filter(pk=row.pk).update(state="doubtful", why="Stopped twice.")

    page = desk.get(reverse("messages"), {"state": "all"}).content.decode()

    for text in ("Booking confirmed", "Ada Quill", "Mon 2 Mar 2026, 18:00", "may not have arrived", "Stopped twice."):
        assert text in page
    assert "doubtful<" not in page


def test_messages_can_be_narrowed_to_one_state(desk, place):
    waiting, void = reminder(place), reminder(place, state="void")

    page = desk.get(reverse("messages"), {"state": "void"}).content.decode()

    assert str(void.public_id) in page
    assert str(waiting.public_id) not in page


def test_messages_begin_with_those_up_to_a_week_ahead(desk, place):
    soon, later = reminder(place), reminder(place)
    for row, days in ((soon, 6), (later, 8)):
        due_at = timezone.now() + days * DAY
        Reminder.objects.filter(pk=row.pk).update(due_at=due_at, expires_at=due_at + DAY)

    first, every = (desk.get(reverse("messages"), query).content.decode() for query in ({}, {"state": "all"}))

    assert str(soon.public_id) in first
    assert str(later.public_id) not in first
    assert str(later.public_id) in every


@pytest.mark.parametrize(
    "query", [{}, {"state": "all"}, {"state": "sent"}, {"state": "' OR 1=1"}, {"page": "x"}, {"page": "-1"}]
)
def test_messages_answers_an_empty_list_and_odd_questions(desk, query):
    assert desk.get(reverse("messages"), query).status_code == 200


def test_messages_is_paged_and_needs_as_many_queries_for_three_rows_as_for_one(desk, place, monkeypatch):
    every = reverse("messages") + "?state=all"
    reminder(place)
    queries(desk, every)
    one = queries(desk, every)
    reminder(place), reminder(place)

    assert queries(desk, every) == one

    monkeypatch.setattr(pages, "PER_PAGE", 2)
    assert desk.get(every, {"page": 2}).content.decode().count("table-cards") == 1


def test_message_shows_text_and_attempts_and_notes_who_looked(desk, place):
    row = reminder(place)
    DeliveryAttempt.objects.create(reminder=row, number=1, started_at=NOW, finished_at=NOW, answer="451 Not now")

    page = desk.get(reverse("message", args=[row.public_id])).content.decode()

    assert "Your visit is booked for Tuesday 3 March 2026 at 18:00." in page
    assert "451 Not now" in page
    assert AccessLog.objects.get().patient == row.patient


def test_message_of_a_series_names_its_last_visit(desk, place):
    *_, last = course(sessions=2)
    done = visit(place, NOW - DAY, session=last)
    row = Reminder.objects.create(
        series=last.series, patient=done.patient, location=place, rule_key="outcome_6m", template_key="check_in",
        due_at=NOW, expires_at=NOW + DAY,
    )  # fmt: skip

    page = desk.get(reverse("message", args=[row.public_id])).content.decode()

    assert "How are you since your visit on Sunday 1 March 2026?" in page
    assert "Question of outcome_6m?" in page


def test_message_names_a_wording_that_cannot_be_filled(desk, place):
    MessageTemplate.objects.update_or_create(key="visit_booked", defaults={"subject": "-", "body": "{shoe_size}"})

    page = desk.get(reverse("message", args=[reminder(place).public_id])).content.decode()

    assert "shoe_size" in page


def test_message_never_shows_the_text_of_a_sign_in_code(desk):
    row = outbox._write_raw("ada@mail.example", "Sign-in code", "123 456", NOW)

    page = desk.get(reverse("message", args=[row.public_id])).content.decode()

    assert "ada@mail.example" in page
    assert "123 456" not in page


@pytest.mark.parametrize("roles", [(), None])
def test_pages_do_not_exist_for_people_who_are_not_staff(client, db, roles):
    if roles is not None:
        client.force_login(factories.user(*roles))

    for url in (reverse("messages"), reverse("message", args=[uuid.uuid4()]), reverse("tasks")):
        assert client.get(url).status_code == (404 if roles is not None else 302)


def test_tasks_lists_what_is_open_by_its_time(desk, place):
    later, sooner = visit(place, NOW + 2 * DAY), visit(place, NOW + DAY)
    for about in (later, sooner):
        todo.open_review(about, NOW)
    gone = todo.open_review(visit(place, NOW + 3 * DAY), NOW)
    Task.objects.filter(pk=gone.pk).update(done_at=NOW)

    page = desk.get(reverse("tasks")).content.decode()

    assert page.index("Tue 3 Mar") < page.index("Wed 4 Mar")
    assert "Thu 5 Mar" not in page
    assert "/done/" not in page


def test_tasks_needs_as_many_queries_for_three_tasks_as_for_one(desk, place):
    todo.open_review(visit(place, NOW + DAY), NOW)
    queries(desk, reverse("tasks"))
    one = queries(desk, reverse("tasks"))
    for day in (2, 3):
        todo.open_review(visit(place, NOW + day * DAY), NOW)

    assert queries(desk, reverse("tasks")) == one


def test_task_done_closes_the_task_for_the_role_it_is_for(client, place):
    client.force_login(factories.user("reception"))
    task = todo.open_call(visit(place, NOW + DAY), NOW)
    assert f"/tasks/{task.public_id}/done/" in client.get(reverse("tasks")).content.decode()

    answer = client.post(reverse("task_done", args=[task.public_id]))

    assert answer.url == reverse("tasks")
    assert Task.objects.get().done_at is not None


def test_tasks_leads_the_clinical_lead_to_the_decision_instead_of_ticking_it_off(client, place):
    client.force_login(factories.user("clinical lead"))
    task = todo.open_review(visit(place, NOW + DAY), NOW)

    page = client.get(reverse("tasks")).content.decode()

    assert reverse("appointment_decide", args=[task.appointment.public_id]) in page
    assert f"/tasks/{task.public_id}/done/" not in page


def test_task_done_is_refused_for_another_role_and_never_by_get(desk, place):
    task = todo.open_review(visit(place, NOW + DAY), NOW)
    url = reverse("task_done", args=[task.public_id])

    assert desk.get(url).status_code == 405
    page = desk.post(url, follow=True).content.decode()

    assert "This task is for: Clinical lead." in page
    assert Task.objects.get().done_at is None


@pytest.mark.parametrize("name", ["live", "ready"])
def test_health_answers_without_signing_in(client, db, name):
    answer = client.get(reverse(name))

    assert (answer.status_code, answer.content) == (200, f"{name}\n".encode())


def test_ready_says_no_when_the_database_does_not_answer(client, db, monkeypatch):
    def broken(*args, **kwargs):
        raise OperationalError("gone")

    with monkeypatch.context() as gone:
        gone.setattr(connections["default"], "cursor", broken)

        assert client.get(reverse("live")).status_code == 200
        assert client.get(reverse("ready")).status_code == 503
