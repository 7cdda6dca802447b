"""Find a time: free starts without a patient."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from tests.factories import NOW, user

pytestmark = pytest.mark.usefixtures("stopped_clock")


@pytest.fixture
def show(client, desk):
    client.force_login(desk.by)

    def ask(**query):
        return client.get(reverse("find_time"), query)

    return ask


def starts(answer):
    return [slot.starts_at for _, slots in answer.context["days"] for slot in slots]


def test_find_time_asks_for_a_service_first(show):
    answer = show()

    assert "days" not in answer.context
    assert "Choose a service" in answer.content.decode()


def test_find_time_lists_a_week_of_free_starts(show, desk):
    answer = show(service=str(desk.service.public_id), day="2026-03-03")

    assert len(answer.context["days"]) == 7
    assert starts(answer)[0] == datetime(2026, 3, 3, 8, 0, tzinfo=UTC)


def test_find_time_leaves_out_what_is_taken(show, desk):
    nine = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
    desk.book(nine)

    assert nine not in starts(show(service=str(desk.service.public_id), day="2026-03-03"))


def test_find_time_links_each_start_to_the_booking_page(show, desk):
    text = show(service=str(desk.service.public_id), day="2026-03-03").content.decode()

    assert f"{reverse('appointment_new')}?service={desk.service.public_id}&amp;start=2026-03-03T08%3A00" in text


def test_find_time_never_looks_into_the_past(show, desk):
    assert show(service=str(desk.service.public_id), day="2020-01-01").context["first"] == NOW.date()


@pytest.mark.parametrize("query", [{"service": "x"}, {"service": "\x00"}, {"day": "2026-02-30"}])
def test_find_time_answers_a_value_that_means_nothing_with_the_form(show, query):
    assert show(**query).status_code == 200


def test_find_time_says_what_to_do_before_there_is_a_location(client, db):
    client.force_login(user("reception"))

    assert "There is no location yet" in client.get(reverse("find_time")).content.decode()
