"""What every page reads to plan or book a whole course: the series, its sessions, the visits of the patient.

Prepared, because the ORM takes longer to write these statements than the database to answer them.
"""

import uuid
from collections.abc import Iterable
from datetime import date

from django.db.models import Exists, OuterRef, Q

from clinic import timespans
from clinic.models import Appointment, Location, Practitioner, Qualification
from clinic.spacing import Elsewhere
from patients.joined import JoinedRows
from patients.prepared import PreparedRows
from treatments.models import ProtocolVersion, TreatmentSeries, TreatmentSession

_SERIES = JoinedRows(
    "course_series", TreatmentSeries, "WHERE this.public_id = %(public_id)s",
    along=(
        "patient", "protocol_version", "protocol_version__protocol", "protocol_version__protocol__service",
    ),
    public_id="uuid",
)  # fmt: skip
_SESSIONS = JoinedRows(
    "course_sessions", TreatmentSession, "WHERE this.series_id = %(series)s ORDER BY this.number",
    along=("phase",), series="bigint",
)  # fmt: skip
_LOCATIONS = PreparedRows("course_locations", Location, "WHERE is_active = %(in_use)s ORDER BY id", in_use="boolean")
_PEOPLE = JoinedRows(
    "course_people", Practitioner,
    "WHERE resource.is_active = %(in_use)s AND this.treats ORDER BY resource.name, resource.id",
    along=("resource",), in_use="boolean",
)  # fmt: skip
_VISITS = JoinedRows(
    "course_visits", Appointment,
    "WHERE this.patient_id IN (SELECT id FROM patients_patient WHERE id = %(patient)s OR merged_into_id = %(patient)s)"
    " AND this.status = ANY(%(live)s) AND this.session_id IS NOT NULL ORDER BY this.starts_at, this.id",
    along=("location", "service", "session", "session__phase"),
    more={
        # A session that was done keeps the areas it had, where they are not those of its series.
        "is_same_area": "EXISTS (SELECT FROM treatments_seriesarea own WHERE own.series_id = %(series)s AND CASE"
        " WHEN EXISTS (SELECT FROM treatments_treatmentsession_done_areas had"
        " WHERE had.treatmentsession_id = session.id)"
        " THEN EXISTS (SELECT FROM treatments_treatmentsession_done_areas had"
        " WHERE had.treatmentsession_id = session.id AND had.bodyarea_id = own.area_id)"
        " ELSE EXISTS (SELECT FROM treatments_seriesarea theirs"
        " WHERE theirs.series_id = session.series_id AND theirs.area_id = own.area_id) END)"
    },
    patient="bigint", series="bigint", live="text[]",
)  # fmt: skip

_LIVE = [status.value for status in Appointment.LIVE]


def series(public_id: uuid.UUID) -> TreatmentSeries | None:
    """The series with its patient, and what is booked for it."""
    return _SERIES.first(public_id=public_id)


def sessions(of: TreatmentSeries) -> list[TreatmentSession]:
    """All sessions of the series in their order, each with its phase."""
    found = _SESSIONS.all(series=of.pk)
    for session in found:
        session.series = of
    return found


def locations() -> list[Location]:
    """Those in use, the one made first first."""
    return _LOCATIONS.all(in_use=True)


def people() -> list[Practitioner]:
    """Everybody who treats patients, by name."""
    return _PEOPLE.all(in_use=True)


def who_may_treat(version: ProtocolVersion, on: date) -> list[Practitioner]:
    """Those of them who are qualified on that local day for every technique of the version, by name."""
    needed = {version.protocol.service.technique_id, *version.depth_steps.values_list("technique", flat=True)} - {None}
    able = Practitioner.objects.filter(treats=True, resource__is_active=True).select_related("resource")
    for technique in needed:
        is_valid = Q(valid_until=None) | Q(valid_until__gte=on)
        held = Qualification.objects.filter(is_valid, practitioner=OuterRef("pk"), technique=technique)
        able = able.filter(Exists(held))
    return list(able.order_by("resource__name", "pk"))


def visits(of: TreatmentSeries) -> list[Appointment]:
    """Live visits of the patient, whatever record they are on, for sessions of this and of other courses, by time.

    `is_same_area` tells whether the other course treats an area that this one treats too.
    """
    patient = of.patient.merged_into_id or of.patient_id
    return _VISITS.all(patient=patient, series=of.pk, live=_LIVE)


def of_other_courses(of: TreatmentSeries) -> list[Elsewhere]:
    """What the patient has in the diary of other courses now."""
    return elsewhere(of, visits(of))


def elsewhere(of: TreatmentSeries, found: Iterable[Appointment]) -> list[Elsewhere]:
    """Those of the patient's visits that belong to other courses."""
    return [
        Elsewhere(
            visit=visit.pk,
            day=timespans.date_of(visit.location.zone, visit.starts_at),
            number=visit.session.number,
            interval_min_days=visit.session.phase.interval_min_days,
            is_same_area=visit.is_same_area,
            name=visit.service.name,
        )
        for visit in found
        if visit.session.series_id != of.pk
    ]
