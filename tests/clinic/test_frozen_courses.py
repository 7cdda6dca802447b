"""No edit of any field of a protocol reaches a running course; generated from the models, one test for each kind."""

import pytest
from django.db import connection, transaction

from tests.clinic.treatment_desk import TODAY
from tests.factories_treatments import clinical_lead
from tests.prove.frozen_courses import TABLES, as_bytes, edits, made
from treatments import drafting
from treatments.models.freezing import FROZEN


@pytest.fixture
def course(db):
    """On the protocol of the starter catalogue that comes first."""
    return made(1, TODAY)[0]


@pytest.fixture
def draft(course):
    return drafting.new_draft(course.protocol_version, by=clinical_lead())


def tried(edit, course):
    with transaction.atomic():
        refused = edit.refused()
        after = as_bytes(course)
        transaction.set_rollback(True)
    return refused, after


def test_every_field_of_a_published_version_is_kept_and_editing_a_draft_reaches_no_course(course, draft, counted):
    before, seen = as_bytes(course), {}

    for edit in edits(course.protocol_version):
        seen[str(edit)] = tried(edit, course)
    reached = [str(edit) for edit in edits(draft) if tried(edit, course)[1] != before]

    counted(f"Protocols: {len(seen)} fields of {len({each.split('.')[0] for each in seen})} kinds edited, 0 felt")
    assert {name for name, (refused, _after) in seen.items() if refused != FROZEN} == {"ProtocolVersion.state"}
    assert [name for name, (refused, after) in seen.items() if not refused or after != before] == []
    assert reached == []


def test_every_kind_of_row_that_the_starter_protocols_have_is_edited(course):
    edited = {edit.model for edit in edits(course.protocol_version)}

    assert edited == set(TABLES)


def test_without_the_triggers_an_edit_is_seen_in_a_running_course(course):
    before = as_bytes(course)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE 'pgtrigger_is_frozen%'"
        )
        for name, table in cursor.fetchall():
            cursor.execute(f'DROP TRIGGER "{name}" ON {table}')

    felt = [str(edit) for edit in edits(course.protocol_version) if tried(edit, course)[1] != before]

    assert len(felt) > 50
