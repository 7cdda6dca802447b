"""The bare free starts that the month is drawn from."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic.minutes import epoch_minute
from tests.factories import location, patient, practitioner, room, service, user

NINE = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
DAY = "2026-03-03"

pytestmark = pytest.mark.usefixtures("stopped_clock")


@pytest.fixture
def ask(client, desk):
    client.force_login(desk.by)

    def get(**query):
        usual = {"service": str(desk.service.public_id), "from": DAY, "until": DAY}
        return client.get(reverse("find_starts"), {**usual, **query})

    return get


def key(person):
    return str(person.resource.public_id)


def local_times(answer, person):
    return [
        datetime.fromtimestamp(minute * 60, UTC).strftime("%H:%M") for minute in answer.json()["starts"][key(person)]
    ]


def test_starts_name_the_zone_the_people_and_their_free_minutes(ask, desk):
    answer = ask()

    assert answer.json()["zone"] == "Europe/London"
    assert answer.json()["people"] == {key(desk.practitioner): "Dr Bell"}
    assert answer.json()["starts"][key(desk.practitioner)][:2] == [
        epoch_minute(NINE - timedelta(hours=1)),
        epoch_minute(NINE - timedelta(minutes=45)),
    ]


def test_starts_leave_out_what_is_taken(ask, desk):
    desk.book(NINE)

    times = local_times(ask(), desk.practitioner)

    assert [time for time in times if "08:30" <= time <= "09:45"] == ["08:30", "09:30", "09:45"]


def test_starts_of_two_people_share_one_room(ask, desk):
    other = practitioner(desk.location, "Dr Arden")
    desk.book(NINE, practitioner=other)

    answer = ask()

    assert "09:00" not in local_times(answer, desk.practitioner)
    assert "09:00" not in local_times(answer, other)


def test_starts_are_those_of_each_person(ask, desk):
    room(desk.location, "consultation")
    other = practitioner(desk.location, "Dr Arden", starts=time(12))
    desk.book(NINE, practitioner=desk.practitioner)

    answer = ask()

    assert "09:00" not in local_times(answer, desk.practitioner)
    assert local_times(answer, other)[0] == "12:00"


def test_starts_are_given_for_the_people_who_were_asked_for(ask, desk):
    others = [practitioner(desk.location, name) for name in ("Dr Arden", "Dr Cole")]

    answer = ask(practitioner=[key(one) for one in others])

    assert set(answer.json()["starts"]) == {key(one) for one in others}


def test_starts_name_somebody_who_has_none(ask, desk):
    answer = ask(practitioner=key(desk.practitioner), **{"from": "2026-02-20", "until": "2026-02-21"})

    assert answer.json()["starts"] == {key(desk.practitioner): []}


def test_starts_leave_out_people_who_do_not_work_at_the_location(ask, desk):
    elsewhere = location()
    stranger = practitioner(elsewhere, "Dr Far")

    assert key(stranger) not in ask().json()["starts"]


def test_starts_of_the_location_that_was_asked_for(ask, desk):
    elsewhere = location(time_zone="Europe/Berlin")
    stranger = practitioner(elsewhere, "Dr Far")
    room(elsewhere, "consultation")

    answer = ask(location=str(elsewhere.public_id))

    assert answer.json()["zone"] == "Europe/Berlin"
    assert local_times(answer, stranger)[0] == "07:00"


def test_starts_of_a_visit_without_a_practitioner_are_those_of_the_room(ask, desk):
    check = service("quick_check", 15, "consultation", name="Quick check")
    check.segments.update(kind="recovery", holds_practitioner=False)

    answer = ask(service=str(check.public_id))

    assert answer.json()["people"] == {"": ""}
    assert answer.json()["starts"][""][0] == epoch_minute(NINE - timedelta(hours=1))


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"from": ""}, "Give the first and the last day, as 2026-11-30."),
        ({"until": "2026-02-30"}, "Give the first and the last day, as 2026-11-30."),
        ({"until": "2026-05-04"}, "Ask for 1 to 62 days at once, the last not before the first."),
        ({"until": "2026-03-02"}, "Ask for 1 to 62 days at once, the last not before the first."),
        ({"from": "0001-01-01", "until": "0001-01-01"}, "Enter a date between 2000 and 2100."),
        ({"service": "x"}, "This address is not complete. Begin again at “Find a time”."),
        ({"service": "00000000-0000-4000-8000-000000000000"}, "There is no such service."),
        ({"location": "00000000-0000-4000-8000-000000000000"}, "There is no such location."),
        ({"practitioner": "00000000-0000-4000-8000-000000000000"}, "There is no such practitioner."),
    ],
)
def test_starts_refuse_with_a_sentence(ask, query, sentence):
    answer = ask(**query)

    assert answer.status_code == 422
    assert answer.json() == {"errors": [sentence]}


def test_starts_of_62_days_are_the_most(ask):
    assert ask(until="2026-05-03").status_code == 200


def test_starts_refuse_a_service_that_the_desk_does_not_book(ask, desk):
    desk.service.is_desk = False
    desk.service.save()

    assert ask().status_code == 422


def test_starts_are_for_staff(client, desk):
    client.force_login(user())

    assert client.get(reverse("find_starts")).status_code == 404


def test_starts_are_kept_by_no_cache(ask):
    assert ask()["Cache-Control"] == "private, no-store"


def statements(ask, **query):
    with CaptureQueriesContext(connection) as queries:
        assert ask(**query).status_code == 200
    return len(queries)


def test_starts_ask_as_often_for_ten_people_and_sixty_days_as_for_one(ask, desk):
    ask()
    one = statements(ask)
    for number in range(9):
        practitioner(desk.location, f"Dr {number}")
        desk.book(NINE + timedelta(hours=number), patient())

    assert statements(ask, until="2026-05-01") == one
    assert len(ask().json()["people"]) == 10
