"""A published version cannot be changed, not even with raw SQL; generated over every table that hangs off it."""

from datetime import UTC, datetime

import psycopg2
import pytest
from django.apps import apps
from django.db import IntegrityError, InternalError, connection, models, transaction

from patients.models import User
from treatments import catalogue
from treatments.models import Phase, Protocol, ProtocolVersion
from treatments.models.freezing import FROZEN

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEY = "meso_face_custom_ha_vitc"


def parts_of_a_version():
    """Every model that is deleted with a version, and the path by which its rows reach it."""
    found = {ProtocolVersion: ""}
    grown = True
    while grown:
        grown = False
        for model in apps.get_app_config("treatments").get_models():
            for field in model._meta.get_fields():
                is_part = isinstance(field, models.ForeignKey) and field.remote_field.on_delete is models.CASCADE
                if is_part and field.related_model in found and model not in found:
                    found[model] = f"{field.name}__{found[field.related_model]}".strip("_")
                    grown = True
    del found[ProtocolVersion]
    return found


PARTS = parts_of_a_version()


@pytest.fixture
def draft(db):
    catalogue.load()
    return ProtocolVersion.objects.get(protocol__key=KEY)


def publish(version):
    clinician = User.objects.create_user("lead@clinic.example", name="Dr Lead")
    moments = {"checked_by": clinician, "checked_at": NOW, "published_at": NOW}
    ProtocolVersion.objects.filter(pk=version.pk).update(state="published", **moments)
    version.refresh_from_db()
    return version


@pytest.fixture
def published(draft):
    return publish(draft)


def row_of(model, version):
    return model.objects.filter(**{PARTS[model]: version}).first()


def statement(verb, model, row):
    table = model._meta.db_table
    columns = ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields if not field.primary_key)
    return {
        "INSERT": f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table} WHERE id = {row.pk}",
        "UPDATE": f"UPDATE {table} SET id = id WHERE id = {row.pk}",
        "DELETE": f"DELETE FROM {table} WHERE id = {row.pk}",
    }[verb]


def refusal(sql, *values):
    """The name of the constraint that refuses the statement; nothing when it passes. Undone in any case."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, values)
            transaction.set_rollback(True)
    except IntegrityError as error:
        return error.__cause__.diag.constraint_name
    return None


def test_a_version_has_twelve_kinds_of_parts():
    assert sorted(model.__name__ for model in PARTS) == [
        "AnaestheticLine",
        "CocktailLine",
        "DepthStep",
        "FollowUpRule",
        "FollowUpRuleQuestion",
        "Phase",
        "PhotoPoint",
        "VersionAftercare",
        "VersionCheck",
        "VersionScale",
        "VersionSegment",
        "VersionSource",
    ]


@pytest.mark.parametrize("verb", ["INSERT", "UPDATE", "DELETE"])
def test_raw_sql_on_every_part_of_a_published_version_is_refused(published, verb, counted):
    rows = {model: row_of(model, published) for model in PARTS}

    refused = {model: refusal(statement(verb, model, row)) for model, row in rows.items()}

    assert refused == dict.fromkeys(PARTS, FROZEN)
    counted(f"{len(refused)} tables of a published protocol version refused {verb}")


@pytest.mark.parametrize("verb", ["UPDATE", "DELETE"])
def test_raw_sql_on_every_part_of_a_draft_passes(draft, verb):
    rows = {model: row_of(model, draft) for model in PARTS}

    assert {model: refusal(statement(verb, model, row)) for model, row in rows.items()} == dict.fromkeys(PARTS)


@pytest.mark.parametrize("verb", ["INSERT", "UPDATE", "DELETE"])
def test_raw_sql_on_every_part_of_a_retired_version_is_refused(published, verb):
    ProtocolVersion.objects.filter(pk=published.pk).update(state="retired", retired_at=NOW)

    refused = {model: refusal(statement(verb, model, row_of(model, published))) for model in PARTS}

    assert refused == dict.fromkeys(PARTS, FROZEN)


def test_a_part_cannot_be_moved_into_a_published_version(published):
    other = Phase.objects.exclude(version=published).first()

    assert refusal("UPDATE treatments_phase SET version_id = %s WHERE id = %s", published.pk, other.pk) == FROZEN


def test_a_part_cannot_be_moved_out_of_a_published_version(published):
    draft = ProtocolVersion.objects.exclude(pk=published.pk).first()
    phase = published.phases.first()

    assert refusal("UPDATE treatments_phase SET version_id = %s WHERE id = %s", draft.pk, phase.pk) == FROZEN


@pytest.mark.parametrize("change", ["evidence = 'rumour'", "number = 7", "retired_at = now()", "checked_at = now()"])
def test_a_published_version_itself_cannot_be_changed(published, change):
    assert refusal(f"UPDATE treatments_protocolversion SET {change} WHERE id = %s", published.pk) == FROZEN


def test_a_published_version_itself_cannot_be_deleted(published):
    assert refusal("DELETE FROM treatments_protocolversion WHERE id = %s", published.pk) == FROZEN


def test_a_published_version_can_be_retired(published):
    sql = "UPDATE treatments_protocolversion SET state = 'retired', retired_at = now() WHERE id = %s"

    assert refusal(sql, published.pk) is None


def test_a_published_version_cannot_be_changed_while_it_is_retired(published):
    sql = "UPDATE treatments_protocolversion SET state = 'retired', retired_at = now(), number = 7 WHERE id = %s"

    assert refusal(sql, published.pk) == FROZEN


@pytest.mark.parametrize(
    "change", ["modality = 'microneedling'", "service_id = service_id + 1", "indication_id = indication_id + 1"]
)
def test_what_series_of_a_published_protocol_book_cannot_be_changed(published, change):
    sql = f"UPDATE treatments_protocol SET {change} WHERE id = %s"

    assert refusal(sql, published.protocol_id) == FROZEN
    ProtocolVersion.objects.filter(pk=published.pk).update(state="retired", retired_at=NOW)
    assert refusal(sql, published.protocol_id) == FROZEN


@pytest.mark.parametrize(
    "change", ["modality = 'microneedling'", "service_id = service_id", "indication_id = indication_id"]
)
def test_what_nobody_could_book_yet_may_be_changed(draft, change):
    assert refusal(f"UPDATE treatments_protocol SET {change} WHERE id = %s", draft.protocol_id) is None


@pytest.mark.parametrize("change", ["name = 'Another'", "is_retired = true"])
def test_how_a_published_protocol_is_called_and_offered_may_be_changed(published, change):
    assert refusal(f"UPDATE treatments_protocol SET {change} WHERE id = %s", published.protocol_id) is None


@pytest.mark.parametrize(("before", "after"), [("published", "draft"), ("retired", "published"), ("draft", "retired")])
def test_a_version_goes_through_its_states_in_one_direction(draft, before, after):
    version = draft if before == "draft" else publish(draft)
    if before == "retired":
        ProtocolVersion.objects.filter(pk=version.pk).update(state="retired", retired_at=NOW)

    with pytest.raises(InternalError, match=f'from "{before}" to "{after}"'):
        ProtocolVersion.objects.filter(pk=version.pk).update(state=after)


def test_a_version_is_not_published_unless_somebody_has_checked_it(draft):
    sql = "UPDATE treatments_protocolversion SET state = 'published', published_at = now() WHERE id = %s"

    assert refusal(sql, draft.pk) == "protocolversion_is_checked_by_somebody_when_published"


def test_a_protocol_has_one_published_version(published):
    second = ProtocolVersion.objects.get(pk=published.pk)
    second.pk, second.number, second.state = None, 2, "draft"
    second.public_id = "6f0a4a36-9f0c-4f0e-8f57-3f1c0d8e9a11"
    second.checked_by = second.checked_at = second.published_at = None
    second.save(force_insert=True)

    with pytest.raises(IntegrityError, match="protocolversion_is_published_once_per_protocol"):
        ProtocolVersion.objects.filter(pk=second.pk).update(
            state="published", checked_by=published.checked_by, checked_at=NOW, published_at=NOW
        )


@pytest.mark.django_db(transaction=True)
def test_a_part_waits_for_whoever_is_publishing():
    catalogue.load()
    version = ProtocolVersion.objects.get(protocol__key=KEY)
    add = "UPDATE treatments_phase SET note = 'late' WHERE version_id = %s"
    other = psycopg2.connect(**connection.get_connection_params() | {"cursor_factory": None})
    try:
        with transaction.atomic():
            publish(version)

            with other.cursor() as cursor:
                cursor.execute("SET lock_timeout = '200ms'")
                with pytest.raises(psycopg2.errors.LockNotAvailable):
                    cursor.execute(add, [version.pk])
            other.rollback()

        with other.cursor() as cursor, pytest.raises(psycopg2.errors.CheckViolation) as refused:
            cursor.execute(add, [version.pk])
    finally:
        other.close()

    assert refused.value.diag.constraint_name == FROZEN
    assert Protocol.objects.count() == 12
