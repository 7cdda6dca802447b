"""What the clinic has one of is never asked and never shown; with two it is."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from clinic import context
from tests.clinic.treatment_desk import TreatmentDesk
from tests.factories import location, patient, practitioner

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stopped_clock")]
AT = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)
PLACE, PERSON, OTHER = "Harbour Street", "Dr Needle", "Bridge Road"


@pytest.fixture
def desk():
    """One location, one practitioner, one series."""
    desk = TreatmentDesk(name=PLACE)
    desk.practitioner.resource.is_active = False
    desk.practitioner.resource.save()
    desk.series = desk.start()
    desk.visit = desk.book_session(desk.series, 1, AT)
    return desk


@pytest.fixture
def pages(client, desk):
    """Everything in which a visit, a patient or a choice of times appears."""
    client.force_login(desk.by)
    visit, person = desk.visit.public_id, desk.visit.patient.public_id
    service = desk.service.public_id
    addresses = {
        "diary": f"{reverse('diary')}?day=2026-03-03",
        "find": f"{reverse('find_time')}?service={service}&day=2026-03-04",
        "book": f"{reverse('appointment_new')}?service={service}&start=2026-03-04T09:00%2B00:00",
        "visit": reverse("appointment", args=[visit]),
        "move": reverse("appointment_move", args=[visit]),
        "patient": reverse("patient", args=[person]),
        "series": reverse("series", args=[desk.series.public_id]),
        "messages": f"{reverse('messages')}?state=all",
        "tasks": reverse("tasks"),
    }
    return lambda: {name: main_of(client.get(address)) for name, address in addresses.items()}


def main_of(answer):
    """The page without its bar: there the clinic's name stands as the sign over the door."""
    assert answer.status_code == 200
    return answer.content.decode().split("<main")[1].split("</main>")[0]


def showing(pages, word):
    return {name for name, text in pages.items() if word in text}


def test_one_location_is_not_named_and_not_asked(pages):
    shown = pages()

    assert showing(shown, PLACE) == set()
    assert showing(shown, 'name="location"') == set()


def test_one_practitioner_is_not_named_and_not_asked(pages):
    shown = pages()

    assert showing(shown, PERSON) == set()
    assert showing(shown, 'name="practitioner"') == set()


def test_a_second_location_is_named_and_asked(pages, desk):
    location(OTHER)

    shown = pages()

    assert showing(shown, PLACE) >= {"diary", "find", "book", "visit", "move", "patient"}
    assert showing(shown, 'name="location"') == {"diary", "find"}


def test_a_second_practitioner_is_named_and_asked(pages, desk):
    practitioner(desk.location, "Dr Other")

    shown = pages()

    assert showing(shown, PERSON) >= {"diary", "visit", "move", "patient", "series"}
    assert showing(shown, 'name="practitioner"') == {"diary", "find", "move"}


def test_a_location_that_is_closed_for_good_does_not_count(pages):
    location(OTHER, is_active=False)

    assert showing(pages(), PLACE) == set()


@pytest.mark.parametrize("page", ["diary", "patient"])
def test_pages_ask_no_more_often_for_three_visits_than_for_one(client, desk, page, django_assert_max_num_queries):
    client.force_login(desk.by)
    person = desk.visit.patient
    address = f"{reverse('diary')}?day=2026-03-03" if page == "diary" else reverse("patient", args=[person.public_id])
    client.get(address)
    one = queries_of(client, address, django_assert_max_num_queries)
    for hour in (12, 14):
        who = patient() if page == "diary" else person
        desk.book(AT.replace(hour=hour), who, practitioner=desk.needler)

    assert queries_of(client, address, django_assert_max_num_queries) == one


def queries_of(client, address, counting):
    with counting(100) as asked:
        assert client.get(address).status_code == 200
    return len(asked)


def test_the_flags_ask_once_and_only_when_a_page_wants_to_know(desk, django_assert_num_queries):
    with django_assert_num_queries(0):
        several = context.Several()
    with django_assert_num_queries(1):
        assert [several.locations, several.locations, several.practitioners, several.practitioners] == [False] * 4
