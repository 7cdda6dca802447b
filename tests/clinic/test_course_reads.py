"""What is read to plan or book a course by prepared statements: the same rows as the ORM would give."""

from datetime import timedelta

import pytest

from clinic import course_reads
from clinic.models import Appointment
from patients.models import Patient
from tests import factories
from tests.clinic.treatment_desk import TreatmentDesk
from tests.factories import NOW
from treatments.models import SeriesArea, TreatmentSeries

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk():
    return TreatmentDesk()


def test_a_series_comes_with_what_is_booked_for_it_and_readable_notes(desk, django_assert_num_queries):
    series = desk.start()
    series.note = "Rather quiet rooms"
    series.save()

    found = course_reads.series(series.public_id)

    with django_assert_num_queries(0):
        assert (found, found.note) == (series, "Rather quiet rooms")
        assert found.protocol_version.protocol.service == desk.treatment
        assert found.patient.pk == series.patient_id
    found.note = "Any room"
    found.save()
    assert TreatmentSeries.objects.get().note == "Any room"
    assert course_reads.series(series.patient.public_id) is None


def test_sessions_come_in_their_order_with_phase_and_series(desk, django_assert_num_queries):
    series = desk.start()

    found = course_reads.sessions(series)

    with django_assert_num_queries(0):
        assert [session.number for session in found] == [1, 2, 3]
        assert {session.phase.interval_min_days for session in found} == {28}
        assert all(session.series is series for session in found)


def test_locations_and_people_are_those_in_use(desk, django_assert_num_queries):
    second, closed = factories.location("Second"), factories.location("Closed")
    closed.is_active = False
    closed.save()
    gone = factories.practitioner(desk.location, "Dr Gone")
    gone.resource.is_active = False
    gone.resource.save()
    adele = factories.practitioner(desk.location, "Dr Adele")
    helper = factories.practitioner(desk.location, "Helper")
    helper.treats, helper.may_assist = False, True
    helper.save()

    assert course_reads.locations()[-1] == second
    people = course_reads.people()
    with django_assert_num_queries(0):
        names = [one.resource.name for one in people]
    assert names == sorted(names)
    assert adele in people
    assert gone not in people
    assert helper not in people


def test_visits_are_those_of_the_person_for_sessions_and_still_in_the_diary(desk, django_assert_num_queries):
    series, other = desk.start(), desk.start()
    late = desk.book_session(series, 1, NOW + timedelta(days=9, hours=2))
    early = desk.book_session(other, 1, NOW + timedelta(days=2, hours=2))
    missed = desk.book_session(other, 2, NOW + timedelta(days=44, hours=2))
    Appointment.objects.filter(pk=missed.pk).update(status="no_show")
    desk.book_session(desk.start(), 1, NOW + timedelta(days=1, hours=2))
    Patient.objects.filter(pk=other.patient_id).update(merged_into=series.patient)

    found = course_reads.visits(series)

    assert [visit.pk for visit in found] == [early.pk, late.pk]
    with django_assert_num_queries(0):
        assert [visit.session.phase.interval_min_days for visit in found] == [28, 28]
        assert [visit.service.name for visit in found] == ["Needling visit"] * 2
        assert [visit.location for visit in found] == [desk.location] * 2
        assert [visit.is_same_area for visit in found] == [True, True]
    SeriesArea.objects.filter(series=other).delete()
    assert [visit.is_same_area for visit in course_reads.visits(series)] == [False, True]
