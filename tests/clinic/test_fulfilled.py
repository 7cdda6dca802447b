"""Which prerequisites of a treatment the visits of a person fulfil: until when, and on whichever record they stand."""

from datetime import timedelta

import pytest

from clinic import booking, gate
from tests.factories import NOW, Desk, patient

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def desk():
    desk = Desk()
    desk.service.fulfils, desk.service.fulfils_days = "consultation", 30
    desk.service.save()
    return desk


def consulted(desk, who):
    """A consultation that took place the next day; returns its day."""
    visit = desk.book((NOW + DAY).replace(hour=10), who)
    for step in (booking.check_in, booking.start, booking.complete):
        visit = step(visit, version=visit.version, by=desk.by, now=visit.starts_at)
    return visit.starts_at.date()


def test_a_consultation_counts_for_its_days(desk):
    ada = patient()
    day = consulted(desk, ada)

    assert gate.fulfilled(ada, day + 30 * DAY) == {"consultation": day}
    assert gate.fulfilled(ada, day + 31 * DAY) == {}


def test_a_consultation_counts_for_every_record_of_the_person_and_for_nobody_else(desk):
    kept, bob = patient(), patient("Bob", "Moss")
    merged, other = patient("Adah"), patient("Ada", "Quil")
    day = consulted(desk, merged)
    for record in (merged, other):
        record.merged_into = kept
        record.save()

    for record in (kept, merged, other):
        assert gate.fulfilled(record, day) == {"consultation": day}
    assert gate.fulfilled(bob, day) == {}
    met = gate.met_by([kept.pk, bob.pk])
    assert (met(kept.pk, day), met(bob.pk, day)) == ({"consultation": day}, {})
