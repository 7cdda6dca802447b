"""The series card that is shown wherever a patient appears: how far, what next, and when."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from django.db.models import Prefetch, QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic import gate, timespans
from clinic.models import Appointment, Location
from patients.models import User
from patients.roles import CLINICAL, has_role
from treatments import series as courses_of
from treatments import timelines
from treatments.models import TreatmentSeries, TreatmentSession
from treatments.safety import Finding
from treatments.timelines import Mark, Timeline
from treatments.windows import Window

BOOKABLE = ("draft", "awaiting_clearance", "active")
State = TreatmentSession.State
TO_BOOK = (State.PLANNED, State.MISSED)
PICTURED = {
    State.DONE: "done",
    State.BOOKED: "booked",
    State.MISSED: "missed",
    State.SKIPPED: "off",
    State.VOIDED: "off",
}
MARKS = {State.DONE: "is-done", State.BOOKED: "is-booked", State.SKIPPED: "is-off", State.VOIDED: "is-off"}


@dataclass(frozen=True)
class Step:
    """One line of the progress list."""

    session: TreatmentSession
    window: Window | None
    visit: Appointment | None
    is_late: bool

    @property
    def mark(self) -> str:
        return "is-late" if self.is_late else MARKS.get(self.session.state, "")

    @property
    def day(self) -> date | None:
        """The local day on which the session was done or is booked."""
        if self.session.done_on or not self.visit:
            return self.session.done_on
        return timespans.date_of(self.visit.location.zone, self.visit.starts_at)

    @property
    def pictured(self) -> Mark:
        """The step as the picture of the course marks it."""
        session, window = self.session, self.window
        label = _("Session %(number)s") % {"number": session.number}
        state = "late" if self.is_late else PICTURED.get(session.state, "planned")
        days = (window.earliest, window.ideal, window.latest) if window else ()
        return Mark(session.number, label, state, self.day, *days)


@dataclass(frozen=True)
class Card:
    """One series with its steps; `upcoming` is the step that is to be booked or done next."""

    series: TreatmentSeries
    steps: list[Step]
    on: date

    @cached_property
    def timeline(self) -> Timeline:
        """The course as a picture, seen from the day of the card."""
        return timelines.timeline([step.pictured for step in self.steps], self.on)

    @property
    def upcoming(self) -> Step | None:
        return next((step for step in self.steps if step.session.state in (*TO_BOOK, State.BOOKED)), None)

    @property
    def to_book(self) -> Step | None:
        if not self.is_running:
            return None
        return next((step for step in self.steps if step.session.state in TO_BOOK), None)

    @property
    def is_running(self) -> bool:
        return self.series.state in BOOKABLE

    @property
    def headline(self) -> str:
        step = self.upcoming
        if step is None:
            return self.series.get_state_display()
        return _("Session %(number)s of %(planned)s") % {
            "number": step.session.number,
            "planned": self.series.sessions_planned,
        }


def clinic_day(now: datetime) -> date:
    """Today where the clinic is; with several locations, at the first of them."""
    location = Location.objects.filter(is_active=True).order_by("pk").first()
    return timespans.date_of(location.zone, now) if location else now.date()


def cards(rows: QuerySet[TreatmentSeries], on: date) -> list[Card]:
    """The cards of these series, with a fixed number of queries for the visits of all of them."""
    live = Appointment.objects.live().select_related("location", "practitioner__resource")
    sessions = TreatmentSession.objects.select_related("phase").order_by("number")
    rows = rows.select_related("protocol_version__protocol__service", "patient").prefetch_related(
        Prefetch("sessions", queryset=sessions.prefetch_related(Prefetch("appointments", queryset=live))),
        "series_areas__area",
    )
    return [_card(series, on) for series in rows]


def _card(series: TreatmentSeries, on: date) -> Card:
    visits = {session.number: next(iter(session.appointments.all()), None) for session in series.sessions.all()}
    days = {number: visit.starts_at.astimezone(visit.location.zone).date() for number, visit in visits.items() if visit}
    windows = courses_of.windows(series, booked=days, today=on)
    steps = []
    for session in series.sessions.all():
        window = windows.get(session.number)
        is_late = session.state in TO_BOOK and window is not None and window.is_late(on)
        steps.append(Step(session, window, visits[session.number], is_late))
    return Card(series, steps, on)


@dataclass(frozen=True)
class Check:
    """A safety check in the words of whoever reads it."""

    severity: str
    headline: str
    message: str
    clears: str


def checks(findings: list[Finding], reader: User) -> list[Check]:
    """The findings; people without a clinical role read what to say and from when, never the clinical answer."""
    if has_role(reader, *CLINICAL):
        return [Check(finding.severity, finding.headline, finding.message, finding.clears) for finding in findings]
    spoken = [
        Check(finding.severity, finding.headline, finding.desk_message, _from_when(finding)) for finding in findings
    ]
    return list(dict.fromkeys(spoken))


def checks_of(card: Card, reader: User, on: date) -> list[Check]:
    """The safety checks of the session that comes next, on the first day it may happen."""
    step = card.upcoming
    if step is None or not card.is_running:
        return []
    day = max(on, step.window.earliest) if step.window else on
    service = card.series.protocol_version.protocol.service
    return checks(gate.findings(card.series.patient, service, step.session, day), reader)


def _from_when(finding: Finding) -> str:
    if finding.clears_on is None:
        return ""
    return _("Possible from %(day)s.") % {"day": date_format(finding.clears_on, "j F Y")}
