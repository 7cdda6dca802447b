"""The diary page: one day at one location, by practitioner."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic import booking
from tests.factories import NOW, Desk, location, patient, practitioner, user

NINE = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
HALF = timedelta(minutes=30)
DAY = {"day": "2026-03-03"}


pytestmark = pytest.mark.usefixtures("stopped_clock")


@pytest.fixture
def show(client, desk):
    client.force_login(desk.by)

    def ask(**query):
        return client.get(reverse("diary"), query)

    return ask


def test_diary_lists_a_visit_with_time_patient_service_and_link(show, desk):
    visit = desk.book(NINE, patient("Ada", "Quill"))

    text = show(**DAY).content.decode()

    assert ">09:00</time>–09:30" in text
    assert "Ada Quill" in text
    assert "First consultation" in text
    assert reverse("appointment", args=[visit.public_id]) in text


def test_diary_shows_times_of_the_location(client, db):
    desk = Desk(time_zone="America/New_York")
    desk.book(datetime(2026, 3, 3, 15, 0, tzinfo=UTC))
    client.force_login(desk.by)

    assert ">10:00</time>" in client.get(reverse("diary"), DAY).content.decode()


def test_diary_asks_as_often_for_three_visits_as_for_one(show, desk):
    show(**DAY)
    counts = []
    for number in (1, 3):
        while desk.practitioner.appointments.count() < number:
            desk.book(NINE + HALF * desk.practitioner.appointments.count())
        with CaptureQueriesContext(
            connection,
        ) as queries:
            show(**DAY)
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_diary_shows_today_when_no_day_is_asked_for(show):
    assert "Monday 2 March 2026" in show().content.decode()


def test_diary_links_the_days_around_it(show):
    text = show(**DAY).content.decode()

    assert 'data-key="ArrowLeft" href="?day=2026-03-02"' in text
    assert 'data-key="ArrowRight" href="?day=2026-03-04"' in text


def test_diary_leaves_out_what_was_booked_by_mistake(show, desk):
    visit = desk.book(NINE, patient("Bo", "Vane"))
    booking.enter_in_error(visit, version=1, by=desk.by, now=NOW)

    assert "Bo Vane" not in show(**DAY).content.decode()


def test_diary_asks_for_a_location_only_when_there_are_two(show, desk):
    assert 'name="location"' not in show().content.decode()

    other = location("Second house")

    answer = show(location=str(other.public_id), **DAY)
    assert 'name="location"' in answer.content.decode()
    assert answer.context["location"] == other


def test_diary_shows_one_practitioner_when_asked(show, desk):
    other = practitioner(desk.location, "Dr Crane")
    desk.book(NINE, patient("Ada", "Quill"), practitioner=desk.practitioner)
    desk.book(NINE + HALF, patient("Bo", "Vane"), practitioner=other)

    visits = show(practitioner=str(other.resource.public_id), **DAY).context["visits"]

    assert [str(visit.patient) for visit in visits] == ["Bo Vane"]


@pytest.mark.parametrize("query", [{"day": "2026-02-30"}, {"day": "9999-12-31"}, {"location": "x"}])
def test_diary_shows_today_for_a_value_that_means_nothing(show, query):
    location("Second house")

    answer = show(**query)

    assert answer.status_code == 200
    assert answer.context["day"] == NOW.date()


def test_diary_answers_a_poll_with_the_list_alone(client, show, desk):
    desk.book(NINE, patient("Ada", "Quill"))

    text = client.get(reverse("diary"), DAY, headers={"HX-Request": "true"}).content.decode()

    assert "Ada Quill" in text
    assert "<html" not in text


def test_diary_says_what_to_do_before_there_is_a_location(client, db):
    client.force_login(user("reception"))

    assert "There is no location yet" in client.get(reverse("diary")).content.decode()


def test_home_leads_staff_to_the_diary(show, client):
    assert client.get(reverse("home")).url == reverse("diary")
