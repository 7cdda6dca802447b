"""What another version of its protocol would make of a running series: its open sessions, their days, its checks.

Nothing is written. Everything for any number of series is read in a number of queries that depends only on how many
versions they follow now. What the diary knows (booked days, consultations) is handed in by the app above.
"""

import copy
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from treatments import assessment, known, safety
from treatments.facts import Plan
from treatments.findings import PLAN, Finding
from treatments.known import Known
from treatments.models import DepthStep, Phase, ProtocolVersion, TreatmentSeries, TreatmentSession
from treatments.protocols import ENDED
from treatments.series import windows_of
from treatments.windows import Window

State = TreatmentSession.State
OPEN = (State.PLANNED, State.BOOKED, State.MISSED, State.ON_HOLD)
NOT_SKIPPED = (*OPEN, State.DONE)
INTERVALS = ("interval_min_days", "interval_ideal_days", "interval_max_days")

Fulfilled = Callable[[int, date], Mapping[str, date]]


@dataclass(frozen=True)
class Target:
    """A version with what decides whether a series can follow it."""

    version: ProtocolVersion
    phases: tuple[Phase, ...]
    area_ids: frozenset[int]

    @classmethod
    def of(cls, version: ProtocolVersion) -> "Target":
        """Load it; it may be a draft."""
        areas = DepthStep.objects.filter(version=version).order_by().values_list("area_id", flat=True)
        return cls(version, tuple(version.phases.order_by("position")), frozenset(areas))


@dataclass(frozen=True, slots=True)
class Change:
    """One open session: its phase and its days now, and then. A session that is on hold keeps its place."""

    session: TreatmentSession
    phase: Phase
    was: Window | None
    becomes: Window | None
    booked_on: date | None = None

    @property
    def is_same(self) -> bool:
        """Whether neither the days between the sessions nor the best days of this one are different."""
        before = self.session.phase
        return self.was == self.becomes and all(
            getattr(before, name) == getattr(self.phase, name) for name in INTERVALS
        )

    @property
    def days_now(self) -> str:
        """The days after the session before, in short."""
        return _days(self.session.phase)

    @property
    def days_then(self) -> str:
        """The same under the other version."""
        return _days(self.phase)

    @property
    def is_too_soon(self) -> bool:
        """Whether the booked day would be before the first possible one, and is not so already."""
        return _is_before(self.booked_on, self.becomes) and not _is_before(self.booked_on, self.was)

    @property
    def is_late(self) -> bool:
        """Whether the booked day would be later than is best, and is not so already."""
        return _is_after(self.booked_on, self.becomes) and not _is_after(self.booked_on, self.was)


@dataclass(frozen=True, slots=True)
class Check:
    """The safety checks that only the other version brings, for one session on one local day."""

    session: TreatmentSession
    on: date
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Outlook:
    """One series under another version; with refusals it cannot go over, notes are to be looked at before."""

    series: TreatmentSeries
    target: Target
    changes: tuple[Change, ...]
    checks: tuple[Check, ...]
    refusals: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def findings(self) -> list[Finding]:
        """Every new safety check once, whatever the session."""
        found = {_known_by(each): each for check in self.checks for each in check.findings}
        return list(found.values())


@dataclass(frozen=True)
class _World:
    """What every series of one outlook is looked at with."""

    target: Target
    then: Plan
    now: Mapping[int, Plan]
    people: Mapping[int, Known]
    fulfilled: Fulfilled
    used_up: Mapping[int, Collection[int]]


def running(rows: QuerySet[TreatmentSeries]) -> QuerySet[TreatmentSeries]:
    """Of these series those that have not ended, with all that an outlook looks at."""
    return with_everything(rows.exclude(state__in=ENDED))


def with_everything(rows: QuerySet[TreatmentSeries]) -> QuerySet[TreatmentSeries]:
    """Fetch with the series all that an outlook looks at."""
    sessions = TreatmentSession.objects.select_related("phase").order_by("number")
    return rows.select_related("patient", "protocol_version__protocol").prefetch_related(
        Prefetch("sessions", sessions), "series_areas__area"
    )


def outlooks(
    rows: Sequence[TreatmentSeries], target: Target, *, today: date, booked: Mapping[int, Mapping[int, date]],
    fulfilled: Fulfilled, begun: Mapping[int, Iterable[str]], used_up: Mapping[int, Collection[int]],
) -> list[Outlook]:  # fmt: skip
    """Look at each series, fetched `with_everything`.

    `booked` holds the local day of every booked session by series and number; `fulfilled` says which prerequisites a
    patient (by key) meets on a day and since when; `begun` names by series what stands against it in the diary;
    `used_up` has by series the numbers of sessions that a visit has used up though it did not take place.
    """
    world = _world(rows, target, fulfilled, used_up)
    return [_outlook(each, world, booked.get(each.pk, {}), begun.get(each.pk, ()), today) for each in rows]


def _world(
    rows: Sequence[TreatmentSeries], target: Target, fulfilled: Fulfilled, used_up: Mapping[int, Collection[int]]
) -> _World:
    people = known.of_series((each.patient_id, each.protocol_version_id, each.pk) for each in rows)
    stamp = next((each.stamp for each in people.values()), None)
    plans = {key: assessment.fixed_plan(key, stamp) for key in {each.protocol_version_id for each in rows}}
    is_draft = target.version.state == ProtocolVersion.State.DRAFT
    key = target.version.pk
    then = assessment.plan_of(key) if is_draft else assessment.fixed_plan(key, stamp)
    return _World(target, then, plans, people, fulfilled, used_up)


def _outlook(
    series: TreatmentSeries, world: _World, booked: Mapping[int, date], begun: Iterable[str], today: date
) -> Outlook:
    used_up = world.used_up.get(series.pk, ())
    changes = changes_of(series, world.target, booked=booked, today=today, used_up=used_up)
    checks = [
        Check(each.session, on, tuple(_new(series, each, on, world))) for each, on in _days_to_check(changes, today)
    ]
    return Outlook(
        series,
        world.target,
        changes,
        checks=tuple(check for check in checks if check.findings),
        refusals=(*_against(series, world.target, changes), *_forbidden(checks), *begun),
        notes=tuple(_notes(series, world.target, changes)),
    )


def changes_of(
    series: TreatmentSeries, target: Target, *, booked: Mapping[int, date], today: date, used_up: Collection[int]
) -> tuple[Change, ...]:
    """What becomes of each open session; its number and its own dates stay. One that is used up is open no more."""
    sessions = list(series.sessions.all())
    phases = phases_of(sessions, target.phases)
    sessions = [each for each in sessions if each.number not in used_up]
    moved = [_copied(each, phases[each.pk]) if each.state in OPEN else each for each in sessions]
    details = {"booked": booked, "today": today, "expires_on": series.expires_on}
    was = windows_of(sessions, series.first_possible_on, **details)
    becomes = windows_of(moved, series.first_possible_on, **details)
    return tuple(
        Change(each, phases[each.pk], was.get(each.number), becomes.get(each.number), _booked_on(each, booked))
        for each in sessions
        if each.state in OPEN
    )


def phases_of(sessions: Iterable[TreatmentSession], phases: Iterable[Phase]) -> dict[int, Phase]:
    """The phase of each session (by key) in another version: by its place in the course, maintenance by its own.

    The last phase goes on where the course is longer; where the version has no such phase, a session keeps the one it
    has.
    """
    phases = list(phases)
    course = [phase for phase in phases if not phase.is_maintenance for _each in range(phase.sessions)]
    later = [phase for phase in phases if phase.is_maintenance]
    given, places = {}, {True: 0, False: 0}
    for session in sessions:
        is_maintenance = session.phase.is_maintenance
        row = later if is_maintenance else course
        given[session.pk] = row[min(places[is_maintenance], len(row) - 1)] if row else session.phase
        places[is_maintenance] += 1
    return given


def _copied(session: TreatmentSession, phase: Phase) -> TreatmentSession:
    twin = copy.copy(session)
    twin.phase = phase
    return twin


def _days(phase: Phase) -> str:
    words = {"least": phase.interval_min_days, "ideal": phase.interval_ideal_days, "most": phase.interval_max_days}
    if words["least"] == words["most"]:
        return str(words["least"])
    return _("%(ideal)s (%(least)s–%(most)s)") % words


def _booked_on(session: TreatmentSession, booked: Mapping[int, date]) -> date | None:
    return booked.get(session.number) if session.state == State.BOOKED else None


def _is_before(day: date | None, window: Window | None) -> bool:
    return day is not None and window is not None and day < window.earliest


def _is_after(day: date | None, window: Window | None) -> bool:
    return day is not None and window is not None and window.is_late(day)


def _days_to_check(changes: Iterable[Change], today: date) -> Iterable[tuple[Change, date]]:
    """The days that matter: of every booked session, and the first possible one of the next that is not booked."""
    is_next = True
    for change in changes:
        if change.booked_on is not None:
            yield change, change.booked_on
        elif is_next and change.becomes is not None:
            is_next = False
            yield change, max(today, change.becomes.earliest)


def _new(series: TreatmentSeries, change: Change, on: date, world: _World) -> list[Finding]:
    """The checks of that day that the version now followed does not bring."""
    person, met = world.people[series.pk], world.fulfilled(series.patient_id, on)

    def under(plan: Plan, phase: Phase) -> list[Finding]:
        visit = replace(person, interval_min_days=phase.interval_min_days)
        return safety.assess(person.subject, assessment.visit_of(plan, visit, series_id=series.pk), on, fulfilled=met)

    before = {_known_by(each) for each in under(world.now[series.protocol_version_id], change.session.phase)}
    return [each for each in under(world.then, change.phase) if _known_by(each) not in before]


def _known_by(finding: Finding) -> tuple[str, str, str]:
    return finding.code, finding.area, finding.severity


def _forbidden(checks: Iterable[Check]) -> Iterable[str]:
    """A plan that can never be carried out is not planned; what ends on a day, or a clinician may decide, can be."""
    found = (each for check in checks for each in check.findings if PLAN in each.blocks)
    lasting = [each for each in found if each.clears_on is None and not each.is_decidable]
    if lasting:
        yield _("Not with this version: %(reason)s") % {"reason": lasting[0].desk_message}


def _against(series: TreatmentSeries, target: Target, changes: Collection[Change]) -> Iterable[str]:
    if series.state in ENDED:
        yield _("This series has ended.")
    elif not changes:
        yield _("Every session of this series is done: nothing would change.")
    untreated = [row.area.label for row in series.series_areas.all() if row.area_id not in target.area_ids]
    if untreated:
        yield _("The protocol does not treat: %(areas)s.") % {"areas": ", ".join(untreated)}
    if not any(not phase.is_maintenance for phase in target.phases):
        yield _("A protocol needs at least one phase.")


def _notes(series: TreatmentSeries, target: Target, changes: Sequence[Change]) -> Iterable[str]:
    version, planned = target.version, series.sessions_planned
    if not version.sessions_min <= planned <= version.sessions_max:
        words = {"planned": planned, "least": version.sessions_min, "most": version.sessions_max}
        yield ngettext(
            "The series has %(planned)s session and keeps it; the version allows between %(least)s and %(most)s.",
            "The series has %(planned)s sessions and keeps them; the version allows between %(least)s and %(most)s.",
            planned,
        ) % words  # fmt: skip
    if any(change.session.phase.is_maintenance for change in changes) and not any(
        phase.is_maintenance for phase in target.phases
    ):
        yield _("The version has no maintenance: the maintenance that is planned keeps its days.")
