"""The pages about newer versions: what one would change for running courses, and letting them follow it."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from patients.models import AccessLog
from tests.clinic.newer_versions import newer, newer_draft, put_into_use
from tests.clinic.test_upgrades import NINE, ready_desk
from tests.factories import patient, user
from treatments.models import SeriesUpgrade, TreatmentSeries

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stopped_clock")]


@pytest.fixture
def desk(db):
    return ready_desk()


@pytest.fixture
def as_lead(client):
    client.force_login(user("clinical lead", name="Dr Lead"))
    return client


@pytest.fixture
def at_desk(client):
    client.force_login(user("reception"))
    return client


def booked(desk, name="Ada"):
    series = desk.start(patient(name))
    desk.book_session(series, 1, NINE + timedelta(hours=series.pk % 6))
    return series


def running_page(version, /, **query):
    return reverse("protocol_running", args=[version.protocol.public_id], query=query)


def upgrade_page(series):
    return reverse("series_upgrade", args=[series.public_id])


def typed(version, *series, **details):
    seen = [f"{each.public_id}:{TreatmentSeries.objects.get(pk=each.pk).version}" for each in series]
    return {
        "key": str(uuid.uuid4()),
        "version": str(version.public_id),
        "series": seen,
        "reason": "Better results.",
        **details,
    }


# -- What a version would change --------------------------------------------------------------------------------------


def test_running_shows_what_a_draft_would_change_and_offers_nothing(as_lead, desk):
    booked(desk, "Grace")
    draft = newer_draft(desk.version, minutes=90)

    text = as_lead.get(running_page(draft, version=draft.number)).content.decode()

    assert "Grace" in text
    assert "It needs 90 minutes, and 45 are kept until it is moved." in text
    assert "Nothing changes by publishing" in text
    assert "Change the ticked series" not in text


def test_running_says_in_words_what_is_different_from_each_older_version(as_lead, desk):
    booked(desk)
    first = desk.version
    desk.version = second = newer(first, minutes=60)
    booked(desk)

    answer = as_lead.get(running_page(newer(second, endpoint="Even redness")))

    told = {number: str([group.lines for group in groups]) for number, groups in answer.context["changed"]}
    assert list(told) == [second.number, first.number]
    assert ["60 minutes" in lines for lines in told.values()] == [False, True]
    assert f"What is different from version {first.number}" in answer.content.decode()


def test_running_offers_the_lead_to_change_courses_and_ticks_those_that_fit(as_lead, desk):
    series = booked(desk)
    version = newer(desk.version, endpoint="Even redness")

    text = as_lead.get(running_page(version)).content.decode()

    assert "Change the ticked series" in text
    assert f'value="{series.public_id}:{series.version}" id="course-{series.public_id}" checked' in text


def test_running_does_not_tick_a_course_that_is_to_be_looked_at(as_lead, desk):
    booked(desk)

    answer = as_lead.get(running_page(newer(desk.version, minutes=90)))

    assert [row["is_ticked"] for row in answer.context["rows"]] == [False]


def test_running_shows_reception_what_changes_and_no_button(at_desk, desk):
    booked(desk, "Grace")

    text = at_desk.get(running_page(newer(desk.version))).content.decode()

    assert ("Grace" in text, "Change the ticked series" in text) == (True, False)


def test_running_tells_a_safety_check_as_reception_hears_it(as_lead, desk):
    series = booked(desk)
    series.patient.birth_date = "2008-01-01"
    series.patient.save()

    answer = as_lead.get(running_page(newer(desk.version, min_age_years=21)))

    (check,) = answer.context["rows"][0]["checks"]
    assert (check.headline, check.message) == ("Not now", "Not before 1 January 2029.")


def test_running_says_so_where_no_course_is_behind(at_desk, desk):
    assert "No series runs on an older version" in at_desk.get(running_page(desk.version)).content.decode()


@pytest.mark.parametrize("number", ["9", "-1", "x", "٣"])
def test_running_of_an_unknown_version_is_not_found(at_desk, desk, number):
    assert at_desk.get(running_page(desk.version, version=number)).status_code == 404


def test_running_asks_the_same_queries_however_many_courses(as_lead, desk):
    draft = newer_draft(desk.version, minutes=90)
    asked = []
    for _each in range(3):
        booked(desk)
        as_lead.get(running_page(draft, version=draft.number))
        with CaptureQueriesContext(connection) as queries:
            as_lead.get(running_page(draft, version=draft.number))
        asked.append(len(queries))

    assert asked[0] == asked[1] == asked[2] <= 48


# -- Many courses -----------------------------------------------------------------------------------------------------


def post(client, version, data):
    return client.post(reverse("protocol_upgrade", args=[version.protocol.public_id]), data)


def followed(*series):
    return [TreatmentSeries.objects.get(pk=each.pk).protocol_version.number for each in series]


def test_the_ticked_courses_follow_the_version(as_lead, desk):
    found = [booked(desk), booked(desk), booked(desk)]
    version = newer(desk.version, minutes=90)

    answer = post(as_lead, version, typed(version, *found[:2]))

    assert (answer.status_code, followed(*found)) == (302, [3, 3, 2])
    text = as_lead.get(answer.url).content.decode()
    assert "2 series follow version 3." in text
    assert "2 booked visits do not fit any more: they are among the tasks." in text


def test_the_same_form_sent_twice_changes_courses_once(as_lead, desk):
    series = booked(desk)
    version = newer(desk.version)
    data = typed(version, series)

    first, second = post(as_lead, version, data), post(as_lead, version, data)

    assert (first.status_code, second.status_code, SeriesUpgrade.objects.count()) == (302, 302, 1)


def test_a_crossed_save_is_a_conflict_that_keeps_ticks_and_reason(as_lead, desk):
    series, other = booked(desk), booked(desk)
    version = newer(desk.version, minutes=90)
    data = typed(version, series)
    TreatmentSeries.objects.filter(pk=series.pk).update(version=9)

    answer = post(as_lead, version, data)

    assert (answer.status_code, followed(series)) == (409, [2])
    assert "Somebody else changed one of these series" in answer.content.decode()
    assert "Better results." in answer.content.decode()
    ticks = {row["course"].series: row["is_ticked"] for row in answer.context["rows"]}
    assert ticks == {series: True, other: False}
    assert post(as_lead, version, typed(version, series)).status_code == 302


@pytest.mark.parametrize(("field", "value", "said"), [
    ("reason", "", "This field is required."),
    ("series", [], "Choose at least one series."),
    ("series", ["x"], "not one of the available choices"),
    ("series", ["x:1"], "Load the page again"),
    ("series", [f"{uuid.uuid4()}:1"], "Load the page again"),
    ("key", "x", "Enter a valid UUID."),
])  # fmt: skip
def test_what_is_missing_or_broken_is_said(as_lead, desk, field, value, said):
    series = booked(desk)
    version = newer(desk.version)

    answer = post(as_lead, version, typed(version, series, **{field: value}))

    assert (answer.status_code, followed(series)) == (422, [2])
    assert said in answer.content.decode()


@pytest.mark.parametrize("number", ["", "x", "٣x", "9" * 5000])
def test_a_broken_row_version_is_refused(as_lead, desk, number):
    series = booked(desk)
    version = newer(desk.version)

    assert post(as_lead, version, typed(version, series=[f"{series.public_id}:{number}"])).status_code == 422


def test_upgrading_is_closed_to_others_than_the_lead(at_desk, desk):
    series = booked(desk)
    version = newer(desk.version)

    assert post(at_desk, version, typed(version, series)).status_code == 403
    assert at_desk.get(upgrade_page(series)).status_code == 403


def test_a_version_of_another_protocol_is_not_found(as_lead, desk):
    assert post(as_lead, desk.version, typed(ready_desk().version, booked(desk))).status_code == 404


def test_a_broken_version_is_not_found(as_lead, desk):
    assert post(as_lead, desk.version, {"version": "x"}).status_code == 404


# -- One course -------------------------------------------------------------------------------------------------------


def test_the_page_of_a_course_shows_the_difference_and_what_becomes_of_it(as_lead, desk):
    series = booked(desk)
    newer(desk.version, interval=(35, 40, 60), minutes=90)

    text = as_lead.get(upgrade_page(series)).content.decode()

    for words in (
        "Phase 1: ideally 30 → 40 days",
        "30 (28–42) → 40 (35–60)",
        "It needs 90 minutes, and 45 are kept until it is moved.",
        "Becomes a task",
        "The series as it would be",
        "Follow version 3",
    ):
        assert words in text
    assert AccessLog.objects.filter(page="series_upgrade", patient=series.patient).exists()


def test_one_course_follows_the_newer_version_and_says_so_afterwards(as_lead, desk):
    series = booked(desk)
    version = newer(desk.version, interval=(35, 40, 60))

    answer = as_lead.post(upgrade_page(series), typed(version, series))

    assert (answer.status_code, followed(series)) == (302, [3])
    text = as_lead.get(answer.url).content.decode()
    assert "This series follows version 3 of its protocol." in text
    assert "version 2 → 3" in text
    assert "Better results." in text
    assert "follows the newest version" in as_lead.get(upgrade_page(series)).content.decode()


def test_a_course_sent_twice_goes_over_once(as_lead, desk):
    series = booked(desk)
    version = newer(desk.version)
    data = typed(version, series)

    answers = [as_lead.post(upgrade_page(series), data).status_code for _each in range(2)]

    assert (answers, SeriesUpgrade.objects.count()) == ([302, 302], 1)


def test_one_course_crossed_is_a_conflict_that_keeps_the_reason(as_lead, desk):
    series = booked(desk)
    version = newer(desk.version)
    data = typed(version, series)
    TreatmentSeries.objects.filter(pk=series.pk).update(version=9)

    answer = as_lead.post(upgrade_page(series), data)

    assert (answer.status_code, followed(series)) == (409, [2])
    assert "Better results." in answer.content.decode()
    assert f"{series.public_id}:9" in answer.content.decode()


def test_one_course_without_a_reason_is_refused(as_lead, desk):
    series = booked(desk)
    version = newer(desk.version)

    assert as_lead.post(upgrade_page(series), typed(version, series, reason="")).status_code == 422


def test_the_page_of_a_course_changes_that_course_alone(as_lead, desk):
    series, other = booked(desk), booked(desk)
    version = newer(desk.version)

    answer = as_lead.post(upgrade_page(series), typed(version, other))

    assert (answer.status_code, followed(series, other)) == (422, [2, 2])


def test_a_course_that_cannot_go_over_says_why_and_offers_nothing(as_lead, desk):
    series = booked(desk)
    newer(desk.version)
    TreatmentSeries.objects.filter(pk=series.pk).update(state="stopped", state_reason="moved away")

    text = as_lead.get(upgrade_page(series)).content.decode()

    assert ("This series has ended." in text, "Only sessions that are still open change." in text) == (True, False)


def test_the_page_of_an_overdue_course_draws_it(as_lead, desk):
    series = desk.start()
    newer(desk.version, interval=(35, 40, 60))
    TreatmentSeries.objects.filter(pk=series.pk).update(first_possible_on="2025-01-01")

    states = [row.mark.state for row in as_lead.get(upgrade_page(series)).context["timeline"].rows]

    assert states == ["late", "planned", "planned"]


def test_the_page_of_a_course_tells_who_is_not_the_lead_where_to_look(at_desk, desk):
    series = booked(desk)
    newer(desk.version)

    text = at_desk.get(reverse("series", args=[series.public_id])).content.decode()

    assert ("Version 3 is in use." in text, "What is different" in text, "Follow the newer" in text) == (
        True,
        True,
        False,
    )


# -- Two versions -----------------------------------------------------------------------------------------------------


def compare_page(version, /, **query):
    return reverse("protocol_compare", args=[version.protocol.public_id], query=query)


def test_compare_names_the_difference_of_the_last_two_versions(at_desk, desk):
    newer(desk.version, interval=(35, 40, 60))

    text = at_desk.get(compare_page(desk.version)).content.decode()

    assert ("From version 2 to version 3" in text, "ideally 30 → 40 days" in text) == (True, True)


def test_compare_takes_any_two_in_both_directions(at_desk, desk):
    put_into_use(newer_draft(newer(desk.version, interval=(35, 40, 60)), min_age_years=21))

    text = at_desk.get(compare_page(desk.version, old=4, new=1)).content.decode()

    assert "ideally 40 → 30 days" in text
    assert "Youngest age, years 21 → 18" in text


def test_compare_of_a_version_with_itself_says_so(at_desk, desk):
    assert "Choose two." in at_desk.get(compare_page(desk.version, old=1, new=1)).content.decode()


@pytest.mark.parametrize("number", ["9", "x", "-1", "٣", "<b>"])
def test_compare_with_an_unknown_version_is_not_found(at_desk, desk, number):
    assert at_desk.get(compare_page(desk.version, old=number)).status_code == 404


@pytest.mark.parametrize("count", [1, 3])
def test_compare_asks_the_same_queries_however_many_versions(at_desk, desk, count, django_assert_max_num_queries):
    version = desk.version
    for _each in range(count):
        version = newer(version)
    at_desk.get(compare_page(version))

    with django_assert_max_num_queries(33):
        at_desk.get(compare_page(version))
