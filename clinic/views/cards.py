"""The series card that is shown wherever a patient appears: how far, what next, and when."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from operator import attrgetter

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from clinic import counting, gate, timespans
from clinic.counting import Count
from clinic.models import Appointment, Location, Proposal, ProposedVisit, RuleOverride, Wishes
from patients import merging
from patients.models import User
from patients.roles import CLINICAL, has_role
from treatments import series as courses_of
from treatments import timelines
from treatments.models import TreatmentSeries, TreatmentSession
from treatments.safety import Finding
from treatments.timelines import Mark, Timeline
from treatments.windows import Window

BOOKABLE = courses_of.BOOKABLE
State = TreatmentSession.State
WAITING = (Appointment.Status.BOOKED, Appointment.Status.CONFIRMED)
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
    """One line of the progress list; `lost` is the visit that used the session up though it did not take place.

    `is_passed`: a later one is done or used up.
    """

    session: TreatmentSession
    window: Window | None
    visit: Appointment | None
    is_late: bool
    lost: Appointment | None = None
    is_passed: bool = False

    @property
    def mark(self) -> str:
        if self.lost:
            return "is-off"
        return "is-late" if self.is_late else MARKS.get(self.session.state, "")

    @property
    def name(self) -> str:
        """The session as a line of the course names it."""
        if self.session.phase.is_maintenance:
            return _("Maintenance visit")
        return _("Session %(number)s") % {"number": self.session.number}

    @property
    def state(self) -> str:
        """How it stands, in words."""
        if self.lost:
            return _("used up")
        return _("overdue") if self.is_late else self.session.get_state_display()

    @property
    def is_open(self) -> bool:
        """Whether it is neither over nor used up nor in the diary."""
        return self.session.state in TreatmentSession.OPEN and self.lost is None

    @property
    def may_be_put_back(self) -> bool:
        """Whether it was left out and its place in the course is still to come."""
        return self.session.state == State.SKIPPED and not self.is_passed

    @property
    def can_change(self) -> bool:
        """Whether its page has anything to change."""
        return self.is_open or self.session.state == State.BOOKED or self.session.is_done_elsewhere

    @property
    def day(self) -> date | None:
        """The local day on which the session was done or is booked, or was lost."""
        visit = self.visit or self.lost
        if self.session.done_on or not visit:
            return self.session.done_on
        return timespans.date_of(visit.location.zone, visit.starts_at)

    @property
    def is_to_come(self) -> bool:
        """Whether its visit waits in the diary."""
        return self.visit is not None and self.visit.status in WAITING

    @property
    def is_misfit(self) -> bool:
        """Whether a visit that waits is too early, or later than planned though nobody allowed that for its time."""
        window = self.window
        if window is None or not self.is_to_come:
            return False
        return self.day < window.earliest or (window.is_late(self.day) and not self.visit.may_be_late)

    @property
    def pictured(self) -> Mark:
        """The step as the picture of the course marks it."""
        session, window = self.session, self.window
        state = "late" if self.is_late else PICTURED.get(session.state, "planned")
        state = "missed" if self.lost else state
        is_shown = window is not None and not session.is_done_elsewhere
        days = (window.earliest, window.ideal, window.latest) if is_shown else ()
        return Mark(session.number, self.name, state, self.day, *days)


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

    @cached_property
    def count(self) -> Count:
        """What is used up and what is left."""
        lost = {step.session.number for step in self.steps if step.lost}
        return counting.count([step.session for step in self.steps], lost)

    @property
    def wishes(self) -> Wishes | None:
        """What the patient wishes of the course, if anything was said."""
        return getattr(self.series, "wishes", None)

    @property
    def location(self) -> Location | None:
        """The location that the patient wishes, or else where the patient came last, if it is in use."""
        visit = self.series.patient.appointments.select_related("location").order_by("-starts_at").first()
        places = (self.wishes and self.wishes.location, visit and visit.location)
        return next((place for place in places if place and place.is_active), None)

    @property
    def misfits(self) -> list[Step]:
        """The visits to come that are not where the course, as it is now, has them."""
        return [step for step in self.steps if self.is_running and step.is_misfit and step.day >= self.on]

    def all_kept_ahead(self, location: Location) -> int | None:
        """How many visits to come are booked, if the location keeps no more of a course ahead; else None."""
        kept = sum(step.is_to_come and step.day >= self.on for step in self.steps)
        return kept if location.visits_ahead is not None and kept >= location.visits_ahead else None

    @property
    def waiting(self) -> list[Proposal]:
        """Other times that the patient was asked about and has not answered."""
        return self.series.waiting_proposals

    @property
    def can_stop(self) -> bool:
        """Whether there is anything left to stop."""
        return self.is_running or self.series.state == TreatmentSeries.State.PAUSED

    @property
    def may_grow(self) -> bool:
        """Whether visits may come back into the course."""
        return self.can_stop or self.series.state == TreatmentSeries.State.COMPLETED

    @property
    def is_expired(self) -> bool:
        until = self.series.expires_on
        return until is not None and until < self.on and self.is_running

    @property
    def upcoming(self) -> Step | None:
        coming = (step for step in self.steps if step.session.state in (*TO_BOOK, State.BOOKED))
        return next((step for step in coming if not step.lost), None)

    @property
    def to_book(self) -> Step | None:
        if not self.is_running:
            return None
        return next((step for step in self.steps if step.session.state in TO_BOOK and not step.lost), None)

    @property
    def due_on(self) -> date:
        """When the next session to book would be best; the day of the card if nothing says when, or if nothing is."""
        return self.to_book.window.ideal if self.to_book and self.to_book.window else self.on

    @property
    def turn(self) -> tuple[date, int]:
        """When it is planned among the courses of one patient: what is due first comes first."""
        return self.due_on, self.series.pk

    @property
    def is_running(self) -> bool:
        return self.series.state in BOOKABLE

    @property
    def headline(self) -> str:
        step = self.upcoming
        if self.series.state == TreatmentSeries.State.ACTIVE and step is None and not self.count.left:
            return _("All sessions are used")
        if step is None or self.series.state == TreatmentSeries.State.STOPPED:
            return capfirst(self.series.get_state_display())
        if step.session.phase.is_maintenance:
            return step.name
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
    lost = Appointment.objects.filter(pk=OuterRef("pk")).using_up()
    visits = Appointment.objects.filter(Q(status__in=Appointment.LIVE) | Exists(lost))
    allowed = RuleOverride.objects.filter(appointment=OuterRef("pk"), rule="after_window")
    visits = visits.select_related("location", "practitioner__resource").annotate(may_be_late=Exists(allowed))
    visits = visits.order_by("starts_at", "pk")
    sessions = TreatmentSession.objects.select_related("phase").order_by("number")
    rows = rows.select_related(
        "protocol_version__protocol__service", "patient", "wishes__practitioner__resource", "wishes__location"
    ).prefetch_related(
        Prefetch("sessions", queryset=sessions.prefetch_related(Prefetch("appointments", queryset=visits))),
        Prefetch("proposals", queryset=waiting_proposals(), to_attr="waiting_proposals"),
        "series_areas__area",
    )
    return [_card(series, on) for series in rows]


def other_courses(card: Card) -> list[tuple[Card, bool]]:
    """The patient's other courses with something to book, in the order in which they are due; each: before this one?"""
    records = merging.group_of(card.series.patient)
    rows = TreatmentSeries.objects.filter(patient__in=records, state__in=BOOKABLE).exclude(pk=card.series.pk)
    found = sorted((each for each in cards(rows, card.on) if each.to_book), key=attrgetter("turn"))
    return [(each, each.turn < card.turn) for each in found]


def waiting_proposals() -> QuerySet[Proposal]:
    """Proposals that were not answered, the first deadline first; `zone_name` is where their first visit is."""
    place = ProposedVisit.objects.filter(proposal=OuterRef("pk")).order_by("starts_at").values("location__time_zone")
    waiting = Proposal.objects.filter(state=Proposal.State.OPEN).annotate(zone_name=Subquery(place[:1]))
    return waiting.order_by("kept_until", "pk")


def _card(series: TreatmentSeries, on: date) -> Card:
    visits, lost = {}, {}
    for session in series.sessions.all():
        for visit in session.appointments.all():
            (visits if visit.is_live else lost)[session.number] = visit
    days = {number: timespans.date_of(visit.location.zone, visit.starts_at) for number, visit in visits.items()}
    windows = courses_of.windows(series, booked=days, today=on, used_up=lost)
    steps, done = [], [each.number for each in series.sessions.all() if each.state == State.DONE]
    passed = max([*done, *lost], default=0)
    for session in series.sessions.all():
        number = session.number
        window = windows.get(number)
        is_late = session.state in TO_BOOK and window is not None and window.is_late(on)
        steps.append(Step(session, window, visits.get(number), is_late, lost.get(number), number < passed))
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
