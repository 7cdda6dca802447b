"""What Celery runs: two bells. A bell says that there may be something to send; the rows know what."""

from celery import shared_task
from celery.signals import worker_init
from django.utils import timezone

from clinic import installation, outbox, reviews
from clinic.models import Reminder


@shared_task
def ring_bell() -> int:
    """Send the messages that are due, and check booked visits again whose history or rules have changed."""
    sent = outbox.deliver(lane=Reminder.Lane.NORMAL, clock=timezone.now)
    reviews.reassess(timezone.now())
    return sent


@shared_task
def ring_urgent_bell() -> int:
    """Send what somebody is waiting for at this moment, such as a sign-in code."""
    return outbox.deliver(lane=Reminder.Lane.URGENT, clock=timezone.now)


@worker_init.connect
def refuse_demo_data(**details: object) -> None:
    """Stop the worker before it takes work. Celery logs what a receiver raises and goes on, except for SystemExit."""
    try:
        installation.refuse_demo_in_production()
    except installation.DemoInProduction as error:
        raise SystemExit(str(error)) from error
