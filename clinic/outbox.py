"""The sender. Rows are the queue: claim with a lease, commit, look again, hand over, mark.

No transaction is open while the mail server is spoken to. An attempt is written down before the server is called, so
after a killed worker it is known whether a message may have gone out: one that cannot have is sent again freely, one
that may have is sent once more, and then it is `doubtful` for staff to see. Only the owner of a lease may mark a row.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import Count, F, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import letters
from clinic.mail_server import Answer, MailServer, Unreachable
from clinic.models import DeliveryAttempt, Reminder
from clinic.wordings import UnknownName

Clock = Callable[[], datetime]
State, Lane = Reminder.State, Reminder.Lane

BATCH = 50
RUN_FOR = timedelta(minutes=5)
# Longer than the slowest hand-over: a connection and five commands of `mail_server.TIMEOUT_SECONDS`.
LEASE = timedelta(minutes=3)
MOST_ATTEMPTS = 5
MOST_UNANSWERED = 2
WAITS = {
    Lane.NORMAL: [timedelta(minutes=minutes) for minutes in (1, 10, 60, 360)],
    Lane.URGENT: [timedelta(seconds=seconds) for seconds in (5, 15, 30, 60)],
}
RAW_USEFUL_FOR = timedelta(hours=1)
log = structlog.get_logger(__name__)


class OutboxBackend(BaseEmailBackend):
    """Django's e-mail goes into the outbox too (sign-in codes): encrypted, sent at once, the text wiped when it is."""

    def send_messages(self, email_messages: list[EmailMessage]) -> int:
        """Write one row per recipient, plain text only; returns how many messages were taken."""
        for message in email_messages:
            for address in message.recipients():
                _write_raw(address, message.subject, message.body, timezone.now())
        return len(email_messages)


def deliver(*, lane: str, clock: Clock) -> int:
    """Send what is due in one lane; returns how many messages the mail server took."""
    started_at = clock()
    put_away_overdue(lane, started_at)
    sent = 0
    with MailServer(settings.SMTP) as server:
        while clock() < started_at + RUN_FOR and (claimed := claim(lane, clock())):
            try:
                while claimed:
                    sent += _deliver_one(*claimed.pop(0), server, clock)
            except Unreachable as error:
                _give_back(claimed, clock() + WAITS[Lane(lane)][0], str(error))
                break
    return sent


def put_away_overdue(lane: str, now: datetime) -> None:
    """Expire what is too late to be useful and put failed rows whose wait is over back into the queue."""
    late = Reminder.objects.unsent().filter(lane=lane, expires_at__lte=now)
    late.update(state=State.EXPIRED, raw_body="", why=_("It was too late to be useful."))
    Reminder.objects.filter(lane=lane, state=State.FAILED, due_at__lte=now).update(state=State.SCHEDULED)


def claim(lane: str, now: datetime) -> list[tuple[int, datetime]]:
    """Take up to `BATCH` due rows, and rows whose sender has died, for `LEASE`; each row goes to one caller only."""
    lease = now + LEASE
    unanswered = DeliveryAttempt.objects.filter(reminder=OuterRef("pk"), finished_at=None).order_by().values("reminder")
    counted = Coalesce(Subquery(unanswered.annotate(count=Count("pk")).values("count")), 0)
    with transaction.atomic():
        left = Reminder.objects.filter(lane=lane, state=State.CLAIMED, lease_until__lte=now)
        left = left.select_for_update(skip_locked=True, of=("self",)).order_by("lease_until")[:BATCH]
        abandoned = [row.pk for row in left.only("pk")]
        counts = dict(Reminder.objects.filter(pk__in=abandoned).annotate(n=counted).values_list("pk", "n"))
        lost = [pk for pk, count in counts.items() if count >= MOST_UNANSWERED]
        Reminder.objects.filter(pk__in=lost).update(state=State.DOUBTFUL, raw_body="", why=_stopped())
        again = [pk for pk in abandoned if pk not in lost]
        due = Reminder.objects.due(now).filter(lane=lane).order_by("due_at", "pk").select_for_update(skip_locked=True)
        taken = again + [row.pk for row in due.only("pk")[: BATCH - len(again)]]
        Reminder.objects.filter(pk__in=taken).update(state=State.CLAIMED, lease_until=lease)
    return [(pk, lease) for pk in taken]


def _deliver_one(pk: int, lease: datetime, server: MailServer, clock: Clock) -> bool:
    row = letters.load(pk)
    row.lease_until = lease
    now = clock()
    if row.expires_at <= now:
        _mark(row, State.EXPIRED, why=_("It was too late to be useful."))
        return False
    if reason := letters.why_not(row, now):
        _mark(row, State.VOID, why=reason)
        return False
    try:
        message = letters.email_of(row, now)
    except (UnknownName, ValueError) as error:
        _mark(row, State.GAVE_UP, why=_("The wording cannot be filled: %s.") % error)
        return False
    attempt = _begin(row, now)
    if attempt is None:
        return False
    try:
        server.connect()
    except Unreachable as error:
        _finish(row, attempt, Answer(str(error)), clock())
        raise
    answer = server.send(message)
    _finish(row, attempt, answer, clock())
    return answer.is_accepted


def _begin(row: Reminder, now: datetime) -> DeliveryAttempt | None:
    """Renew the lease and write the attempt down before anything is sent; None if another sender has the row."""
    lease = now + LEASE
    with transaction.atomic():
        if not _mine(row).update(lease_until=lease, attempts=F("attempts") + 1):
            return None
        row.lease_until = lease
        row.attempts += 1
        return DeliveryAttempt.objects.create(reminder=row, number=row.attempts, started_at=now)


def _finish(row: Reminder, attempt: DeliveryAttempt, answer: Answer, now: datetime) -> None:
    attempt.answer = answer.text[:300]
    attempt.is_accepted = answer.is_accepted
    attempt.finished_at = now if answer.is_answered else None
    with transaction.atomic():
        attempt.save(update_fields=["answer", "is_accepted", "finished_at"])
        if answer.is_accepted:
            _mark(row, State.SENT, sent_at=now, why="")
        elif not answer.is_answered and _unanswered(row) >= MOST_UNANSWERED:
            _mark(row, State.DOUBTFUL, why=_("The mail server did not say whether it took the message."))
        elif row.attempts >= MOST_ATTEMPTS:
            _mark(row, State.GAVE_UP, why=answer.text[:200])
        else:
            _put_off(row, answer.text, now)
    log.info("message_tried", message=str(row.public_id), attempt=attempt.number, is_accepted=answer.is_accepted)


def _put_off(row: Reminder, why: str, now: datetime) -> None:
    waits = WAITS[Lane(row.lane)]
    due_at = now + waits[min(row.attempts, len(waits)) - 1]
    if due_at >= row.expires_at:
        _mark(row, State.EXPIRED, why=why[:200])
    else:
        _mark(row, State.FAILED, why=why[:200], due_at=due_at)


def _give_back(claimed: list[tuple[int, datetime]], due_at: datetime, why: str) -> None:
    """Rows that were not tried because nobody listens wait as well, but it does not count as an attempt of theirs."""
    for pk, lease in claimed:
        row = Reminder(pk=pk, lease_until=lease)
        if not _mine(row).filter(expires_at__gt=due_at).update(state=State.FAILED, due_at=due_at, why=why[:200]):
            _mark(row, State.EXPIRED, why=why[:200])


def _mark(row: Reminder, state: str, **details: object) -> None:
    """Write the outcome, unless another sender has taken the row over; a ready text is wiped once it is settled."""
    wiped = {} if state == State.FAILED else {"raw_body": ""}
    _mine(row).update(state=state, **wiped, **details)


def _mine(row: Reminder):  # noqa: ANN202 - a QuerySet
    return Reminder.objects.filter(pk=row.pk, state=State.CLAIMED, lease_until=row.lease_until)


def _unanswered(row: Reminder) -> int:
    return DeliveryAttempt.objects.filter(reminder=row, finished_at=None).count()


def _stopped() -> str:
    return _("The sender was stopped twice while it handed the message over.")


def _write_raw(address: str, subject: str, body: str, now: datetime) -> Reminder:
    return Reminder.objects.create(
        rule_key=letters.RAW,
        lane=Lane.URGENT,
        due_at=now,
        expires_at=now + RAW_USEFUL_FOR,
        raw_to=address,
        raw_subject=subject,
        raw_body=body,
    )
