"""Other times as staff and patients see them: the smallest change, the list of proposals, three ways to answer."""

import html
import re
import uuid
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic import booking, proposals
from clinic.models import Absence, Appointment, Proposal, Reminder, Task
from tests import factories
from tests.clinic import portal_world
from tests.clinic.treatment_desk import TreatmentDesk
from tests.factories import NOW
from treatments import series as treatment_series

pytestmark = pytest.mark.usefixtures("stopped_clock")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
# Sessions are 28 to 42 days apart, best after 30.
FIRST = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
SECOND = datetime(2026, 4, 2, 9, 0, tzinfo=UTC)
THIRD = datetime(2026, 5, 5, 9, 0, tzinfo=UTC)
PICKED = re.compile(r'<button class="slot" name="start_1" value="([^"]+)"')
LOOKED = re.compile(r'<a class="slot[^"]*" href="([^"#]+)#visit-')


@pytest.fixture
def desk(db):
    return TreatmentDesk()


@pytest.fixture
def ada(db):
    return factories.patient("Ada", "Quill", email="ada@mail.example", phone="+447700900123")


@pytest.fixture
def series(desk, ada):
    return desk.start(ada)


@pytest.fixture
def visits(desk, series):
    return [desk.book_session(series, number, at) for number, at in enumerate((FIRST, SECOND, THIRD), start=1)]


@pytest.fixture
def staff(client, desk):
    client.force_login(desk.by)
    return client


def propose(desk, visits, *, days=1, hours=48, now=NOW, **details):
    """The visits a number of days later, kept for so long."""
    changes = [booking.Moved(visit, visit.starts_at + days * DAY) for visit in visits]
    series = visits[0].session.series
    about = {"patient": visits[0].patient, "series": series, "cause": "moved", **details}
    return proposals.propose(changes, kept_until=now + hours * HOUR, by=desk.by, now=now, **about)


@pytest.fixture
def run_out(desk, visits, monkeypatch):
    """The third visit a day later, kept for an hour that is over."""
    row = propose(desk, visits[2:], hours=1)
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + 2 * HOUR)
    return row


def starts(visits):
    return [Appointment.objects.get(pk=visit.pk).starts_at for visit in visits]


def words(answer):
    return " ".join(answer.content.decode().split())


def queries(client, address):
    with CaptureQueriesContext(connection) as found:
        assert client.get(address).status_code == 200
    return len(found)


# -- The patient answers ----------------------------------------------------------------------------------------------


@pytest.fixture
def row(desk, visits):
    """The third visit a day later."""
    return propose(desk, visits[2:])


@pytest.fixture
def inside(client, ada):
    client.user = portal_world.login(ada, email="ada@mail.example")
    client.force_login(client.user)
    return client


def own(row, person=None):
    return reverse("portal_proposal", args=[(person or row.patient).public_id, row.public_id])


def answer(client, row, what="accept", **typed):
    return client.post(own(row), {"answer": what, "version": row.version, **typed})


def test_the_home_page_asks_for_the_answer_first(inside, row, ada):
    page = inside.get(reverse("portal_person", args=[ada.public_id]))

    assert page.context["step"].what == "answer"
    assert own(row) in words(page)
    assert "Kept for you until Wednesday 4 March, 07:00" in words(page)


def test_the_page_says_old_and_new_times_and_until_when(inside, row):
    text = words(inside.get(own(row)))

    assert "Wednesday 6 May 2026, 10:00" in text
    assert "instead of Tuesday 5 May 2026, 10:00" in text
    assert "Kept for you until Wednesday 4 March, 07:00" in text


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_changes_nothing(inside, row, visits, method):
    getattr(inside, method)(own(row) + "?answer=accept&version=1")

    row.refresh_from_db()
    assert (row.state, starts(visits)) == ("open", [FIRST, SECOND, THIRD])


def test_accepting_moves_the_visits_and_says_what_is_booked(inside, row, visits):
    assert answer(inside, row).url == own(row)

    assert starts(visits) == [FIRST, SECOND, THIRD + DAY]
    text = words(inside.get(own(row)))
    assert "Your new times" in text
    assert "Wednesday 6 May 2026, 10:00" in text


def test_accepting_twice_is_accepting_once(inside, row, visits):
    answer(inside, row)

    assert answer(inside, row).status_code == 302
    assert Reminder.objects.filter(proposal=row, rule_key="visits_moved_together").count() == 1


def test_another_time_is_asked_for_with_words(inside, row, visits):
    refused = answer(inside, row, "another")
    assert refused.status_code == 422
    assert "Tell us which days and times suit you." in words(refused)

    answer(inside, row, "another", wish="Rather on Fridays")

    row.refresh_from_db()
    assert (row.state, row.answer, row.wish) == ("declined", "another", "Rather on Fridays")
    assert starts(visits) == [FIRST, SECOND, THIRD]
    assert "we look for another time" in words(inside.get(own(row)))
    assert Task.objects.filter(kind="call", patient=row.patient).count() == 1


def test_another_time_is_picked_from_those_that_are_free(inside, row, visits):
    start = PICKED.findall(inside.get(own(row)).content.decode())[0]

    assert answer(inside, row, "pick", start_1=start).status_code == 302

    assert starts(visits) == [FIRST, SECOND, datetime.fromisoformat(start)]
    assert datetime.fromisoformat(start) not in (THIRD, THIRD + DAY)
    text = words(inside.get(own(row)))
    assert "Your new times" in text
    assert f"{datetime.fromisoformat(start).astimezone(ZoneInfo('Europe/London')):%A %-d %B %Y, %H:%M}" in text


def test_a_time_that_is_gone_is_not_picked_and_others_are_shown(inside, row, visits, desk):
    start = PICKED.findall(inside.get(own(row)).content.decode())[0]
    at = datetime.fromisoformat(start)
    Absence.objects.create(resource=desk.needler.resource, starts_at=at, ends_at=at + HOUR, reason="x")

    said = answer(inside, row, "pick", start_1=start)

    assert said.status_code == 409
    assert "No longer free: Ada Quill" in words(said)
    assert '<details class="portal-more" open>' in said.content.decode()
    assert start not in PICKED.findall(said.content.decode())
    assert PICKED.findall(said.content.decode())
    assert starts(visits) == [FIRST, SECOND, THIRD]


@pytest.fixture
def several(desk, visits):
    """The second and the third visit a day later."""
    return propose(desk, visits[1:])


def shown(client, row, **query):
    return client.get(own(row), query).content.decode()


def looked(client, row, **query):
    """The addresses of the other times of the visit that is looked at."""
    return [html.unescape(each) for each in LOOKED.findall(shown(client, row, **query))]


def chosen(address):
    return {name: values[0] for name, values in parse_qs(address.removeprefix("?")).items()}


def hidden(page):
    return dict(re.findall(r'<input type="hidden" name="(start_\d)" value="([^"]+)">', page))


def test_of_several_visits_one_is_looked_at_and_another_time_chosen_before_all_are_accepted(inside, several, visits):
    assert looked(inside, several) == []
    address = looked(inside, several, visit=1)[0]
    (start,) = chosen(address).values()

    page = inside.get(own(several) + address).content.decode()

    assert starts(visits) == [FIRST, SECOND, THIRD]
    assert "chosen by you; proposed was Friday 3 April 2026, 10:00" in page
    assert hidden(page) == {"start_1": start}
    assert answer(inside, several, "pick", **hidden(page)).status_code == 302
    assert starts(visits) == [FIRST, datetime.fromisoformat(start), THIRD + DAY]


def test_the_same_answer_twice_is_once_also_for_several(inside, several):
    first = chosen(looked(inside, several, visit=1)[-1])

    for _time in range(2):
        assert answer(inside, several, "pick", **first).status_code == 302

    assert Reminder.objects.filter(proposal=several, rule_key="visits_moved_together").count() == 1
    other = {"start_1": (datetime.fromisoformat(first["start_1"]) + HOUR).isoformat()}
    assert answer(inside, several, "pick", **other).status_code == 409


def test_picking_for_one_visit_twice_is_once(inside, row):
    start = PICKED.findall(inside.get(own(row)).content.decode())[0]

    for _time in range(2):
        assert answer(inside, row, "pick", start_1=start).status_code == 302

    assert Reminder.objects.filter(proposal=row, rule_key="visits_moved_together").count() == 1


def test_a_second_choice_is_looked_for_beside_the_first_and_the_first_stays(inside, several, visits):
    first = chosen(looked(inside, several, visit=1)[-1])
    both = chosen(looked(inside, several, visit=2, **first)[0])

    assert set(both) == {"start_1", "start_2"}
    assert both["start_1"] == first["start_1"]
    assert answer(inside, several, "pick", **both).status_code == 302
    assert starts(visits) == [FIRST, *map(datetime.fromisoformat, both.values())]


def test_what_does_not_go_with_the_others_is_said_before_and_refused_after(inside, several, visits):
    late = {"start_1": (SECOND + 20 * DAY).isoformat()}

    assert "does not go with the others" in shown(inside, several, **late)
    said = answer(inside, several, "pick", **late)

    assert said.status_code == 409
    assert "No longer free: Ada Quill" in words(said)
    assert starts(visits) == [FIRST, SECOND, THIRD]


@pytest.mark.parametrize("query", [
    {"visit": "0"}, {"visit": "3"}, {"visit": "x"}, {"visit": "9" * 400}, {"start_1": "soon"}, {"start_3": THIRD},
    {"start_1": "2026-05-07T10:00"}, {"start_1": "\x00"}, {"start_1": SECOND + DAY},
])  # fmt: skip
def test_an_odd_address_shows_what_is_proposed(inside, several, query):
    page = shown(inside, several, **query)

    assert hidden(page) == {}
    assert 'value="accept"' in page
    assert LOOKED.findall(page) == []


def test_times_that_are_looked_for_cost_the_same_however_many_visits_there_are(inside, several, visits, desk):
    looking = queries(inside, own(several) + "?visit=1")
    plain = queries(inside, own(several))
    all_three = propose(desk, visits)

    assert queries(inside, own(all_three)) == plain
    assert queries(inside, own(all_three) + "?visit=1") == looking


def test_nothing_can_be_picked_by_who_may_only_look(client, desk, visits, ada, several):
    client.force_login(portal_world.login(ada, may_book=False))
    assert "Another time" not in shown(client, several)
    assert looked(client, several, visit=1) == []
    one = propose(desk, visits[2:])

    assert not PICKED.findall(client.get(own(one)).content.decode())
    assert answer(client, one, "pick", start_1=(THIRD + 2 * DAY).isoformat()).status_code == 403
    assert starts(visits) == [FIRST, SECOND, THIRD]


def test_a_call_is_asked_for_and_the_times_stay_kept(inside, row):
    answer(inside, row, "call", wish="After five")

    row.refresh_from_db()
    assert (row.state, row.wish) == ("open", "After five")
    text = words(inside.get(own(row)))
    assert "We will call you." in text
    assert "Kept for you until" in text
    assert "Accept these times" in text


@pytest.mark.parametrize("typed", [
    {"answer": ""}, {"answer": "agree"}, {"version": ""}, {"version": "x"}, {"version": "0"}, {"answer": "\x00"},
    {"answer": "call", "wish": "x" * 501}, {"answer": "another", "wish": "\x00"},
    {"answer": "pick"}, {"answer": "pick", "start_1": "soon"}, {"answer": "pick", "start_1": "2026-05-07T10:00"},
])  # fmt: skip
def test_what_is_no_answer_is_refused(inside, row, typed):
    said = inside.post(own(row), {"answer": "accept", "version": row.version, **typed})

    assert said.status_code == 422
    row.refresh_from_db()
    assert row.state == "open"


def test_an_answer_that_crosses_another_one_is_a_conflict(inside, row, desk, visits):
    proposals.withdraw(row, by=desk.by, now=NOW)

    said = answer(inside, row)

    assert said.status_code == 409
    assert "It was not saved" in words(said)
    assert "We have taken this proposal back." in words(said)
    assert starts(visits) == [FIRST, SECOND, THIRD]


def test_a_proposal_that_ran_out_can_still_be_taken_if_the_times_are_free(inside, run_out, visits):
    text = words(inside.get(own(run_out)))
    assert "These times are no longer kept for you." in text

    answer(inside, run_out)

    assert starts(visits) == [FIRST, SECOND, THIRD + DAY]


def test_a_proposal_that_ran_out_is_refused_once_the_times_are_gone(inside, run_out, visits, desk):
    max_ = factories.patient("Max")
    begun = {"first_possible_on": THIRD.date(), "today": NOW.date(), "sessions_planned": 3, "by": desk.by}
    other = treatment_series.start(max_, desk.version, areas=[desk.area], **begun)
    session = other.sessions.get(number=1)
    desk.book(THIRD + DAY, max_, now=NOW + 2 * HOUR, service=desk.treatment, session=session)

    said = answer(inside, run_out)

    assert said.status_code == 409
    assert "No longer free" in words(said)
    assert starts(visits) == [FIRST, SECOND, THIRD]


def test_a_visit_that_was_changed_since_closes_the_question(inside, row, visits, desk):
    booking.check_in(visits[2], version=visits[2].version, by=desk.by, now=NOW)

    text = words(inside.get(own(row)))

    assert "One of these visits has been changed since." in text
    assert "Accept these times" not in text
    assert answer(inside, row).status_code == 422


def test_a_visit_that_was_moved_by_hand_takes_the_question_back(inside, row, visits, desk):
    booking.move(visits[2], starts_at=THIRD + 2 * DAY, version=visits[2].version, by=desk.by, now=NOW)

    text = words(inside.get(own(row)))

    assert "We have taken this proposal back." in text
    assert answer(inside, row).status_code == 409


def test_who_may_only_look_cannot_answer(client, row, ada, visits):
    user = portal_world.login(ada, may_book=False)
    client.force_login(user)
    text = words(client.get(own(row)))
    assert "Accept these times" not in text
    assert "With this sign-in you can look but not answer." in text

    said = answer(client, row)

    assert said.status_code == 403
    assert starts(visits) == [FIRST, SECOND, THIRD]


def test_somebody_elses_proposal_is_not_there(client, row):
    other = factories.patient("Max")
    client.force_login(portal_world.login(other))

    for address in (own(row), own(row, other)):
        assert client.get(address).status_code == 404
        assert client.post(address, {"answer": "accept", "version": row.version}).status_code == 404


def test_a_proposal_under_a_record_that_was_merged_is_the_persons_own(client, desk, visits, ada):
    row = propose(desk, visits[2:])
    kept = factories.patient("Adah")
    type(ada).objects.filter(pk=ada.pk).update(merged_into=kept)
    client.force_login(portal_world.login(kept))

    assert client.get(own(row, kept)).status_code == 200
    assert own(row, kept) in words(client.get(reverse("portal_person", args=[kept.public_id])))


def test_the_page_asks_the_same_queries_however_many_visits(inside, desk, visits):
    few = queries(inside, own(propose(desk, visits[1:])))

    assert queries(inside, own(propose(desk, visits))) == few


# -- The list of staff ------------------------------------------------------------------------------------------------

LIST = "proposals"


def press(client, row, action):
    address = reverse("proposal_answer", args=[row.public_id])
    return client.post(address, {"action": action, "version": row.version})


def test_the_list_is_empty_at_first(staff):
    assert "No patient is asked about other times" in words(staff.get(reverse(LIST)))


def test_the_list_says_who_what_and_until_when(staff, row):
    text = words(staff.get(reverse(LIST)))

    assert "Ada Quill" in text
    assert "session 3 of 3" in text
    assert "Tue 5 May 2026, 10:00" in text
    assert "Wed 6 May 2026, 10:00" in text
    assert "kept until Wed 4 Mar, 07:00" in text
    assert "No answer yet" in text


def test_the_list_tells_what_ran_out(staff, run_out):
    text = words(staff.get(reverse(LIST)))

    assert "Run out, no answer" in text
    assert "the times are free for others again" in text


def test_the_list_tells_who_wants_a_call(staff, row, desk):
    proposals.ask_for_call(row, by=desk.by, now=NOW, wish="After five")
    text = words(staff.get(reverse(LIST)))
    assert "Asks for a call" in text
    assert "The patient says: After five" in text


def test_agreed_by_phone_moves_the_visits(staff, row, visits):
    assert press(staff, row, "agree").url == reverse(LIST)

    row.refresh_from_db()
    assert (row.state, row.answer) == ("accepted", "phone")
    assert starts(visits) == [FIRST, SECOND, THIRD + DAY]


def test_taking_back_moves_nothing_and_empties_the_list(staff, row, visits):
    press(staff, row, "withdraw")

    row.refresh_from_db()
    assert (row.state, starts(visits)) == ("withdrawn", [FIRST, SECOND, THIRD])
    assert "No patient is asked about other times" in words(staff.get(reverse(LIST)))


def test_an_answer_that_crosses_the_patients_is_a_conflict_on_the_list(staff, row):
    proposals.ask_for_another(row, by=row.made_by, now=NOW, wish="Fridays")

    said = press(staff, row, "agree")

    assert said.status_code == 409
    assert "Nothing was saved" in words(said)


@pytest.mark.parametrize("typed", [{"action": "x"}, {"action": ""}, {"version": "x"}, {"version": ""}])
def test_what_is_no_button_of_the_list_is_refused(staff, row, typed):
    address = reverse("proposal_answer", args=[row.public_id])

    assert staff.post(address, {"action": "agree", "version": row.version} | typed).status_code == 422
    row.refresh_from_db()
    assert row.state == "open"


def test_a_proposal_that_is_not_there_is_not_found(staff):
    assert staff.post(reverse("proposal_answer", args=[uuid.uuid4()]), {}).status_code == 404


def test_a_patient_sees_no_list(inside, row):
    assert inside.get(reverse(LIST)).status_code == 404
    assert press(inside, row, "agree").status_code == 404


def test_the_list_asks_the_same_queries_however_many(staff, desk, visits):
    propose(desk, visits[2:])
    few = queries(staff, reverse(LIST))
    for number in range(2):
        series = desk.start(factories.patient(f"Max{number}"))
        at = FIRST + (number + 1) * 2 * HOUR
        propose(desk, [desk.book_session(series, 1, at)])

    assert queries(staff, reverse(LIST)) == few
    assert Proposal.objects.filter(state="open").count() == 3


# -- The smallest change of a course ----------------------------------------------------------------------------------

LATER = {"number": "2", "day": "2026-05-01", "time": "10:00"}  # the third visit would be four days later


def page_of(series):
    return reverse("series_reflow", args=[series.public_id])


def fields(answer, action, typed=()):
    """What the buttons of the page send."""
    change, form = answer.context["change"], answer.context["form"]
    shown = [row.mark for row in change.moved]
    sent = {"submission": str(form["submission"].value()), "shown": shown, "cause": "moved", "hours": "48"}
    return {**sent, "action": action, **dict(typed)}


def look(client, series, **query):
    answer = client.get(page_of(series), query)
    assert answer.status_code == 200
    return answer


def send(client, series, action, query=LATER, typed=()):
    address = f"{page_of(series)}?{'&'.join(f'{name}={value}' for name, value in query.items())}"
    return client.post(address, fields(client.get(address), action, typed))


def test_a_course_that_fits_needs_nothing(staff, series, visits):
    assert "All visits of the series fit" in words(look(staff, series))


def test_moving_one_visit_far_shows_what_comes_along(staff, series, visits):
    answer = look(staff, series, **LATER)

    rows = answer.context["change"].rows
    assert [row.number for row in rows] == [2, 3]
    assert rows[0].new == datetime(2026, 5, 1, 9, 0, tzinfo=UTC)
    assert rows[1].new >= datetime(2026, 5, 29, 9, 0, tzinfo=UTC)
    text = words(answer)
    assert "29 days later" in text
    assert "2 visits get other times" in text
    assert "The course as it would be" in text
    assert starts(visits) == [FIRST, SECOND, THIRD]


def test_proposing_keeps_the_times_and_moves_nothing(staff, series, visits):
    assert send(staff, series, "propose").url == reverse("series", args=[series.public_id])

    row = Proposal.objects.get()
    assert (row.state, row.cause, row.series) == ("open", "moved", series)
    assert row.kept_until == NOW + 48 * HOUR
    assert starts(visits) == [FIRST, SECOND, THIRD]
    assert Reminder.objects.filter(proposal=row, template_key="visits_proposed").count() == 1
    assert "The new times are kept until" in words(staff.get(reverse("series", args=[series.public_id])))


def test_agreed_by_phone_moves_all_at_once_with_one_message(staff, series, visits):
    send(staff, series, "agree")

    found = starts(visits)
    assert found[0] == FIRST
    assert found[1] == datetime(2026, 5, 1, 9, 0, tzinfo=UTC)
    assert found[2] >= datetime(2026, 5, 29, 9, 0, tzinfo=UTC)
    told = Reminder.objects.filter(template_key__in=["visit_moved", "visits_moved_together"])
    assert [row.template_key for row in told] == ["visits_moved_together"]


@pytest.mark.parametrize("action", ["propose", "agree"])
def test_a_second_copy_of_the_form_does_nothing_more(staff, series, visits, action):
    address = f"{page_of(series)}?number=2&day=2026-05-01&time=10:00"
    sent = fields(staff.get(address), action)
    first = staff.post(address, sent)

    assert staff.post(address, sent).url == first.url
    assert Proposal.objects.count() == 1


def test_what_was_shown_is_what_is_done_or_nothing(staff, series, visits, desk):
    address = f"{page_of(series)}?number=2&day=2026-05-01&time=10:00"
    sent = fields(staff.get(address), "propose")
    third = staff.get(address).context["change"].rows[1]
    other = factories.patient("Max")
    begun = {"first_possible_on": third.new.date(), "today": NOW.date(), "sessions_planned": 3, "by": desk.by}
    session = treatment_series.start(other, desk.version, areas=[desk.area], **begun).sessions.get(number=1)
    desk.book(third.new, other, service=desk.treatment, session=session)

    said = staff.post(address, sent)

    assert said.status_code == 409
    assert "The diary has changed since this page was shown." in words(said)
    assert not Proposal.objects.exists()
    assert send(staff, series, "propose").status_code == 302


@pytest.mark.parametrize("typed", [
    {"action": "x"}, {"action": ""}, {"hours": "73"}, {"hours": "x"}, {"cause": "x"}, {"submission": "x"},
    {"submission": ""}, {"hours": "\x00"},
])  # fmt: skip
def test_what_is_no_choice_is_refused(staff, series, visits, typed):
    assert send(staff, series, "propose", typed=typed).status_code == 422
    assert not Proposal.objects.exists()


def test_an_empty_form_is_refused(staff, series, visits):
    assert staff.post(page_of(series), {}).status_code == 422


@pytest.mark.parametrize("query", [
    {"number": "9"}, {"number": "x"}, {"number": "2"}, {"number": "2", "day": "2026-05-01"}, {"day": "x"},
    {"number": "2", "day": "2026-02-30", "time": "10:00"}, {"number": "2", "day": "2026-05-01", "time": "25:00"},
    {"number": "1", "day": "2026-05-01", "time": "\x00"}, {"number": "2", "day": "2099-05-01", "time": "10:00"},
    {"number": "3", "day": "2026-04-03", "time": "10:00"}, {"number": "2", "day": "2001-05-01", "time": "10:00"},
])  # fmt: skip
def test_what_cannot_be_asked_for_moves_nothing(staff, series, visits, query):
    answer = look(staff, series, **query)

    assert not answer.context["change"].can_be_made


def test_a_start_that_is_not_possible_says_why(staff, series, visits):
    text = words(look(staff, series, number="3", day="2026-04-03", time="10:00"))

    assert "none found" in text
    assert "Propose to the patient" not in text


def test_a_new_proposal_takes_the_earlier_one_back(staff, series, visits):
    send(staff, series, "propose")
    send(staff, series, "propose", {**LATER, "day": "2026-05-04"})

    assert sorted(Proposal.objects.values_list("state", flat=True)) == ["open", "withdrawn"]


def test_a_series_that_is_not_there_is_not_found(staff):
    assert staff.get(reverse("series_reflow", args=[uuid.uuid4()])).status_code == 404


def test_a_patient_sees_no_page_of_the_desk(inside, series, visits):
    assert inside.get(page_of(series)).status_code == 404


def test_who_gets_no_mail_is_called(staff, series, visits, ada):
    assert "No e-mail reaches this patient" not in words(look(staff, series, **LATER))

    type(ada).objects.filter(pk=ada.pk).update(email="")
    assert "No e-mail reaches this patient" in words(look(staff, series, **LATER))


def test_the_page_of_the_smallest_change_asks_the_same_queries_however_many_visits(staff, desk, series, visits):
    one = queries(staff, f"{page_of(series)}?number=3&day=2026-05-12&time=10:00")

    assert queries(staff, f"{page_of(series)}?number=2&day=2026-05-01&time=10:00") == one


# -- Where it is seen -------------------------------------------------------------------------------------------------


@pytest.fixture
def too_late(desk, series, visits):
    """The second visit comes earlier, so that the third is later than planned."""
    booking.move(visits[1], starts_at=SECOND - 2 * DAY, version=visits[1].version, by=desk.by, now=NOW)
    third = visits[2]
    Appointment.objects.filter(pk=third.pk).update(starts_at=THIRD + 20 * DAY, ends_at=THIRD + 20 * DAY + HOUR)
    return third


def pages(series, visit):
    """The pages of the desk that show how a course stands."""
    person = reverse("patient", args=[series.patient.public_id])
    return person, reverse("series", args=[series.public_id]), reverse("appointment", args=[visit.public_id])


def test_pages_say_nothing_while_all_visits_fit(staff, series, visits):
    for page in pages(series, visits[1]):
        assert "no longer fit" not in words(staff.get(page))


def test_pages_say_that_later_visits_no_longer_fit_and_where_to_go(staff, series, visits, too_late):
    for page in pages(series, visits[1]):
        text = words(staff.get(page))
        assert "1 later visit no longer fits" in text
        assert f'href="{page_of(series)}">Find other times' in text


def test_a_late_visit_that_somebody_allowed_is_no_misfit(staff, desk, series, visits, too_late):
    allowed = {"rule": "after_window", "reason": "On holiday", "allowed_by": desk.by, "allowed_at": NOW}
    too_late.overrides.create(**allowed)

    for page in pages(series, visits[1]):
        assert "no longer fit" not in words(staff.get(page))


def test_pages_say_that_other_times_are_proposed_instead(staff, series, visits, row):
    for page in pages(series, visits[2]):
        text = words(staff.get(page))
        assert "Other times are proposed to the patient, kept until Wed 4 Mar, 07:00" in text
        assert f'{reverse(LIST)}#p-{row.public_id}"' in text


def test_the_printed_day_says_that_another_time_was_asked_about(staff, row):
    text = words(staff.get(reverse("day_list"), {"day": "2026-05-05"}))
    assert "The patient was asked about another time" in text

    proposals.withdraw(row, by=row.made_by, now=NOW)
    text = words(staff.get(reverse("day_list"), {"day": "2026-05-05"}))
    assert "The patient was asked about another time" not in text


def test_moving_a_visit_of_a_series_offers_to_take_the_later_ones_along(staff, series, visits):
    text = words(staff.get(reverse("appointment_move", args=[visits[1].public_id])))

    assert f'href="{page_of(series)}?number=2"' in text


def test_a_message_about_a_proposal_leads_to_it(staff, row):
    message = row.reminders.get()

    text = words(staff.get(reverse("message", args=[message.public_id])))

    assert "Tuesday 5 May 2026, 10:00 → Wednesday 6 May 2026, 10:00" in text
    assert f'{reverse(LIST)}#p-{row.public_id}"' in text
