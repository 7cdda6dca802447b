"""Visits of several courses of one patient keep their distance, however they are booked."""

from datetime import UTC, date, datetime, timedelta

import pytest

from clinic import availability, booking
from clinic.models import Location, RuleOverride
from clinic.refusals import AgainstARule, Refused
from tests import factories
from tests.clinic.treatment_desk import TreatmentDesk, on_other_skin
from tests.factories import NOW

pytestmark = pytest.mark.django_db
NINE = datetime(2026, 3, 3, 9, tzinfo=UTC)
GAP = timedelta(days=28)  # the least between two sessions of these courses
DAY = timedelta(days=1)


@pytest.fixture
def desk():
    return TreatmentDesk()


@pytest.fixture
def first(desk):
    """The first visit of one course, on 3 March."""
    return desk.book_session(desk.start(), 1, NINE)


@pytest.fixture
def other(desk, first):
    """Another course of the patient on the same area."""
    return desk.start(first.patient)


@pytest.mark.parametrize("days", [-1, 1, 27])
def test_a_visit_too_near_on_the_same_area_is_refused(desk, first, other, days):
    type(other).objects.filter(pk=other.pk).update(first_possible_on=date(2026, 3, 1))

    with pytest.raises(Refused, match="another course of the same area on Tuesday 3 March 2026"):
        desk.book_session(other, 1, NINE + timedelta(days=days))


def test_a_visit_after_the_least_days_is_booked(desk, first, other):
    assert desk.book_session(other, 1, NINE + GAP).starts_at == NINE + GAP


def test_no_time_is_offered_on_the_days_that_are_too_near(desk, first, other):
    session = other.sessions.get(number=1)
    asked = availability.request_for(location=desk.location, service=desk.treatment, session=session)

    offers = availability.free_starts(asked, NINE.date(), (NINE + GAP).date(), NOW)

    assert {offer.starts_at.date() for offer in offers} == {(NINE + GAP).date()}


def test_a_move_too_near_on_the_same_area_is_refused(desk, first, other):
    visit = desk.book_session(other, 1, NINE + GAP)

    with pytest.raises(Refused, match="another course"):
        booking.move(visit, starts_at=NINE + GAP - DAY, version=visit.version, by=desk.by, now=NOW)


def test_other_skin_asks_for_the_days_of_the_location_and_may_be_allowed(desk, first, other):
    Location.objects.update(apart_days=3)
    desk.location.refresh_from_db()
    on_other_skin(other)

    with pytest.raises(AgainstARule, match="Close to the visit of another course") as refusal:
        desk.book_session(other, 1, NINE + 2 * DAY)

    assert refusal.value.rules == ["near_other_area"]
    visit = desk.book(
        NINE + 2 * DAY, first.patient, service=desk.treatment, session=other.sessions.get(number=1),
        overrides={"near_other_area": "Wanted so."},
    )  # fmt: skip
    assert RuleOverride.objects.get(appointment=visit).rule == "near_other_area"


def test_other_skin_is_free_when_the_location_asks_for_no_days(desk, first, other):
    assert desk.book_session(on_other_skin(other), 1, NINE + DAY).starts_at == NINE + DAY


def test_another_patient_is_not_asked_about(desk, first):
    theirs = desk.start(factories.patient("Grace"))

    assert desk.book_session(theirs, 1, NINE + DAY).starts_at == NINE + DAY
