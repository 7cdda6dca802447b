"""Visits back to back, when one of them changes: each patient is told once, and nobody is left without the numbing."""

from datetime import timedelta

import pytest
from django.utils import timezone

from clinic import booking
from clinic.booking import Wanted
from clinic.models import Appointment
from clinic.refusals import Refused
from tests.factories import patient, service

DAY = timedelta(days=1)
NOW = timezone.now().replace(second=0, microsecond=0)
TEN = (NOW + 2 * DAY).replace(hour=10, minute=0)


def two(desk):
    wanted = [Wanted(desk.service), Wanted(desk.service)]
    details = {"patient": patient(), "wanted": wanted, "location": desk.location, "starts_at": TEN}
    return booking.book_several(**details, by=desk.by, now=NOW)


def told(visit):
    return set(visit.reminders.unsent().values_list("template_key", flat=True))


def fresh(visit):
    return Appointment.objects.get(pk=visit.pk)


def test_enter_in_error_of_the_first_announces_the_next(desk):
    first, second = two(desk)

    booking.enter_in_error(first, version=first.version, by=desk.by, now=NOW)

    assert told(second) == {"visit_booked"}


def test_move_of_the_first_announces_the_next(desk):
    first, second = two(desk)

    booking.move(first, starts_at=TEN + DAY, version=first.version, by=desk.by, now=NOW)

    assert told(second) == {"visit_booked"}


def test_undo_of_a_cancelled_first_announces_them_once_again(desk):
    first, second = two(desk)
    gone = booking.cancel(first, cancelled_by="clinic", reason="ill", version=first.version, by=desk.by, now=NOW)

    booking.undo(fresh(gone), version=gone.version, by=desk.by, now=NOW)

    assert (told(first), told(second)) == ({"visit_booked"}, set())


def test_undo_of_an_arrival_takes_it_back_for_all_visits_back_to_back(desk):
    first, second = two(desk)
    here = booking.check_in(first, version=first.version, by=desk.by, now=TEN)

    booking.undo(here, version=here.version, by=desk.by, now=TEN)

    assert (fresh(second).status, fresh(second).arrived_at) == ("booked", None)


# -- Numbing ----------------------------------------------------------------------------------------------------------


def numbed():
    """A service that begins with numbing in the same room."""
    offer = service(name="Peel")
    offer.segments.update(position=2)
    offer.segments.create(position=1, kind="numbing", base_minutes=20, room_kind="consultation")
    return offer


def two_numbed_once(desk):
    wanted = [Wanted(numbed()), Wanted(numbed())]
    details = {"patient": patient(), "wanted": wanted, "location": desk.location, "starts_at": TEN}
    return booking.book_several(**details, by=desk.by, now=NOW)


def test_cancel_is_refused_while_the_next_visit_needs_the_numbing(desk):
    first, second = two_numbed_once(desk)
    details = {"cancelled_by": "patient", "reason": "ill", "by": desk.by, "now": NOW}

    with pytest.raises(Refused, match="needs its numbing"):
        booking.cancel(first, version=first.version, **details)

    booking.cancel(second, version=second.version, **details)
    assert booking.cancel(first, version=first.version, **details).status == "cancelled"


def test_enter_in_error_is_refused_while_the_next_visit_needs_the_numbing(desk):
    first, _second = two_numbed_once(desk)

    with pytest.raises(Refused, match="needs its numbing"):
        booking.enter_in_error(first, version=first.version, by=desk.by, now=NOW)
