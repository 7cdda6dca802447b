"""Running courses on published protocols, everything that hangs off them as bytes, and every edit of every field.

The edits are generated from the models: whatever column a version or a part of one has, now or later, is edited.
"""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from django.db import DatabaseError, connection, models, transaction

from clinic.models import Appointment, Location
from tests import factories
from tests.clinic import messages
from tests.factories_treatments import clinical_lead
from tests.treatments.test_protocol_triggers import PARTS
from treatments import assessment, catalogue, protocols
from treatments import series as courses_of
from treatments.models import ProtocolVersion, Service, TreatmentSeries, TreatmentSession

# From a published version to the rows that are part of it; the version is one of them.
TABLES = {ProtocolVersion: "pk", **PARTS}
STATES = ("done", "booked", "missed", "on_hold", "skipped", "planned", "voided")
BY_ANY = "a rule without a name"
ANOTHER = {
    models.BooleanField: lambda value: not value,
    models.UUIDField: lambda value: uuid.uuid4(),
    models.DateTimeField: lambda value: (value or factories.NOW) + timedelta(days=1),
    models.DecimalField: lambda value: (value or 0) + Decimal(1),
    models.IntegerField: lambda value: (value or 0) + 1,
}


@dataclass(frozen=True)
class Edit:
    """Another value in one column of one row of a version."""

    model: type[models.Model]
    field: models.Field
    row: int
    value: object

    def __str__(self) -> str:
        return f"{self.model.__name__}.{self.field.name}"

    def refused(self) -> str:
        """The constraint that refuses it when it is written by raw SQL; empty when it is written."""
        sql = f'UPDATE {self.model._meta.db_table} SET "{self.field.column}" = %s WHERE id = %s'
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(sql, [self.value, self.row])
        except DatabaseError as error:
            return getattr(error.__cause__.diag, "constraint_name", None) or BY_ANY
        return ""


def made(count: int | None, today: date) -> list[TreatmentSeries]:
    """Publish so many protocols of the starter catalogue (None: all that can be) with a course in every state on each.

    The sessions of a course are in the states of `STATES`, as many as the protocol allows.
    """
    catalogue.load()
    lead, place, found = clinical_lead(), factories.location(), []
    for version in ProtocolVersion.objects.order_by("protocol__key").select_related("protocol"):
        if protocols.complaints(version) or (count is not None and len(found) >= count):
            continue
        found.append(_course(protocols.publish(version, by=lead, now=factories.NOW), place, today))
    return found


def _course(version: ProtocolVersion, place: Location, today: date) -> TreatmentSeries:
    areas = [step.area for step in version.depth_steps.select_related("area")]
    series = courses_of.start(
        factories.patient(), version, areas=areas, sessions_planned=version.sessions_max,
        first_possible_on=today - timedelta(days=200), today=today, by=factories.user("reception"),
    )  # fmt: skip
    for number, session in enumerate(series.sessions.order_by("number")):
        state, on = STATES[number % len(STATES)], today - timedelta(days=200 - 30 * number)
        _put(session, state, on)
        if state == "booked":
            coming = today + timedelta(days=7 + 30 * number)
            messages.visit(place, datetime.combine(coming, time(10), tzinfo=UTC), session=session)
    return series


def _put(session: TreatmentSession, state: str, on: date) -> None:
    """Through the states that lead there, as the database asks for."""
    steps = {"done": ("booked", "done"), "missed": ("booked", "missed"), "planned": ()}.get(state, (state,))
    for step in steps:
        session.state = step
        session.done_on = on if step == "done" else None
        session.skip_reason = "not wanted" if step == "skipped" else ""
        session.save()


def rows(model: type[models.Model], **of: object) -> list[str]:
    """Every column of these rows, as the database writes them."""
    keys = list(model.objects.filter(**of).order_by("pk").values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT to_jsonb(one)::text FROM {model._meta.db_table} one WHERE id = ANY (%s) ORDER BY id", [keys]
        )
        return [text for (text,) in cursor.fetchall()]


def as_bytes(series: TreatmentSeries) -> bytes:
    """The course, all that it is planned by, and what is worked out of both: best days, doses, depths, limits."""
    series = TreatmentSeries.objects.get(pk=series.pk)
    version = series.protocol_version
    kept = {
        "series": rows(TreatmentSeries, pk=series.pk),
        "sessions": rows(TreatmentSession, series=series.pk),
        "areas": rows(series.series_areas.model, series=series.pk),
        "parts": {model.__name__: rows(model, **{path: version.pk}) for model, path in TABLES.items()},
        "days": {str(number): str(window) for number, window in courses_of.windows(series).items()},
        "plan": str(assessment.plan_of(version.pk)),
        "visits": rows(Appointment, session__series=series.pk),
        "booked as": rows(Service, pk=version.protocol.service_id),
    }
    return json.dumps(kept, sort_keys=True).encode()


def edits(version: ProtocolVersion) -> Iterator[Edit]:
    """Another value for every column of one row of every kind that the version has."""
    for model, path in TABLES.items():
        row = model.objects.filter(**{path: version.pk}).order_by("pk").first()
        if row is not None:
            yield from edits_of(row)


def edits_of(row: models.Model) -> Iterator[Edit]:
    """Another value for every column of the row."""
    for field in row._meta.concrete_fields:
        if not field.primary_key:
            yield Edit(type(row), field, row.pk, other(field, row))


def other(field: models.Field, row: models.Model) -> object:
    """A value of the column's type that the row does not have."""
    value = getattr(row, field.attname)
    if isinstance(field, models.ForeignKey):
        return field.related_model.objects.exclude(pk=value).values_list("pk", flat=True).first() or value
    if field.choices:
        return next(choice for choice, _label in field.flatchoices if choice != value)
    for kind, changed in ANOTHER.items():
        if isinstance(field, kind):
            return changed(value)
    return f"{value}x"[-field.max_length :] if field.max_length else f"{value}x"
