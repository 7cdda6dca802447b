"""A clinician's decision: who may make it, about what, and that its words are sealed."""

import pytest
from django.db import connection

from patients.refusals import Refused
from tests.factories import NOW, patient, user
from treatments import decisions
from treatments.findings import AT_THE_START, STOP, WARN, Finding, basis_of

pytestmark = pytest.mark.django_db


def question(*, is_decidable=True):
    return Finding(
        code="cardiac_disease",
        severity=WARN if is_decidable else STOP,
        blocks=AT_THE_START,
        message="Heart disease",
        desk_message="A clinician decides.",
        is_decidable=is_decidable,
        basis=basis_of("cardiac_disease", 1),
    )


def test_decide_keeps_who_what_and_why():
    lead = user("clinical lead")

    kept = decisions.decide(patient(), question(), protocol=None, allows=True, reason=" fine ", by=lead, now=NOW)

    assert (kept.decided_by, kept.decided_at, kept.allows, kept.reason) == (lead, NOW, True, "fine")


def test_decide_seals_the_reason_in_the_database():
    decisions.decide(
        patient(), question(), protocol=None, allows=True, reason="fine", by=user("clinical lead"), now=NOW
    )

    with connection.cursor() as cursor:
        cursor.execute("SELECT reason FROM treatments_cliniciandecision")
        assert "fine" not in cursor.fetchone()[0]


def test_decide_is_refused_where_nobody_can_decide():
    with pytest.raises(Refused, match="it ends when its cause does"):
        decisions.decide(
            patient(),
            question(is_decidable=False),
            protocol=None,
            allows=True,
            reason="fine",
            by=user("clinical lead"),
            now=NOW,
        )
