"""Other times for visits: offered to one patient until a deadline, and worked out for many when somebody falls ill."""

import uuid

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from clinic.models.appointments import Appointment, Hold
from clinic.models.locations import Location
from clinic.models.resources import Practitioner
from patients.models import Patient
from treatments.models import TreatmentSeries, TreatmentSession

PROPOSAL_TRANSITIONS = (
    ("open", "accepted"),
    ("open", "declined"),
    ("open", "withdrawn"),
)
BULK_TRANSITIONS = (
    ("planning", "ready"),
    ("planning", "dropped"),
    ("ready", "planning"),
    ("ready", "applied"),
    ("ready", "dropped"),
)


class BulkMove(models.Model):
    """New times for all visits of somebody who is away, worked out together; shifts in minutes.

    `shift_minutes` is how far all visits move, `one_by_one_minutes` how far they would if each were moved by itself,
    `least_minutes` a bound below which no plan can be.
    """

    class State(models.TextChoices):
        PLANNING = "planning", _("being worked out")
        READY = "ready", _("ready to look at")
        APPLIED = "applied", _("done")
        DROPPED = "dropped", _("given up")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    practitioner = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="bulk_moves")
    starts_at = models.DateTimeField(_("away from"))
    ends_at = models.DateTimeField(_("away until"))
    reason = models.CharField(_("reason"), max_length=200)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.PLANNING)
    shift_minutes = models.PositiveIntegerField(_("minutes moved in all"), null=True, blank=True)
    one_by_one_minutes = models.PositiveIntegerField(_("minutes if moved one by one"), null=True, blank=True)
    least_minutes = models.PositiveIntegerField(_("fewest minutes possible"), null=True, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    made_at = models.DateTimeField(_("made"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("visits of somebody who is away")
        verbose_name_plural = _("visits of people who are away")
        ordering = ("-made_at", "-pk")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="bulkmove_ends_after_start"
            ),
        ]
        triggers = [pgtrigger.FSM(name="bulkmove_state_moves_as_allowed", field="state", transitions=BULK_TRANSITIONS)]

    def __str__(self):
        return f"{self.practitioner} {self.starts_at:%Y-%m-%d %H:%M}Z"


class Proposal(models.Model):
    """Other times for visits of one patient, kept until a deadline; they accept, ask for others, or for a call.

    One that is open after `kept_until` has run out; its times are free again.
    """

    class Cause(models.TextChoices):
        MOVED = "moved", _("a visit was moved")
        MISSED = "missed", _("a visit was missed")
        AWAY = "away", _("somebody is away")
        CLOSED = "closed", _("the clinic is closed")
        OTHER = "other", _("another reason")

    class State(models.TextChoices):
        OPEN = "open", _("waits for an answer")
        ACCEPTED = "accepted", _("accepted")
        DECLINED = "declined", _("not accepted")
        WITHDRAWN = "withdrawn", _("taken back")

    class Answer(models.TextChoices):
        ONLINE = "online", _("accepted online")
        PHONE = "phone", _("agreed by phone")
        ANOTHER = "another", _("wants another time")
        CALL = "call", _("asks for a call")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="proposals")
    series = models.ForeignKey(
        TreatmentSeries, null=True, blank=True, on_delete=models.PROTECT, related_name="proposals"
    )
    bulk_move = models.ForeignKey(BulkMove, null=True, blank=True, on_delete=models.PROTECT, related_name="proposals")
    cause = models.CharField(_("why"), max_length=8, choices=Cause, default=Cause.OTHER)
    kept_until = models.DateTimeField(_("kept until"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    answer = models.CharField(_("answer"), max_length=8, choices=Answer, blank=True)
    wish = models.CharField(_("what the patient said"), max_length=500, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    made_at = models.DateTimeField(_("made"))
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)

    class Meta:
        verbose_name = _("proposal of other times")
        verbose_name_plural = _("proposals of other times")
        ordering = ("-made_at", "-pk")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kept_until__gt=models.F("made_at")), name="proposal_is_kept_for_a_while"
            ),
            models.CheckConstraint(
                condition=models.Q(state="open", answer="", answered_at=None)
                | models.Q(state="withdrawn", answer="", answered_at__isnull=False)
                | models.Q(state="accepted", answer__in=["online", "phone"], answered_at__isnull=False)
                | models.Q(state="declined", answer__in=["another", "call"], answered_at__isnull=False),
                name="proposal_that_ended_says_how",
            ),
        ]
        indexes = [
            models.Index(fields=["kept_until"], condition=models.Q(state="open"), name="proposal_open_by_end"),
        ]
        triggers = [
            pgtrigger.FSM(name="proposal_state_moves_as_allowed", field="state", transitions=PROPOSAL_TRANSITIONS)
        ]

    def __str__(self):
        return f"{self.get_cause_display()} {self.made_at:%Y-%m-%d %H:%M}Z"


class ProposedVisit(models.Model):
    """One visit of a proposal: of a visit in the diary its new time, or a time for a session that waits for one.

    `was_at` is what the patient knew when it was proposed; `hold` keeps the people, rooms and devices of the new time.
    """

    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE, related_name="visits")
    appointment = models.ForeignKey(
        Appointment, null=True, blank=True, on_delete=models.PROTECT, related_name="proposed"
    )
    session = models.ForeignKey(
        TreatmentSession, null=True, blank=True, on_delete=models.PROTECT, related_name="proposed"
    )
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+")
    practitioner = models.ForeignKey(Practitioner, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    was_at = models.DateTimeField(_("time before"), null=True, blank=True)
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"))
    is_late = models.BooleanField(_("later than planned"), default=False)
    hold = models.OneToOneField(Hold, on_delete=models.PROTECT, related_name="proposed_visit")

    class Meta:
        verbose_name = _("proposed visit")
        verbose_name_plural = _("proposed visits")
        ordering = ("starts_at", "pk")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="proposedvisit_ends_after_start"
            ),
            models.CheckConstraint(
                condition=models.Q(appointment__isnull=False, was_at__isnull=False)
                | models.Q(appointment=None, session__isnull=False, was_at=None),
                name="proposedvisit_moves_a_visit_or_places_a_session",
            ),
            models.UniqueConstraint(
                fields=["proposal", "appointment"],
                condition=models.Q(appointment__isnull=False),
                name="proposedvisit_moves_a_visit_once",
            ),
        ]

    def __str__(self):
        return f"{self.starts_at:%Y-%m-%d %H:%M}Z"


class BulkMoveVisit(models.Model):
    """One visit of somebody who is away: its new time if one was found, and what became of it.

    A visit of today or tomorrow is on the call list: the patient has to be told by phone.
    """

    class Outcome(models.TextChoices):
        WAITING = "waiting", _("waits")
        MOVED = "moved", _("moved")
        PROPOSED = "proposed", _("proposed to the patient")
        LEFT = "left", _("left as it is")

    class Call(models.TextChoices):
        REACHED = "reached", _("reached")
        MESSAGE = "message", _("message left")

    bulk_move = models.ForeignKey(BulkMove, on_delete=models.CASCADE, related_name="visits")
    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="bulk_moves")
    practitioner = models.ForeignKey(Practitioner, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    was_at = models.DateTimeField(_("time before"))
    starts_at = models.DateTimeField(_("starts"), null=True, blank=True)
    ends_at = models.DateTimeField(_("ends"), null=True, blank=True)
    is_looked_at = models.BooleanField(_("looked at"), default=False)
    # Keys of the people, rooms and devices that the plan gives it: given out anew, they might not suffice for all.
    takes = ArrayField(models.BigIntegerField(), default=list, blank=True, editable=False)
    why = models.CharField(_("why there is no time"), max_length=300, blank=True)
    outcome = models.CharField(_("what became of it"), max_length=8, choices=Outcome, default=Outcome.WAITING)
    is_to_call = models.BooleanField(_("to be called"), default=False)
    call = models.CharField(_("call"), max_length=8, choices=Call, blank=True)
    called_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    called_at = models.DateTimeField(_("called"), null=True, blank=True)

    class Meta:
        verbose_name = _("visit of somebody who is away")
        verbose_name_plural = _("visits of somebody who is away")
        ordering = ("was_at", "pk")
        constraints = [
            models.UniqueConstraint(fields=["bulk_move", "appointment"], name="bulkmovevisit_is_named_once"),
            models.CheckConstraint(
                condition=models.Q(starts_at=None, ends_at=None) | models.Q(ends_at__gt=models.F("starts_at")),
                name="bulkmovevisit_ends_after_start",
            ),
            models.CheckConstraint(
                condition=models.Q(call="", called_at=None) | (~models.Q(call="") & models.Q(called_at__isnull=False)),
                name="bulkmovevisit_called_has_a_time",
            ),
        ]

    def __str__(self):
        return f"{self.was_at:%Y-%m-%d %H:%M}Z"
