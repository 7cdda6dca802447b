"""The pages that change a course under way, and the page that says what a lost visit counts as."""

import itertools
import re
import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic import booking, course_changes
from clinic.models import Appointment, Location
from tests.clinic.treatment_desk import TODAY, TreatmentDesk, TwoAreasDesk
from tests.factories import NOW, patient, user
from treatments.models import TreatmentSeries, TreatmentSession

FIRST = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("stopped_clock")


@pytest.fixture
def desk(db):
    return TreatmentDesk()


@pytest.fixture
def series(desk):
    return desk.start()


@pytest.fixture
def staff(client, desk):
    client.force_login(desk.by)
    return client


@pytest.fixture
def needler(client, desk):
    client.force_login(user("practitioner"))
    return client


def address(name, series, *more):
    return reverse(name, args=[series.public_id, *more])


def sent(about, action, **fields):
    version = type(about).objects.get(pk=about.pk).version
    return {"submission": str(uuid.uuid4()), "version": version, "action": action, **fields}


def state(series):
    return TreatmentSeries.objects.get(pk=series.pk).state


def begin(**details):
    return {"key": str(uuid.uuid4()), "sessions_planned": 3, "first_possible_on": TODAY.isoformat(), **details}


# -- The series page --------------------------------------------------------------------------------------------------


def test_the_series_page_says_what_is_used_and_leads_to_every_change(staff, desk, series):
    text = staff.get(address("series", series)).content.decode()

    assert "0 of 3 used, 3 left" in text
    for page in ("course_change", "course_pause", "course_stop"):
        assert address(page, series) in text
    assert address("course_session", series, 2) in text


def test_the_series_page_says_until_when_it_is_to_be_used(staff, desk, series):
    course_changes.set_expiry(series, expires_on=date(2026, 3, 20), version=series.version, now=NOW)

    assert "to be used until 20 March 2026" in staff.get(address("series", series)).content.decode()


def test_the_series_page_says_that_its_last_day_is_over(staff, desk, series):
    TreatmentSeries.objects.filter(pk=series.pk).update(expires_on=TODAY - timedelta(days=1))

    assert "That day is over" in staff.get(address("series", series)).content.decode()


def test_the_series_page_shows_the_visit_that_used_a_session_up(staff, desk, series):
    Location.objects.update(no_show_counts=True)
    visit = desk.book_session(series, 1, FIRST)
    booking.no_show(visit, version=visit.version, by=desk.by, now=FIRST + timedelta(hours=1))

    text = staff.get(address("series", series)).content.decode()

    assert "Session 1: used up" in text
    assert "Tuesday 3 March 2026: Did not come" in text
    assert "1 of 3 used (1 without a treatment), 2 left" in text
    assert address("session_book", series) in text


# -- Number of visits, last day ---------------------------------------------------------------------------------------


def test_change_adds_a_visit(staff, desk, series):
    answer = staff.post(address("course_change", series), sent(series, "add"))

    assert answer.url == address("series", series)
    assert series.sessions.count() == 4


def test_change_answers_a_second_copy_without_adding_another_visit(staff, desk, series):
    body = sent(series, "add")

    answers = [staff.post(address("course_change", series), body) for _each in range(2)]

    assert [answer.url for answer in answers] == [address("series", series)] * 2
    assert series.sessions.count() == 4


def test_change_leaves_a_chosen_visit_out(staff, desk, series):
    session = series.sessions.get(number=2)
    body = sent(series, "drop", session=str(session.public_id), reason="Heals well")

    assert staff.post(address("course_change", series), body).status_code == 302
    session.refresh_from_db()
    assert (session.state, session.skip_reason) == ("skipped", "Heals well")


def test_change_answers_a_second_copy_of_a_visit_left_out(staff, desk, series):
    session = series.sessions.get(number=2)
    body = sent(series, "drop", session=str(session.public_id), reason="Heals well")
    staff.post(address("course_change", series), body)

    assert staff.post(address("course_change", series), body).url == address("series", series)
    assert list(series.sessions.values_list("state", flat=True)) == ["planned", "skipped", "planned"]


def test_change_shows_a_refusal_and_keeps_what_was_typed(staff, desk, series):
    TreatmentSession.objects.filter(series=series, number=3).update(state="voided")

    answer = staff.post(address("course_change", series), sent(series, "drop", reason="Heals well"))

    assert answer.status_code == 422
    assert "The protocol allows between 2 and 4 sessions." in answer.content.decode()
    assert 'value="Heals well"' in answer.content.decode()


def test_change_shows_a_conflict_and_takes_the_next_save(staff, desk, series):
    body = sent(series, "add")
    course_changes.set_expiry(series, expires_on=date(2026, 5, 1), version=series.version, now=NOW)

    answer = staff.post(address("course_change", series), body)

    assert answer.status_code == 409
    assert "Somebody else changed this series in the meantime" in answer.content.decode()
    form = next(form for form in answer.context["forms"] if form.action == "add")
    again = {"action": "add", **{name: form[name].value() for name in ("version", "submission")}}
    assert staff.post(address("course_change", series), again).status_code == 302


def test_change_keeps_the_last_day(staff, desk, series):
    staff.post(address("course_change", series), sent(series, "expiry", expires_on="2026-05-01"))

    assert TreatmentSeries.objects.get().expires_on == date(2026, 5, 1)


@pytest.mark.parametrize("action", ["maintenance", "dates", "", "x" * 5000])
def test_change_answers_what_it_does_not_offer_with_the_series(staff, desk, series, action):
    answer = staff.post(address("course_change", series), sent(series, action))

    assert answer.url == address("series", series)
    assert series.sessions.count() == 3


# -- Pause, go on, stop -----------------------------------------------------------------------------------------------


def test_pause_cancels_the_visits_that_are_ticked(staff, desk, series):
    visits = [desk.book_session(series, number, FIRST + timedelta(days=30 * (number - 1))) for number in (1, 2)]
    page = staff.get(address("course_pause", series)).content.decode()
    assert "session 2 of 3: Thursday 2 April 2026, 10:00" in page

    body = sent(series, "pause", reason="Pregnant", cancelling=[str(visits[1].public_id)])
    answer = staff.post(address("course_pause", series), body)

    assert (answer.url, state(series)) == (address("series", series), "paused")
    assert list(Appointment.objects.order_by("starts_at").values_list("status", flat=True)) == ["booked", "cancelled"]
    text = staff.get(answer.url).content.decode()
    assert "Paused: Pregnant" in text
    assert "Book the next session" not in text


def test_pause_without_a_reason_is_shown_again(staff, desk, series):
    assert staff.post(address("course_pause", series), sent(series, "pause")).status_code == 422
    assert state(series) == "active"


def test_a_paused_series_goes_on_from_the_day_that_was_typed(staff, desk, series):
    course_changes.pause(series, reason="Away", version=series.version, by=desk.by, now=NOW)
    page = staff.get(address("course_change", series))
    assert [form.action for form in page.context["forms"]] == ["resume"]

    staff.post(address("course_change", series), sent(series, "resume", on="2026-04-01"))

    assert TreatmentSeries.objects.get().first_possible_on == date(2026, 4, 1)
    assert state(series) == "active"


def test_stop_shows_the_visits_and_cancels_them(staff, desk, series):
    visit = desk.book_session(series, 1, FIRST)
    page = staff.get(address("course_stop", series))
    assert "These visits are cancelled, and the patient is told" in page.content.decode()

    seen = page.context["form"]["seen"].value()
    body = sent(series, "stop", reason="Moves away", cancelled_by="patient", seen=seen)
    answer = staff.post(address("course_stop", series), body)

    visit.refresh_from_db()
    assert (answer.url, state(series), visit.status) == (address("series", series), "stopped", "cancelled")
    assert "Stopped: Moves away" in staff.get(answer.url).content.decode()


def test_stop_is_asked_again_when_a_visit_was_booked_meanwhile(staff, desk, series):
    desk.book_session(series, 1, FIRST)

    answer = staff.post(
        address("course_stop", series), sent(series, "stop", reason="Moves", cancelled_by="patient", seen="")
    )

    assert (answer.status_code, state(series)) == (409, "active")
    assert answer.context["form"]["seen"].value() == str(Appointment.objects.get().public_id)


@pytest.mark.parametrize("seen", ["x", "\x00", "1-2-3 4", "x" * 5000])
def test_stop_refuses_visits_that_are_none(staff, desk, series, seen):
    body = sent(series, "stop", reason="Moves away", cancelled_by="patient", seen=seen)

    assert staff.post(address("course_stop", series), body).status_code == 422
    assert state(series) == "active"


# -- A visit that was left out ----------------------------------------------------------------------------------------


@pytest.fixture
def left_out(series):
    return course_changes.drop_visit(
        series, session=series.sessions.get(number=2), reason="Heals well", version=series.version, now=NOW
    )


def test_a_visit_that_was_left_out_is_put_back_from_the_series_page(staff, series, left_out):
    page = address("course_session", series, 2)
    assert f'href="{page}"' in staff.get(address("series", series)).content.decode()
    assert [form.action for form in staff.get(page).context["forms"]] == ["put_back"]

    answer = staff.post(page, sent(left_out, "put_back", reason="It came back"))

    left_out.refresh_from_db()
    assert (answer.url, left_out.state) == (address("series", series), "planned")
    text = staff.get(answer.url).content.decode()
    assert "Put back: It came back · left out before: Heals well" in text
    assert "Session 2: planned" in text


def test_a_second_copy_of_a_visit_put_back_is_answered_alike(staff, series, left_out):
    body = sent(left_out, "put_back", reason="It came back")

    answers = [staff.post(address("course_session", series, 2), body) for _each in range(2)]

    assert [answer.url for answer in answers] == [address("series", series)] * 2


def test_a_visit_is_not_put_back_without_a_reason(staff, series, left_out):
    answer = staff.post(address("course_session", series, 2), sent(left_out, "put_back", reason=""))

    left_out.refresh_from_db()
    assert (answer.status_code, left_out.state) == (422, "skipped")


def test_a_visit_that_the_course_has_passed_is_not_offered_to_be_put_back(staff, series, left_out):
    series.sessions.filter(number=3).update(state="booked")
    series.sessions.filter(number=3).update(state="done", done_on=TODAY)
    page = address("course_session", series, 2)

    assert f'href="{page}"' not in staff.get(address("series", series)).content.decode()
    staff.post(page, sent(left_out, "put_back", reason="It came back"))

    left_out.refresh_from_db()
    assert left_out.state == "skipped"


# -- One session ------------------------------------------------------------------------------------------------------


def dates(session, **fields):
    days = {"not_before_on": "2026-04-10", "best_on": "", "not_after_on": "2026-04-20", "reason": "Skin was red"}
    return sent(session, "dates", **{**days, **fields})


def test_a_practitioner_sets_the_dates_of_a_session(needler, desk, series):
    session = series.sessions.get(number=2)

    answer = needler.post(address("course_session", series, 2), dates(session))

    session.refresh_from_db()
    assert (session.not_before_on, session.not_after_on) == (date(2026, 4, 10), date(2026, 4, 20))
    text = needler.get(answer.url).content.decode()
    assert "best between 10 April and 20 April 2026" in text
    assert "own dates: Skin was red" in text


def test_reception_is_not_offered_the_dates(staff, desk, series):
    session = series.sessions.get(number=2)

    page = staff.get(address("course_session", series, 2))
    assert [form.action for form in page.context["forms"]] == ["elsewhere", "hold"]
    staff.post(address("course_session", series, 2), dates(session))

    session.refresh_from_db()
    assert session.not_before_on is None


def test_dates_that_do_not_suit_the_booked_visit_are_said(needler, desk, series):
    desk.book_session(series, 1, FIRST)
    session = series.sessions.get(number=1)

    answer = needler.post(address("course_session", series, 1), dates(session), follow=True)

    assert "Its visit is booked for another day than that: move it." in answer.content.decode()


def test_dates_without_a_reason_are_refused_and_kept(needler, desk, series):
    answer = needler.post(address("course_session", series, 2), dates(series.sessions.get(number=2), reason=""))

    assert answer.status_code == 422
    assert "Say why the dates of this session are set." in answer.content.decode()
    assert 'value="2026-04-10"' in answer.content.decode()


def test_a_session_is_put_on_hold_and_taken_off(staff, desk, series):
    page, session = address("course_session", series, 1), series.sessions.get(number=1)

    staff.post(page, sent(session, "hold"))
    assert [form.action for form in staff.get(page).context["forms"]] == ["end_hold"]
    staff.post(page, sent(session, "end_hold"))

    session.refresh_from_db()
    assert session.state == "planned"


def test_a_session_is_noted_as_done_elsewhere_and_taken_back(staff, desk, series):
    page, session = address("course_session", series, 1), series.sessions.get(number=1)

    staff.post(page, sent(session, "elsewhere", on=TODAY.isoformat(), where="Leeds", areas=[desk.area.key]))
    text = staff.get(address("series", series)).content.decode()
    assert "2 March 2026, Leeds" in text
    assert "1 of 3 used, 2 left" in text

    staff.post(page, sent(session, "take_back"))
    session.refresh_from_db()
    assert session.state == "planned"


def test_a_session_that_is_over_offers_nothing(staff, desk, series):
    TreatmentSession.objects.filter(series=series, number=3).update(state="voided")

    assert "Nothing to change here" in staff.get(address("course_session", series, 3)).content.decode()


@pytest.mark.parametrize("number", [0, 4, 10**30])
def test_a_session_that_is_none_is_not_found(staff, desk, series, number):
    assert staff.get(address("course_session", series, number)).status_code == 404


# -- At the end of a visit ---------------------------------------------------------------------------------------------


def under_treatment(desk, series):
    visit = desk.book_session(series, 1, FIRST)
    for status in ("arrived", "in_treatment"):
        Appointment.objects.filter(pk=visit.pk).update(status=status, arrived_at=FIRST, started_at=FIRST)
    return visit


def test_a_visit_that_closes_leads_to_the_next_session_and_its_dates(needler, desk, series):
    page = reverse("appointment", args=[under_treatment(desk, series).public_id])

    text = needler.get(page).content.decode()

    assert address("session_book", series) in text
    assert address("course_session", series, 2) in text


def test_reception_books_the_next_session_from_a_visit_but_sets_no_dates(staff, desk, series):
    visit = under_treatment(desk, series)
    visit.refresh_from_db()
    booking.complete(visit, version=visit.version, by=desk.by, now=visit.ends_at)

    text = staff.get(reverse("appointment", args=[visit.public_id])).content.decode()

    assert address("session_book", series) in text
    assert address("course_session", series, 2) not in text


# -- What a visit counts as -------------------------------------------------------------------------------------------


def lost(desk, series):
    visit = desk.book_session(series, 1, FIRST)
    return booking.no_show(visit, version=visit.version, by=desk.by, now=FIRST + timedelta(hours=1))


def test_count_is_reached_from_the_visit_and_says_the_rule(staff, desk, series):
    visit = lost(desk, series)
    page = reverse("appointment_count", args=[visit.public_id])

    assert page in staff.get(reverse("appointment", args=[visit.public_id])).content.decode()
    assert "By the rule of the clinic this visit uses up no session." in staff.get(page).content.decode()
    Location.objects.update(no_show_counts=True)
    assert "By the rule of the clinic this visit uses up a session." in staff.get(page).content.decode()


def test_count_by_hand_is_kept_and_shown_with_its_reason(staff, desk, series):
    visit = lost(desk, series)
    page = reverse("appointment_count", args=[visit.public_id])

    answer = staff.post(page, sent(visit, "count", uses_up="yes", reason="third time"), follow=True)

    text = answer.content.decode()
    assert "It uses up a session: third time" in text
    assert "Uses up a session: third time" in text
    assert "Session 1: used up" in staff.get(address("series", series)).content.decode()


def test_count_refuses_without_an_answer_or_a_reason(staff, desk, series):
    visit = lost(desk, series)
    page = reverse("appointment_count", args=[visit.public_id])

    for fields in ({"uses_up": "yes", "reason": ""}, {"uses_up": "perhaps", "reason": "x"}, {"reason": "x"}):
        assert staff.post(page, sent(visit, "count", **fields)).status_code == 422


def test_count_is_not_found_for_a_visit_that_takes_place(staff, desk, series):
    visit = desk.book_session(series, 1, FIRST)

    assert staff.get(reverse("appointment_count", args=[visit.public_id])).status_code == 404


# -- Begin part-way ---------------------------------------------------------------------------------------------------


def start(client, desk, **fields):
    page = reverse("series_new", args=[patient().public_id])
    body = begin(protocol=str(desk.version.protocol.public_id), areas=[desk.area.key], **fields)
    return client.post(page, body)


def test_start_part_way_takes_the_rows_that_are_filled_in(staff, desk):
    answer = start(
        staff, desk,
        **{
            "rows": "2", "earlier-0-done_on": "2026-01-10", "earlier-0-where": "Leeds",
            "earlier-0-areas": [desk.area.key], "earlier-1-done_on": "", "expires_on": "2027-03-02",
        },
    )  # fmt: skip

    series = TreatmentSeries.objects.get()
    first = series.sessions.get(number=1)
    assert answer.url == address("session_book", series)
    assert (first.state, first.done_on, first.done_where) == ("done", date(2026, 1, 10), "Leeds")
    assert ([each.pk for each in first.done_areas.all()], series.expires_on) == ([desk.area.pk], date(2027, 3, 2))


def test_start_part_way_shows_one_more_row_and_saves_nothing(staff, desk):
    answer = start(staff, desk, **{"rows": "2", "earlier-1-done_on": "2026-01-10", "another": "1"})

    assert answer.status_code == 200
    assert len(answer.context["begun"].more) == 3
    assert 'value="2026-01-10"' in answer.content.decode()
    assert not TreatmentSeries.objects.exists()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"earlier-0-done_on": "2026-03-09"}, "A visit that was done before cannot be in the future."),
        ({"earlier-0-done_on": "x"}, "Enter a valid date."),
        ({"earlier-0-where": "Leeds"}, "Say on which day the session was done."),
        ({"expires_on": "2026-03-01"}, "The series must be usable on its first possible day."),
    ],
)
def test_start_part_way_refuses_with_a_sentence(staff, desk, fields, sentence):
    answer = start(staff, desk, **fields)

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert answer.context["begun"].is_open
    assert not TreatmentSeries.objects.exists()


# -- All of them ------------------------------------------------------------------------------------------------------

HOSTILE = ["", "0", "-1", "x" * 5000, "\x00", "2026-02-30", "9999-12-31", "٣", "<script>"]


def names_in(page):
    found = re.findall(r'<(?:input|select|textarea|button)\b[^>]*? name="([^"]+)"', page.content.decode())
    return set(found) - {"csrfmiddlewaretoken"}


def test_pages_answer_hostile_values_without_failing(client, db, counted):
    desk = TwoAreasDesk()
    series = desk.start()
    client.force_login(user("reception", "practitioner"))
    visit = lost(desk, series)
    desk.colleague("Dr Berg")
    pages = {
        address("course_change", series): (series, ["add", "drop", "expiry", "areas", "with_whom"]),
        address("course_pause", series): (series, ["pause"]),
        address("course_stop", series): (series, ["stop"]),
        address("course_session", series, 2): (series.sessions.get(number=2), ["dates", "hold", "elsewhere"]),
        reverse("appointment_count", args=[visit.public_id]): (visit, ["count"]),
        reverse("series_new", args=[series.patient.public_id]): (series, ["start"]),
    }
    protocol = str(desk.version.protocol.public_id)
    asked = {page: names_in(client.get(page, {"protocol": protocol})) for page in pages}
    everything = set().union(*asked.values())
    statuses, forms = set(), 0
    for (page, (about, actions)), value in itertools.product(pages.items(), HOSTILE):
        statuses.add(client.get(page, dict.fromkeys(everything, value)).status_code)
        for action in actions:
            good = begin(protocol=protocol) if action == "start" else {}
            for fields in [everything, *([name] for name in asked[page])]:
                body = {**good, **sent(about, action, reason=""), **dict.fromkeys(fields, value)}
                with transaction.atomic():  # each meets the course as it was before the others
                    statuses.add(client.post(page, body).status_code)
                    transaction.set_rollback(True)
                forms += 1

    counted(f"Changes of a course: {forms} hostile forms with {len(everything)} fields")
    assert {
        "submission",
        "version",
        "reason",
        "not_before_on",
        "uses_up",
        "only",
        "areas",
        "earlier-0-done_on",
    } <= everything
    assert statuses <= {200, 302, 409, 422}


@pytest.mark.parametrize("page", ["series", "course_change", "course_pause", "course_stop"])
def test_pages_ask_as_often_for_three_visits_as_for_one(staff, desk, series, page):
    asked = []
    for number in (1, 2, 3):
        desk.book_session(series, number, FIRST + timedelta(days=30 * (number - 1)))
        if number != 2:
            with CaptureQueriesContext(connection) as queries:
                staff.get(address(page, series))
            asked.append(len(queries))

    assert asked[0] == asked[1]


def test_pages_are_not_found_for_strangers_and_unknown_series(client, staff, desk, series):
    for page, more in (("course_change", ()), ("course_pause", ()), ("course_stop", ()), ("course_session", (1,))):
        assert staff.get(reverse(page, args=[uuid.uuid4(), *more])).status_code == 404
    client.force_login(user())
    assert client.get(address("course_change", series)).status_code == 404
