"""Fills an empty clinic: protocols, premises, then one patient after the other, each in the order of their life."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from clinic import availability, booking, courses, timespans, wordings
from clinic.demo import people, portal_people, premises
from clinic.demo.visiting import CANCELLED, KEPT, MISSED, Diary
from clinic.models import Absence, Appointment, Installation, Location, Reminder
from clinic.placing import Placement
from clinic.premises import keep_absence
from patients.models import Patient
from treatments import protocols
from treatments import series as treatment_series
from treatments.models import ProtocolVersion, Service, TreatmentSeries, TreatmentSession

SEED = 2
LOOKS_BACK_DAYS = 35
CONSULTED_BEFORE_DAYS = (5, 12)
IS_A_CONSULTATION_EVERY = 6
IS_IN_BERLIN_EVERY = 3
IS_NEW_EVERY = 4
AREAS_AT_MOST = 3
FITS_WITHIN_DAYS = 10
ILL_IN_DAYS = 9
ENDS = [*[KEPT] * 17, CANCELLED, CANCELLED, MISSED]


@dataclass(frozen=True)
class Summary:
    """What was made."""

    patients: int
    visits: int
    reminders: int


@dataclass(frozen=True)
class Course:
    """A series under way, and where."""

    patient: Patient
    place: Location
    series: TreatmentSeries


def fill(now: datetime, *, patients: int = 120, visits: int = 600) -> Summary | None:
    """Make the demo around `now`, all or nothing; None if the clinic has a location already."""
    with transaction.atomic():
        if Location.objects.exists():
            return None
        now = now.replace(second=0, microsecond=0)
        Installation.objects.update_or_create(pk=1, defaults={"is_demo": True})
        wordings.ensure_templates()
        opened_on = (now - timedelta(days=4 * LOOKS_BACK_DAYS)).date()
        staffed = premises.build(opened_on, now)
        diary = Diary(staffed, now, Random(SEED))  # noqa: S311 - invented people, not secrets
        versions = _publish(staffed, now)
        forms = people.read_forms(now)
        running = [course for number in range(patients) for course in _live(number, diary, forms, versions)]
        due = _call_one_off(running, diary)
        _book_ahead(running, diary, visits)
        _fall_ill(diary)
        portal_people.open_portal(due, staffed, now)
        portal_people.ask_about_another_time(staffed, now)
        put_past_messages_away(now)
        return Summary(patients, diary.made, Reminder.objects.count())


def _fall_ill(diary: Diary) -> None:
    """Somebody cannot come on a day on which they have visits, which have to be moved."""
    within = {"starts_at__gt": diary.now + timedelta(days=ILL_IN_DAYS), "practitioner__isnull": False}
    visit = Appointment.objects.live().filter(**within).select_related("location", "practitioner__resource").first()
    if visit is not None:
        zone = visit.location.zone
        day = timespans.local_day(zone, timespans.date_of(zone, visit.starts_at))
        absence = Absence(
            resource=visit.practitioner.resource, starts_at=day.start, ends_at=visit.ends_at, reason=_("Dentist")
        )
        keep_absence(absence)


def put_past_messages_away(now: datetime) -> None:
    """Expire every message that was due before the demo was made, so that none of them is sent."""
    Reminder.objects.due(now).update(state=Reminder.State.EXPIRED, why=_("It was too late to be useful."))


def _publish(staffed: premises.Premises, now: datetime) -> list[ProtocolVersion]:
    drafts = ProtocolVersion.objects.filter(state=ProtocolVersion.State.DRAFT).order_by("protocol__key")
    return [protocols.publish(version, by=staffed.lead, now=now) for version in drafts]


def _live(number: int, diary: Diary, forms: people.Forms, versions: list[ProtocolVersion]) -> Iterator[Course]:
    """One patient up to now: a consultation, then a series with its past sessions, or the consultation alone."""
    place = diary.premises.locations[number % IS_IN_BERLIN_EVERY == IS_IN_BERLIN_EVERY - 1]
    today = diary.today(place)
    patient = people.register(number, today)
    if number % IS_A_CONSULTATION_EVERY == IS_A_CONSULTATION_EVERY - 1:
        _talk_only(number, patient, place, diary, forms)
        return
    course = _begin_course(number, patient, place, diary, forms, versions[number % len(versions)])
    _attend(course, diary, diary.now - timedelta(days=(today - course.series.started_on).days))
    yield course


def _begin_course(
    number: int, patient: Patient, place: Location, diary: Diary, forms: people.Forms, version: ProtocolVersion
) -> Course:  # fmt: skip
    """Consult, ask, sign and start a series that has been going for some sessions, or is about to begin."""
    first_on, seen_on = _since_when(number, diary, diary.today(place), version)
    talk = _consult(patient, place, diary, seen_on)
    seen_on, by = timespans.date_of(place.zone, talk.starts_at), diary.premises.lead
    told_on = min(seen_on, diary.today(place))
    people.take_history(number, patient, forms, on=told_on, by=by)
    people.sign(patient, forms, version.consent_scope, at=min(talk.ends_at, diary.now), by=by)
    series = treatment_series.start(
        patient,
        version,
        areas=[step.area for step in version.depth_steps.select_related("area")[:AREAS_AT_MOST]],
        sessions_planned=version.sessions_typical,
        first_possible_on=max(first_on, seen_on + timedelta(days=1)),
        today=told_on,
        by=by,
        fulfilled={"consultation": seen_on},
    )
    return Course(patient, place, series)


def _since_when(number: int, diary: Diary, today: date, version: ProtocolVersion) -> tuple[date, date]:
    """The days of the first session and of the consultation before it; of new patients both are to come."""
    if number % IS_NEW_EVERY == 0 or number in people.NEEDS_A_CLINICIAN:
        return today + timedelta(days=diary.rng.randint(3, 7)), today + timedelta(days=1)
    interval = version.phases.filter(is_maintenance=False).order_by("position")[0].interval_ideal_days
    most = min(version.sessions_typical - 1, LOOKS_BACK_DAYS // interval)
    first_on = today - timedelta(days=diary.rng.randint(0, most) * interval - diary.rng.randrange(5))
    return first_on, min(first_on, today) - timedelta(days=diary.rng.randint(*CONSULTED_BEFORE_DAYS))


def _talk_only(number: int, patient: Patient, place: Location, diary: Diary, forms: people.Forms) -> None:
    """Somebody who came, or will come, to ask; one or two of them told of an allergy."""
    today = diary.today(place)
    talk = _consult(patient, place, diary, today + timedelta(days=diary.rng.randint(-20, 20)))
    if number in people.ALLERGIC:
        people.note_allergy(patient, forms, at=diary.now, by=diary.premises.desk)
    if talk.status == Appointment.Status.COMPLETED:
        people.take_history(number, patient, forms, on=today, by=diary.premises.lead)


def _consult(patient: Patient, place: Location, diary: Diary, on: date) -> Appointment:
    service = Service.objects.get(key="first_consultation")
    booked_at = diary.now - timedelta(days=max((diary.today(place) - on).days, 0) + diary.rng.randint(2, 6))
    return diary.visit(patient, place, service, first=on, last=on + timedelta(days=3), booked_at=booked_at)


def _attend(course: Course, diary: Diary, booked_at: datetime) -> None:
    """Book and live through session after session, each booked when the last one was over, until one lies ahead."""
    is_ahead = False
    while not is_ahead:
        session = _next_to_book(course.series)
        visit = session and _book_session(course, session, diary, booked_at)
        if not visit:
            return
        booked_at = min(max(visit.ends_at, booked_at), diary.now)
        is_ahead = visit.starts_at > diary.now and visit.is_live


def _book_session(course: Course, session: TreatmentSession, diary: Diary, booked_at: datetime) -> Appointment | None:
    window = courses.windows(session.series)[session.number]
    first = max(window.earliest, window.ideal - timedelta(days=1))
    last = max(window.latest, first + timedelta(days=FITS_WITHIN_DAYS))
    if first <= diary.today(course.place) - timedelta(days=LOOKS_BACK_DAYS):
        return None
    end = diary.rng.choice(ENDS)
    service = course.series.protocol_version.protocol.service
    return diary.visit(
        course.patient,
        course.place,
        service,
        first=first,
        last=min(last, window.latest),
        booked_at=booked_at,
        session=session,
        end=end,
    )


def _call_one_off(running: list[Course], diary: Diary) -> Patient | None:
    """Cancel the next visit of somebody under treatment, who then has to call and choose another time."""
    done = TreatmentSession.objects.filter(state=TreatmentSession.State.DONE).values("series")
    under_way = set(TreatmentSeries.objects.filter(pk__in=done, state="active").values_list("pk", flat=True))
    course = next((one for one in running if one.series.pk in under_way and one.patient.email), None)
    if course is None:
        return None
    running.remove(course)
    for visit in Appointment.objects.live().filter(session__series=course.series, starts_at__gt=diary.now):
        told_at = max(visit.booked_at, diary.now - timedelta(hours=1))
        details = {"cancelled_by": Appointment.CancelledBy.PATIENT, "reason": "Work got in the way"}
        booking.cancel(visit, version=visit.version, by=diary.premises.desk, now=told_at, **details)
    return course.patient


def _next_to_book(series: TreatmentSeries) -> TreatmentSession | None:
    return _waiting(series).first()


def _waiting(series: TreatmentSeries) -> QuerySet[TreatmentSession]:
    states = TreatmentSession.State
    waiting = series.sessions.filter(state__in=[states.PLANNED, states.MISSED]).order_by("number")
    return waiting.select_related("phase", "series__protocol_version__protocol__service", "series__patient")


def _book_ahead(running: list[Course], diary: Diary, visits: int) -> None:
    """The sessions to come, as many for each series as bring the diary to so many visits."""
    shortest_first = sorted(running, key=lambda course: course.series.sessions_planned)
    for index, course in enumerate(shortest_first):
        share = -((diary.made - visits) // (len(running) - index))
        placements = _placements(course, list(_waiting(course.series)[: max(share, 0)]), diary)
        diary.made += len(booking.book_many(placements, by=diary.premises.desk, now=diary.now)) if placements else 0


def _placements(course: Course, sessions: list[TreatmentSession], diary: Diary) -> list[Placement]:
    """Each session on its ideal day or soon after; what one is late, the next ones are later."""
    found, windows, late = [], courses.windows(course.series), timedelta(0)
    for session in sessions:
        window = windows[session.number]
        request = availability.request_for(
            location=course.place,
            service=course.series.protocol_version.protocol.service,
            session=session,
            patient=course.patient,
        )
        starts = diary.starts_on_one_day(request, window.ideal + late, window.latest + late, diary.now)
        if not starts:
            break
        starts_at = diary.rng.choice(starts)
        late = timespans.date_of(course.place.zone, starts_at) - window.ideal
        found.append(Placement(request, course.patient, starts_at))
    return found
