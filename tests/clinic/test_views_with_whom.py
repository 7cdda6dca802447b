"""With whom a patient wishes to be: said when a series begins or later, and asked first when a session is booked."""

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from clinic.models import Wishes
from tests.clinic.treatment_desk import TODAY, TreatmentDesk
from tests.factories import patient
from treatments.models import TreatmentSeries

NINE = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("stopped_clock")


@pytest.fixture
def desk(db):
    return TreatmentDesk()


@pytest.fixture
def other(desk):
    return desk.colleague("Dr Berg")


@pytest.fixture
def staff(client, desk):
    client.force_login(desk.by)
    return client


def key_of(person):
    return str(person.resource.public_id)


def begin(staff, desk, **details):
    body = {
        "key": str(uuid.uuid4()),
        "protocol": str(desk.version.protocol.public_id),
        "areas": [desk.area.key],
        "sessions_planned": 3,
        "first_possible_on": TODAY.isoformat(),
        **details,
    }
    answer = staff.post(reverse("series_new", args=[patient().public_id]), body)
    return answer, TreatmentSeries.objects.first()


def wishes():
    return Wishes.objects.values_list("who", "practitioner", "weekdays").get()


def choice(staff, series, **query):
    """Who is chosen on the page that books the next session, and with whom its times are."""
    page = staff.get(reverse("session_book", args=[series.public_id]), query).content.decode()
    chosen = re.search(r'<select name="practitioner".*?</select>', page, re.DOTALL).group()
    named = re.search(r'<option value="([^"]*)" selected', chosen)
    return named.group(1) if named else "", page


def change(staff, series, **fields):
    series.refresh_from_db()
    body = {"submission": str(uuid.uuid4()), "version": series.version, "action": "with_whom", **fields}
    return staff.post(reverse("course_change", args=[series.public_id]), body)


def test_who_treats_is_said_when_the_series_begins_and_asked_first_afterwards(staff, desk, other):
    answer, series = begin(staff, desk, practitioner=key_of(other), only="on")

    assert wishes() == ("same", other.pk, [])
    chosen, page = choice(staff, series)
    assert (answer.url, chosen) == (reverse("session_book", args=[series.public_id]), key_of(other))
    assert "only with Dr Berg" in page


def test_what_is_posted_without_a_filter_is_booked_with_the_wished_person(staff, desk, other):
    _answer, series = begin(staff, desk, practitioner=key_of(other))

    body = {"key": str(uuid.uuid4()), "starts_at": NINE.isoformat(), "note": ""}
    staff.post(reverse("session_book", args=[series.public_id]), body)

    assert series.patient.appointments.get().practitioner == other


def test_anyone_may_be_chosen_for_one_visit(staff, desk, other):
    _answer, series = begin(staff, desk, practitioner=key_of(other), only="on")

    assert choice(staff, series, practitioner="")[0] == ""
    assert choice(staff, series, practitioner=key_of(desk.needler))[0] == key_of(desk.needler)


def test_nobody_named_means_anybody(staff, desk, other):
    _answer, series = begin(staff, desk, practitioner="", only="on")

    assert wishes() == ("any", None, [])
    chosen, page = choice(staff, series)
    assert (chosen, "with Dr Berg" in page) == ("", False)


def test_somebody_who_left_is_not_asked_for(staff, desk, other):
    _answer, series = begin(staff, desk, practitioner=key_of(other))
    desk.colleague("Dr Cole")
    other.resource.is_active = False
    other.resource.save()

    assert choice(staff, series)[0] == ""


def test_a_clinic_with_one_practitioner_is_not_asked(staff, desk):
    protocol = str(desk.version.protocol.public_id)
    page = staff.get(reverse("series_new", args=[patient().public_id]), {"protocol": protocol}).content.decode()
    _answer, series = begin(staff, desk)

    assert "With whom" not in page
    assert not Wishes.objects.exists()
    assert "With whom" not in staff.get(reverse("course_change", args=[series.public_id])).content.decode()


def test_the_wish_changes_later_and_leaves_the_other_wishes_alone(staff, desk, other):
    _answer, series = begin(staff, desk)
    Wishes.objects.update(weekdays=[2, 4])

    answer = change(staff, series, practitioner=key_of(other))

    assert (answer.status_code, wishes()) == (302, ("prefer", other.pk, [2, 4]))
    page = staff.get(reverse("series", args=[series.public_id])).content.decode()
    assert "rather with Dr Berg" in page
    change(staff, series, practitioner="")
    assert wishes() == ("any", None, [2, 4])


def test_the_form_shows_what_is_on_file(staff, desk, other):
    _answer, series = begin(staff, desk, practitioner=key_of(other), only="on")

    page = staff.get(reverse("course_change", args=[series.public_id])).content.decode()

    assert re.search(rf'<option value="{key_of(other)}" selected', page)
    assert re.search(r'<input type="checkbox" name="only"[^>]* checked', page)


def test_of_two_people_who_change_it_the_second_is_told(staff, desk, other):
    _answer, series = begin(staff, desk)
    stale = series.version
    change(staff, series, practitioner=key_of(other))

    body = {"submission": str(uuid.uuid4()), "version": stale, "action": "with_whom", "practitioner": ""}
    answer = staff.post(reverse("course_change", args=[series.public_id]), body)

    assert answer.status_code == 409
    assert wishes()[0] == "prefer"


def test_only_those_who_are_qualified_for_the_treatment_are_named(staff, desk, other):
    other.qualifications.update(valid_until=TODAY - timedelta(days=1))
    third = desk.colleague("Dr Cole")
    third.qualifications.update(valid_until=TODAY)
    protocol = str(desk.version.protocol.public_id)

    page = staff.get(reverse("series_new", args=[patient().public_id]), {"protocol": protocol}).content.decode()

    chosen = re.search(r'<select name="practitioner".*?</select>', page, re.DOTALL).group()
    assert re.findall(r'<option value="([^"]+)"', chosen) == [key_of(third), key_of(desk.needler)]


def test_the_form_names_a_wished_person_who_may_not_treat_any_more(staff, desk, other):
    _answer, series = begin(staff, desk, practitioner=key_of(other), only="on")
    other.qualifications.all().delete()

    page = staff.get(reverse("course_change", args=[series.public_id])).content.decode()

    assert "Dr Berg may not give this treatment any more." in page
    assert re.search(rf'<option value="{key_of(other)}" selected', page)
    change(staff, series, practitioner="")
    assert "With whom" not in staff.get(reverse("course_change", args=[series.public_id])).content.decode()
