"""Other areas in a course under way: what is booked is looked at again, what is done keeps the areas it had."""

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from clinic import availability, course_changes, course_reads, proposals, todo
from clinic.booking import Moved
from clinic.models import Appointment, Task
from patients.models import BodyArea
from patients.refusals import Conflict, Refused
from tests import factories_treatments
from tests.clinic import portal_world
from tests.clinic.treatment_desk import TODAY, TreatmentDesk, TwoAreasDesk, on_other_skin
from tests.factories import NOW, patient
from treatments import series as courses_of
from treatments.models import TreatmentSession

FIRST = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def desk(db):
    return TwoAreasDesk()


@pytest.fixture
def series(desk):
    return desk.start()


@pytest.fixture
def booked(desk, series):
    return [desk.book_session(series, number, FIRST + 30 * DAY * (number - 1)) for number in (1, 2, 3)]


def again(row):
    return type(row).objects.get(pk=row.pk)


def change(series, *areas, **details):
    by = series.created_by
    details = {"version": again(series).version, "today": TODAY, "now": NOW, "by": by, **details}
    return course_changes.set_areas(again(series), areas=list(areas), **details)


def areas_of(series):
    return {row.area for row in again(series).series_areas.all()}


def minutes(desk, series, number):
    session = series.sessions.get(number=number)
    asked = availability.request_for(location=desk.location, service=desk.treatment, session=session)
    return asked.shape.minutes


def said():
    return [task.text for task in Task.objects.order_by("due_at")]


# -- What changes -----------------------------------------------------------------------------------------------------


def test_one_area_more_takes_more_minutes_from_now_on(desk, series):
    assert minutes(desk, series, 1) == 45

    changed = change(series, desk.area, desk.chin)

    assert minutes(desk, series, 1) == 60
    assert areas_of(series) == {desk.area, desk.chin}
    assert again(series).version == changed.version == series.version + 1


def test_booked_visits_keep_their_times_and_those_that_are_too_short_become_tasks(desk, series, booked):
    change(series, desk.area, desk.chin)

    assert [again(visit).starts_at for visit in booked] == [visit.starts_at for visit in booked]
    assert [task.appointment for task in Task.objects.order_by("due_at")] == booked
    assert set(said()) == {
        "Other areas are treated now, which this visit does not fit."
        " It needs 60 minutes, and 45 are kept until it is moved."
    }


def test_one_area_less_again_leaves_nothing_to_do(desk, series, booked):
    change(series, desk.area, desk.chin)

    change(series, desk.chin)

    assert areas_of(series) == {desk.chin}
    assert not Task.objects.filter(done_at=None).exists()
    assert Task.objects.exclude(done_by=series.created_by).count() == 0


def test_what_reception_has_to_do_already_stays_beside_it(desk, series, booked):
    todo.open_course_change(booked[0], NOW)
    (before,) = said()

    change(series, desk.area, desk.chin)
    assert Task.objects.get(appointment=booked[0]).text.startswith(f"{before} Other areas are treated now")
    assert "It needs 60 minutes" in Task.objects.get(appointment=booked[0]).text

    change(series, desk.area)
    assert Task.objects.get(appointment=booked[0], done_at=None).text == before


@pytest.mark.parametrize("status", ["booked", "arrived"])
def test_a_visit_that_has_begun_is_closed_first(desk, series, booked, status):
    if status == "arrived":
        Appointment.objects.filter(pk=booked[0].pk).update(status=status, arrived_at=NOW)

    with pytest.raises(Refused, match="Session 1 has begun: say first how it ended"):
        change(series, desk.chin, now=FIRST + DAY if status == "booked" else NOW)

    assert areas_of(series) == {desk.area}


def test_times_that_are_proposed_are_taken_back(desk, series, booked):
    about = {"patient": series.patient, "series": series, "cause": "moved", "kept_until": NOW + 2 * DAY}
    proposal = proposals.propose([Moved(booked[2], booked[2].starts_at + DAY)], by=desk.by, now=NOW, **about)

    change(series, desk.area, desk.chin)

    proposal.refresh_from_db()
    assert proposal.state == "withdrawn"


def test_a_distance_that_was_allowed_before_is_no_news(desk, series, booked):
    other = on_other_skin(desk.start(series.patient))
    desk.book_session(other, 1, FIRST + 20 * DAY)
    type(desk.location).objects.update(apart_days=25)

    change(series, desk.chin)

    assert said() == []


def test_a_visit_beside_another_course_on_the_added_area_becomes_a_task(desk, booked, series):
    other = desk.start(series.patient)
    other.series_areas.update(area=desk.chin)
    desk.book_session(other, 1, FIRST + 8 * DAY)

    change(series, desk.chin)

    assert Task.objects.get(appointment=booked[0]).text.endswith(
        "Too close to a visit of another course on Wed 11 March 2026."
    )


def test_booked_visits_are_checked_again(desk, series, booked):
    sore = factories_treatments.condition("sore", "clinician_review", scope="treatment_area")
    factories_treatments.answered(series.patient, sore, on=TODAY, areas=[desk.chin])
    before = [again(visit).needs_review for visit in booked]

    change(series, desk.area, desk.chin)

    assert (before, [again(visit).needs_review for visit in booked]) == ([False] * 3, [True] * 3)


# -- What is done -----------------------------------------------------------------------------------------------------


def finish(visit):
    for status in ("arrived", "in_treatment", "completed"):
        Appointment.objects.filter(pk=visit.pk).update(
            status=status, arrived_at=FIRST, started_at=FIRST, finished_at=FIRST
        )
    courses_of.mark_done(again(visit.session), on=FIRST.date())


def test_a_session_that_is_done_keeps_the_areas_that_it_had(desk, series, booked):
    finish(booked[0])

    change(series, desk.chin, now=FIRST + DAY, today=TODAY + DAY)
    change(series, desk.area, desk.chin, now=FIRST + DAY, today=TODAY + DAY)

    first, second = series.sessions.filter(number__in=(1, 2))
    assert set(first.done_areas.all()) == {desk.area}
    assert not second.done_areas.exists()


def test_another_course_keeps_its_distance_to_what_was_really_treated(desk, series, booked):
    finish(booked[0])
    change(series, desk.chin, now=FIRST + DAY, today=TODAY + DAY)
    on_cheek, on_chin = desk.start(series.patient), desk.start(series.patient)
    on_chin.series_areas.update(area=desk.chin)

    def same(course):
        return [each.number for each in course_reads.of_other_courses(course) if each.is_same_area]

    assert [same(on_cheek), same(on_chin)] == [[1], [2, 3]]


def test_the_patient_reads_of_a_past_visit_what_was_treated(desk, series, booked, client, monkeypatch):
    finish(booked[0])
    change(series, desk.chin, now=FIRST + DAY, today=TODAY + DAY)
    monkeypatch.setattr("django.utils.timezone.now", lambda: FIRST + DAY)
    client.force_login(portal_world.login(series.patient))

    page = client.get(reverse("portal_visits", args=[series.patient.public_id])).content.decode()

    assert ("Needling for scars: Cheek" in page, "Needling for scars: Chin" in page) == (True, False)


def test_a_session_that_was_done_by_mistake_is_one_of_the_series_again(desk, series, booked):
    finish(booked[0])
    change(series, desk.chin, now=FIRST + DAY, today=TODAY + DAY)

    courses_of.undo_done(TreatmentSession.objects.get(series=series, number=1))
    assert series.sessions.get(number=1).done_areas.exists()  # it may be ended anew
    courses_of.mark_planned(TreatmentSession.objects.get(series=series, number=1))

    assert not series.sessions.get(number=1).done_areas.exists()


# -- What is refused --------------------------------------------------------------------------------------------------


def test_no_area_and_no_other_area_is_refused(desk, series):
    with pytest.raises(Refused, match="at least one area"):
        change(series)
    with pytest.raises(Refused, match="already"):
        change(series, desk.area)
    with pytest.raises(Refused, match="does not treat: Knee"):
        change(series, desk.area, BodyArea.objects.create(key="knee", label="Knee", group="leg"))

    assert areas_of(series) == {desk.area}


def test_an_area_that_may_never_be_treated_is_refused_and_one_that_may_be_again_is_not(desk, series):
    never = factories_treatments.condition("keloid", "block", scope="treatment_area")
    factories_treatments.answered(series.patient, never, on=TODAY, areas=[desk.chin])

    with pytest.raises(Refused, match="Not with these areas"):
        change(series, desk.area, desk.chin)

    assert areas_of(series) == {desk.area}


def test_what_forbids_the_areas_of_before_does_not_stand_against_fewer(desk, series):
    change(series, desk.area, desk.chin)
    never = factories_treatments.condition("keloid", "block", scope="treatment_area")
    factories_treatments.answered(series.patient, never, on=TODAY, areas=[desk.chin])

    change(series, desk.area)

    assert areas_of(series) == {desk.area}


def test_of_two_who_change_them_the_second_is_told(desk, series):
    stale = series.version
    change(series, desk.chin)

    with pytest.raises(Conflict):
        change(series, desk.area, version=stale)

    assert areas_of(series) == {desk.chin}


def test_a_course_that_is_over_is_not_changed(desk, series):
    course_changes.stop(
        series, reason="Moves away", version=series.version, by=desk.by, now=NOW, seen=[], cancelled_by="patient"
    )

    with pytest.raises(Refused, match="cannot be changed like this"):
        change(series, desk.chin)


# -- The page ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def staff(client, desk, stopped_clock):
    client.force_login(desk.by)
    return client


def page_of(series):
    return reverse("course_change", args=[series.public_id])


def test_the_page_shows_the_areas_and_saves_others(staff, desk, series):
    page = staff.get(page_of(series)).content.decode()
    ticked = re.findall(r'<input type="checkbox"[^>]*name="areas" value="([^"]+)"[^>]*checked', page)
    body = {"submission": str(uuid.uuid4()), "version": again(series).version, "action": "areas"}

    answer = staff.post(page_of(series), {**body, "areas": ["chin"]})

    assert ticked == [desk.area.key]
    assert answer.status_code == 302
    assert areas_of(series) == {desk.chin}
    assert staff.post(page_of(series), {**body, "areas": ["chin"]}).status_code == 302  # the same form again
    refused = staff.post(page_of(series), {**body, "submission": str(uuid.uuid4()), "areas": []})
    assert refused.status_code == 422


def test_a_protocol_of_one_area_is_not_asked(staff, desk, series):
    one = TreatmentDesk()

    assert "Areas to treat" not in staff.get(page_of(one.start(patient("Max")))).content.decode()
