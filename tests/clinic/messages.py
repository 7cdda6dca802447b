"""Visits and courses written straight into the tables, for tests of what is said about them."""

from datetime import UTC, datetime, timedelta
from itertools import count

from clinic.models import Appointment, Reminder
from tests import factories
from treatments.models import (
    FollowUpRule,
    FollowUpRuleQuestion,
    Indication,
    Phase,
    Protocol,
    ProtocolVersion,
    TreatmentSeries,
    TreatmentSession,
)

number = count(1)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CHECKS = [("check_24h", 24, False), ("check_7d", 168, False), ("rebook_window", 1, False), ("outcome_6m", 4320, True)]


def visit(place, starts_at, *, who=None, session=None, **details):
    details = {"ends_at": starts_at + HOUR, "booked_at": NOW, **details}
    return Appointment.objects.create(
        patient=who or (session.series.patient if session else factories.patient()),
        service=session.series.protocol_version.protocol.service if session else factories.service(),
        location=place,
        session=session,
        starts_at=starts_at,
        **details,
    )


def course(sessions=3, rules=CHECKS, who=None):
    """A running series; returns its sessions in order."""
    key = f"course-{next(number)}"
    indication, _ = Indication.objects.get_or_create(key="scars", defaults={"label": "Scars"})
    service = factories.service("treatment", modality="microneedling")
    protocol = Protocol.objects.create(
        key=key, name=key, modality="microneedling", indication=indication, service=service
    )
    version = ProtocolVersion.objects.create(
        protocol=protocol,
        number=1,
        sessions_min=1,
        sessions_typical=sessions,
        sessions_max=sessions,
        min_age_years=18,
        consent_scope="treatment",
    )
    phase = Phase.objects.create(
        version=version,
        position=1,
        name="Build-up",
        sessions=sessions,
        interval_min_days=14,
        interval_ideal_days=28,
        interval_max_days=42,
    )
    for rule_key, hours, after_last in rules:
        rule = FollowUpRule.objects.create(
            version=version, key=rule_key, offset_hours=hours, purpose=rule_key, is_after_last_only=after_last
        )
        FollowUpRuleQuestion.objects.create(rule=rule, position=1, text=f"Question of {rule_key}?")
    series = TreatmentSeries.objects.create(
        patient=who or factories.patient(),
        protocol_version=version,
        state="active",
        sessions_planned=sessions,
        started_on=NOW.date(),
        first_possible_on=NOW.date(),
        created_by=factories.user("reception"),
    )
    return [TreatmentSession.objects.create(series=series, number=n + 1, phase=phase) for n in range(sessions)]


def reminder(place=None, **details):
    """One message that waits; about a visit tomorrow unless told otherwise."""
    about = details.pop("appointment", None) or visit(place or factories.location(), NOW + DAY)
    details = {"rule_key": "visit_booked", "due_at": NOW, **details}
    details = {"template_key": details["rule_key"], "expires_at": about.starts_at, **details}
    return Reminder.objects.create(appointment=about, patient=about.patient, location=about.location, **details)


def planned(about):
    """`{rule key: due}` of what waits to be sent about a visit or a series."""
    return dict(about.reminders.filter(state="scheduled").order_by("rule_key").values_list("rule_key", "due_at"))
