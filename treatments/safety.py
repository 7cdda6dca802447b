"""The one door to the safety check: everything that plans, books, starts or records a treatment asks here.

The rules are in `rules`, `limits` and `open_points`, what they look at in `facts`, how it is loaded in `assessment`.
"""

from collections.abc import Iterable, Mapping
from datetime import date

from patients.models import BodyArea, Patient
from treatments import assessment, open_points, rules
from treatments.facts import Plan, Subject, Treatment
from treatments.findings import BOOK, PLAN, RECORD, START, STOP, Finding, blocking, decided, in_order
from treatments.models import CatalogueRevision, ProtocolVersion, Service, TreatmentSeries, TreatmentSession

__all__ = [
    "BOOK",
    "PLAN",
    "RECORD",
    "START",
    "Finding",
    "assess",
    "assess_plan",
    "assess_series",
    "assess_service",
    "blocking",
    "revision",
]

# These kinds of visit put something on or into the skin; a talk or a look does not.
_TOUCHING = (Service.Kind.TREATMENT, Service.Kind.PATCH_TEST)


def assess(
    subject: Subject, treatment: Treatment, on: date, *, fulfilled: Mapping[str, date] | None = None
) -> list[Finding]:
    """Return every finding for a visit on that local day, the most serious first. Pure.

    `fulfilled` holds the day of each prerequisite (`consultation`) that was met and still counts; only the diary
    knows it.
    """
    found = list(rules.conditions(subject, treatment, on).values())
    said = {finding.clears_on for finding in found if finding.severity == STOP}
    findings = [
        *found,
        *rules.allergies(subject, treatment, on),
        *rules.minimum_gap(treatment, on),
        *(finding for finding in rules.youngest_age(subject, treatment, on) if finding.clears_on not in said),
        *rules.live_limits(subject, treatment),
        *open_points.open_points(subject, treatment, on, fulfilled or {}),
    ]
    return in_order(decided(findings, subject.decisions, on))


def assess_plan(
    patient: Patient, version: ProtocolVersion, areas: Iterable[BodyArea], on: date, *,
    fulfilled: Mapping[str, date] | None = None,
) -> list[Finding]:  # fmt: skip
    """Assess a series that does not exist yet, as if its first session were on that local day."""
    first = version.phases.order_by("position").first()
    treatment = assessment.treatment_of(
        version, [area.pk for area in areas], patient, interval_min_days=first.interval_min_days if first else 0
    )
    return assess(assessment.subject_of(patient), treatment, on, fulfilled=fulfilled)


def assess_series(
    series: TreatmentSeries, on: date, *, session: TreatmentSession | None = None,
    fulfilled: Mapping[str, date] | None = None, is_without_anaesthetic: bool = False,
) -> list[Finding]:  # fmt: skip
    """Assess a session of a series, by default the first open one, as if it were on that local day."""
    if session is None:
        session = _first_open(series)
    treatment = assessment.treatment_of(
        series.protocol_version,
        series.series_areas.values_list("area_id", flat=True),
        series.patient,
        interval_min_days=session.phase.interval_min_days if session else 0,
        series_id=series.pk,
        session_id=session.pk if session else None,
        is_without_anaesthetic=is_without_anaesthetic,
    )
    return assess(assessment.subject_of(series.patient), treatment, on, fulfilled=fulfilled)


def assess_service(
    patient: Patient, service: Service, on: date, *, fulfilled: Mapping[str, date] | None = None
) -> list[Finding]:
    """Assess a visit outside a series; one that does not touch the skin has no findings."""
    if service.kind not in _TOUCHING or not service.modality:
        return []
    treatment = Treatment(Plan(service.modality), assessment.rules_for(service.modality))
    return assess(assessment.subject_of(patient), treatment, on, fulfilled=fulfilled)


def revision(patient: Patient) -> tuple[int, int]:
    """Return what an assessment was made at: the patient's revision and the catalogue's, both read now."""
    known = Patient.objects.values_list("safety_revision", flat=True).get(pk=patient.pk)
    number = CatalogueRevision.objects.values_list("number", flat=True).first()
    return known, number or 0


def _first_open(series: TreatmentSeries) -> TreatmentSession | None:
    ended = (TreatmentSession.State.DONE, TreatmentSession.State.SKIPPED, TreatmentSession.State.VOIDED)
    return series.sessions.exclude(state__in=ended).select_related("phase").order_by("number").first()
