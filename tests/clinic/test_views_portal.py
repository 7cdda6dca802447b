"""The portal as its people see it: what to do next, why not earlier, what counts after a visit, what is on file."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from icalendar import Calendar

from clinic.models import Appointment
from patients.models import AccessLog
from tests import factories
from tests.clinic import portal_world as world
from tests.clinic.messages import visit
from tests.factories import NOW
from tests.factories_treatments import answered, condition
from treatments.models import TreatmentSession

pytestmark = pytest.mark.usefixtures("stopped_clock")
DAY = timedelta(days=1)


@pytest.fixture
def place(db):
    return factories.location("Cadence London", phone="+44 20 7946 0018", address="12 Thimble Row")


@pytest.fixture
def ada(place):
    return world.patient(place=place)


@pytest.fixture
def inside(client, ada):
    """Ada's own login."""
    client.user = world.login(ada, email="ada@mail.example")
    client.force_login(client.user)
    return client


def url(name, person, *more):
    return reverse(name, args=[person.public_id, *(one.public_id for one in more)])


def text(client, name, person, *more):
    answer = client.get(url(name, person, *more))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def queries(client, address):
    with CaptureQueriesContext(connection) as found:
        assert client.get(address).status_code == 200
    return len(found)


# -- Getting in -------------------------------------------------------------------------------------------------------


def test_a_login_with_one_person_goes_straight_there_and_sees_no_switch(inside, ada):
    assert inside.get(reverse("portal_home")).url == url("portal_person", ada)
    assert "portal-people" not in text(inside, "portal_person", ada)


def test_a_login_with_two_people_chooses_and_can_switch_on_every_page(client, ada, place):
    max_ = factories.patient("Max")
    client.force_login(world.login(ada, max_))
    choice = client.get(reverse("portal_home")).content.decode()

    assert [url("portal_person", one) in choice for one in (ada, max_)] == [True, True]
    for name in ("portal_person", "portal_visits", "portal_aftercare", "portal_details"):
        assert url("portal_person", max_) in text(client, name, ada)


def test_a_stranger_is_sent_to_the_portals_own_door(client, ada):
    answer = client.get(url("portal_visits", ada))

    assert answer.url == f"{reverse('portal_sign_in')}?next={url('portal_visits', ada)}"


def test_pages_are_not_kept_by_the_browser(inside, ada):
    for address in (reverse("portal_home"), url("portal_person", ada), url("portal_calendar", ada, ada.coming)):
        assert inside.get(address).headers["Cache-Control"] == "private, no-store"


def test_looking_is_noted(inside, ada):
    inside.get(url("portal_aftercare", ada))

    assert AccessLog.objects.get().page == "portal_aftercare"


def test_records_that_were_merged_into_the_persons_own_are_shown_with_it(inside, ada, place):
    old = factories.patient("Adah", merged_into=ada)
    visit(place, datetime(2026, 2, 3, 16, 20, tzinfo=UTC), who=old, status="completed")

    assert "Tuesday 3 February 2026, 16:20" in text(inside, "portal_visits", ada)


# -- What to do next --------------------------------------------------------------------------------------------------


def step_of(client, person):
    return client.get(url("portal_person", person)).context["step"]


def test_next_is_a_visit_within_three_days(inside, ada, place):
    soon = visit(place, NOW + 2 * DAY, who=ada)

    assert (step_of(inside, ada).what, step_of(inside, ada).visit) == ("visit", soon)
    assert "Your visit:" in text(inside, "portal_person", ada)


def test_next_is_aftercare_on_the_days_after_a_treatment(inside, ada):
    assert step_of(inside, ada).what == "aftercare"


def long_ago(person):
    """The treatment was in the winter, and what it left to do is over."""
    at = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    Appointment.objects.filter(pk=person.past.pk).update(starts_at=at, ends_at=at + DAY / 24, finished_at=at + DAY / 24)
    TreatmentSession.objects.filter(series=person.course, number=1).update(done_on=at.date())


def test_next_is_a_later_visit_when_nothing_is_nearer(inside, ada):
    long_ago(ada)

    assert (step_of(inside, ada).what, step_of(inside, ada).visit) == ("visit", ada.coming)


def unbooked(person):
    long_ago(person)
    Appointment.objects.filter(pk=person.coming.pk).update(
        status="cancelled", cancelled_by="patient", cancel_reason="Ill"
    )
    world.become(person.course.sessions.get(number=2), "planned")


def test_next_is_to_call_when_a_visit_of_the_series_is_not_booked(inside, ada):
    unbooked(ada)

    page = text(inside, "portal_person", ada)

    assert step_of(inside, ada).what == "book"
    assert "Visit 2 of 3" in page
    assert 'href="tel:+442079460018"' in page


def test_next_is_to_talk_when_a_safety_check_holds_it_up_and_the_reason_is_not_told(inside, ada):
    unbooked(ada)
    answered(ada, condition("pregnancy", question="Are you pregnant?"))

    page = text(inside, "portal_person", ada)

    assert step_of(inside, ada).what == "talk"
    assert "Please talk to us before your next visit." in page
    assert "regnan" not in page


def test_next_is_nothing_for_somebody_new(client, place):
    new = factories.patient()
    client.force_login(world.login(new))

    assert step_of(client, new).what == "nothing"
    assert "Nothing to do right now" in text(client, "portal_person", new)


# -- Series -----------------------------------------------------------------------------------------------------------


def test_the_dates_of_the_next_visit_say_why_it_cannot_be_earlier(inside, ada):
    unbooked(ada)
    world.become(
        ada.course.sessions.get(number=2),
        "planned",
    )
    TreatmentSession.objects.filter(series=ada.course, number=1).update(done_on=NOW.date())

    page = text(inside, "portal_person", ada)

    assert "<dt>Earliest</dt><dd>Monday 16 March 2026</dd>" in page
    assert "<dt>Best</dt><dd>Monday 30 March 2026</dd>" in page
    assert "<dt>Latest</dt><dd>Monday 13 April 2026</dd>" in page
    assert "At least 14 days after your visit of 2 March, so that your skin has recovered." in page


def test_dates_set_by_the_practitioner_are_told_without_their_reason(inside, ada):
    unbooked(ada)
    own = {"not_before_on": datetime(2026, 3, 20, tzinfo=UTC).date(), "window_reason": "Slow healer"}
    TreatmentSession.objects.filter(series=ada.course, number=2).update(**own)

    page = text(inside, "portal_person", ada)

    assert "Your practitioner set these dates." in page
    assert "Slow healer" not in page


def test_a_series_counts_its_visits_in_words_and_as_a_bar(inside, ada):
    page = text(inside, "portal_person", ada)

    assert "<strong>Visit 2 of 3</strong>" in page
    assert '<progress class="portal-progress" max="3" value="1">' in page
    assert "1 of 3 visits are done" in page


def test_a_visit_that_was_left_out_is_not_counted(inside, ada):
    TreatmentSession.objects.filter(series=ada.course, number=3).update(state="skipped", skip_reason="Not needed")

    page = text(inside, "portal_person", ada)

    assert "<strong>Visit 2 of 2</strong>" in page
    assert "Not needed" not in page


# -- One visit --------------------------------------------------------------------------------------------------------


def test_a_visit_says_when_where_with_whom_and_how_long(inside, ada):
    page = text(inside, "portal_visit", ada, ada.coming)

    assert "Thursday 2 April 2026, 14:15" in page
    assert "(London time)" in page
    assert "12 Thimble Row" in page
    assert "60 minutes" in page
    assert "You can cancel free of charge until Wednesday 1 April, 14:15." in page


def test_a_visit_shows_nothing_that_staff_wrote(inside, ada):
    pages = [text(inside, "portal_visit", ada, one) for one in (ada.coming, ada.cancelled)]

    assert [page for page in pages if "Staff only" in page] == []


def test_a_visit_that_can_no_longer_be_cancelled_for_free_says_so(inside, ada, place):
    late = visit(place, NOW + timedelta(hours=5), who=ada)

    assert "The time to cancel free of charge ended on Sunday 1 March, 12:00." in text(
        inside, "portal_visit", ada, late
    )


def test_the_calendar_file_is_of_this_visit_and_a_cancelled_one_takes_itself_out(inside, ada):
    answers = [inside.get(url("portal_calendar", ada, one)) for one in (ada.coming, ada.cancelled)]

    assert [Calendar.from_ical(one.content)["METHOD"] for one in answers] == ["PUBLISH", "CANCEL"]
    assert answers[0].headers["Content-Type"] == "text/calendar; charset=utf-8; method=PUBLISH"
    assert Calendar.from_ical(answers[0].content).events[0].start == ada.coming.starts_at


def test_past_visits_are_told_in_plain_words_and_mistakes_not_at_all(inside, ada):
    page = text(inside, "portal_visits", ada)

    assert "Sunday 1 March 2026, 09:00" in page
    assert "Needling" in page
    assert "Cancelled" in page
    assert "Friday 13 March" not in page
    assert "Staff only" not in page


# -- Aftercare --------------------------------------------------------------------------------------------------------


def test_aftercare_says_what_counts_now_what_comes_next_and_what_is_over(inside, ada):
    page = text(inside, "portal_aftercare", ada)

    assert "After your visit of Sunday 1 March 2026, which ended at 10:00." in page
    assert 'No make-up, please.</p> <p class="row-note">until today, 10:00</p>' in page
    assert 'Sunscreen, please.</p> <p class="row-note">from today, 10:00 until Tuesday 31 March, 11:00</p>' in page
    assert 'No shower, please.</p> <p class="row-note">ended yesterday, 18:00</p>' in page
    assert page.index("Trouble breathing") < page.index("No make-up")
    assert page.index("tel:+442079460018") < page.index("No make-up")


def test_aftercare_before_the_first_treatment_says_what_will_be_there(client, place):
    new = factories.patient()
    client.force_login(world.login(new))

    assert "Nothing to look after yet" in text(client, "portal_aftercare", new)


# -- Details ----------------------------------------------------------------------------------------------------------


def details(person, **typed):
    return {"submission": str(uuid.uuid4()), "phone": "+447700900111", "version": person.version, **typed}


def test_details_saves_phone_and_messages_and_nothing_else(inside, ada):
    answer = inside.post(url("portal_details", ada), details(ada, family_name="Else", email="else@mail.example"))

    before = ada.family_name, ada.email
    ada.refresh_from_db()
    assert answer.url == url("portal_details", ada)
    assert (str(ada.phone), ada.wants_messages, ada.version) == ("+447700900111", False, 2)
    assert (ada.family_name, ada.email) == before


def test_details_keeps_what_was_typed_when_the_desk_was_faster(inside, ada):
    body = details(ada)
    ada.__class__.objects.filter(pk=ada.pk).update(version=2)

    answer = inside.post(url("portal_details", ada), body)

    assert answer.status_code == 409
    assert "Somebody else changed this patient" in answer.content.decode()
    assert answer.context["form"]["phone"].value() == "+447700900111"
    assert inside.post(url("portal_details", ada), details(ada, version=2)).status_code == 302


def test_details_refuses_what_is_no_phone_number(inside, ada):
    assert inside.post(url("portal_details", ada), details(ada, phone="x")).status_code == 422


def test_details_says_who_else_sees_the_pages(inside, ada):
    world.login(ada, email="max@mail.example")
    world.ended(ada)

    page = text(inside, "portal_details", ada)

    assert "ada@mail.example (you)" in page
    assert page.count("@mail.example") == page.count(ada.email) + 2


# -- Queries ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["portal_person", "portal_visits", "portal_aftercare", "portal_details"])
def test_a_page_costs_the_same_for_one_visit_and_for_many(inside, ada, place, name):
    few = queries(inside, url(name, ada))
    for days in (1, 2, 3):
        visit(place, NOW + days * DAY, who=ada)
        at = NOW - (days + 30) * DAY
        visit(place, at, who=ada, status="completed", finished_at=at)
    for _more in (1, 2):
        world.login(ada)

    assert queries(inside, url(name, ada)) == few


def test_the_choice_costs_the_same_for_two_people_and_for_four(client, place):
    people = [factories.patient(f"Person {number}") for number in range(4)]
    for person in people:
        visit(place, NOW + DAY, who=person)
    counts = []
    for some in (people[:2], people):
        client.force_login(world.login(*some))
        counts.append(queries(client, reverse("portal_home")))

    assert counts[0] == counts[1]
