"""The days on which safety forbids a booking, found at once, are those on which it would forbid it day by day."""

from datetime import date, timedelta

import pytest

from clinic import gate
from tests import factories, factories_treatments
from tests.clinic.treatment_desk import TODAY, TreatmentDesk
from treatments import safety

pytestmark = pytest.mark.django_db
LAST = TODAY + timedelta(days=120)


@pytest.fixture
def course():
    """A course whose patient has a wash-out, reaches an age, and has a clinician's word that ends."""
    desk = TreatmentDesk()
    who = factories.patient()
    series = desk.start(who)
    who.birth_date = date(2008, 4, 20)
    who.save()
    washout = factories_treatments.condition("isotretinoin", "defer", washout_days=25)
    asked = factories_treatments.condition("keloid", "block_unless_override")
    young = factories_treatments.condition("age", "block", age_below_years=18, answered_by="birth_date")
    assert young
    factories_treatments.answered(who, washout, asked, on=TODAY, happened_on=TODAY + timedelta(days=3))
    finding = next(each for each in gate.findings(who, desk.treatment, first(series), TODAY) if each.code == "keloid")
    factories_treatments.decision(who, finding, allows=True, valid_until=TODAY + timedelta(days=70))
    return series


def first(series):
    return series.sessions.select_related("phase", "series").order_by("number").first()


def test_the_blocked_stretches_are_the_days_that_are_blocked_one_by_one(course):
    session = first(course)
    days = [TODAY + timedelta(days=number) for number in range((LAST - TODAY).days + 1)]
    one_by_one = [
        day for day in days if safety.blocking(gate.check(course.patient, None, session, day).findings, "book")
    ]

    stretches = gate.days_blocked(course, [session], TODAY, LAST)[session.number]

    assert [day for day in days if any(each.first <= day <= each.last for each in stretches)] == one_by_one
    assert 0 < len(one_by_one) < len(days)
    assert one_by_one[-1] == LAST  # the clinician's word has ended


def test_each_stretch_says_why(course):
    stretches = gate.days_blocked(course, [first(course)], TODAY, LAST)[1]

    assert stretches[0].findings[0].desk_message.startswith("Not before")
    assert [each.findings[0].code for each in stretches][-1] == "keloid"


def test_nothing_to_come_is_not_asked_about(course):
    assert gate.days_blocked(course, [], TODAY, LAST) == {}


def test_several_days_are_checked_like_each_by_itself(course):
    sessions = list(course.sessions.select_related("phase").order_by("number"))
    days = {session: TODAY + timedelta(days=35 * number) for number, session in enumerate(sessions)}

    found = gate.check_days(course, days)

    for session, day in days.items():
        alone = gate.check(course.patient, None, session, day)
        assert (found[session].findings, found[session].revision) == (alone.findings, alone.revision)
