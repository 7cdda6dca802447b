"""Tasks: opened with the visit, moved with it, closed by the right person."""

from datetime import timedelta

import pytest

from clinic import todo
from clinic.models import Task
from patients.refusals import Refused
from tests import factories
from tests.clinic.messages import DAY, NOW, visit


@pytest.fixture
def booked(db):
    return visit(factories.location(), NOW + DAY, needs_review=True)


def test_open_review_asks_the_clinical_lead_before_the_visit(booked):
    task = todo.open_review(booked, NOW)

    assert (task.kind, task.for_role, task.patient) == ("clinician_review", "clinical lead", booked.patient)
    assert (task.due_at, task.opened_at, task.done_at) == (booked.starts_at, NOW, None)


def test_follow_review_moves_the_open_task_with_the_visit(booked):
    todo.follow_review(booked, NOW)
    booked.starts_at += DAY

    todo.follow_review(booked, NOW)

    assert [task.due_at for task in Task.objects.all()] == [NOW + 2 * DAY]


def test_follow_review_closes_the_task_when_nothing_is_left_to_decide(booked):
    todo.follow_review(booked, NOW)
    booked.needs_review = False

    todo.follow_review(booked, NOW + timedelta(hours=1))

    assert Task.objects.get().done_at == NOW + timedelta(hours=1)


def test_close_for_closes_what_is_open_about_a_visit(booked):
    by = factories.user("reception")
    todo.open_review(booked, NOW)

    todo.close_for(booked, by, NOW)

    assert (Task.objects.get().done_at, Task.objects.get().done_by) == (NOW, by)


def test_done_notes_who_and_when_and_only_the_first_time(booked):
    first, second = factories.user("clinical lead"), factories.user("clinical lead")
    task = todo.open_review(booked, NOW)

    todo.done(task, by=first, now=NOW)
    todo.done(task, by=second, now=NOW + DAY)

    assert (task.done_at, task.done_by) == (NOW, first)


def test_done_is_refused_without_the_role(booked):
    task = todo.open_review(booked, NOW)

    with pytest.raises(Refused) as refusal:
        todo.done(task, by=factories.user("reception"), now=NOW)

    assert refusal.value.messages == ["This task is for: Clinical lead."]
    assert Task.objects.get().done_at is None
