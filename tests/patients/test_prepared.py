"""Rows that are written by a prepared statement."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import DataError, connection

from patients.models import Measurement
from patients.prepared import PreparedInsert
from tests.patients import factories

pytestmark = pytest.mark.django_db
INSERT = PreparedInsert("insert_measurements", Measurement)


def weight(kilograms: str, kind: str = "weight_kg") -> Measurement:
    return Measurement(
        patient=factories.patient(), kind=kind, value=Decimal(kilograms), measured_on=date(2026, 3, 2),
        measured_by=factories.user(email=f"by{kilograms}@example.com"),
    )  # fmt: skip


def test_all_rows_are_written_at_once_and_know_their_keys(django_assert_num_queries):
    rows = [weight("61.5"), weight("80"), weight("72.25")]

    with django_assert_num_queries(1):
        INSERT.write(rows)

    stored = {row.pk: row for row in Measurement.objects.all()}
    assert [stored[row.pk].value for row in rows] == [Decimal("61.5"), Decimal(80), Decimal("72.25")]
    assert [stored[row.pk].public_id for row in rows] == [row.public_id for row in rows]
    rows[0].save()
    assert Measurement.objects.count() == len(rows)


def test_nothing_to_write_is_no_statement(django_assert_num_queries):
    with django_assert_num_queries(0):
        INSERT.write([])


def test_what_is_too_long_is_refused_and_not_cut():
    with pytest.raises(DataError, match="too long"):
        INSERT.write([weight("61.5", kind="weight_kg_and_more")])


def test_no_statement_of_a_page_starts_another_process_however_large_the_table():
    def plan(cursor):
        cursor.execute("EXPLAIN SELECT count(*) FROM many")
        return " ".join(row[0] for row in cursor.fetchall())

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE many AS SELECT n FROM generate_series(1, 20000) n")
        cursor.execute("ANALYZE many")
        cursor.execute("SET LOCAL min_parallel_table_scan_size = 0; SET LOCAL parallel_setup_cost = 0")
        as_it_is = plan(cursor)
        cursor.execute("SET LOCAL max_parallel_workers_per_gather = 2")

        assert "Workers Planned" not in as_it_is
        assert "Workers Planned" in plan(cursor)
