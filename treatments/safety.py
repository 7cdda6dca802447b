"""The one door to the safety check: everything that plans, books, starts or records a treatment asks here.

The rules are in `rules`, `limits` and `open_points`, what they look at in `facts`; `known` reads the person,
`assessment` the plan and the catalogue.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from patients.models import BodyArea, Patient
from patients.prepared import Prepared
from treatments import assessment, known, open_points, rules
from treatments.facts import Plan, Subject, Treatment
from treatments.findings import BOOK, PLAN, RECORD, START, STOP, Finding, blocking, decided, in_order
from treatments.models import ProtocolVersion, Service, TreatmentSeries, TreatmentSession

__all__ = [
    "BOOK",
    "PLAN",
    "RECORD",
    "START",
    "Blocked",
    "Checked",
    "Finding",
    "assess",
    "assess_plan",
    "assess_series",
    "assess_service",
    "blocked_days",
    "blocking",
    "check_days",
    "check_series",
    "check_service",
    "revision",
]

# These kinds of visit put something on or into the skin; a talk or a look does not.
_TOUCHING = (Service.Kind.TREATMENT, Service.Kind.PATCH_TEST)
# Prepared, because every booking asks it while others wait for its locks.
_REVISION = Prepared(
    "safety_revision",
    "SELECT safety_revision, COALESCE((SELECT number FROM treatments_cataloguerevision LIMIT 1), 0)"
    " FROM patients_patient WHERE id = %(patient)s",
    patient="bigint",
)


@dataclass(frozen=True, slots=True)
class Checked:
    """Findings, and the revisions of patient and catalogue that they were made at; read before the rules were."""

    findings: list[Finding]
    revision: tuple[int, int]


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
    return check_series(
        series, on, session=session, fulfilled=fulfilled, is_without_anaesthetic=is_without_anaesthetic
    ).findings


def assess_service(
    patient: Patient, service: Service, on: date, *, fulfilled: Mapping[str, date] | None = None
) -> list[Finding]:
    """Assess a visit outside a series; one that does not touch the skin has no findings."""
    if service.kind not in _TOUCHING or not service.modality:
        return []
    return check_service(patient, service, on, fulfilled=fulfilled).findings


def check_series(
    series: TreatmentSeries, on: date, *, session: TreatmentSession | None = None,
    fulfilled: Mapping[str, date] | None = None, is_without_anaesthetic: bool = False,
) -> Checked:  # fmt: skip
    """The same, with what it was made at; everything that may change is read anew."""
    session = session or _first_open(series)
    found = known.of_visit(
        series.patient_id,
        series.protocol_version_id,
        series_id=series.pk,
        session_id=session.pk if session else None,
    )
    plan = assessment.fixed_plan(series.protocol_version_id, found.stamp)  # a series never runs on a draft
    treatment = assessment.visit_of(plan, found, series_id=series.pk, is_without_anaesthetic=is_without_anaesthetic)
    return Checked(assess(found.subject, treatment, on, fulfilled=fulfilled), found.revision)


def check_days(
    series: TreatmentSeries, asked: Mapping[TreatmentSession, date], *,
    fulfilled: Callable[[date], Mapping[str, date]] | None = None,
) -> dict[TreatmentSession, Checked]:  # fmt: skip
    """The same for several sessions of one series that are still to come, each on its local day; read once."""
    session = next(iter(asked))
    found = known.of_visit(series.patient_id, series.protocol_version_id, series_id=series.pk, session_id=session.pk)
    plan = assessment.fixed_plan(series.protocol_version_id, found.stamp)
    checked = {}
    for each, on in asked.items():
        here = replace(found, interval_min_days=each.phase.interval_min_days)
        treatment = assessment.visit_of(plan, here, series_id=series.pk)
        findings = assess(found.subject, treatment, on, fulfilled=fulfilled(on) if fulfilled else None)
        checked[each] = Checked(findings, found.revision)
    return checked


@dataclass(frozen=True, slots=True)
class Blocked:
    """A stretch of local days, both ends included, on which these findings forbid a visit."""

    first: date
    last: date
    findings: tuple[Finding, ...]


def blocked_days(
    series: TreatmentSeries, session: TreatmentSession, intervals: Iterable[int], first: date, last: date, *,
    stage: str = BOOK,
) -> dict[int, list[Blocked]]:  # fmt: skip
    """When visits of a series are forbidden between two days, for sessions after each least interval; one reading.

    `session` is one that is still to come. The rules are asked on those days alone on which their answer may change:
    when what was found clears, when a wash-out ends, and when a clinician's word does not hold any more.
    """
    found = known.of_visit(series.patient_id, series.protocol_version_id, series_id=series.pk, session_id=session.pk)
    plan = assessment.fixed_plan(series.protocol_version_id, found.stamp)
    asked = {}
    for interval in set(intervals):
        treatment = assessment.visit_of(plan, replace(found, interval_min_days=interval), series_id=series.pk)
        asked[interval] = list(_blocked(found.subject, treatment, first, last, stage))
    return asked


def _blocked(subject: Subject, treatment: Treatment, first: date, last: date, stage: str) -> Iterable[Blocked]:
    changes = {each.valid_until + timedelta(days=1) for each in subject.decisions if each.valid_until is not None}
    for rule in treatment.rules:
        if rule.washout_days is not None:
            answers = subject.answers.get(rule.condition_id, ())
            changes |= {(each.happened_on or each.reviewed_on) + timedelta(rule.washout_days) for each in answers}
    day = first
    while day <= last:
        findings = assess(subject, treatment, day)
        changes |= {each.clears_on for each in findings if each.clears_on is not None}
        after = min((change for change in changes if day < change <= last), default=last + timedelta(days=1))
        held_up = blocking(findings, stage)
        if held_up:
            yield Blocked(day, after - timedelta(days=1), tuple(held_up))
        day = after


def check_service(
    patient: Patient, service: Service, on: date, *, fulfilled: Mapping[str, date] | None = None
) -> Checked:
    """The same for a visit outside a series."""
    if service.kind not in _TOUCHING or not service.modality:
        return Checked([], _revision_read_along(patient, service) or revision(patient))
    found = known.of_person(patient.pk)
    treatment = Treatment(Plan(service.modality), assessment.rules_of(service.modality, found.stamp))
    return Checked(assess(found.subject, treatment, on, fulfilled=fulfilled), found.revision)


def revision(patient: Patient) -> tuple[int, int]:
    """Return what an assessment would be made at now: the patient's revision and the catalogue's."""
    (found,) = _REVISION.rows({"patient": patient.pk})
    return found


def _revision_read_along(patient: Patient, service: Service) -> tuple[int, int] | None:
    """The same as of when both were read, if the service has brought the catalogue's; an older one is asked again."""
    number = vars(service).get("catalogue_number")
    return None if number is None else (patient.safety_revision, number)


def _first_open(series: TreatmentSeries) -> TreatmentSession | None:
    ended = (TreatmentSession.State.DONE, TreatmentSession.State.SKIPPED, TreatmentSession.State.VOIDED)
    return series.sessions.exclude(state__in=ended).order_by("number").first()
