"""`manage.py configure_location`: what it changes, what it leaves, and each refusal."""

from datetime import UTC, datetime, time
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from clinic.models import Reminder
from tests.factories import Desk, location

NIGHT = (time(21), time(8))
SIXTY_DAYS = 60 * 24 * 60


@pytest.fixture
def place(db):
    place = location("Northgate", quiet_from=NIGHT[0], quiet_until=NIGHT[1])
    place.reminder_rules.create(key="day-before", minutes_before=1440)
    return place


def configure(*arguments):
    out = StringIO()
    call_command("configure_location", *arguments, stdout=out)
    return out.getvalue()


def minutes(place):
    return list(place.reminder_rules.values_list("minutes_before", flat=True))


def quiet(place):
    place.refresh_from_db()
    return place.quiet_from, place.quiet_until


def test_remind_replaces_the_reminders_and_leaves_the_quiet_hours(place):
    said = configure("Northgate", "--remind", "60", "4320")

    assert said == "Northgate: reminders [60, 4320].\n"
    assert list(place.reminder_rules.values_list("key", "minutes_before")) == [
        ("4320-minutes", 4320),
        ("60-minutes", 60),
    ]
    assert quiet(place) == NIGHT


def test_remind_writes_an_offset_that_is_given_twice_once(place):
    configure("Northgate", "--remind", "60", "60")

    assert minutes(place) == [60]


def test_remind_leaves_other_locations_alone(place):
    other = location("Southgate")
    other.reminder_rules.create(key="day-before", minutes_before=1440)

    configure("Northgate", "--remind", "60")

    assert minutes(other) == [1440]


@pytest.mark.parametrize("offset", [1, SIXTY_DAYS])
def test_remind_takes_the_first_and_the_last_possible_minute(place, offset):
    configure("Northgate", "--remind", str(offset))

    assert minutes(place) == [offset]


@pytest.mark.parametrize("offset", [0, -1, SIXTY_DAYS + 1])
def test_remind_is_refused_outside_60_days_and_nothing_is_changed(place, offset):
    with pytest.raises(CommandError) as refusal:
        configure("Northgate", "--no-quiet-hours", "--remind", "60", f"{offset}")

    assert str(refusal.value) == "A reminder goes out between 1 minute and 60 days before the visit."
    assert minutes(place) == [1440]
    assert quiet(place) == NIGHT


def test_quiet_sets_the_quiet_hours_and_leaves_the_reminders(place):
    said = configure("Northgate", "--quiet", "22:30", "07:00")

    assert said == "Northgate: reminders unchanged.\n"
    assert quiet(place) == (time(22, 30), time(7))
    assert minutes(place) == [1440]


def test_no_quiet_hours_clears_both_ends(place):
    configure("Northgate", "--no-quiet-hours")

    assert quiet(place) == (None, None)


def test_nothing_is_changed_when_nothing_is_named(place):
    said = configure("Northgate")

    assert said == "Northgate: reminders unchanged.\n"
    assert (minutes(place), quiet(place)) == ([1440], NIGHT)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--quiet", "22:00", "07:00", "--no-quiet-hours"], "--no-quiet-hours: not allowed with argument --quiet"),
        (["--quiet", "22:00"], "--quiet: expected 2 arguments"),
        (["--quiet", "22:00", "25:00"], "--quiet: invalid fromisoformat value: '25:00'"),
        (["--remind", "soon"], "--remind: invalid int value: 'soon'"),
        (["--remind"], "--remind: expected at least one argument"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(place, arguments, message):
    with pytest.raises(CommandError) as refusal:
        configure("Northgate", *arguments)

    assert str(refusal.value) == f"Error: argument {message}"
    assert (minutes(place), quiet(place)) == ([1440], NIGHT)


def test_unknown_location_is_refused_with_the_names_there_are(place):
    location("Arcade")

    with pytest.raises(CommandError) as refusal:
        configure("Westgate", "--no-quiet-hours")

    assert str(refusal.value) == "No location is called “Westgate”. There is: Arcade, Northgate."


def test_unknown_location_is_refused_when_there_is_none(db):
    with pytest.raises(CommandError) as refusal:
        configure("Northgate", "--no-quiet-hours")

    assert str(refusal.value) == "No location is called “Northgate”. There is: none yet."


def test_visits_that_are_booked_keep_their_plan_and_the_next_get_the_new_one(db):
    desk = Desk(name="Northgate")
    configure("Northgate", "--remind", "60")
    booked = desk.book(datetime(2026, 3, 5, 10, tzinfo=UTC))

    configure("Northgate", "--remind", "120")
    later = desk.book(datetime(2026, 3, 5, 14, tzinfo=UTC))

    planned = Reminder.objects.filter(rule_key__endswith="-minutes").values_list("appointment", "due_at")
    assert dict(planned) == {
        booked.pk: datetime(2026, 3, 5, 9, tzinfo=UTC),
        later.pk: datetime(2026, 3, 5, 12, tzinfo=UTC),
    }
