"""The page that plans a whole course: wishes, the proposed visits, dates chosen by hand, one button for all of them."""

import re
import uuid
from datetime import UTC, date, datetime, time, timedelta
from html import unescape
from html.parser import HTMLParser

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic import booking, course_changes, plan_forms
from clinic.models import Appointment, Wishes
from clinic.plan_forms import Away, PlanForm
from tests.clinic.treatment_desk import TODAY, TreatmentDesk, on_other_skin
from tests.factories import NOW, location, practitioner, room, user
from treatments.models import TreatmentSeries

pytestmark = pytest.mark.usefixtures("stopped_clock")
NINE = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)


@pytest.fixture
def desk(db):
    return TreatmentDesk()


@pytest.fixture
def staff(client, desk):
    client.force_login(desk.by)
    return client


@pytest.fixture
def weekdays_matter(desk):
    """Any other weekday than a wished one is as bad as three weeks."""
    desk.location.cost_of_weekday = 21
    desk.location.save()


def page_of(series):
    return reverse("series_plan", args=[series.public_id])


def is_sent(given):
    return given.get("type") not in ("checkbox", "radio") or "checked" in given


class _Fields(HTMLParser):
    """What a browser would send of the form that plans."""

    def __init__(self, markup):
        super().__init__()
        self.found, self.inside, self.select = [], False, ""
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "form":
            self.inside = given.get("id") == "plan"
        elif tag == "select":
            self.select = given["name"]
        elif tag == "option" and self.inside and "selected" in given:
            self.found.append((self.select, given["value"]))
        elif tag == "input" and self.inside and "name" in given and is_sent(given):
            self.found.append((given["name"], given.get("value", "")))

    def handle_endtag(self, tag):
        if tag == "form":
            self.inside = False


def fields_of(answer):
    """The fields of the form as it was answered, as lists by name."""
    found = {}
    for name, value in _Fields(answer.content.decode()).found:
        found.setdefault(name, []).append(value)
    return {name: values for name, values in found.items() if name != "csrfmiddlewaretoken"}


def proposed(answer):
    """The number and the start (UTC) of every visit that is proposed."""
    lines = answer.context["proposal"].proposed
    return {line.number: datetime.fromisoformat(line.time.value) for line in lines}


def book(client, answer, **changed):
    """Press the button of the page as it was answered."""
    return client.post(answer.request["PATH_INFO"], fields_of(answer) | {"book": "1"} | changed)


# -- Propose ----------------------------------------------------------------------------------------------------------


def test_plan_proposes_every_open_session_inside_its_days(staff, desk):
    answer = staff.get(page_of(desk.start()))

    days = [start.date() for start in proposed(answer).values()]
    assert days == [TODAY, TODAY + timedelta(days=30), TODAY + timedelta(days=60)]
    assert "Book these 3 visits" in answer.content.decode()


def test_plan_leaves_sessions_in_the_diary_where_they_are(staff, desk):
    series = desk.start()
    desk.book_session(series, 1, NINE)

    answer = staff.get(page_of(series))

    assert list(proposed(answer)) == [2, 3]
    assert "Tuesday 3 March 2026, 09:00" in answer.content.decode()


@pytest.mark.usefixtures("weekdays_matter")
def test_plan_respects_wishes_of_the_address(staff, desk):
    wishes = {"first": TODAY.isoformat(), "weekdays": ["4"], "earliest_time": "10:00", "latest_time": "12:00"}

    lines = staff.get(page_of(desk.start()), wishes).context["proposal"].proposed

    assert {line.time.wall.isoweekday() for line in lines} == {4}
    assert {line.time.wall.time() for line in lines} == {time(10)}


def test_plan_keeps_days_free_that_do_not_suit(staff, desk):
    away = {"first": TODAY.isoformat(), "away_from": TODAY.isoformat(), "away_to": "2026-03-06"}

    assert proposed(staff.get(page_of(desk.start()), away))[1].date() == date(2026, 3, 7)


def test_plan_begins_on_the_first_possible_day_that_was_typed(staff, desk):
    answer = staff.get(page_of(desk.start()), {"first": "2026-03-20"})

    assert proposed(answer)[1].date() == date(2026, 3, 20)


def test_plan_says_in_words_what_is_not_as_wished(staff, desk):
    other = practitioner(desk.location, "Dr Other")
    wishes = {"first": TODAY.isoformat(), "practitioner": str(other.resource.public_id)}

    assert "Not as wished: not with Dr Other." in staff.get(page_of(desk.start()), wishes).content.decode()


def test_plan_with_only_one_person_who_cannot_says_why_there_is_no_date(staff, desk):
    other = practitioner(desk.location, "Dr Other")
    wishes = {"first": TODAY.isoformat(), "practitioner": str(other.resource.public_id), "only": "on"}

    answer = staff.get(page_of(desk.start()), wishes)

    assert proposed(answer) == {}
    assert "Dr Other is not qualified for this treatment." in answer.content.decode()
    assert 'name="book"' not in answer.content.decode()


def test_plan_shows_dates_beyond_what_the_clinic_keeps_ahead(staff, desk):
    desk.location.visits_ahead = 2
    desk.location.save()

    answer = staff.get(page_of(desk.start()))

    assert list(proposed(answer)) == [1, 2]
    assert [line.number for line in answer.context["proposal"].dates_only] == [3]
    assert "Not kept yet" in answer.content.decode()


def test_a_date_that_is_not_kept_has_other_times_and_can_be_chosen_too(staff, desk):
    desk.location.visits_ahead = 1
    desk.location.save()
    page = page_of(desk.start())
    answer = staff.get(page, AWAY)
    second = answer.context["proposal"].lines[1]
    (_same, *other), why = second.choices, second.not_earlier

    chosen = staff.post(page, fields_of(answer) | {"fixed_2": [other[-1].value]}, HTTP_HX_REQUEST="true")

    assert why
    assert all(reason in unescape(answer.content.decode()) for reason in why)
    lines = chosen.context["proposal"].lines
    assert (lines[1].time, lines[1].is_fixed, lines[1].is_proposed) == (other[-1], True, False)
    assert lines[2].window.earliest > lines[1].time.wall.date()
    assert list(proposed(chosen)) == [1]


AWAY = {"first": TODAY.isoformat(), "away_from": "2026-03-30", "away_to": "2026-04-20"}


def test_plan_marks_a_visit_later_than_planned(staff, desk):
    series = desk.start()
    desk.book_session(series, 1, NINE)

    assert "Later than planned" in staff.get(page_of(series), AWAY).content.decode()


def test_plan_draws_the_course_with_the_proposed_dates(staff, desk):
    timeline = staff.get(page_of(desk.start())).context["proposal"].timeline

    assert [row.mark.state for row in timeline.rows] == ["proposed"] * 3
    assert [row.on for row in timeline.rows] == ["2 March 2026", "1 April 2026", "1 May 2026"]


def test_plan_offers_no_practitioner_where_the_clinic_has_one(staff, desk):
    desk.practitioner.resource.is_active = False
    desk.practitioner.resource.save()

    text = staff.get(page_of(desk.start())).content.decode()

    assert "With whom" not in text
    assert 'name="location"' not in text


def test_plan_asks_where_and_proposes_there(staff, desk):
    there = location("Annexe")
    room(there)
    practitioner(there, "Dr Annexe", techniques=[desk.technique])
    wishes = {"first": TODAY.isoformat(), "location": str(there.public_id)}

    answer = staff.get(page_of(desk.start()), wishes)

    lines = answer.context["proposal"].proposed
    assert {line.planned.chosen.location_id for line in lines} == {there.pk}
    assert {line.time.where for line in lines} == {""}  # named where it is another than the wished one


def test_plan_says_in_which_order_two_courses_of_a_patient_are_planned(staff, desk):
    first = desk.start()
    second = on_other_skin(desk.start(first.patient))
    TreatmentSeries.objects.filter(pk=second.pk).update(first_possible_on=TODAY + timedelta(days=10))
    desk.start()  # of somebody else

    early, late = (staff.get(page_of(series)).content.decode() for series in (first, second))

    name = str(desk.version.protocol)
    assert unescape(early).count(f"{name} is due later, best on 12 March 2026.") == 1
    assert unescape(late).count(f"{name} is due first, best on 2 March 2026. Plan it first") == 1
    assert f'href="{page_of(first)}"' in late
    assert "is due" not in staff.get(page_of(desk.start())).content.decode()


def test_of_two_courses_that_are_due_on_one_day_the_one_that_began_first_is_first(staff, desk):
    first = desk.start()
    second = on_other_skin(desk.start(first.patient))

    assert "is due later" in staff.get(page_of(first)).content.decode()
    assert "is due first" in staff.get(page_of(second)).content.decode()


def test_plan_says_nothing_of_a_course_with_nothing_to_book(staff, desk):
    first = desk.start()
    second = on_other_skin(desk.start(first.patient))
    course_changes.pause(second, reason="Away", version=second.version, by=desk.by, now=NOW)

    assert "is due" not in staff.get(page_of(first)).content.decode()


# -- Change -----------------------------------------------------------------------------------------------------------


def test_a_date_chosen_by_hand_stays_and_the_later_ones_follow(staff, desk):
    page = page_of(desk.start())
    answer = staff.get(page)
    other = answer.context["proposal"].lines[1].others[-1]
    wanted = fields_of(answer) | {"fixed_2": [other.value]}

    changed = staff.post(page, wanted, HTTP_HX_REQUEST="true")

    before, after = proposed(answer), proposed(changed)
    assert after[2] == datetime.fromisoformat(other.value)
    assert after[1] == before[1]
    assert after[3].date() == after[2].date() + timedelta(days=30)
    assert changed.context["proposal"].moved == ([3] if after[3] != before[3] else [])
    assert changed.templates[0].name == "clinic/_plan.html"


def test_a_change_without_scripts_leads_to_an_address_that_shows_the_same(staff, desk):
    page = page_of(desk.start())
    answer = staff.get(page)
    other = answer.context["proposal"].lines[1].others[0]

    moved = staff.post(page, fields_of(answer) | {"fixed_2": [other.value], "take": ["1", "3"], "show": "1"})

    assert moved.status_code == 302
    assert "csrf" not in moved.url
    shown = staff.get(moved.url)
    assert proposed(shown)[2] == datetime.fromisoformat(other.value)
    assert [line.number for line in shown.context["proposal"].ticked] == [1, 3]


def test_a_change_tells_the_browser_the_address_that_shows_it(staff, desk):
    page = page_of(desk.start())

    changed = staff.post(page, fields_of(staff.get(page)) | {"weekdays": ["5"]}, HTTP_HX_REQUEST="true")

    assert "weekdays=5" in changed["HX-Replace-Url"]


def test_the_other_times_are_offered_by_the_diary(staff, desk):
    answer = staff.get(page_of(desk.start()))

    others = answer.context["proposal"].lines[0].others
    assert 1 <= len(others) <= 6
    assert len({one.value for one in others}) == len(others)


def test_another_day_and_time_may_be_typed(staff, desk):
    answer = staff.get(page_of(desk.start()))

    moved = staff.post(
        answer.request["PATH_INFO"], fields_of(answer) | {"day_2": "2026-04-08", "time_2": "14:15", "show": "1"}
    )

    shown = staff.get(moved.url)
    assert proposed(shown)[2] == datetime(2026, 4, 8, 13, 15, tzinfo=UTC)  # summer time
    assert shown.context["proposal"].fixed == [2]
    assert "Wednesday 8 April 2026, 14:15" in shown.content.decode()


def test_a_day_and_time_that_are_not_offered_say_why_and_what_is_near(staff, desk):
    answer = staff.get(page_of(desk.start()))

    refused = staff.post(
        answer.request["PATH_INFO"],
        fields_of(answer) | {"day_2": "2026-04-08", "time_2": "23:00"},
        HTTP_HX_REQUEST="true",
    )

    line = refused.context["proposal"].lines[1]
    text = refused.content.decode()
    assert "Wednesday 8 April 2026, 23:00 is not offered:" in text
    assert line.planned.reasons[0] in text
    assert line.nearest[0].value in text


def test_a_chosen_date_is_given_back_to_the_plan(staff, desk):
    page = page_of(desk.start())
    answer = staff.get(page)
    fixed = {"fixed_2": [answer.context["proposal"].lines[1].others[-1].value]}
    changed = staff.post(page, fields_of(answer) | fixed, HTTP_HX_REQUEST="true")

    again = staff.post(page, fields_of(answer) | {"fixed_2": [""]}, HTTP_HX_REQUEST="true")

    assert changed.context["proposal"].fixed == [2]
    assert again.context["proposal"].fixed == []
    assert proposed(again) == proposed(answer)


def test_the_page_adds_a_row_for_days_when_all_are_filled_in(staff, desk):
    page = page_of(desk.start())
    fields = fields_of(staff.get(page))
    full = fields | {"away_from": ["2026-03-20"], "away_to": [""]}
    seen = [
        staff.post(page, sent, HTTP_HX_REQUEST="true").content.decode().count("beforeend:#away")
        for sent in (fields, full)
    ]

    assert seen == [0, 1]


def test_why_not_earlier_is_answered_where_an_earlier_day_was_possible(staff, desk):
    answer = staff.get(page_of(desk.start()), {"first": TODAY.isoformat(), "away_from": TODAY.isoformat()})

    assert answer.context["proposal"].lines[0].not_earlier
    assert "Why not earlier?" in answer.content.decode()


# -- Book -------------------------------------------------------------------------------------------------------------


def test_book_books_what_was_shown_and_keeps_the_wishes(staff, desk):
    series = desk.start()
    wishes = {"first": TODAY.isoformat(), "weekdays": ["2", "4"], "earliest_time": "09:00"}
    answer = staff.get(page_of(series), wishes)

    booked = book(staff, answer)

    assert booked.url == reverse("series", args=[series.public_id])
    assert {visit.session.number: visit.starts_at for visit in Appointment.objects.all()} == proposed(answer)
    kept = Wishes.objects.get(series=series)
    assert (kept.weekdays, kept.earliest_time, kept.who) == ([2, 4], time(9), "any")


def test_book_says_how_many_and_when(staff, desk):
    answer = book(staff, staff.get(page_of(desk.start())))

    text = staff.get(answer.url).content.decode()
    assert re.search(r"3 visits are booked, the first: Monday 2 March 2026, \d\d:\d\d\.", text)


def test_book_leaves_out_what_is_not_ticked(staff, desk):
    series = desk.start()

    book(staff, staff.get(page_of(series)), take=["1", "2"])

    assert [visit.session.number for visit in Appointment.objects.order_by("starts_at")] == [1, 2]


def test_book_answers_a_second_copy_with_the_same_visits(staff, desk):
    answer = staff.get(page_of(desk.start()))

    first, second = book(staff, answer), book(staff, answer)

    assert (first.status_code, first.url) == (second.status_code, second.url)
    assert Appointment.objects.count() == 3


def test_book_answers_a_second_copy_when_some_are_still_to_be_booked(staff, desk):
    answer = staff.get(page_of(desk.start()))

    first, second = (book(staff, answer, take=["1"]) for _copy in range(2))

    assert (first.status_code, first.url) == (second.status_code, second.url)
    assert [visit.session.number for visit in Appointment.objects.all()] == [1]


def test_book_nothing_ticked_is_refused(staff, desk):
    answer = staff.get(page_of(desk.start()))

    refused = book(staff, answer, take=[])

    assert refused.status_code == 422
    assert "Tick at least one visit." in refused.content.decode()
    assert not Appointment.objects.exists()


@pytest.mark.usefixtures("weekdays_matter")
def test_book_shows_a_change_before_it_is_booked(staff, desk):
    answer = staff.get(page_of(desk.start()))

    refused = book(staff, answer, weekdays=["5"])

    assert refused.status_code == 422
    assert "You changed something after the course was planned." in refused.content.decode()
    assert not Appointment.objects.exists()
    assert book(staff, refused).status_code == 302
    assert {visit.starts_at.isoweekday() for visit in Appointment.objects.all()} == {5}


def test_book_taken_meanwhile_says_which_moved_and_offers_the_rest_as_it_was(staff, desk):
    answer = staff.get(page_of(desk.start()), {"first": TODAY.isoformat(), "earliest_time": "09:00"})
    before = proposed(answer)
    neighbour = desk.start()
    desk.book_session(neighbour, 1, before[2])

    refused = book(staff, answer)

    after = proposed(refused)
    assert refused.status_code == 409
    assert 'role="alert"' in refused.content.decode()
    assert [after[number] == before[number] for number in (1, 2, 3)] == [True, False, True]
    assert refused.context["proposal"].moved == [2]
    assert "Session 2 cannot be kept as shown" in refused.content.decode()
    assert refused.context["form"]["earliest_time"].value() == "09:00"
    assert Appointment.objects.filter(session__series__patient=neighbour.patient).count() == 1
    assert book(staff, refused).status_code == 302
    assert Appointment.objects.count() == 4


def test_book_with_somebody_else_than_shown_is_refused(staff, desk):
    other = practitioner(desk.location, "Dr Other", techniques=[desk.technique])
    answer = staff.get(page_of(desk.start()))
    shown = answer.context["proposal"].lines[0].planned.chosen
    taken = other if shown.practitioner_id == other.pk else desk.needler
    room(desk.location)
    desk.book(shown.starts_at, service=desk.treatment, session=desk.start().sessions.get(number=1), practitioner=taken)

    refused = book(staff, answer)

    assert refused.status_code == 409
    assert refused.context["proposal"].moved == [1]


def test_book_keeps_ticks_after_a_refusal(staff, desk):
    answer = staff.get(page_of(desk.start()))
    desk.book_session(desk.start(), 1, proposed(answer)[1])

    refused = book(staff, answer, take=["1", "2"])

    assert [line.number for line in refused.context["proposal"].ticked] == [1, 2]


def test_book_a_late_visit_notes_that_it_is_late(staff, desk):
    series = desk.start()
    desk.book_session(series, 1, NINE)

    book(staff, staff.get(page_of(series), AWAY))

    late = Appointment.objects.get(session__number=2)
    assert [row.rule for row in late.overrides.all()] == ["after_window"]


def test_kept_wishes_are_filled_in_when_the_rest_is_planned(staff, desk):
    series = desk.start()
    days = {"away_from": ["2026-03-05", "2026-06-01"], "away_to": ["2026-03-07", ""]}
    answer = staff.get(page_of(series), {"first": TODAY.isoformat(), "weekdays": ["2"], **days})
    book(staff, answer, take=["1"])

    form = staff.get(page_of(series)).context["form"]

    assert form["weekdays"].value() == ["2"]
    assert form.away == [Away("2026-03-05", "2026-03-07"), Away("2026-06-01", "")]


# -- Who, when not, how often -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["reception", "practitioner", "clinical lead"])
def test_plan_is_open_to_those_who_book(client, desk, role):
    client.force_login(user(role))

    assert client.get(page_of(desk.start())).status_code == 200


def test_plan_of_an_unknown_series_is_not_found(staff):
    assert staff.get(reverse("series_plan", args=[uuid.uuid4()])).status_code == 404


def test_plan_without_a_location_says_what_to_do_first(staff, desk):
    desk.location.is_active = False
    desk.location.save()

    assert staff.get(page_of(desk.start())).templates[0].name == "clinic/diary_empty.html"


def test_plan_leads_to_the_series_when_nothing_is_left_to_book(staff, desk):
    series = desk.start()
    series.sessions.update(state="voided")

    assert staff.get(page_of(series)).url == reverse("series", args=[series.public_id])


def test_plan_is_linked_where_the_series_is_shown(staff, desk):
    series = desk.start()
    pages = [
        reverse("series", args=[series.public_id]),
        reverse("patient", args=[series.patient.public_id]),
        reverse("session_book", args=[series.public_id]),
    ]

    assert [page_of(series) in staff.get(page).content.decode() for page in pages] == [True] * 3


def test_plan_asks_as_often_for_four_sessions_as_for_two(staff, desk):
    counts = []
    for sessions in (2, 4):
        desk.version.sessions_min = 2
        series = desk.start()
        if sessions == 4:
            series = add_a_session(series)
        else:
            series.sessions.filter(number=3).update(state="voided")
        staff.get(page_of(series))
        with CaptureQueriesContext(connection) as queries:
            answer = staff.get(page_of(series))
        assert len(proposed(answer)) == sessions
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_book_asks_as_often_for_four_visits_among_more_people_and_rooms(staff, desk):
    def statements(series):
        page = staff.get(page_of(series))
        with CaptureQueriesContext(connection) as queries:
            answer = book(staff, page)
        assert answer.status_code == 302
        return len(queries)

    statements(desk.start())  # the connection has its statements
    few = statements(desk.start())
    practitioner(desk.location, "Dr More", techniques=[desk.technique])
    room(desk.location, "treatment")
    desk.version.sessions_min = 2

    assert statements(add_a_session(desk.start())) == few <= 33


def add_a_session(series):
    last = series.sessions.get(number=3)
    last.pk, last.public_id, last.number = None, uuid.uuid4(), 4
    last._state.adding = True
    last.save()
    return series


@pytest.mark.parametrize(
    ("details", "sentence"),
    [
        ({"first": "2026-02-30"}, "Enter a valid date."),
        ({"first": ""}, "This field is required."),
        ({"weekdays": ["9"]}, "Select a valid choice."),
        ({"earliest_time": "12:00", "latest_time": "09:00"}, "look at both times"),
        ({"away_from": "2026-04-02", "away_to": "2026-04-01"}, "lies before the first one"),
        ({"away_from": "2026-04-02", "away_to": "2028-04-01"}, "Leave out a year at most."),
        ({"away_from": ["2026-04-02", "2027-05-01"], "away_to": ["2026-12-01", "2027-12-01"]}, "Leave out a year"),
        ({"away_from": "tomorrow"}, "Enter a valid date."),
        ({"fixed_1": "nine"}, "This is not a time."),
    ],
)
def test_plan_refuses_with_a_sentence_and_keeps_what_was_typed(staff, desk, details, sentence):
    answer = staff.get(page_of(desk.start()), {"first": TODAY.isoformat(), "latest_time": "17:17", **details})

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert (details.get("latest_time") or "17:17") in answer.content.decode()


@pytest.mark.parametrize(
    "value", ["", "x" * 5000, "\x00", "2026-02-30", "9999-12-31T23:59Z", "0001-01-01T00:00+14:00", "2099-12-31"]
)
def test_plan_answers_hostile_values_without_failing(staff, desk, value):
    page = page_of(desk.start())
    fields = fields_of(staff.get(page))
    names = [*fields, "fixed_1", "day_1", "time_1", "fixed_99", "out", "weekdays", "practitioner", "only", "later"]
    answers = []
    for name in dict.fromkeys(names):
        changed = fields | {name: [value]}
        answers += [staff.get(page, changed), staff.post(page, changed | {"book": "1"})]

    assert {answer.status_code for answer in answers} <= {200, 302, 409, 422}


def test_a_date_by_hand_that_is_not_free_is_no_proposal(staff, desk):
    night = datetime(2026, 4, 1, 2, 0, tzinfo=UTC).isoformat()

    answer = staff.get(page_of(desk.start()), {"first": TODAY.isoformat(), "fixed_2": night})

    assert 2 not in proposed(answer)
    assert answer.context["proposal"].stuck


# -- The form ---------------------------------------------------------------------------------------------------------


def typed(**fields):
    data = QueryDict(mutable=True)
    for name, values in {"first": "2026-03-02", **fields}.items():
        data.setlist(name, values if isinstance(values, list) else [values])
    return data


@pytest.mark.parametrize(
    ("days", "stretches"),
    [
        ([], []),
        ([date(2026, 3, 2)], [Away("2026-03-02", "")]),
        ([date(2026, 3, 3), date(2026, 3, 2)], [Away("2026-03-02", "2026-03-03")]),
        ([date(2026, 3, 2), date(2026, 3, 4)], [Away("2026-03-02", ""), Away("2026-03-04", "")]),
    ],
)
def test_days_that_do_not_suit_are_shown_as_stretches(days, stretches):
    assert Away.of(days) == stretches
    assert {day for stretch in stretches for day in stretch.days} == set(days)


@pytest.mark.django_db
def test_form_says_in_its_address_what_was_left_out_and_fixed(desk):
    data = typed(shown=["1:a", "2:b", "3:c"], take=["1", "3"], fixed_2="2026-04-01T09:00Z", weekdays=["1", "2"])
    form = PlanForm(data, numbers=[1, 2, 3])

    again = PlanForm(QueryDict(form.address), numbers=[1, 2, 3])

    assert again.is_valid()
    assert (again.left_out, again.fixed) == ({2}, {2: datetime(2026, 4, 1, 9, tzinfo=UTC)})
    assert again.wish.weekdays == {1, 2}


@pytest.mark.django_db
def test_form_knows_the_wish_only_this_person(desk):
    person = str(desk.needler.resource.public_id)
    forms = [PlanForm(typed(practitioner=person, **only), numbers=[1]) for only in ({}, {"only": "on"})]

    assert [form.is_valid() and form.wish.who for form in forms] == ["prefer", "same"]


@pytest.mark.django_db
def test_form_fills_in_kept_wishes(desk):
    row = Wishes(
        weekdays=[1, 3], earliest_time=time(9), who="same", practitioner=desk.needler, not_on=[date(2026, 3, 4)]
    )

    form = PlanForm(plan_forms.kept(row, TODAY, desk.location), numbers=[1])

    assert form.is_valid()
    assert form.wish.fields | {"series": None} == {
        "series": None, "weekdays": [1, 3], "earliest_time": time(9), "latest_time": None, "who": "same",
        "practitioner_id": desk.needler.pk, "location_id": None, "not_on": [date(2026, 3, 4)],
    }  # fmt: skip


def test_a_session_that_was_used_up_is_not_proposed_again(staff, desk):
    desk.location.no_show_counts = True
    desk.location.save()
    series = desk.start()
    visit = desk.book_session(series, 1, NINE)
    booking.no_show(visit, by=desk.by, now=NINE + timedelta(hours=1), version=visit.version)

    assert list(proposed(staff.get(page_of(series)))) == [2, 3]
