"""The page of visits to be moved, and other times taken from it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic import to_move
from clinic.models import Absence, Appointment
from tests import factories
from tests.factories import NOW

TEN = datetime(2026, 3, 3, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)

pytestmark = pytest.mark.usefixtures("stopped_clock")


@pytest.fixture
def signed_in(client, desk):
    client.force_login(desk.by)
    return client


@pytest.fixture
def visit(desk):
    return desk.book(TEN, factories.patient("Ada", "Quill"))


def send_away(desk, hours=1):
    Absence.objects.create(
        resource=desk.practitioner.resource, starts_at=TEN, ends_at=TEN + hours * HOUR, reason="Leave"
    )


def offer(visit, number=0):
    one = to_move.proposals(visit, NOW)[number]
    return {
        "starts_at": one.starts_at.isoformat(),
        "practitioner": str(one.practitioner.resource.public_id),
        "version": visit.version,
    }


def test_the_list_says_which_visit_and_why_and_leads_to_other_times(signed_in, desk, visit):
    send_away(desk)

    text = signed_in.get(reverse("to_move")).content.decode()

    assert "Ada Quill" in text
    assert "Dr Bell is away then." in text
    assert reverse("visit_to_move", args=[visit.public_id]) in text
    assert reverse("appointment_move", args=[visit.public_id]) in text


def test_when_every_visit_fits_the_list_says_so(signed_in, visit):
    assert "Every visit fits" in signed_in.get(reverse("to_move")).content.decode()


def test_the_list_asks_as_often_for_three_visits_as_for_one(signed_in, desk, visit):
    send_away(desk, hours=8)
    counts = []
    for number in (1, 3):
        while Appointment.objects.count() < number:
            later = desk.book(TEN + HOUR * Appointment.objects.count(), overrides={"absent": "Test"})
            later.overrides.all().delete()
        with CaptureQueriesContext(connection) as queries:
            answer = signed_in.get(reverse("to_move"))
        assert len(answer.context["rows"]) == number
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_other_times_are_a_page_and_a_part_of_the_list(signed_in, desk, visit):
    send_away(desk)
    address = reverse("visit_to_move", args=[visit.public_id])

    page = signed_in.get(address).content.decode()
    part = signed_in.get(address, headers={"HX-Request": "true"}).content.decode()

    assert "Why it no longer fits" in page
    assert "Tue 3 Mar, 09:30" in page
    assert "<html" not in part
    assert part.count("<form") == 3


def test_one_button_takes_a_time(signed_in, desk, visit):
    factories.practitioner(desk.location, "Dr Crane")
    send_away(desk)

    answer = signed_in.post(reverse("visit_to_move", args=[visit.public_id]), offer(visit), follow=True)

    visit.refresh_from_db()
    assert (visit.starts_at, str(visit.practitioner)) == (TEN, "Dr Crane")
    assert "Moved: Ada Quill, Tuesday 3 March 2026, 10:00." in answer.content.decode()
    assert to_move.count(NOW) == 0


def test_a_time_that_was_just_taken_is_refused_with_other_times(signed_in, desk, visit):
    send_away(desk)
    chosen = offer(visit)
    desk.book(datetime.fromisoformat(chosen["starts_at"]))

    answer = signed_in.post(reverse("visit_to_move", args=[visit.public_id]), chosen)

    visit.refresh_from_db()
    assert answer.status_code == 409
    assert "It was not moved" in answer.content.decode()
    assert len(answer.context["proposals"]) == 3
    assert visit.starts_at == TEN


def test_a_crossed_move_is_refused(signed_in, desk, visit):
    send_away(desk)

    answer = signed_in.post(reverse("visit_to_move", args=[visit.public_id]), offer(visit) | {"version": 9})

    assert answer.status_code == 409
    assert "Somebody else changed this visit" in answer.content.decode()


@pytest.mark.parametrize(
    "wrong", [{"starts_at": "soon"}, {"practitioner": "0f8fad5b-d9cb-469f-a165-70867728950e"}, {"version": "x"}]
)
def test_what_is_not_a_proposal_is_refused(signed_in, desk, visit, wrong):
    send_away(desk)

    answer = signed_in.post(reverse("visit_to_move", args=[visit.public_id]), offer(visit) | wrong)

    assert answer.status_code == 422
    assert "Choose one of the times below." in answer.content.decode()


def test_a_visit_that_was_cancelled_has_no_other_times(signed_in, desk, visit):
    Appointment.objects.update(status="cancelled", cancelled_by="clinic", cancel_reason="Ill")

    answer = signed_in.get(reverse("visit_to_move", args=[visit.public_id]))

    assert (answer.status_code, "proposals" in answer.context) == (200, False)


def test_patients_and_strangers_do_not_get_the_list(client, db):
    assert client.get(reverse("to_move")).status_code == 302
    client.force_login(factories.user())

    assert client.get(reverse("to_move")).status_code == 404
