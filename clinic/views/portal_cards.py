"""The portal's words for a series and for the one thing to do next."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic import gate, timespans
from clinic.aftercare import Advice
from clinic.models import Appointment, Proposal
from clinic.portal import Afterwards
from clinic.views import cards
from treatments import safety, timelines
from treatments.models import TreatmentSeries, TreatmentSession
from treatments.timelines import Mark, Timeline

SOON = timedelta(days=3)
FORMS = frozenset({"birth_date", "consent", "history", "history_old"})
LEFT_OUT = (TreatmentSession.State.SKIPPED, TreatmentSession.State.VOIDED)


@dataclass(frozen=True)
class Course:
    """One series as its patient sees it. What a safety check found is reduced to a date and a wish to talk."""

    card: cards.Card
    why: str
    talks_first: bool
    possible_on: date | None
    has_open_forms: bool
    is_late: bool

    @property
    def counted(self) -> list[cards.Step]:
        """The visits that belong to the series; those left out are not counted, nor is maintenance."""
        return [step for step in self.shown if not step.session.phase.is_maintenance]

    @property
    def shown(self) -> list[cards.Step]:
        return [step for step in self.card.steps if step.session.state not in LEFT_OUT]

    @property
    def count_in_words(self) -> str:
        """How far the series is; a visit that is used up without a treatment is named."""
        count = self.card.count
        words = {"done": count.done, "planned": count.planned, "used": count.used, "left": count.left}
        if not count.lost:
            return _("%(done)s of %(planned)s visits are done, %(left)s left") % words
        lost = ngettext(
            "%(lost)s of them was missed or cancelled late",
            "%(lost)s of them were missed or cancelled late",
            count.lost,
        )
        words["lost"] = lost % {"lost": count.lost}
        return _("%(used)s of %(planned)s visits are used, %(left)s left; %(lost)s") % words

    @property
    def is_paused(self) -> bool:
        return self.card.series.state == TreatmentSeries.State.PAUSED

    @property
    def booked(self) -> cards.Step | None:
        """The next visit of the series that is in the diary."""
        booked = (step for step in self.shown if step.session.state == TreatmentSession.State.BOOKED)
        return next((step for step in booked if step.visit is not None), None)

    @cached_property
    def timeline(self) -> Timeline:
        """The series as a picture and a table; without days for what has to be talked about first."""
        marks = [
            replace(step.pictured, number=number, label=_("Visit %(number)s") % {"number": number})
            for number, step in enumerate(self.counted, start=1)
        ]
        marks += [step.pictured for step in self.shown if step.session.phase.is_maintenance]
        if self.talks_first:
            marks = [mark if mark.on else Mark(mark.number, mark.label, mark.state) for mark in marks]
        return timelines.timeline(marks, self.card.on)

    @property
    def headline(self) -> str:
        step = self.card.upcoming
        if step is None:
            return _("All visits are done")
        if step.session.phase.is_maintenance:
            return step.name
        number = self.counted.index(step) + 1
        return _("Visit %(number)s of %(planned)s") % {"number": number, "planned": len(self.counted)}


@dataclass(frozen=True)
class Line:
    """One piece of advice with the time for which it counts, in words."""

    advice: Advice
    when: str


@dataclass(frozen=True)
class NextStep:
    """The one thing on top of the page: `what` is answer, visit, aftercare, book, talk, forms or nothing."""

    what: str
    visit: Appointment | None = None
    course: Course | None = None
    proposal: Proposal | None = None


def courses(rows: QuerySet[TreatmentSeries], on: date) -> list[Course]:
    """The series of one person in the portal's words, the one that was started last first."""
    return [_course(card, on) for card in cards.cards(rows, on)]


def next_step(
    found: list[Course], visits: list[Appointment], afterwards: Afterwards | None, now: datetime,
    proposal: Proposal | None = None,
) -> NextStep:  # fmt: skip
    """What waits for an answer, a visit within three days, advice that counts now, a visit to book, a later one."""
    if proposal is not None:
        return NextStep("answer", proposal=proposal)
    first = next(iter(visits), None)
    if first is not None and first.starts_at - now <= SOON:
        return NextStep("visit", visit=first)
    if afterwards is not None and afterwards.hours.is_asking and now - afterwards.ended_at <= SOON:
        return NextStep("aftercare", visit=afterwards.visit)
    for course in found:
        if course.card.to_book is not None and course.booked is None:
            return NextStep("talk" if course.talks_first else "book", course=course)
    if first is not None:
        return NextStep("visit", visit=first)
    with_forms = next((course for course in found if course.has_open_forms), None)
    return NextStep("forms", course=with_forms) if with_forms else NextStep("nothing")


def _course(card: cards.Card, on: date) -> Course:
    """With the safety checks of the visit that comes next, on the first day on which it may happen."""
    step = card.to_book or card.upcoming
    if step is None or not card.is_running:
        return Course(card, "", talks_first=False, possible_on=None, has_open_forms=False, is_late=False)
    day = max(on, step.window.earliest) if step.window else on
    service = card.series.protocol_version.protocol.service
    found = gate.findings(card.series.patient, service, step.session, day)
    holding = safety.blocking(found, safety.BOOK)
    until = [finding.clears_on for finding in holding]
    return Course(
        card,
        why_then(card, step),
        talks_first=bool(holding),
        possible_on=max(until) if until and None not in until else None,
        has_open_forms=any(finding.code in FORMS for finding in found),
        is_late=step.is_late,
    )


def why_then(card: cards.Card, step: cards.Step) -> str:
    """Why a visit cannot be earlier, in a sentence; the practitioner's own reason is clinical and is not told."""
    session = step.session
    if session.not_before_on or session.best_on or session.not_after_on:
        return _("Your practitioner set these dates.")
    before = _step_before(card, step)
    if before is None:
        return _("This is the first visit of the series.")
    days = session.phase.interval_min_days
    if before.day is None:
        words = ngettext(
            "At least %(days)s day after the visit before, so that your skin has recovered.",
            "At least %(days)s days after the visit before, so that your skin has recovered.",
            days,
        )
        return words % {"days": days}
    words = ngettext(
        "At least %(days)s day after your visit of %(day)s, so that your skin has recovered.",
        "At least %(days)s days after your visit of %(day)s, so that your skin has recovered.",
        days,
    )
    return words % {"days": days, "day": date_format(before.day, "j F")}


def lines(after: Afterwards, now: datetime) -> dict[str, list[Line]]:
    """The advice of the last treatment, at the clinic's local time: what counts now, what comes next, what is over."""
    zone = after.visit.location.zone

    def words(sentence: str, advice: Advice) -> Line:
        start, end = (moment(at, now, zone) for at in (advice.starts_at, advice.ends_at))
        return Line(advice, sentence % {"start": start, "end": end})

    return {
        "now": [words(_("until %(end)s"), each) for each in after.hours.now],
        "soon": [words(_("from %(start)s until %(end)s"), each) for each in after.hours.soon],
        "over": [words(_("ended %(end)s"), each) for each in after.hours.over],
    }


def moment(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """A moment as people say it: today, tomorrow or yesterday with the hour, else the day in words."""
    local = at.astimezone(zone)
    days = (local.date() - timespans.date_of(zone, now)).days
    near = {-1: _("yesterday, %(time)s"), 0: _("today, %(time)s"), 1: _("tomorrow, %(time)s")}
    return near.get(days, _("%(day)s, %(time)s")) % {"day": date_format(local, "l j F"), "time": f"{local:%H:%M}"}


def _step_before(card: cards.Card, step: cards.Step) -> cards.Step | None:
    earlier = [each for each in card.steps if each.session.number < step.session.number]
    counting = (each for each in reversed(earlier) if each.session.state not in LEFT_OUT and not each.lost)
    return next(counting, None)
