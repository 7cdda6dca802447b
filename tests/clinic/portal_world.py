"""People with a life at the clinic, and the logins that see them, written straight into the tables."""

from datetime import UTC, datetime, timedelta

from patients.models import PortalAccess, User
from tests import factories
from tests.clinic import messages
from tests.factories import NOW
from treatments.models import TreatmentSession, VersionAftercare

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
YESTERDAY = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
# (key, kind, title, from hour, until hour)
ADVICE = (
    ("make-up", "avoid", "No make-up", 0, 24),
    ("sauna", "avoid", "No sauna", 0, 96),
    ("sun", "do", "Sunscreen", 24, 720),
    ("redness", "expect", "Redness", 0, 24),
    ("emergency", "escalate", "Trouble breathing", 0, 72),
    ("shower", "avoid", "No shower", 0, 8),
)


def login(*people, email="", **details):
    """A login by code that sees these people."""
    user = User.objects.create_user(email or f"login{next(factories.number)}@mail.example")
    for person in people:
        access(user, person, **details)
    return user


def access(user, person, **details):
    row = PortalAccess.objects.create(user=user, patient=person, **details)
    # An access that has ended began before it did.
    PortalAccess.objects.filter(pk=row.pk).update(since=NOW - 30 * DAY)
    return row


def ended(person):
    user = login(person)
    user.portal_access.update(until=NOW - HOUR)
    return user


def course(person, place, *, first=YESTERDAY, then=None, name="Needling", sessions=3):
    """A series whose first visit ended; the second is booked at `then`."""
    rows = messages.course(sessions=sessions, who=person)
    version = rows[0].series.protocol_version
    version.protocol.name = name
    version.protocol.save(update_fields=["name"])
    VersionAftercare.objects.bulk_create(
        VersionAftercare(
            version=version, key=key, kind=kind, title=title, text=f"{title}, please.", starts_after_hours=start,
            ends_after_hours=end, send_after_hours=start,
        )
        for key, kind, title, start, end in ADVICE
    )  # fmt: skip
    done(rows[0], place, first)
    if then:
        become(rows[1], "booked")
        messages.visit(place, then, session=rows[1], note="Staff only: difficult")
    return rows[0].series


def done(session, place, at):
    become(session, "booked")
    become(session, "done", done_on=at.date())
    return messages.visit(place, at, session=session, status="completed", finished_at=at + HOUR)


def become(session, state, **details):
    TreatmentSession.objects.filter(pk=session.pk).update(state=state, **details)


def patient(given="Ada", family="Quill", place=None, **details):
    """Somebody with a series, a visit yesterday, visits to come, a cancelled one and one booked by mistake."""
    person = factories.patient(given, family, phone="+447700900123", **details)
    then = datetime(2026, 4, 2, 13, 15, tzinfo=UTC)
    person.course = course(person, place or factories.location(), then=then)
    person.place = person.course.sessions.get(number=1).appointments.get().location
    person.coming = person.course.sessions.get(number=2).appointments.get()
    person.past = person.course.sessions.get(number=1).appointments.get()
    person.cancelled = messages.visit(
        person.place, NOW + 9 * DAY, who=person, status="cancelled", cancelled_by="clinic",
        cancel_reason="Staff only: double booked",
    )  # fmt: skip
    person.mistake = messages.visit(person.place, NOW + 11 * DAY, who=person, status="entered_in_error")
    return person
