"""Pages of hours: blocked time, single days, swaps, copies and public holidays."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic import hours
from clinic.models import Absence, Closure, DatedHours
from patients.roles import ADMINISTRATOR, RECEPTION
from tests import factories
from tests.clinic.test_holidays_import import EASTER, entry, file

TEN = datetime(2026, 3, 3, 10, tzinfo=UTC)
TUESDAY = date(2026, 3, 3)

pytestmark = pytest.mark.usefixtures("stopped_clock")


@pytest.fixture
def signed_in(client, desk):
    client.force_login(desk.by)
    return client


@pytest.fixture
def administrator(client, desk):
    client.force_login(factories.user(ADMINISTRATOR))
    return client


@pytest.fixture
def crane(desk):
    return factories.practitioner(desk.location, "Dr Crane", starts=time(12), ends=time(18))


def key_of(answer):
    return str(answer.context["form"]["key"].value())


def block(client, resource, **typed):
    opened = client.get(reverse("block_time"))
    details = {"what": resource.public_id, "day": "2026-03-03", "starts": "10:00", "ends": "11:00", "reason": "Repair"}
    return client.post(reverse("block_time"), details | {"key": key_of(opened)} | typed, follow=True)


def who(person):
    return str(person.resource.public_id)


def test_blocking_time_keeps_an_absence_in_the_wall_time_of_the_room(signed_in, desk):
    room = factories.room(factories.location(time_zone="Europe/Berlin"))

    answer = block(signed_in, room.resource)

    absence = Absence.objects.get()
    assert (absence.starts_at, absence.ends_at) == (TEN - timedelta(hours=1), TEN)
    assert "Repair" in answer.content.decode()
    assert "Tuesday 3 March 2026, 10:00" in answer.content.decode()


def test_without_times_the_whole_day_is_blocked(signed_in, desk):
    block(signed_in, desk.room.resource, starts="", ends="", last_day="2026-03-04")

    absence = Absence.objects.get()
    assert (absence.starts_at, absence.ends_at) == (
        datetime(2026, 3, 3, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC),
    )  # fmt: skip


def test_blocking_over_a_visit_says_how_many_have_to_be_moved(signed_in, desk):
    desk.book(TEN)

    answer = block(signed_in, desk.practitioner.resource)

    text = answer.content.decode()
    assert "1 visit no longer fits." in text
    assert f'href="{reverse("to_move")}"' in text


def test_the_same_form_sent_twice_blocks_once(signed_in, desk):
    key = key_of(signed_in.get(reverse("block_time")))
    for _again in range(2):
        answer = block(signed_in, desk.room.resource, key=key)

    assert answer.status_code == 200
    assert Absence.objects.count() == 1


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"ends": "09:00"}, "It must end after it begins."),
        ({"starts": ""}, "Give both times, or none for the whole day."),
        ({"last_day": "2026-03-01"}, "It must end after it begins."),
        ({"reason": ""}, "This field is required."),
        ({"what": "0f8fad5b-d9cb-469f-a165-70867728950e"}, "Select a valid choice."),
        ({"day": "1026-03-03"}, "Enter a date between 2000 and 2100."),
    ],
)
def test_what_cannot_be_blocked_is_refused_with_all_that_was_typed(signed_in, desk, typed, sentence):
    answer = block(signed_in, desk.room.resource, **typed)

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert 'value="2026-03-03"' in answer.content.decode() or "day" in typed
    assert Absence.objects.count() == 0


def test_the_form_is_filled_with_the_day_of_the_diary(signed_in, desk):
    form = signed_in.get(reverse("block_time"), {"day": "2026-03-05"}).context["form"]

    assert form["day"].value() == date(2026, 3, 5)
    assert form["starts"].value() is None


def test_the_form_is_filled_with_oneself_and_now(client, desk):
    client.force_login(desk.practitioner.user)

    form = client.get(reverse("block_time")).context["form"]

    assert form["what"].value() == who(desk.practitioner)
    assert (form["starts"].value(), form["ends"].value()) == (time(7), time(7, 30))


def test_blocked_time_is_freed_with_one_button(signed_in, desk):
    block(signed_in, desk.room.resource)
    row = Absence.objects.get()
    typed = {
        "resource__public_id": row.resource.public_id,
        "starts_at": row.starts_at.isoformat(),
        "ends_at": row.ends_at.isoformat(),
    }

    answer = signed_in.post(reverse("absence_end"), typed, follow=True)

    assert f"{desk.room} can be booked again." in answer.content.decode()
    assert Absence.objects.count() == 0
    assert signed_in.post(reverse("absence_end"), {"starts_at": "x"}).status_code == 302


def test_the_list_of_blocked_time_asks_as_often_for_three_as_for_one(signed_in, desk):
    counts = []
    for number in (1, 3):
        while Absence.objects.count() < number:
            Absence.objects.create(
                resource=factories.practitioner(desk.location, "Dr Dove").resource, starts_at=TEN,
                ends_at=TEN + timedelta(hours=1), reason="Leave",
            )  # fmt: skip
        with CaptureQueriesContext(connection) as queries:
            signed_in.get(reverse("block_time"))
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_a_day_off_is_kept_and_taken_back(signed_in, desk, crane):
    typed = {"practitioner": who(crane), "on": "2026-03-03", "kind": "off", "reason": "Training"}

    text = signed_in.post(reverse("day_hours"), typed, follow=True).content.decode()
    assert "off all day · Training" in text

    text = signed_in.post(reverse("as_usual"), {"practitioner": who(crane), "on": "2026-03-03"}, follow=True)
    assert "As usual again: Dr Crane, Tuesday 3 March 2026." in text.content.decode()
    assert DatedHours.objects.count() == 0


def test_a_day_off_over_a_visit_says_how_many_have_to_be_moved(signed_in, desk):
    desk.book(TEN)
    typed = {"practitioner": who(desk.practitioner), "on": "2026-03-03", "kind": "off"}

    text = signed_in.post(reverse("day_hours"), typed, follow=True).content.decode()

    assert "1 visit no longer fits." in text
    assert "1 visit has to be moved" in text


@pytest.mark.parametrize(("kind", "replaces"), [("extra", False), ("instead", True)])
def test_other_hours_of_a_day_are_kept(signed_in, desk, kind, replaces):
    typed = {
        "practitioner": who(desk.practitioner),
        "on": "2026-03-03",
        "kind": kind,
        "starts": "18:00",
        "ends": "20:00",
    }

    signed_in.post(reverse("day_hours"), typed)

    row = DatedHours.objects.get()
    assert (row.starts, row.ends, row.replaces_usual, row.location) == (time(18), time(20), replaces, desk.location)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"starts": ""}, "Say from when."),
        ({"ends": ""}, "Say until when."),
        ({"ends": "09:00"}, "It must end after it begins."),
        ({"practitioner": ""}, "This field is required."),
    ],
)
def test_hours_that_lack_something_are_refused(signed_in, desk, typed, sentence):
    details = {"practitioner": who(desk.practitioner), "on": "2026-03-03", "kind": "extra"}

    answer = signed_in.post(reverse("day_hours"), details | {"starts": "18:00", "ends": "20:00"} | typed)

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert DatedHours.objects.count() == 0


def test_the_location_of_other_hours_is_asked_where_there_are_several(signed_in, desk):
    factories.location()
    typed = {
        "practitioner": who(desk.practitioner),
        "on": "2026-03-03",
        "kind": "extra",
        "starts": "18:00",
        "ends": "20:00",
    }

    assert "Say where." in signed_in.post(reverse("day_hours"), typed).content.decode()


def test_a_day_without_a_name_or_a_date_is_not_taken_back(signed_in, desk):
    answer = signed_in.post(reverse("as_usual"), {"practitioner": "nobody", "on": "soon"}, follow=True)

    assert "That day is as usual already." in answer.content.decode()


def test_the_list_of_days_asks_as_often_for_three_as_for_one(signed_in, desk):
    counts = []
    for number in (1, 3):
        while DatedHours.objects.count() < number:
            hours.day_off(factories.practitioner(desk.location, "Dr Dove"), on=TUESDAY)
        with CaptureQueriesContext(connection) as queries:
            signed_in.get(reverse("hours"))
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_a_swap_shows_the_visits_that_it_reaches_before_it_is_made(signed_in, desk, crane):
    desk.book(TEN, factories.patient("Ada", "Quill"))
    desk.book(datetime(2026, 3, 3, 13, tzinfo=UTC), factories.patient("Bo", "Vane"))

    asked = {"first": who(desk.practitioner), "second": who(crane), "on": "2026-03-03"}
    answer = signed_in.get(reverse("swap_day"), asked)

    assert [(str(visit.patient), reasons) for visit, reasons in answer.context["reached"]] == [
        ("Ada Quill", ["Dr Bell does not work then."]), ("Bo Vane", []),
    ]  # fmt: skip
    assert DatedHours.objects.count() == 0


def test_a_swap_is_made_with_the_button(signed_in, desk, crane):
    desk.book(TEN)
    typed = {"first": who(desk.practitioner), "second": who(crane), "on": "2026-03-03", "reason": "Dentist"}

    text = signed_in.post(reverse("swap_day"), typed, follow=True).content.decode()

    assert "Swapped: Dr Bell and Dr Crane, Tuesday 3 March 2026." in text
    assert "1 visit no longer fits." in text
    assert DatedHours.objects.count() == 2


def test_a_swap_with_oneself_or_of_an_empty_day_is_refused(signed_in, desk, crane):
    crane.working_hours.all().delete()
    desk.practitioner.working_hours.all().delete()
    typed = {"first": who(desk.practitioner), "second": who(crane), "on": "2026-03-03"}

    empty = signed_in.post(reverse("swap_day"), typed)
    same = signed_in.post(reverse("swap_day"), typed | {"second": who(desk.practitioner)})

    assert (empty.status_code, same.status_code) == (422, 422)
    assert "Neither of the two works on this day" in empty.content.decode()
    assert "Choose two people." in same.content.decode()


def test_one_person_alone_cannot_swap(signed_in, desk):
    assert "There is nobody to swap with" in signed_in.get(reverse("swap_day")).content.decode()


def test_hours_are_copied_by_administrators(administrator, desk, crane):
    typed = {"source": who(desk.practitioner), "to": who(crane), "from_on": "2026-03-09"}

    answer = administrator.post(reverse("copy_hours"), typed, follow=True)

    assert "Copied for Dr Crane from Monday 9 March 2026 on: 7 parts of a week." in answer.content.decode()
    assert crane.working_hours.filter(starts=time(8)).count() == 7


def test_a_copy_that_says_nothing_new_is_refused(administrator, desk, crane):
    typed = {"source": who(crane), "to": who(crane), "from_on": "2026-03-09"}

    answer = administrator.post(reverse("copy_hours"), typed)

    assert answer.status_code == 422
    assert "Choose somebody else, or another location, to copy to." in answer.content.decode()


def test_public_holidays_are_read_from_a_file(administrator, desk):
    desk.book(datetime(2026, 4, 6, 10, tzinfo=UTC))
    upload = SimpleUploadedFile("holidays.ics", file(entry(*EASTER), entry(RRULE="FREQ=WEEKLY")))

    answer = administrator.post(reverse("import_closures"), {"file": upload})

    text = answer.content.decode()
    assert answer.status_code == 200
    assert "Added: 1. Changed: 0. Taken away: 0. There already: 0." in text
    assert "Christmas: it repeats" in text
    assert "1 visit no longer fits." in text
    assert Closure.objects.count() == 1


@pytest.mark.parametrize("upload", [None, b"nothing"])
def test_a_file_that_is_missing_or_no_calendar_is_refused(administrator, upload):
    typed = {"file": SimpleUploadedFile("holidays.ics", upload)} if upload else {}

    answer = administrator.post(reverse("import_closures"), typed)

    assert answer.status_code == 422
    assert Closure.objects.count() == 0


@pytest.mark.parametrize("name", ["copy_hours", "import_closures"])
def test_reception_is_told_who_may(client, desk, name):
    client.force_login(factories.user(RECEPTION))

    assert client.get(reverse(name)).status_code == 403
