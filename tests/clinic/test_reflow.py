"""After a move, a no-show, an illness or a closure: what no longer fits, and the least change that helps."""

from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clinic import booking, proposals, scheduling
from clinic.models import Absence, Appointment, Claim, Closure, RuleOverride, Wishes
from tests import factories
from tests.clinic.treatment_desk import TreatmentDesk
from tests.factories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk():
    return TreatmentDesk()


def at(month, day, hour=8, minute=0):
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


@pytest.fixture
def visits(desk):
    """Sessions on 3 March, 2 April and 4 May 2026; 28 to 42 days between them."""
    series = desk.start(factories.patient(email="ada@post.example"))
    starts = (at(3, 3, 9), at(4, 2), at(5, 4))
    return [desk.book_session(series, number, start) for number, start in enumerate(starts, start=1)]


def reflow(visits, **details):
    return scheduling.reflow(visits[0].session.series, now=NOW, **details)


def changes(found):
    return {visit.number: visit.chosen.starts_at for visit in found.changes}


def displace(visit, starts_at):
    """As if it had been moved where the verbs would not let it."""
    span = starts_at - visit.starts_at
    for row in (visit, *Claim.objects.filter(appointment=visit)):
        row.starts_at, row.ends_at = row.starts_at + span, row.ends_at + span
        row.save()


def test_nothing_is_needed_while_all_fits(visits):
    found = reflow(visits)

    assert (found.visits, found.is_needed, found.can_be_made) == ((), False, False)


def test_one_that_comes_too_early_moves_to_its_first_safe_day(visits):
    displace(visits[1], at(4, 13))

    found = reflow(visits)

    assert changes(found) == {3: at(5, 11)}
    assert "Too early" in found.wrong[0].reasons[0]
    assert (found.moved, found.shift_minutes, found.visits[0].days) == (1, 7 * 1440, 7)


def test_one_that_comes_late_moves_back_to_its_last_day_in_time(visits):
    displace(visits[1], at(3, 31))
    displace(visits[2], at(5, 20))

    assert changes(reflow(visits)) == {3: at(5, 12)}


def test_lateness_that_was_allowed_is_not_held_against_it(desk, visits):
    displace(visits[2], at(5, 20))
    RuleOverride.objects.create(
        appointment=visits[2], rule="after_window", reason="asked", allowed_by=desk.by, allowed_at=NOW
    )

    assert not reflow(visits).is_needed


def test_a_start_that_is_asked_for_moves_those_after_it(visits):
    found = reflow(visits, changes={2: at(4, 13)})

    assert changes(found) == {2: at(4, 13), 3: at(5, 11)}
    assert [visit.is_pinned for visit in found.visits] == [True, False]
    assert found.can_be_made


@pytest.mark.parametrize(
    ("start", "said"),
    [(at(3, 20), "Too early"), (at(4, 2, 2), "no longer free"), (datetime(2300, 1, 1, tzinfo=UTC), "")],
)
def test_a_start_that_is_not_possible_says_why(visits, start, said):
    found = reflow(visits, changes={2: start})

    pinned = next(visit for visit in found.visits if visit.is_pinned)
    assert pinned.chosen is None
    assert said in pinned.reasons[0]
    assert not found.can_be_made


def test_a_closure_moves_the_visit_alone_to_the_nearest_day(desk, visits):
    Closure.objects.create(location=desk.location, starts_at=at(4, 2, 0), ends_at=at(4, 3, 0), reason="Works")

    found = reflow(visits)

    assert changes(found) == {2: at(4, 1)}
    assert "closed" in found.wrong[0].reasons[0]


def test_an_illness_leaves_the_time_and_changes_the_person(desk, visits):
    pin = factories.practitioner(desk.location, "Dr Pin", techniques=[desk.technique])
    Absence.objects.create(resource_id=desk.needler.pk, starts_at=at(4, 1, 0), ends_at=at(4, 8, 0), reason="ill")

    found = reflow(visits)

    assert (changes(found), found.changes[0].chosen.practitioner_id) == ({2: at(4, 2)}, pin.pk)
    assert found.shift_minutes == 0


def test_only_this_person_is_kept_to(desk, visits):
    factories.practitioner(desk.location, "Dr Pin", techniques=[desk.technique])
    Wishes.objects.create(series=visits[0].session.series, who="same", practitioner=desk.needler)
    Absence.objects.create(resource_id=desk.needler.pk, starts_at=at(4, 1, 0), ends_at=at(4, 8, 0), reason="ill")

    found = reflow(visits)

    assert found.changes[0].chosen.practitioner_id == desk.needler.pk
    assert changes(found) == {2: at(3, 31)}


def test_a_missed_session_is_placed_in_front_of_the_next(desk, visits):
    desk_now = at(3, 3, 12)
    booking.no_show(visits[0], version=1, by=desk.by, now=desk_now)

    found = scheduling.reflow(visits[0].session.series, now=desk_now)

    assert found.visits[0].number == 1
    assert found.visits[0].appointment is None
    assert changes(found) == {1: desk_now}


def test_a_visit_that_fits_nowhere_in_its_window_is_late_and_marked(desk, visits):
    Closure.objects.create(location=desk.location, starts_at=at(4, 1, 0), ends_at=at(4, 25, 0), reason="Works")

    found = reflow(visits)

    assert changes(found)[2] == at(3, 31)
    Closure.objects.create(location=desk.location, starts_at=at(3, 5, 0), ends_at=at(4, 25, 0), reason="Works")
    found = reflow(visits)
    assert changes(found)[2] == at(4, 25)
    assert found.visits[0].is_late


def test_one_for_which_nothing_is_free_says_so(desk, visits):
    Closure.objects.create(location=desk.location, starts_at=at(4, 1, 0), ends_at=at(12, 30, 0), reason="Works")
    Closure.objects.create(location=desk.location, starts_at=at(3, 5, 0), ends_at=at(4, 1, 0), reason="Works")
    Closure.objects.create(
        location=desk.location, starts_at=at(12, 30, 0), ends_at=datetime(2028, 1, 1, tzinfo=UTC), reason="Works"
    )

    found = reflow(visits)

    assert changes(found) == {}
    assert any("closed" in reason for reason in found.visits[0].reasons[1:])


def test_statements_do_not_grow_with_the_visits(desk, visits):
    def statements(series):
        with CaptureQueriesContext(connection) as queries:
            scheduling.reflow(series, now=NOW)
        return len(queries)

    Closure.objects.create(location=desk.location, starts_at=at(3, 3, 0), ends_at=at(3, 4, 0), reason="Works")
    other = desk.start(factories.patient("Bo", "Reed"))
    Closure.objects.all().delete()
    desk.book_session(other, 1, at(3, 3, 12))
    Closure.objects.create(location=desk.location, starts_at=at(3, 3, 0), ends_at=at(3, 4, 0), reason="Works")

    assert statements(visits[0].session.series) <= statements(other)
    assert statements(other) <= 30


def test_what_is_found_can_be_agreed_to(desk, visits):
    displace(visits[1], at(4, 13))
    found = reflow(visits)

    proposals.agreed(
        proposals.from_reflow(found), patient=visits[0].patient, series=found.series, cause="moved", by=desk.by, now=NOW
    )

    assert not reflow(visits).is_needed
    assert Appointment.objects.get(pk=visits[2].pk).starts_at == at(5, 11)
    assert found.visits[0].chosen.day == date(2026, 5, 11)
