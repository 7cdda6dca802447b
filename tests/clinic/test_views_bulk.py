"""The pages of somebody who is ill: enter, watch, look at the plan, move or offer, and call."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic.models import Absence, BulkMove, Proposal
from tests import factories
from tests.factories import NOW

TEN = datetime(2026, 3, 5, 10, tzinfo=UTC)
SOON = datetime(2026, 3, 2, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)

pytestmark = pytest.mark.usefixtures("stopped_clock")


@pytest.fixture
def signed_in(client, desk):
    client.force_login(desk.by)
    return client


def ill(desk, **typed):
    person = str(desk.practitioner.resource.public_id)
    return {
        "what": person, "day": "2026-03-05", "last_day": "", "starts": "", "ends": "", "reason": "Flu",
        "key": uuid.uuid4(), **typed,
    }  # fmt: skip


def begun(client, desk, **typed):
    answer = client.post(reverse("somebody_ill"), ill(desk, **typed))
    assert answer.status_code == 302, answer.content.decode()
    return BulkMove.objects.get()


def ready(client, desk, **typed):
    bulk = begun(client, desk, **typed)
    for _look in range(50):
        client.post(reverse("bulk_move_go_on", args=[bulk.public_id]))
        bulk.refresh_from_db()
        if bulk.state == "ready":
            return bulk
    raise AssertionError(bulk.state)


def take(bulk, *visits, how="move", **typed):
    named = [str(visit.public_id) for visit in visits]
    return {"key": uuid.uuid4(), "version": bulk.version, "take": named, "hours": "48", how: "1", **typed}


def test_the_form_enters_the_absence_and_leads_to_the_plan(signed_in, desk):
    desk.book(TEN)

    answer = signed_in.post(reverse("somebody_ill"), ill(desk))

    bulk = BulkMove.objects.get()
    assert answer["Location"] == reverse("bulk_move", args=[bulk.public_id])
    absence = Absence.objects.get()
    assert (absence.starts_at, absence.ends_at) == (datetime(2026, 3, 5, tzinfo=UTC), datetime(2026, 3, 6, tzinfo=UTC))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"what": ""}, "This field is required"),
        ({"what": "nobody"}, "Select a valid choice"),
        ({"day": "2026-03-01"}, "Choose a time that is not over yet."),
        ({"last_day": "2026-03-01"}, "It must end after it begins."),
        ({"reason": ""}, "This field is required"),
    ],
)
def test_the_form_says_what_is_wrong_and_enters_nothing(signed_in, desk, typed, said):
    answer = signed_in.post(reverse("somebody_ill"), ill(desk, **typed))

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Absence.objects.exists()
    assert not BulkMove.objects.exists()


def test_the_form_sent_twice_begins_one_plan(signed_in, desk):
    form = ill(desk)

    for _ in range(2):
        signed_in.post(reverse("somebody_ill"), form)

    assert BulkMove.objects.count() == 1


def test_looking_at_the_page_does_no_work(signed_in, desk):
    desk.book(TEN)
    bulk = begun(signed_in, desk)

    text = signed_in.get(reverse("bulk_move", args=[bulk.public_id])).content.decode()

    assert '<progress class="w-100" max="1" value="0"' in text
    assert not bulk.visits.get().is_looked_at


def test_going_on_answers_a_page_that_asks_with_the_progress_and_then_the_way(signed_in, desk, monkeypatch):
    monkeypatch.setattr("clinic.views.bulk.A_LOOK_SECONDS", -1)
    for number in range(2):
        desk.book(TEN + number * HOUR, factories.patient("Ada", f"Quill {number}"))
    bulk = begun(signed_in, desk)
    address = reverse("bulk_move_go_on", args=[bulk.public_id])

    first = signed_in.post(address, headers={"HX-Request": "true"})
    answers = [signed_in.post(address, headers={"HX-Request": "true"}) for _look in range(10)]

    assert "1 of 2 visits looked at." in first.content.decode()
    assert "<html" not in first.content.decode()
    assert answers[-1]["HX-Redirect"] == reverse("bulk_move", args=[bulk.public_id])


def test_the_plan_shows_old_and_new_times_and_the_figures(signed_in, desk):
    desk.book(TEN, factories.patient("Ada", "Quill"))
    bulk = ready(signed_in, desk, starts="09:00", ends="12:00")

    text = signed_in.get(reverse("bulk_move", args=[bulk.public_id])).content.decode()

    assert "Thu 5 Mar 2026, 10:00" in text
    assert "Thu 5 Mar 2026, 08:30" in text
    assert "1 h 30 min earlier" in text
    assert "no plan could be below" in text


def test_ticked_visits_are_moved_and_the_page_says_so(signed_in, desk):
    visit = desk.book(TEN, factories.patient("Ada", "Quill"))
    bulk = ready(signed_in, desk, starts="09:00", ends="12:00")

    answer = signed_in.post(reverse("bulk_move_take", args=[bulk.public_id]), take(bulk, visit), follow=True)

    visit.refresh_from_db()
    assert visit.starts_at == TEN - 1.5 * HOUR
    text = answer.content.decode()
    assert "1 visit is moved." in text
    assert "What became of them" in text


def test_a_time_that_is_gone_is_a_conflict_and_is_worked_out_anew(signed_in, desk):
    visit = desk.book(TEN, factories.patient("Ada", "Quill"))
    bulk = ready(signed_in, desk, starts="09:00", ends="12:00")
    desk.book(TEN - 1.5 * HOUR, factories.patient("Bo", "Marsh"))

    answer = signed_in.post(reverse("bulk_move_take", args=[bulk.public_id]), take(bulk, visit))

    visit.refresh_from_db()
    assert answer.status_code == 409
    assert visit.starts_at == TEN
    assert "New times are being worked out" in answer.content.decode()


def test_patients_are_asked_and_nothing_is_moved(signed_in, desk):
    visit = desk.book(TEN, factories.patient("Ada", "Quill"))
    bulk = ready(signed_in, desk, starts="09:00", ends="12:00")

    address = reverse("bulk_move_take", args=[bulk.public_id])
    answer = signed_in.post(address, take(bulk, visit, how="propose", hours="24"), follow=True)

    proposal = Proposal.objects.get()
    visit.refresh_from_db()
    assert "1 patient is asked about new times." in answer.content.decode()
    assert (proposal.kept_until, visit.starts_at) == (NOW + 24 * HOUR, TEN)


@pytest.mark.parametrize(
    "typed", [{"key": ""}, {"version": ""}, {"version": "x"}, {"take": ["nonsense"]}, {"take": []}, {"hours": "999"}]
)
def test_a_form_that_is_not_complete_moves_nothing(signed_in, desk, typed):
    visit = desk.book(TEN)
    bulk = ready(signed_in, desk)

    answer = signed_in.post(reverse("bulk_move_take", args=[bulk.public_id]), take(bulk, visit, **typed))

    visit.refresh_from_db()
    assert answer.status_code == 422
    assert visit.starts_at == TEN


def test_ticks_are_kept_when_it_is_refused(signed_in, desk):
    one, other = desk.book(TEN), desk.book(TEN + HOUR, factories.patient("Bo", "Marsh"))
    bulk = ready(signed_in, desk)

    answer = signed_in.post(reverse("bulk_move_take", args=[bulk.public_id]), take(bulk, other, version=99))

    assert answer.status_code == 409
    assert [line.is_ticked for line in answer.context["lines"]] == [False, True]
    assert one.public_id


def test_giving_up_leaves_the_visits(signed_in, desk):
    visit = desk.book(TEN)
    bulk = ready(signed_in, desk)

    answer = signed_in.post(reverse("bulk_move_give_up", args=[bulk.public_id]), {"version": bulk.version}, follow=True)

    bulk.refresh_from_db()
    visit.refresh_from_db()
    assert (bulk.state, visit.starts_at) == ("dropped", TEN)
    assert "Given up" in answer.content.decode()


@pytest.mark.parametrize("typed", [{}, {"version": "x"}, {"version": 99}])
def test_giving_up_is_refused_with_another_version(signed_in, desk, typed):
    desk.book(TEN)
    bulk = ready(signed_in, desk)

    answer = signed_in.post(reverse("bulk_move_give_up", args=[bulk.public_id]), typed)

    assert answer.status_code in (409, 422)
    bulk.refresh_from_db()
    assert bulk.state == "ready"


def test_the_call_list_is_ticked_and_taken_back(signed_in, desk):
    visit = desk.book(SOON, factories.patient("Ada", "Quill", phone="+442071838750"))
    bulk = ready(signed_in, desk, day="2026-03-02")
    address = reverse("bulk_move_call", args=[bulk.public_id, visit.public_id])

    page = signed_in.get(reverse("bulk_move", args=[bulk.public_id])).content.decode()
    reached = signed_in.post(address, {"call": "reached"}, follow=True).content.decode()
    back = signed_in.post(address, {"call": ""}, follow=True).content.decode()

    assert "1 patient to be called" in page
    assert "tel:+442071838750" in page
    assert "Everybody was called" in reached
    assert f"reached, {desk.by}" in reached
    assert "1 patient to be called" in back


def test_a_call_is_noted_for_visits_of_the_list_alone(signed_in, desk):
    visit, other = desk.book(TEN), desk.book(TEN + 30 * HOUR, factories.patient("Bo", "Marsh"))
    bulk = ready(signed_in, desk)

    answers = [
        signed_in.post(reverse("bulk_move_call", args=[bulk.public_id, each.public_id]), {"call": call}).status_code
        for each, call in ((visit, "reached"), (visit, "shouted"), (other, "reached"))
    ]

    assert answers == [422, 422, 404]


def test_an_unknown_plan_is_not_found(signed_in, desk):
    assert signed_in.get(reverse("bulk_move", args=[uuid.uuid4()])).status_code == 404


@pytest.mark.parametrize("name", ["block_time", "hours", "diary"])
def test_the_page_is_reached_from(signed_in, desk, name):
    assert reverse("somebody_ill") in signed_in.get(reverse(name)).content.decode()


def test_the_team_page_leads_to_it(client, desk):
    client.force_login(factories.user("administrator"))

    text = client.get(reverse("team")).content.decode()

    assert f'href="{reverse("somebody_ill")}"' in text
    assert client.get(reverse("somebody_ill")).status_code == 200


@pytest.mark.parametrize("state", ["planning", "ready"])
def test_the_page_asks_as_often_for_six_visits_as_for_two(signed_in, desk, state):
    counts = []
    for day, number in ((3, 2), (4, 6)):
        at = SOON + timedelta(days=day - 2)
        for each in range(number):
            desk.book(at + each * HOUR, factories.patient("Ada", f"Quill {day}{each}"))
        signed_in.post(reverse("somebody_ill"), ill(desk, day=f"2026-03-0{day}"))
        bulk = BulkMove.objects.latest("pk")
        if state == "ready":
            signed_in.post(reverse("bulk_move_go_on", args=[bulk.public_id]))
        with CaptureQueriesContext(connection) as queries:
            signed_in.get(reverse("bulk_move", args=[bulk.public_id]))
        counts.append(len(queries))

    assert counts[0] == counts[1]
