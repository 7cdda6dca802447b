"""What messages about a proposal of other times say: old and new times, until when, and where to answer."""

from datetime import datetime, tzinfo

from django.conf import settings
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.models import Appointment, Practitioner, Proposal, ProposedVisit, Reminder
from patients import merging, portal_access

PROPOSED, MOVED_TOGETHER = "visits_proposed", "visits_moved_together"
NONE = {"new_times": "", "until": "", "answer_online": ""}


def why_not(reminder: Reminder, now: datetime) -> str:
    """Why the message no longer makes sense, in words for staff; empty when it does."""
    proposal = reminder.proposal
    if reminder.template_key == PROPOSED:
        if proposal.state != Proposal.State.OPEN:
            return _("The proposal was answered or taken back.")
        return _("The times were kept until now only.") if proposal.kept_until <= now else ""
    if proposal.state != Proposal.State.ACCEPTED:
        return _("The proposal was not accepted.")
    return "" if as_agreed(proposal) else _("The visits have other times now.")


def values(reminder: Reminder) -> dict[str, str]:
    """The names that a wording may use, filled; queries do not grow with the visits.

    Visits that moved on after they were agreed are left out: a message of their own tells of those.
    """
    proposal, zone = reminder.proposal, reminder.location.zone
    is_agreed = reminder.template_key == MOVED_TOGETHER
    rows = as_agreed(proposal) if is_agreed else rows_of(proposal)
    is_named = names_people()
    lines = [line(row.was_at, row.starts_at, row.location.zone, row.practitioner if is_named else None) for row in rows]
    return {
        "new_times": "\n".join(lines),
        "until": date_format(proposal.kept_until.astimezone(zone), "l j F Y, H:i"),
        "answer_online": "" if is_agreed else _where_to_answer(reminder),
    }


def rows_of(proposal: Proposal) -> list[ProposedVisit]:
    """The visits of a proposal, with what is said about each."""
    related = ("appointment", "session__phase", "location", "practitioner__resource")
    return list(proposal.visits.select_related(*related))


def as_agreed(proposal: Proposal) -> list[ProposedVisit]:
    """Those that the diary has at the time that was proposed."""
    rows = rows_of(proposal)
    placed = Appointment.objects.live().filter(session__in=[row.session_id for row in rows if row.appointment is None])
    starts = dict(placed.values_list("session_id", "starts_at"))
    return [row for row in rows if _start_now(row, starts) == row.starts_at]


def _start_now(row: ProposedVisit, starts: dict[int, datetime]) -> datetime | None:
    if row.appointment is None:
        return starts.get(row.session_id)
    return row.appointment.starts_at if row.appointment.is_live else None


def names_people() -> bool:
    """Whether the clinic has several who treat, so that messages say with whom a visit is."""
    return Practitioner.objects.filter(resource__is_active=True).count() > 1


def line(was_at: datetime | None, starts_at: datetime, zone: tzinfo, person: Practitioner | None = None) -> str:
    """The old and the new time of a visit, if it had another one, in the location's time."""
    words = {"new": date_format(starts_at.astimezone(zone), "l j F Y, H:i")}
    if person is not None:
        words["new"] = _("%(time)s, with %(name)s") % {"time": words["new"], "name": person}
    if was_at is None:
        return _("- New: %(new)s") % words
    if was_at == starts_at:
        return _("- %(new)s; the time stays as it was") % words
    words["old"] = date_format(was_at.astimezone(zone), "l j F Y, H:i")
    return _("- %(old)s → %(new)s") % words


def _where_to_answer(reminder: Reminder) -> str:
    """The page of the proposal, for those with a login that may answer; the link opens a page and does nothing."""
    readers = portal_access.readers_of(reminder.patient, reminder.due_at)
    if not readers.filter(may_book=True).exists():
        return ""
    path = reverse("portal_proposal", args=[merging.survivor(reminder.patient).public_id, reminder.proposal.public_id])
    return _("Please answer here: %(link)s") % {"link": settings.SITE_URL + path}
