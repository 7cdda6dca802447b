"""What an address or a form names by its public id, and is in use: a location, a service, people, a patient.

Prepared, because every booking and every month of free times begins here: the ORM takes longer to write these
statements than the database to answer them.
"""

import uuid
from collections.abc import Iterable

from clinic.models import Location, Practitioner, Resource
from patients.models import Patient
from patients.prepared import PreparedRows, PreparedTogether
from treatments.models import Service

ONLINE = "online"
_LOCATION = PreparedRows(
    "named_location", Location,
    "WHERE is_active AND (%(public_id)s IS NULL OR public_id = %(public_id)s) ORDER BY id LIMIT 1",
    more={
        "rules": "(SELECT json_agg(json_build_array(key, minutes_before) ORDER BY id)"
        " FROM clinic_locationreminderrule WHERE location_id = this.id)",
    },
    public_id="uuid",
)  # fmt: skip
_SERVICE = PreparedRows(
    "named_service", Service,
    "WHERE public_id = %(public_id)s AND is_active AND CASE WHEN %(online)s THEN is_online ELSE is_desk END",
    more={
        "parts": "(SELECT json_agg(part) FROM treatments_servicesegment part WHERE part.service_id = this.id)",
        "catalogue_number": "COALESCE((SELECT number FROM treatments_cataloguerevision LIMIT 1), 0)",
    },
    public_id="uuid", online="boolean",
)  # fmt: skip
_PRACTITIONER = PreparedRows(
    "named_practitioner", Practitioner,
    "JOIN clinic_resource r ON r.id = this.resource_id WHERE r.public_id = %(public_id)s AND r.is_active",
    public_id="uuid",
)  # fmt: skip
_PEOPLE = PreparedRows(
    "named_people", Resource,
    "JOIN clinic_practitioner person ON person.resource_id = this.id WHERE this.is_active AND person.treats"
    " AND (%(public_ids)s IS NULL OR this.public_id = ANY(%(public_ids)s)) ORDER BY this.name, this.id",
    public_ids="uuid[]",
)  # fmt: skip
_PATIENT = PreparedRows(
    "named_patient", Patient, "WHERE public_id = %(public_id)s AND merged_into_id IS NULL", public_id="uuid"
)
_VISIT = PreparedTogether(
    "named_visit", service=_SERVICE, location=_LOCATION, practitioner=_PRACTITIONER, patient=_PATIENT
)


def location(public_id: uuid.UUID | None = None) -> Location | None:
    """The location, or the first one when none is named."""
    return _LOCATION.first(public_id=public_id)


def service(public_id: uuid.UUID, channel: str = "desk") -> Service | None:
    """The service with its parts, if the desk, or online whoever, may book it."""
    return _SERVICE.first(public_id=public_id, online=channel == ONLINE)


def visit(
    *, service: uuid.UUID | None, location: uuid.UUID | None, practitioner: uuid.UUID | None, patient: uuid.UUID | None
) -> dict[str, Service | Location | Practitioner | Patient | None]:
    """What a booking names, by these names, in one statement; of no location the first one."""
    return _VISIT.first(
        service_public_id=service, service_online=False, location_public_id=location,
        practitioner_public_id=practitioner, patient_public_id=patient,
    )  # fmt: skip


def people(public_ids: Iterable[uuid.UUID]) -> list[Resource]:
    """Those of them who treat patients, in the order of their names; everybody who does when none is named."""
    named = [str(public_id) for public_id in public_ids] or None
    return _PEOPLE.all(public_ids=named)


def patient(public_id: uuid.UUID) -> Patient | None:
    """The patient, unless the record was merged into another one."""
    return _PATIENT.first(public_id=public_id)
