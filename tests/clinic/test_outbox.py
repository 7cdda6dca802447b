"""The sender against a real SMTP server: what arrives, how often, and what staff see when it does not."""

import email
import email.policy
import smtplib
import socket
import threading
from datetime import timedelta

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP
from django.core.mail import EmailMessage
from django.db import connection, transaction

from clinic import mail_server, outbox, tasks
from clinic.models import DeliveryAttempt, MessageTemplate, Reminder
from tests import factories
from tests.clinic.messages import DAY, HOUR, NOW, course, reminder, visit
from treatments.models import VersionAftercare

State = Reminder.State
NORMAL, URGENT = Reminder.Lane.NORMAL, Reminder.Lane.URGENT
MINUTE = timedelta(minutes=1)


class Inbox:
    """What a mail server was handed; `answer` is what it says to each mail."""

    def __init__(self):
        self.mails = []
        self.answer = "250 Kept"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's
        if self.answer == "hang up":
            server.transport.abort()
            return "250 never heard"
        if self.answer.startswith("250"):
            self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return self.answer


class OneServer(Controller):
    def factory(self):
        return SMTP(self.handler, enable_SMTPUTF8=True, hostname="localhost", ident="test")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def inbox(settings):
    box = Inbox()
    controller = OneServer(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    settings.SMTP = {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": controller.port}
    yield box
    controller.stop(no_assert=True)


@pytest.fixture
def place(db):
    return factories.location(name="Northgate", address="1 High Street\nTown", phone="020 7946 0000")


def deliver(now=NOW, lane=NORMAL):
    return outbox.deliver(lane=lane, clock=lambda: now)


def fresh(row):
    return Reminder.objects.get(pk=row.pk)


# -- What arrives -----------------------------------------------------------------------------------------------------


def test_deliver_sends_what_is_due_once_and_marks_it(place, inbox):
    row, later = reminder(place), reminder(place, due_at=NOW + HOUR)

    assert (deliver(), deliver()) == (1, 0)

    row = fresh(row)
    assert (row.state, row.sent_at, row.attempts) == (State.SENT, NOW, 1)
    assert fresh(later).state == State.SCHEDULED
    assert list(row.deliveries.values_list("number", "is_accepted", "finished_at")) == [(1, True, NOW)]
    (mail,) = inbox.mails
    assert (mail["To"], mail["Message-ID"]) == (row.patient.email, row.message_id)
    assert mail["Subject"] == "Your visit on Tuesday 3 March 2026"
    assert mail.get_content().replace("\r\n", "\n") == (
        "Hello Ada,\n\nYour visit is booked for Tuesday 3 March 2026 at 09:00.\n\n"
        "To change it, call us: 020 7946 0000\n\nNorthgate\n1 High Street\nTown\n"
    )


def test_deliver_writes_times_in_the_zone_of_the_location(db, inbox):
    row = reminder(factories.location(time_zone="Asia/Tokyo"))

    deliver()

    assert "Tuesday 3 March 2026 at 18:00" in inbox.mails[0].get_content()
    assert fresh(row).state == State.SENT


def test_deliver_uses_the_address_and_the_wording_of_today(place, inbox):
    MessageTemplate.objects.create(key="visit_booked", subject="See you {day}", body="Dear {first_name} {clinic}")
    row = reminder(place)
    row.patient.email = "new@mail.example"
    row.patient.save()

    deliver()

    (mail,) = inbox.mails
    assert (mail["To"], mail["Subject"]) == ("new@mail.example", "See you Tuesday 3 March 2026")
    assert mail.get_content().strip() == "Dear Ada Northgate"


def test_deliver_asks_the_questions_of_the_version(place, inbox):
    first, *_ = course()
    done = visit(place, NOW - DAY, session=first)
    reminder(appointment=done, rule_key="check_24h", template_key="check_in", expires_at=NOW + DAY)

    deliver()

    (mail,) = inbox.mails
    assert mail["Subject"] == "How are you?"
    assert "- Question of check_24h?" in mail.get_content()


def test_deliver_sends_the_advice_of_the_version(place, inbox):
    first, *_ = course()
    VersionAftercare.objects.create(
        version=first.series.protocol_version,
        key="sun",
        kind="avoid",
        title="Sun",
        text="Stay in the shade.",
        starts_after_hours=0,
        ends_after_hours=48,
        send_after_hours=0,
    )
    reminder(appointment=visit(place, NOW - DAY, session=first), rule_key="aftercare_sent", expires_at=NOW + DAY)

    deliver()

    assert "- Sun: Stay in the shade." in inbox.mails[0].get_content()


def test_deliver_gives_up_a_wording_with_a_name_that_nothing_fills(place, inbox):
    MessageTemplate.objects.create(key="visit_booked", subject="Hello", body="{patient.birth_date}")
    row = reminder(place)

    deliver()

    row = fresh(row)
    assert (row.state, row.why) == (State.GAVE_UP, "The wording cannot be filled: patient.birth_date.")
    assert inbox.mails == []


# -- What no longer makes sense ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"status": "cancelled", "cancelled_by": "patient", "cancel_reason": "ill"}, "The visit does not take place."),
        ({"starts_at": NOW + 2 * DAY, "ends_at": NOW + 2 * DAY + HOUR}, "The visit has another time now."),
    ],
)
def test_deliver_looks_at_the_visit_again_before_it_sends(place, inbox, change, why):
    row = reminder(place)
    type(row.appointment).objects.filter(pk=row.appointment_id).update(**change)

    deliver()

    row = fresh(row)
    assert (row.state, row.why) == (State.VOID, why)
    assert inbox.mails == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"email": ""}, "The patient has no e-mail address."),
        ({"wants_messages": False}, "The patient wants no messages."),
    ],
)
def test_deliver_looks_at_the_patient_again_before_it_sends(place, inbox, change, why):
    row = reminder(place)
    type(row.patient).objects.filter(pk=row.patient_id).update(**change)

    deliver()

    assert (fresh(row).state, fresh(row).why) == (State.VOID, why)


def test_deliver_expires_what_ran_out_between_claim_and_sending(place, inbox):
    row = reminder(place)
    ((pk, lease),) = outbox.claim(NORMAL, NOW)

    with mail_server.MailServer({}) as server:
        assert outbox._deliver_one(pk, lease, server, lambda: NOW + DAY) is False

    assert fresh(row).state == State.EXPIRED


def test_deliver_does_not_send_a_cancellation_of_a_visit_that_is_booked_again(place, inbox):
    row = reminder(place, rule_key="visit_cancelled")

    deliver()

    assert (fresh(row).state, fresh(row).why) == (State.VOID, "The visit is booked again.")


def test_deliver_expires_what_is_past_its_use(place, inbox):
    row = reminder(place)

    deliver(NOW + DAY)

    assert (fresh(row).state, fresh(row).why) == (State.EXPIRED, "It was too late to be useful.")
    assert inbox.mails == []


# -- A server that fails ----------------------------------------------------------------------------------------------


def test_deliver_backs_off_and_gives_up_after_five_refusals(place, inbox):
    inbox.answer = "451 Not now"
    row = reminder(place, expires_at=NOW + 30 * DAY)
    type(row.appointment).objects.filter(pk=row.appointment_id).update(
        starts_at=NOW + 30 * DAY, ends_at=NOW + 30 * DAY + HOUR
    )
    waits, now = [], NOW

    for _ in range(4):
        deliver(now)
        row = fresh(row)
        assert (row.state, row.why) == (State.FAILED, "451 Not now")
        waits.append(row.due_at - now)
        deliver(row.due_at - MINUTE / 2)
        now = row.due_at
    deliver(now)

    row = fresh(row)
    assert waits == [MINUTE, 10 * MINUTE, HOUR, 6 * HOUR]
    assert (row.state, row.attempts, row.deliveries.count()) == (State.GAVE_UP, 5, 5)


def test_deliver_sends_after_a_refusal_once_the_server_takes_it(place, inbox):
    row = reminder(place)
    inbox.answer = "451 Not now"
    deliver()
    inbox.answer = "250 Kept"

    assert deliver(NOW + MINUTE) == 1

    row = fresh(row)
    assert (row.state, row.attempts, row.why, len(inbox.mails)) == (State.SENT, 2, "", 1)


def test_deliver_expires_a_refused_message_that_cannot_be_tried_again_in_time(place, inbox):
    inbox.answer = "451 Not now"
    row = reminder(place, expires_at=NOW + MINUTE / 2)
    type(row.appointment).objects.filter(pk=row.appointment_id).update(starts_at=NOW + MINUTE / 2)

    deliver()

    assert (fresh(row).state, fresh(row).why) == (State.EXPIRED, "451 Not now")


def test_deliver_charges_one_message_only_when_nobody_listens(place, settings):
    settings.SMTP = {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": free_port()}
    first, second = reminder(place), reminder(place)
    soon = reminder(appointment=visit(place, NOW + MINUTE / 2))

    assert deliver() == 0
    assert fresh(soon).state == State.EXPIRED

    first, second = fresh(first), fresh(second)
    assert (first.state, first.attempts) == (State.FAILED, 1)
    assert (second.state, second.attempts, second.due_at) == (State.FAILED, 0, NOW + MINUTE)


def test_deliver_reports_doubt_after_two_answers_that_never_came(place, inbox):
    inbox.answer = "hang up"
    row = reminder(place)

    deliver()
    assert fresh(row).state == State.FAILED
    deliver(NOW + MINUTE)

    row = fresh(row)
    assert (row.state, row.get_state_display()) == (State.DOUBTFUL, "may not have arrived")


def test_deliver_connects_again_after_the_server_hung_up(place, inbox, settings):
    server = mail_server.MailServer(settings.SMTP)
    server.connect()
    first = server._smtp
    first.sock.shutdown(socket.SHUT_RDWR)

    with server:
        server.connect()

        assert server._smtp is not first
        assert server._smtp.noop()[0] == 250


# -- A sender that dies -----------------------------------------------------------------------------------------------


def die_before_sending(row, now):
    ((pk, lease),) = outbox.claim(NORMAL, now)
    return pk, lease


def die_while_sending(row, now):
    pk, lease = die_before_sending(row, now)
    claimed = fresh(row)
    assert (pk, lease) == (claimed.pk, claimed.lease_until)
    outbox._begin(claimed, now)


def test_a_message_whose_sender_died_before_it_was_handed_over_is_sent_however_often_that_happens(place, inbox):
    row, now = reminder(place), NOW
    for _ in range(4):
        die_before_sending(row, now)
        assert outbox.claim(NORMAL, now + outbox.LEASE / 2) == []
        now += outbox.LEASE

    assert deliver(now) == 1
    assert fresh(row).state == State.SENT


def test_a_message_whose_sender_died_while_handing_over_is_tried_once_more(place, inbox):
    row = reminder(place)
    die_while_sending(row, NOW)

    assert deliver(NOW + outbox.LEASE) == 1
    assert list(fresh(row).deliveries.values_list("is_accepted", flat=True)) == [False, True]


def test_a_message_whose_sender_died_twice_while_handing_over_is_left_to_staff(place, inbox):
    row = reminder(place)
    die_while_sending(row, NOW)
    die_while_sending(row, NOW + outbox.LEASE)

    assert deliver(NOW + 2 * outbox.LEASE) == 0

    assert fresh(row).state == State.DOUBTFUL
    assert inbox.mails == []


def test_a_sender_that_lost_its_lease_neither_sends_nor_marks(place, inbox):
    row = reminder(place)
    ((pk, lease),) = outbox.claim(NORMAL, NOW)
    outbox.claim(NORMAL, NOW + outbox.LEASE)

    with mail_server.MailServer({}) as server:
        assert outbox._deliver_one(pk, lease, server, lambda: NOW + MINUTE) is False

    assert fresh(row).state == State.CLAIMED
    assert not DeliveryAttempt.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_senders_at_once_claim_different_rows(inbox, monkeypatch):
    monkeypatch.setattr(outbox, "BATCH", 10)
    place = factories.location()
    rows = {reminder(place).pk for _ in range(20)}
    barrier, claimed = threading.Barrier(2, timeout=10), {}

    def sender(name):
        try:
            with transaction.atomic():
                barrier.wait()
                claimed[name] = [pk for pk, _ in outbox.claim(NORMAL, NOW)]
                barrier.wait()
        finally:
            connection.close()

    threads = [threading.Thread(target=sender, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(claimed["one"]), len(claimed["two"])) == (10, 10)
    assert set(claimed["one"]) | set(claimed["two"]) == rows


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_the_server_is_spoken_to(inbox, monkeypatch):
    reminder(factories.location())
    seen = []
    real = smtplib.SMTP.send_message

    def spy(smtp, message):
        seen.append(connection.in_atomic_block)
        return real(smtp, message)

    monkeypatch.setattr(smtplib.SMTP, "send_message", spy)

    assert deliver() == 1
    assert seen == [False]


def test_deliver_goes_on_from_batch_to_batch_and_stops_after_its_time(place, inbox, monkeypatch):
    monkeypatch.setattr(outbox, "BATCH", 1)
    for _ in range(4):
        reminder(place)

    minutes = iter(range(100))
    assert outbox.deliver(lane=NORMAL, clock=lambda: NOW + next(minutes) * MINUTE) == 1
    assert deliver(NOW + HOUR) == 3


def test_the_bells_send_each_their_lane(place, inbox, monkeypatch):
    normal, urgent = reminder(place), reminder(place, lane=URGENT)
    monkeypatch.setattr(tasks.timezone, "now", lambda: NOW)

    assert tasks.ring_bell() == 1
    assert (fresh(normal).state, fresh(urgent).state) == (State.SENT, State.SCHEDULED)
    assert tasks.ring_urgent_bell() == 1
    assert fresh(urgent).state == State.SENT


# -- Django's own mail ------------------------------------------------------------------------------------------------


def send_code():
    EmailMessage("Sign-in code", "Your code is 123 456", to=["ada@mail.example", "bo@mail.example"]).send()


@pytest.fixture
def outbox_backend(settings):
    settings.EMAIL_BACKEND = "clinic.outbox.OutboxBackend"


def test_mail_of_the_framework_is_kept_encrypted_for_each_recipient(db, outbox_backend):
    send_code()

    with connection.cursor() as cursor:
        cursor.execute("SELECT raw_to || raw_subject || raw_body, lane, rule_key FROM clinic_reminder")
        stored = cursor.fetchall()
    assert [(lane, rule) for _, lane, rule in stored] == [("urgent", "raw"), ("urgent", "raw")]
    assert not any("123" in text or "mail.example" in text or "code" in text.lower() for text, *_ in stored)


def test_mail_of_the_framework_goes_out_with_the_urgent_bell_and_its_text_is_wiped(db, inbox, outbox_backend):
    send_code()
    now = Reminder.objects.first().due_at + MINUTE

    assert deliver(now) == 0
    assert deliver(now, URGENT) == 2

    assert {mail["To"]: mail.get_content().strip() for mail in inbox.mails} == {
        "ada@mail.example": "Your code is 123 456",
        "bo@mail.example": "Your code is 123 456",
    }
    assert {(row.state, row.raw_body) for row in Reminder.objects.all()} == {("sent", "")}


def test_mail_of_the_framework_keeps_its_text_while_it_is_tried_and_loses_it_when_it_expires(db, inbox, outbox_backend):
    send_code()
    inbox.answer = "451 Not now"
    now = Reminder.objects.first().due_at + MINUTE

    deliver(now, URGENT)
    assert {(row.state, row.raw_body) for row in Reminder.objects.all()} == {("failed", "Your code is 123 456")}

    deliver(now + 2 * HOUR, URGENT)
    assert {(row.state, row.raw_body) for row in Reminder.objects.all()} == {("expired", "")}
