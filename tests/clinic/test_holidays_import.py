"""Public holidays from a calendar file: whole local days, brought in once, with a sentence for what is left out."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic import holidays_import
from clinic.models import Closure
from patients.refusals import Refused
from tests import factories
from tests.factories import NOW

EASTER = ("easter-1@holidays.example", "20260406", "20260407", "Easter Monday")


def entry(uid="one@holidays.example", start="20261225", end="", title="Christmas", **further):
    lines = [f"UID:{uid}", "DTSTAMP:20260101T000000Z", f"DTSTART;VALUE=DATE:{start}", f"SUMMARY:{title}"]
    lines += [f"DTEND;VALUE=DATE:{end}"] if end else []
    lines += [f"{name.replace('_', '-')}:{value}" for name, value in further.items()]
    return "\r\n".join(["BEGIN:VEVENT", *(line for line in lines if not line.endswith(":")), "END:VEVENT"])


def file(*entries):
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Holidays//EN"]
    return "\r\n".join([*head, *entries, "END:VCALENDAR", ""]).encode()


def days(location):
    return [
        (row.starts_at.astimezone(location.zone).date(), row.ends_at.astimezone(location.zone).date(), row.reason)
        for row in location.closures.order_by("starts_at")
    ]


@pytest.fixture
def place(db):
    return factories.location(time_zone="Europe/Berlin")


def test_a_whole_day_becomes_a_closure_from_local_midnight_to_local_midnight(place):
    outcome = holidays_import.take_over(place, file(entry(*EASTER)), now=NOW)

    row = Closure.objects.get()
    assert (row.starts_at, row.ends_at) == (
        datetime(2026, 4, 5, 22, tzinfo=UTC), datetime(2026, 4, 6, 22, tzinfo=UTC),
    )  # fmt: skip
    assert (row.reason, len(outcome.added)) == ("Easter Monday", 1)


def test_a_day_on_which_the_clocks_change_has_23_hours(place):
    holidays_import.take_over(place, file(entry(start="20260329", title="Fair")), now=NOW)

    row = Closure.objects.get()
    assert (row.ends_at - row.starts_at).total_seconds() == 23 * 3600


def test_bringing_the_same_file_in_again_changes_nothing(place):
    data = file(entry(*EASTER), entry())
    holidays_import.take_over(place, data, now=NOW)
    before = list(Closure.objects.values_list("pk", "starts_at", "reason"))

    outcome = holidays_import.take_over(place, data, now=NOW)

    assert (outcome.added, outcome.changed, outcome.removed, outcome.same) == ([], [], [], 2)
    assert list(Closure.objects.values_list("pk", "starts_at", "reason")) == before


def test_a_corrected_entry_changes_its_closure(place):
    holidays_import.take_over(place, file(entry(*EASTER)), now=NOW)

    outcome = holidays_import.take_over(place, file(entry(EASTER[0], "20260407", "20260408", "Moved")), now=NOW)

    assert [row.reason for row in outcome.changed] == ["Moved"]
    assert days(place) == [(date(2026, 4, 7), date(2026, 4, 8), "Moved")]


def test_a_cancelled_entry_opens_the_day_again(place):
    holidays_import.take_over(place, file(entry(*EASTER)), now=NOW)

    outcome = holidays_import.take_over(place, file(entry(*EASTER, STATUS="CANCELLED")), now=NOW)

    assert len(outcome.removed) == 1
    assert days(place) == []


def test_a_closure_that_somebody_typed_for_the_same_day_is_not_doubled(place):
    span = holidays_import.timespans.local_day(place.zone, date(2026, 12, 25))
    Closure.objects.create(location=place, starts_at=span.start, ends_at=span.end, reason="Xmas")

    outcome = holidays_import.take_over(place, file(entry()), now=NOW)

    assert (outcome.same, Closure.objects.count()) == (1, 1)


def test_two_locations_take_the_same_file(place):
    other = factories.location(time_zone="America/New_York")
    for one in (place, other):
        holidays_import.take_over(one, file(entry()), now=NOW)

    assert days(other) == days(place) == [(date(2026, 12, 25), date(2026, 12, 26), "Christmas")]


def test_an_entry_of_several_days_closes_them_all(place):
    holidays_import.take_over(place, file(entry(start="20261224", end="20261227")), now=NOW)

    assert days(place) == [(date(2026, 12, 24), date(2026, 12, 27), "Christmas")]


def test_a_yearly_entry_closes_this_year_and_the_next_two(place):
    holidays_import.take_over(place, file(entry(start="20001225", RRULE="FREQ=YEARLY")), now=NOW)

    assert [first.isoformat() for first, _last, _title in days(place)] == ["2026-12-25", "2027-12-25", "2028-12-25"]


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", ["2026-11-26", "2027-11-25", "2028-11-23"]),
        ("FREQ=YEARLY;UNTIL=20271231", ["2026-11-26", "2027-11-26"]),
        ("FREQ=YEARLY;UNTIL=20271231T000000Z", ["2026-11-26", "2027-11-26"]),
        ("FREQ=YEARLY;COUNT=2", []),
        ("FREQ=YEARLY;INTERVAL=2", ["2026-11-26", "2028-11-26"]),
    ],
)
def test_yearly_rules_are_followed(place, rule, found):
    outcome = holidays_import.take_over(place, file(entry(start="20201126", RRULE=rule)), now=NOW)

    assert [first.isoformat() for first, _last, _title in days(place)] == found
    assert outcome.skipped == []


def test_one_year_may_be_left_out_or_stand_on_another_day(place):
    again = entry(start="20201225", RRULE="FREQ=YEARLY", **{"EXDATE;VALUE=DATE": "20271225"})
    moved = entry(start="20281227", **{"RECURRENCE-ID;VALUE=DATE": "20281225"})

    holidays_import.take_over(place, file(moved, again), now=NOW)

    assert [first.isoformat() for first, _last, _title in days(place)] == ["2026-12-25", "2028-12-27"]


def test_days_that_are_over_are_not_brought_in(place):
    holidays_import.take_over(place, file(entry(start="20260301"), entry("b", "20260302")), now=NOW)

    assert [first for first, _last, _title in days(place)] == [date(2026, 3, 2)]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (entry(uid=""), "it lacks UID."),
        (entry().replace("DTSTAMP:20260101T000000Z\r\n", ""), "it lacks DTSTAMP."),
        (entry(start="20261225", end="20261220"), "it ends before it begins."),
        (entry(start="20261225", end="20270601"), "it is longer than 60 days."),
        (entry(start="00011225"), "its day, 25 December 0001, is not between 1970 and 2100."),
        (entry().replace(";VALUE=DATE:20261225", ":20261225T090000Z"), "it has times of day."),
        (entry(RRULE="FREQ=WEEKLY"), "it repeats, and only what comes again every year is understood."),
        (entry(RRULE="FREQ=YEARLY;BYMINUTE=1"), "it repeats, and only what comes again every year is understood."),
        (entry(RRULE="FREQ=YEARLY;INTERVAL=0"), "it repeats, and only what comes again every year is understood."),
        (entry(RRULE="FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU"), "it repeats on too many days of a year."),
        (entry(**{"RDATE;VALUE=DATE": "20271225"}), "it names further days in a way that is not understood."),
        (entry(DURATION="PT2H"), "it has times of day."),
    ],
)
def test_an_entry_that_cannot_be_taken_over_is_said_and_the_others_are_taken(place, wrong, why):
    outcome = holidays_import.take_over(place, file(wrong, entry(*EASTER)), now=NOW)

    assert [line.startswith(f"Christmas: {why}") for line in outcome.skipped] == [True], outcome.skipped
    assert days(place) == [(date(2026, 4, 6), date(2026, 4, 7), "Easter Monday")]


def test_a_key_that_stands_twice_counts_once(place):
    outcome = holidays_import.take_over(place, file(entry(), entry(start="20261226", title="Boxing day")), now=NOW)

    assert outcome.skipped == ["Boxing day: it is in the file twice; the first one counts."]
    assert days(place) == [(date(2026, 12, 25), date(2026, 12, 26), "Christmas")]


def test_a_very_long_key_is_known_again(place):
    data = file(entry("k" * 900))
    holidays_import.take_over(place, data, now=NOW)

    assert holidays_import.take_over(place, data, now=NOW).same == 1


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "There is no entry in this file|This is not a calendar file"),
        (b"\xff\xfe\x00", "This is not a calendar file|There is no entry"),
        (b"name,day\nChristmas,2026-12-25\n", "This is not a calendar file|There is no entry"),
        (file(), "There is no entry in this file"),
        (b" " * 1_000_001, "The file is larger than 1 MB"),
        (file(*(entry(str(number)) for number in range(3001))), "There are more than 3000 entries"),
    ],
)
def test_a_file_that_is_no_calendar_is_refused(place, data, why):
    with pytest.raises(Refused, match=why):
        holidays_import.take_over(place, data, now=NOW)

    assert Closure.objects.count() == 0


PIECES = st.sampled_from([
    "BEGIN:VEVENT", "END:VEVENT", "UID:a", "UID:", "DTSTAMP:20260101T000000Z", "DTSTART;VALUE=DATE:20261225",
    "DTSTART:20261225", "DTSTART;TZID=Nowhere:20261225T000000", "DTEND;VALUE=DATE:99999999", "SUMMARY:\x00",
    "RRULE:FREQ=YEARLY",
    "RRULE:FREQ=YEARLY;BYDAY=0MO", "RRULE:;;", "RRULE:FREQ=YEARLY;UNTIL=1", "DURATION:-P1D", "DURATION:x",
    "EXDATE:20261225", "EXDATE;VALUE=DATE:20261225,x", "RECURRENCE-ID:x", "RRULE:FREQ=YEARLY;COUNT=-1", "DTSTART:", ":",
])  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=12))
def test_whatever_stands_in_a_file_is_read_or_refused(lines):
    data = file("\r\n".join(["BEGIN:VEVENT", *lines, "END:VEVENT"]))
    try:
        found, skipped = holidays_import.read(data, date(2026, 3, 2))
    except Refused:
        return

    assert all(isinstance(line, str) for line in skipped)
    assert all(row.first <= row.last for row in found)
