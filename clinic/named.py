"""What an address or a form names by its public id, and is in use: a location, a service, people, a patient.

Plain SQL, because every booking and every month of free times begins here: the ORM takes longer to write these
statements than the database to answer them.
"""

import uuid
from collections.abc import Iterable

from clinic.models import Location, Practitioner, Resource
from patients.models import Patient
from treatments.models import Service

ONLINE = "online"
_LOCATION = """
    SELECT * FROM clinic_location WHERE is_active AND (%(id)s::uuid IS NULL OR public_id = %(id)s) ORDER BY id LIMIT 1
"""
_SERVICE = """
    SELECT * FROM treatments_service
    WHERE public_id = %s AND is_active AND CASE WHEN %s THEN is_online ELSE is_desk END
"""
_PRACTITIONER = """
    SELECT person.* FROM clinic_practitioner person JOIN clinic_resource resource ON resource.id = person.resource_id
    WHERE resource.public_id = %s AND resource.is_active
"""
_PEOPLE = """
    SELECT resource.* FROM clinic_resource resource JOIN clinic_practitioner person ON person.resource_id = resource.id
    WHERE resource.is_active AND person.treats
      AND (%(ids)s::uuid[] IS NULL OR resource.public_id = ANY(%(ids)s::uuid[]))
    ORDER BY resource.name, resource.id
"""
_PATIENT = """
    SELECT * FROM patients_patient WHERE public_id = %s AND merged_into_id IS NULL
"""


def location(public_id: uuid.UUID | None = None) -> Location | None:
    """The location, or the first one when none is named."""
    return next(iter(Location.objects.raw(_LOCATION, {"id": public_id})), None)


def service(public_id: uuid.UUID, channel: str = "desk") -> Service | None:
    """The service, if the desk, or online whoever, may book it."""
    return next(iter(Service.objects.raw(_SERVICE, [public_id, channel == ONLINE])), None)


def practitioner(public_id: uuid.UUID) -> Practitioner | None:
    """The practitioner."""
    return next(iter(Practitioner.objects.raw(_PRACTITIONER, [public_id])), None)


def people(public_ids: Iterable[uuid.UUID]) -> list[Resource]:
    """Those of them who treat patients, in the order of their names; everybody who does when none is named."""
    named = [str(public_id) for public_id in public_ids] or None
    return list(Resource.objects.raw(_PEOPLE, {"ids": named}))


def patient(public_id: uuid.UUID) -> Patient | None:
    """The patient, unless the record was merged into another one."""
    return next(iter(Patient.objects.raw(_PATIENT, [public_id])), None)
