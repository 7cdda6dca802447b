"""Things a person has to do by a time."""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.utils.translation import gettext as _

from clinic.models import Appointment, Task
from patients.models import Patient, User
from patients.refusals import Refused
from patients.roles import CLINICAL_LEAD, LABELS, RECEPTION, has_role

MOST_CHARACTERS = Task._meta.get_field("text").max_length
ENOUGH_TO_KNOW = 100


def open_review(appointment: Appointment, now: datetime) -> Task:
    """Ask a clinician to decide before the visit; the open request of the same visit follows it to its new time."""
    due_at = max(appointment.starts_at, now)
    task = appointment.tasks.filter(kind=Task.Kind.CLINICIAN_REVIEW, done_at=None).first()
    if task is not None:
        task.due_at = due_at
        task.save(update_fields=["due_at"])
        return task
    return Task.objects.create(
        kind=Task.Kind.CLINICIAN_REVIEW,
        for_role=CLINICAL_LEAD,
        patient=appointment.patient,
        appointment=appointment,
        text=_("Decide whether this treatment can go ahead, before the visit."),
        due_at=due_at,
        opened_at=now,
    )


def open_call(appointment: Appointment, now: datetime) -> Task:
    """Ask reception to call the patient about a visit that a clinician decided against."""
    text = _("A clinician decided against this treatment: call the patient and move or cancel the visit.")
    return _for_reception(appointment, Task.Kind.CALL, text, now)


def open_safety_change(appointment: Appointment, now: datetime) -> Task:
    """Tell reception that a booked visit cannot take place as things are now."""
    text = _("A safety check now stops this visit: call the patient and move or cancel it.")
    return _for_reception(appointment, Task.Kind.SAFETY_CHANGED, text, now)


def open_course_change(appointment: Appointment, now: datetime) -> Task:
    """Tell reception that a booked visit does not fit the course any more since its protocol changed."""
    text = _(
        "The series follows a newer version of its protocol, which this visit does not fit: look at it and move it."
    )
    return _for_reception(appointment, Task.Kind.CALL, text, now)


def say_of_other_areas(appointment: Appointment, notes: Iterable[str], by: User, now: datetime) -> None:
    """Tell reception what of a booked visit does not fit the areas that are treated now; without notes it all does.

    A visit has one task of the kind at a time: the sentence joins what stands there already, and goes when it is not so
    any more.
    """
    notes, said = list(notes), _other_areas()
    task = appointment.tasks.filter(kind=Task.Kind.CALL, done_at=None).first()
    rest = task.text.partition(said)[0].strip() if task is not None else ""
    text = " ".join(filter(None, [rest, *([said, *notes] if notes else ())]))[:MOST_CHARACTERS]
    if task is None and notes:
        _for_reception(appointment, Task.Kind.CALL, text, now)
    elif task is not None and text:
        Task.objects.filter(pk=task.pk).update(text=text)
    elif task is not None:
        Task.objects.filter(pk=task.pk).update(done_at=now, done_by=by)


def _other_areas() -> str:
    return _("Other areas are treated now, which this visit does not fit.")


def ask_to_call(patient: Patient, text: str, due_at: datetime, now: datetime) -> Task:
    """Ask reception to call a patient who has said what about; the same twice is one task."""
    text = text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"
    about = {"kind": Task.Kind.CALL, "for_role": RECEPTION, "patient": patient, "text": text, "done_at": None}
    task, _created = Task.objects.get_or_create(**about, defaults={"due_at": max(due_at, now), "opened_at": now})
    return task


def called(patient: Patient, said: str, by: User | None, now: datetime) -> None:
    """Close what was asked of reception in those words: it is settled."""
    asked = Task.objects.filter(kind=Task.Kind.CALL, patient=patient, appointment=None, done_at=None)
    asked.filter(text__contains=said[:ENOUGH_TO_KNOW]).update(done_at=now, done_by=by)


def _for_reception(appointment: Appointment, kind: str, text: str, now: datetime) -> Task:
    about = {"for_role": RECEPTION, "patient": appointment.patient, "text": text, "opened_at": now}
    about["due_at"] = max(appointment.starts_at, now)
    task, _created = Task.objects.get_or_create(appointment=appointment, kind=kind, done_at=None, defaults=about)
    return task


def follow_review(appointment: Appointment, now: datetime) -> None:
    """Open, move or close the clinician's task to fit the visit as it is now."""
    if appointment.needs_review:
        open_review(appointment, now)
    else:
        appointment.tasks.filter(kind=Task.Kind.CLINICIAN_REVIEW, done_at=None).update(done_at=now)


def follow_reviews(appointments: Collection[Appointment], now: datetime) -> None:
    """The same for many visits, in one statement for all that need no review."""
    waiting = [visit for visit in appointments if visit.needs_review]
    others = [visit.pk for visit in appointments if not visit.needs_review]
    for visit in waiting:
        open_review(visit, now)
    if others:
        reviews = Task.objects.filter(appointment__in=others, kind=Task.Kind.CLINICIAN_REVIEW, done_at=None)
        reviews.update(done_at=now)


def close_for(appointment: Appointment, by: User | None, now: datetime) -> None:
    """Close what was open about a visit that does not take place."""
    appointment.tasks.filter(done_at=None).update(done_at=now, done_by=by)


def done(task: Task, *, by: User, now: datetime) -> Task:
    """Tick a task off; refused for people without the role it is for. Doing it twice changes nothing."""
    if not has_role(by, task.for_role):
        raise Refused(_("This task is for: %(role)s.") % {"role": LABELS.get(task.for_role, task.for_role)})
    Task.objects.filter(pk=task.pk, done_at=None).update(done_at=now, done_by=by)
    task.refresh_from_db()
    return task
