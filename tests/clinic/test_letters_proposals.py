"""What a patient reads about other times: old and new ones a line each, until when, and where to answer."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic import letters, wordings
from clinic.models import Appointment, MessageTemplate, Reminder, Resource
from tests import factories
from tests.clinic import messages, portal_world, proposed
from tests.clinic.messages import visit
from tests.factories import NOW

DAY = timedelta(days=1)


@pytest.fixture
def place(db):
    return factories.location("Cadence London", phone="+44 20 7946 0018")


@pytest.fixture
def ada(db):
    return factories.patient("Ada", email="ada@mail.example")


@pytest.fixture
def visits(place, ada):
    """Two visits, on Monday 9 and Monday 16 March at 07:00."""
    return [visit(place, NOW + days * DAY, who=ada) for days in (7, 14)]


@pytest.fixture
def row(visits):
    """Both a day later."""
    return proposed.proposal([(each, each.starts_at + DAY) for each in visits])


def letter(row, key):
    return letters.subject_and_text(letters.load(proposed.message(row, key).pk))


def why_not(row, key, now=NOW):
    return letters.why_not(letters.load(proposed.message(row, key).pk), now)


def move(visit, days):
    Appointment.objects.filter(pk=visit.pk).update(
        starts_at=visit.starts_at + days * DAY, ends_at=visit.ends_at + days * DAY
    )


# -- What is proposed -------------------------------------------------------------------------------------------------


def test_a_proposal_names_old_and_new_times_and_until_when(row):
    subject, text = letter(row, "visits_proposed")

    assert subject == "We propose other times for your visits"
    assert "- Monday 9 March 2026, 07:00 → Tuesday 10 March 2026, 07:00\n- Monday 16" in text
    assert "We keep these times for you until Wednesday 4 March 2026, 07:00." in text
    assert "call us: +44 20 7946 0018" in text


def test_times_are_those_of_the_location(ada):
    berlin = factories.location(time_zone="Europe/Berlin")
    row = proposed.proposal([(visit(berlin, NOW + 7 * DAY, who=ada), NOW + 8 * DAY)])

    text = letter(row, "visits_proposed")[1]

    assert "- Monday 9 March 2026, 08:00 → Tuesday 10 March 2026, 08:00" in text
    assert "until Wednesday 4 March 2026, 08:00" in text


def test_a_visit_that_had_no_time_is_new(place, ada):
    session = messages.course(who=ada)[0]
    row = proposed.proposal([(session, NOW + 3 * DAY, place)])

    assert "- New: Thursday 5 March 2026, 07:00" in letter(row, "visits_proposed")[1]


def test_the_link_is_there_for_those_who_can_answer_online_only(row, ada, settings):
    settings.SITE_URL = "https://clinic.example"
    path = reverse("portal_proposal", args=[ada.public_id, row.public_id])
    first = proposed.message(row, "visits_proposed")
    assert "answer here" not in letters.subject_and_text(first)[1]

    access = portal_world.access(portal_world.login(), ada, may_book=False)
    assert "answer here" not in letters.subject_and_text(first)[1]

    type(access).objects.filter(pk=access.pk).update(may_book=True)
    assert f"Please answer here: https://clinic.example{path}" in letters.subject_and_text(first)[1]


def test_a_person_is_named_where_there_are_several(place, visits, row):
    bell = factories.practitioner(place, "Dr Bell")
    row.visits.update(practitioner=bell)
    first = proposed.message(row, "visits_proposed")
    assert "Dr Bell" not in letters.subject_and_text(first)[1]

    factories.practitioner(place, "Dr Needle")
    assert "→ Tuesday 10 March 2026, 07:00, with Dr Bell" in letters.subject_and_text(first)[1]


@pytest.mark.parametrize("key", ["visits_proposed", "visits_moved_together"])
def test_the_subject_says_nothing_about_health_or_whom(row, key):
    subject = letter(row, key)[0]

    assert "Ada" not in subject
    assert "Needling" not in subject


@pytest.mark.parametrize("count", [1, 3])
def test_queries_do_not_grow_with_the_visits(place, ada, count):
    row = proposed.proposal(
        [(visit(place, NOW + n * DAY, who=ada), NOW + n * DAY + DAY / 2) for n in range(1, 1 + count)]
    )
    first = letters.load(proposed.message(row, "visits_proposed").pk)

    with CaptureQueriesContext(connection) as found:
        letters.subject_and_text(first)

    assert len(found) == 4  # the wording, the visits, the people of the clinic, the readers


# -- What was agreed --------------------------------------------------------------------------------------------------


def test_one_message_tells_all_new_times_that_were_agreed(row, visits):
    for each in visits:
        move(each, 1)
    proposed.answered(row, "accepted", "phone")

    subject, text = letter(row, "visits_moved_together")

    assert subject == "Your visits have new times"
    assert text.count(" → ") == 2
    assert "- Monday 9 March 2026, 07:00 → Tuesday 10 March 2026, 07:00" in text
    assert "answer here" not in text


def test_a_visit_that_moved_on_since_is_left_to_a_message_of_its_own(row, visits):
    move(visits[0], 1)
    move(visits[1], 3)
    proposed.answered(row, "accepted", "online")

    text = letter(row, "visits_moved_together")[1]

    assert text.count(" → ") == 1
    assert "Tuesday 10 March" in text


def test_a_session_that_got_a_time_is_told_as_long_as_it_has_it(place, ada):
    session = messages.course(who=ada)[0]
    row = proposed.answered(proposed.proposal([(session, NOW + 3 * DAY, place)]), "accepted", "online")
    assert why_not(row, "visits_moved_together") == "The visits have other times now."

    row.reminders.all().delete()
    visit(place, NOW + 3 * DAY, session=session)
    assert why_not(row, "visits_moved_together") == ""


# -- When it no longer makes sense ------------------------------------------------------------------------------------


def test_a_proposal_that_waits_is_told(row):
    assert why_not(row, "visits_proposed") == ""


@pytest.mark.parametrize(("state", "answer"), [("accepted", "online"), ("declined", "call"), ("withdrawn", "")])
def test_a_proposal_that_was_answered_is_not_told_any_more(row, state, answer):
    proposed.answered(row, state, answer)

    assert why_not(row, "visits_proposed") == "The proposal was answered or taken back."


def test_a_proposal_that_ran_out_is_not_told_any_more(row):
    assert why_not(row, "visits_proposed", row.kept_until) == "The times were kept until now only."


@pytest.mark.parametrize(("state", "answer"), [("open", ""), ("declined", "call"), ("withdrawn", "")])
def test_new_times_are_told_only_if_they_were_accepted(row, state, answer):
    if state != "open":
        proposed.answered(row, state, answer)

    assert why_not(row, "visits_moved_together") == "The proposal was not accepted."


def test_new_times_are_not_told_once_all_visits_have_others_or_are_cancelled(row, visits):
    move(visits[0], 5)
    Appointment.objects.filter(pk=visits[1].pk).update(status="cancelled", cancelled_by="patient", cancel_reason="ill")
    proposed.answered(row, "accepted", "online")

    assert why_not(row, "visits_moved_together") == "The visits have other times now."


def test_who_wants_no_messages_gets_none(row, ada):
    type(ada).objects.filter(pk=ada.pk).update(wants_messages=False)

    assert why_not(row, "visits_proposed") == "The patient wants no messages."


# -- One visit that was moved -----------------------------------------------------------------------------------------


def moved(visit, was_at):
    return Reminder.objects.create(
        appointment=visit, patient=visit.patient, location=visit.location, rule_key="visit_moved",
        template_key="visit_moved", due_at=NOW, expires_at=visit.starts_at, was_at=was_at,
    )  # fmt: skip


def test_the_message_about_a_move_has_the_old_and_the_new_time(visits):
    row = moved(visits[0], visits[0].starts_at - DAY)

    subject, text = letters.subject_and_text(letters.load(row.pk))

    assert subject == "Your visit has a new time: Monday 9 March 2026"
    assert "Your visit was moved:\n\n- Sunday 8 March 2026, 07:00 → Monday 9 March 2026, 07:00\n\n" in text


def test_the_message_about_a_move_names_the_person_where_several_treat(visits):
    row = moved(visits[0], None)
    first, other = (factories.practitioner(visits[0].location, name) for name in ("Dr Bell", "Dr Cole"))
    Appointment.objects.filter(pk=visits[0].pk).update(practitioner=other)
    text = letters.subject_and_text(letters.load(row.pk))[1]
    Resource.objects.filter(pk=first.pk).update(is_active=False)

    assert "- New: Monday 9 March 2026, 07:00, with Dr Cole\n" in text
    assert "- New: Monday 9 March 2026, 07:00\n" in letters.subject_and_text(letters.load(row.pk))[1]


def test_the_message_about_somebody_else_names_them_and_says_that_the_time_stays(visits):
    row, other = moved(visits[0], None), factories.practitioner(visits[0].location, "Dr Cole")
    Reminder.objects.filter(pk=row.pk).update(rule_key="visit_with_another", template_key="visit_with_another")
    Appointment.objects.filter(pk=visits[0].pk).update(practitioner=other)

    subject, text = letters.subject_and_text(letters.load(row.pk))

    assert subject == "Your visit on Monday 9 March 2026"
    assert "- Monday 9 March 2026, 07:00, with Dr Cole; the time stays as it was\n" in text


def test_no_other_message_about_a_visit_asks_for_who_treats(visits, django_assert_num_queries):
    row = moved(visits[0], None)
    Reminder.objects.filter(pk=row.pk).update(rule_key="visit_reminder", template_key="visit_reminder")
    loaded = letters.load(row.pk)

    with django_assert_num_queries(1):  # the wording
        letters.subject_and_text(loaded)


def test_the_wording_of_moves_is_brought_up_to_date_unless_somebody_edited_it(db):
    migration = import_module("clinic.migrations.0008_old_time_of_a_moved_visit")
    edited = "Now on {day}."
    MessageTemplate.objects.filter(key="visit_moved").delete()
    MessageTemplate.objects.create(key="visit_moved", language="en", subject="New", body=migration.BEFORE)
    MessageTemplate.objects.create(key="visit_moved", language="de", subject="Neu", body=edited)

    migration.say_both_times(apps, None)

    texts = dict(MessageTemplate.objects.filter(key="visit_moved").values_list("language", "body"))
    assert texts == {"en": wordings.wording_default("visit_moved").body, "de": edited}
