"""The calendar file: what every calendar needs, the same entry every time, and no health in it."""

from datetime import UTC, datetime, timedelta

import pytest
from icalendar import Calendar

from clinic import feeds
from tests import factories
from tests.clinic.messages import course, visit
from tests.factories import NOW

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


@pytest.fixture
def booked():
    place = factories.location(
        "Cadence Berlin", "Europe/Berlin", address="Allee 1\n10115 Berlin", phone="+49 30 23125 0"
    )
    return visit(place, AT, session=course()[0], ical_sequence=2)


def event_of(row):
    calendar = Calendar.from_ical(feeds.calendar_of(row, NOW))
    return calendar, calendar.events[0]


def test_calendar_of_a_visit_publishes_when_and_where(booked):
    calendar, event = event_of(booked)

    assert (calendar["METHOD"], event["STATUS"], event["SEQUENCE"]) == ("PUBLISH", "CONFIRMED", 2)
    assert (event.start, event.end) == (AT, AT + timedelta(hours=1))
    assert event["UID"] == f"{booked.public_id}@localhost"
    assert event["LOCATION"] == "Cadence Berlin, Allee 1, 10115 Berlin"
    assert event["DESCRIPTION"] == "To change it, call us: +49 30 23125 0"


def test_calendar_of_a_visit_says_nothing_about_health(booked):
    _calendar, event = event_of(booked)

    assert event["SUMMARY"] == "Visit at Cadence Berlin"
    text = feeds.calendar_of(booked, NOW).decode()
    words = (booked.service.name, str(booked.session.series.protocol_version.protocol), "Quill", booked.patient.email)
    assert [word for word in words if word in text] == []


def test_calendar_of_a_cancelled_visit_takes_the_same_entry_out(booked):
    before = event_of(booked)[1]["UID"]
    booked.status, booked.ical_sequence = "cancelled", 3

    calendar, event = event_of(booked)

    assert (calendar["METHOD"], event["STATUS"], event["SEQUENCE"]) == ("CANCEL", "CANCELLED", 3)
    assert event["UID"] == before


def test_calendar_of_has_everything_that_the_standard_requires(booked):
    calendar, event = event_of(booked)

    assert [name for name in (*calendar.required, "METHOD") if name not in calendar] == []
    assert [name for name in (*event.required, "DTSTART", "ORGANIZER") if name not in event] == []


@pytest.mark.parametrize("name", ["UID", "DTSTAMP", "SEQUENCE", "ORGANIZER"])
def test_calendar_of_refuses_to_hand_out_an_incomplete_file(booked, monkeypatch, name):
    whole = feeds._event

    def without(row, now):
        event = whole(row, now)
        del event[name]
        return event

    monkeypatch.setattr(feeds, "_event", without)

    with pytest.raises(feeds.Incomplete, match=name):
        feeds.calendar_of(booked, NOW)
