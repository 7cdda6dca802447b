"""Other times come to be: kept for the patient's answer, or agreed to by phone and given to the visits at once."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from clinic import reminders
from clinic.booking import proposal_rows, together
from clinic.booking.changes import Change
from clinic.booking.proposal_rows import LONGEST, About
from clinic.booking.together import Together
from clinic.booking.together_look import Found
from clinic.models import BulkMove, Proposal
from clinic.proposals.reading import as_it_is, with_visits
from clinic.refusals import Refused
from patients import merging, submissions
from patients.models import Patient, User
from patients.submissions import Sent
from treatments.models import TreatmentSeries

USUAL = timedelta(hours=48)
PROPOSE = "propose"


def propose(
    changes: Sequence[Change], *, patient: Patient, series: TreatmentSeries | None, cause: str, kept_until: datetime,
    by: User, now: datetime, bulk_move: BulkMove | None = None, submission: Sent | None = None,
) -> Proposal:  # fmt: skip
    """Keep every new time until the deadline, at most 72 hours, and tell the patient: all or none.

    Earlier open proposals about the same visits are taken back with it. Never kept beyond the first of the new times.
    """
    if not now < kept_until <= now + LONGEST:
        raise Refused(_("Times are kept for 72 hours at most. Choose an earlier end."))
    about = About({"patient": patient, "series": series, "cause": cause, "bulk_move": bulk_move}, by, now)

    def act(*, is_wide: bool) -> Proposal:
        proposal = proposal_rows.kept(_looked_at(changes, about, is_wide=is_wide), about, kept_until)
        reminders.proposed(proposal, now)
        return proposal

    return _once(act, submission, by)


def agreed(
    changes: Sequence[Change], *, patient: Patient, series: TreatmentSeries | None, cause: str, by: User, now: datetime,
    bulk_move: BulkMove | None = None, submission: Sent | None = None,
) -> Proposal:  # fmt: skip
    """What the patient has agreed to by phone: proposed and accepted in one go, so that there is one message of it."""
    about = About({"patient": patient, "series": series, "cause": cause, "bulk_move": bulk_move}, by, now)

    def act(*, is_wide: bool) -> Proposal:
        found = _looked_at(changes, about, is_wide=is_wide)
        proposal = proposal_rows.agreed(found, about)
        together.written(found, Together(by, now), is_announced=True)
        reminders.moved_together(proposal, now)
        return proposal

    return _once(act, submission, by)


def _once(act: Callable[..., Proposal], submission: Sent | None, by: User) -> Proposal:
    """Make a proposal, or find the one that an earlier copy of the same request made."""

    def work(*, is_wide: bool) -> Proposal:
        if submission is not None:
            stored = submissions.once(submission, user=by, verb=PROPOSE)
            if stored is not None:
                return with_visits().get(public_id=stored)
        made = act(is_wide=is_wide)
        if submission is not None:
            submissions.record(submission, user=by, verb=PROPOSE, result=str(made.public_id))
        return as_it_is(made)

    return together.settled(work)


def _looked_at(changes: Sequence[Change], about: About, *, is_wide: bool) -> list[Found]:
    """What the visits get, under the locks; earlier proposals about the same visits are taken back."""
    _refuse_other_patients(changes, about.fields["patient"])
    return together.anew(changes, about.by, about.now, is_wide=is_wide)


def _refuse_other_patients(changes: Sequence[Change], patient: Patient) -> None:
    person = merging.survivor(patient)
    if any(merging.survivor(item.patient) != person for item in changes):
        raise Refused(_("A proposal is about the visits of one patient."))
