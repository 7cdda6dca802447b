"""Puts courses in plain Python into the diary; `compared_courses` compares what is planned of them."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4

from clinic import gate
from clinic.models import Location
from clinic.scheduling import Wish
from patients.models import BodyArea
from tests import factories_treatments
from tests.clinic import stored_calendars
from tests.clinic.stored_calendars import make_visit, segment_details, store
from treatments.models import (
    Indication,
    Phase,
    Protocol,
    ProtocolVersion,
    SeriesArea,
    TreatmentSeries,
    TreatmentSession,
    VersionSegment,
)

STATES = {"open": "planned", "done": "done", "booked": "booked", "on_hold": "on_hold"}


def put(course):
    """The series and the wish of the world, which is in the diary from now on."""
    keep_clear(course)
    elsewhere = stored_calendars.make_location(cost_of_location=3, apart_days=9)
    request = store(course.world, elsewhere)
    place, service, patient = request.location, request.service, request.patient
    course.places = [place.pk, elsewhere.pk]
    people = [thing.pk for thing in course.world.things if thing.what == "practitioner"]
    if course.second is not None:
        store_second(course, request, elsewhere)
    for session in course.sessions:
        session.person = None if session.person is None or session.state == "open" else people[session.person]
    prices = course.prices
    Location.objects.exclude(pk__in=course.places[: len(course.worlds)]).update(is_active=False)
    Location.objects.filter(pk=place.pk).update(
        cost_of_weekday=prices.weekday, cost_of_time=prices.time, cost_of_practitioner=prices.person,
        cost_of_change=prices.change, cost_of_lateness=prices.late, cost_of_each_late_day=prices.late_day,
        cost_of_location=prices.place, apart_days=course.apart,
    )  # fmt: skip
    area = BodyArea.objects.create(key=f"a{uuid4().hex}", label="Area", group="face")
    series = make_series(course, service, patient, area)
    for number, session in enumerate(course.sessions, start=1):
        if session.state in ("done", "booked") and (session.state == "booked" or session.person):
            status = {"done": "completed", "booked": "booked"}[session.state]
            make_course_visit(course, place, series.sessions.get(number=number), session, status)
    for day, least, same, where in course.others:
        other_place = elsewhere if where else place
        make_other(course, other_place, patient, service, area if same else None, day, least)
    for what, until in course.safety:
        make_safety(series, what, until)
    return series, wish_of(course, people)


def wish_of(course, people):
    wished = course.wished
    if wished.person is not None:
        wished.person = people[wished.person]
    return Wish(
        weekdays=frozenset(wished.weekdays),
        earliest=None if wished.earliest is None else stored_calendars.wall(wished.earliest),
        latest=None if wished.latest is None else stored_calendars.wall(wished.latest),
        who=wished.who,
        practitioner_id=wished.person,
        location_id=None if course.second is None else course.places[0],
        not_on=frozenset(wished.not_on),
    )


def store_second(course, request, elsewhere):
    """The other location with those who work there; what the one from here has in the diary is there already."""
    world = course.second
    rules = {
        "time_zone": world.zone.key,
        "grid_minutes": world.grid,
        "notice_minutes": 0,
        "horizon_days": world.horizon,
    }
    Location.objects.filter(pk=elsewhere.pk).update(**rules)
    technique, places = request.service.technique, (elsewhere, request.location)
    for start, end in world.closures:
        span = {"starts_at": world.moment(start), "ends_at": world.moment(end)}
        stored_calendars.Closure.objects.create(location=elsewhere, reason="x", **span)
    here, there = course.shared
    for thing in world.things:
        if thing is there:
            there.pk = here.pk
            for row in there.hours:
                walls = stored_calendars.wall(row.starts), stored_calendars.wall(row.ends)
                stored_calendars.make_hours(stored_calendars.Resource(pk=here.pk), elsewhere, row.on, *walls)
        else:
            stored_calendars.store_thing(world, thing, places, request.service, technique)


def make_safety(series, what, until):
    """A rule that keeps the patient off all days before that one, or a clinician's word that holds until then."""
    patient = series.patient
    if what == "birthday":
        patient.birth_date = date(until.year - 18, until.month, until.day)
        patient.save()
        return
    if what == "washout":
        rule = factories_treatments.condition(f"c{uuid4().hex}", "defer", washout_days=20)
        happened = until - timedelta(days=20)
        factories_treatments.answered(patient, rule, on=happened, happened_on=happened, by=series.created_by)
        return
    rule = factories_treatments.condition(f"c{uuid4().hex}", "block_unless_override")
    factories_treatments.answered(patient, rule, on=until - timedelta(days=30), by=series.created_by)
    session = series.sessions.select_related("phase", "series").first()
    found = gate.findings(patient, series.protocol_version.protocol.service, session, until)
    finding = next(each for each in found if each.code == rule.key)
    factories_treatments.decision(patient, finding, valid_until=until, by=series.created_by)


def keep_clear(course):
    """The first minutes of the days on which the patient comes for a course are free of other visits."""
    world = course.world
    days = [(world, session.day) for session in course.sessions if session.day]
    days += [(course.worlds[where], day) for day, _least, _same, where in course.others]
    clear = [each.minute(datetime.combine(day, time(0), tzinfo=each.zone).astimezone(UTC)) for each, day in days]
    kept = [(start, end) for start, end in world.patient if not any(start < each + 10 and each < end for each in clear)]
    for each in course.worlds:
        each.patient = kept


def make_course_visit(course, place, session, stated, status):
    """At midnight, when nobody works, so that it is in nobody's way; the calendar by hand knows of it too."""
    start = datetime.combine(stated.day, time(0), tzinfo=course.world.zone).astimezone(UTC)
    series = session.series
    service = series.protocol_version.protocol.service
    details = {"session": session, "status": status, "practitioner_id": stated.person}
    make_visit(place, service, start, 1, series.patient, **details)
    minute = course.world.minute(start)
    course.world.patient.append((minute, minute + 1))


def make_other(course, place, patient, service, area, day, least):
    """A visit of another course of the patient."""
    area = area or BodyArea.objects.create(key=f"a{uuid4().hex}", label="Other", group="face")
    series = make_rows(service, patient, area, [{"least": least, "ideal": least, "most": least}], day)
    start = datetime.combine(day, time(0, 5), tzinfo=place_zone(course, place)).astimezone(UTC)
    make_visit(place, service, start, 1, patient, session=series.sessions.get())
    series.sessions.update(state="booked")
    minute = course.world.minute(start)
    course.world.patient.append((minute, minute + 1))


def place_zone(course, place):
    return course.worlds[course.places.index(place.pk)].zone


def make_series(course, service, patient, area):
    rows = [
        {
            "least": each.least, "ideal": each.ideal, "most": each.most,
            "state": STATES[each.state], "done_on": each.day if each.state == "done" else None,
            "not_before_on": each.not_before, "best_on": each.best, "not_after_on": each.not_after,
        }
        for each in course.sessions
    ]  # fmt: skip
    return make_rows(service, patient, area, rows, course.first_possible, course.world.segments)


def make_rows(service, patient, area, rows, first_possible, segments=()):
    indication = Indication.objects.create(key=f"i{uuid4().hex}", label="Glow")
    protocol = Protocol.objects.create(
        key=f"p{uuid4().hex}", name="P", modality="microneedling", indication=indication, service=service
    )
    version = ProtocolVersion.objects.create(
        protocol=protocol, number=1, sessions_min=1, sessions_typical=1, sessions_max=9, min_age_years=18
    )
    for position, segment in enumerate(segments):
        VersionSegment.objects.create(version=version, position=position, **segment_details(*segment))
    series = TreatmentSeries.objects.create(
        patient=patient, protocol_version=version, sessions_planned=len(rows), started_on=first_possible,
        first_possible_on=first_possible, state="active",
        created_by=stored_calendars.User.objects.create(email=f"{uuid4().hex}@clinic.example", name="S"),
    )  # fmt: skip
    SeriesArea.objects.create(series=series, area=area)
    for number, row in enumerate(rows, start=1):
        days = {f"interval_{name}_days": row.pop(key) for name, key in NAMES.items()}
        phase = Phase.objects.create(version=version, position=number, name="Phase", sessions=1, **days)
        reason = "by hand" if row.get("not_before_on") or row.get("best_on") or row.get("not_after_on") else ""
        TreatmentSession.objects.create(series=series, number=number, phase=phase, window_reason=reason, **row)
    return series


NAMES = {"min": "least", "ideal": "ideal", "max": "most"}
