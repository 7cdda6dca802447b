"""A newer version of a protocol and the series that run on older ones: what it would change in the diary, and doing it.

Booked visits keep their times and what is kept for them; those that do not fit any more are told to reception.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from clinic import counting, followups, gate, reminders, reviews, timespans, todo
from clinic.models import Appointment
from clinic.still_fits import Shapes
from patients import locks, merging
from patients.models import User
from patients.refusals import Refused
from treatments import findings, simulation
from treatments import upgrades as course_upgrades
from treatments.models import ProtocolVersion, SeriesUpgrade, TreatmentSeries
from treatments.simulation import Change, Check, Outlook, Target

Status = Appointment.Status
COMING = (Status.BOOKED, Status.CONFIRMED)
IN_PLACE = (*COMING, Status.ARRIVED, Status.IN_TREATMENT)


@dataclass(frozen=True)
class VisitOutlook:
    """A booked visit of the series, and in words what does not fit it under the other version."""

    visit: Appointment
    change: Change
    notes: tuple[str, ...]
    check: Check | None

    @property
    def is_stopped(self) -> bool:
        """Whether it could not take place on its day."""
        return self.check is not None and bool(findings.blocking(self.check.findings, findings.BOOK))

    @property
    def fits(self) -> bool:
        return not self.notes and not self.is_stopped


@dataclass(frozen=True)
class Course:
    """One series under another version, with its visits."""

    outlook: Outlook
    visits: tuple[VisitOutlook, ...]

    @property
    def series(self) -> TreatmentSeries:
        return self.outlook.series

    @property
    def open_sessions(self) -> list[Change]:
        """The changes that are more than another number of the version."""
        return [each for each in self.outlook.changes if not each.is_same]

    @property
    def may_go_over(self) -> bool:
        return not self.outlook.refusals

    @property
    def misfits(self) -> list[VisitOutlook]:
        return [each for each in self.visits if not each.fits]

    @property
    def is_quiet(self) -> bool:
        """Whether there is nothing to look at first."""
        return self.may_go_over and not self.misfits and not self.outlook.findings and not self.outlook.notes


@dataclass(frozen=True)
class Followed:
    """Which version a series follows: a newer one that is in use, if there is one, and what it followed before."""

    newer: ProtocolVersion | None
    upgrades: list[SeriesUpgrade]


def followed(series: TreatmentSeries) -> Followed:
    """Read both for one series."""
    rows = SeriesUpgrade.objects.filter(series=series).select_related("from_version", "to_version", "by")
    return Followed(course_upgrades.newer_version(series), list(rows))


def behind(version: ProtocolVersion) -> QuerySet[TreatmentSeries]:
    """The running series of the protocol that follow an older version."""
    older = {"protocol_version__protocol": version.protocol_id, "protocol_version__number__lt": version.number}
    rows = simulation.running(TreatmentSeries.objects.filter(**older))
    return rows.order_by("patient__family_name", "patient__given_name", "pk")


def looked_ahead(
    rows: Iterable[TreatmentSeries], version: ProtocolVersion, *, now: datetime, today: date
) -> list[Course]:
    """What the version, which may be a draft, would change for each series; they come from `behind` or `simulation`.

    The number of queries does not depend on how many series, sessions or visits there are.
    """
    rows = list(rows)
    booked, days, begun = _diary(rows, now)
    met = gate.met_by({each.patient_id for each in rows})
    target = Target.of(version)
    used_up = counting.used_up([each.pk for each in rows])
    found = simulation.outlooks(rows, target, today=today, booked=days, fulfilled=met, begun=begun, used_up=used_up)
    shapes = Shapes(rows, version)
    return [_course(outlook, booked[outlook.series.pk], shapes) for outlook in found]


def upgrade(
    chosen: Mapping[int, int], version: ProtocolVersion, *, reason: str, by: User, now: datetime, today: date
) -> list[Course]:
    """Let these series (key -> the version of its row that was seen) follow the newer version: all or none.

    Locks the patients. Visits that do not fit any more, or that a safety check now stops, become tasks. Raises
    `Conflict` when somebody saved one of the series in between, and `Refused` with every reason.
    """
    if not chosen:
        raise Refused(_("Choose at least one series."))
    with locks.or_busy(), transaction.atomic():
        people = TreatmentSeries.objects.filter(pk__in=chosen).select_related("patient")
        locks.take(patients={key for each in people for key in merging.keys_of(each.patient)})
        courses = looked_ahead(course_upgrades.lock(chosen, version), version, now=now, today=today)
        refusals = [f"{each.series.patient}: {text}" for each in courses for text in each.outlook.refusals]
        if refusals:
            raise Refused(refusals)
        done = [course_upgrades.upgrade(each.outlook, reason=reason, by=by, now=now) for each in courses]
        for course, row in zip(courses, done, strict=True):
            _tell(course, row, now)
    return courses


def _tell(course: Course, done: SeriesUpgrade, now: datetime) -> None:
    """Assess the booked visits anew, open tasks for those that do not fit, and fit what the patient is sent."""
    followups.drop_left_behind(course.series, done.from_version)
    reminders.course_changed(course.series, now)
    fresh = Appointment.objects.for_lists().in_bulk([each.visit.pk for each in course.visits])
    for each in course.visits:
        visit = fresh[each.visit.pk]
        reviews.assess_again(visit, now)
        if each.notes:
            todo.open_course_change(visit, now)


def _diary(
    rows: Sequence[TreatmentSeries], now: datetime
) -> tuple[dict[int, dict[int, Appointment]], dict[int, dict[int, date]], dict[int, list[str]]]:
    """Coming visits and their local days by series and number; and which sessions have begun without an end."""
    booked, days, begun = defaultdict(dict), defaultdict(dict), defaultdict(list)
    found = Appointment.objects.filter(session__series__in=[each.pk for each in rows], status__in=IN_PLACE)
    for visit in found.select_related("session", "location", "practitioner__resource").order_by("starts_at"):
        series, number = visit.session.series_id, visit.session.number
        days[series][number] = timespans.date_of(visit.location.zone, visit.starts_at)
        if visit.status in COMING and visit.starts_at > now:
            booked[series][number] = visit
        else:
            text = _("Session %(number)s has begun: say first how it ended.")
            begun[series].append(text % {"number": number})
    return booked, days, begun


def _course(outlook: Outlook, booked: Mapping[int, Appointment], shapes: Shapes) -> Course:
    checks = {check.session.pk: check for check in outlook.checks}
    found = [
        VisitOutlook(visit, change, tuple(_notes(visit, change, outlook, shapes)), checks.get(change.session.pk))
        for change in outlook.changes
        if (visit := booked.get(change.session.number)) is not None
    ]
    return Course(outlook, tuple(found))


def _notes(visit: Appointment, change: Change, outlook: Outlook, shapes: Shapes) -> Iterable[str]:
    if change.is_too_soon:
        yield _("Sooner than the days between sessions then allow.")
    if change.is_late:
        yield _("Later than is then best.")
    areas = len(outlook.series.series_areas.all())
    yield from shapes.misfits(visit, outlook.series.protocol_version_id, areas, areas)
