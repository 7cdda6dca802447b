"""The verb below the diary, what stands against it, and who may call it."""

import ast
from datetime import timedelta

import pytest
from django.conf import settings

from patients.refusals import Conflict, Refused
from tests import factories
from tests.factories_treatments import FIRST, area, clinical_lead, published, series
from tests.factories_treatments import draft as a_draft
from treatments import drafting, known, protocols, simulation, upgrades
from treatments.models import Phase, TreatmentSession
from treatments.simulation import Target, phases_of

pytestmark = pytest.mark.django_db
NOW = factories.NOW


@pytest.fixture
def lead():
    return clinical_lead()


def newer(version, **intervals):
    draft = drafting.new_draft(version, by=factories.user("administrator"))
    draft.phases.update(**intervals)
    return protocols.publish(draft, by=clinical_lead(), now=NOW)


def looked_at(course, version, today=FIRST):
    (fresh,) = simulation.with_everything(type(course).objects.filter(pk=course.pk))
    details = {"booked": {}, "fulfilled": lambda patient, on: {}, "begun": {}, "used_up": {}}
    (outlook,) = simulation.outlooks([fresh], Target.of(version), today=today, **details)
    return outlook


def maintenance(version, position=9):
    return Phase.objects.create(
        version=version, position=position, name="Maintenance", sessions=1, is_maintenance=True,
        interval_min_days=60, interval_ideal_days=90, interval_max_days=120,
    )  # fmt: skip


def test_sessions_take_the_phase_of_their_place_and_the_last_phase_goes_on():
    old = series(version=published(phases=((4, 14, 28, 42),)), sessions_planned=6)
    phases = a_draft(phases=((2, 7, 7, 7), (1, 14, 14, 14))).phases.order_by("position")

    given = phases_of(old.sessions.select_related("phase").order_by("number"), phases)

    assert [phase.interval_min_days for phase in given.values()] == [7, 7, 14, 14, 14, 14]


def test_maintenance_takes_the_maintenance_of_the_version_and_counts_for_itself():
    version = a_draft(phases=((2, 14, 28, 42),))
    maintenance(version)
    old = series(version=protocols.publish(version, by=clinical_lead(), now=NOW))
    phase = old.protocol_version.phases.get(is_maintenance=True)
    TreatmentSession.objects.create(series=old, number=3, phase=phase)
    then = newer(old.protocol_version)

    given = list(phases_of(old.sessions.select_related("phase").order_by("number"), then.phases.all()).values())

    assert [(each.version, each.is_maintenance) for each in given] == [(then, False), (then, False), (then, True)]


def test_maintenance_keeps_its_phase_where_the_version_has_none(lead):
    version = a_draft(phases=((2, 14, 28, 42),))
    maintenance(version)
    old = series(version=protocols.publish(version, by=lead, now=NOW))
    phase = old.protocol_version.phases.get(is_maintenance=True)
    TreatmentSession.objects.create(series=old, number=3, phase=phase)
    draft = drafting.new_draft(old.protocol_version, by=lead)
    draft.phases.filter(is_maintenance=True).delete()
    then = protocols.publish(draft, by=lead, now=NOW)

    outlook = looked_at(old, then)

    assert outlook.changes[2].phase == phase
    assert outlook.notes == ("The version has no maintenance: the maintenance that is planned keeps its days.",)


def test_upgrade_leaves_a_session_that_changed_since_it_was_looked_at(lead):
    old = series()
    outlook = looked_at(old, newer(old.protocol_version))
    old.sessions.filter(number=2).update(version=7)

    with pytest.raises(Conflict, match="has just been changed"):
        upgrades.upgrade(outlook, reason="Better", by=lead, now=NOW)

    assert set(old.sessions.values_list("phase__version", flat=True)) == {old.protocol_version_id}


def test_upgrade_is_refused_with_all_that_stands_against_it(lead):
    old = series(areas=("cheek",))
    draft = drafting.new_draft(old.protocol_version, by=lead)
    draft.depth_steps.update(area=area("chin"))
    then = protocols.publish(draft, by=lead, now=NOW)

    with pytest.raises(Refused, match="does not treat: Cheek"):
        upgrades.upgrade(looked_at(old, then), reason="Better", by=lead, now=NOW)


def test_a_draft_without_a_phase_cannot_be_followed(lead):
    old = series()
    draft = drafting.new_draft(old.protocol_version, by=lead)
    draft.phases.all().delete()

    assert looked_at(old, draft).refusals == ("A protocol needs at least one phase.",)


def test_the_days_of_open_sessions_are_counted_from_the_new_interval():
    old = series()
    then = newer(old.protocol_version, interval_min_days=7, interval_ideal_days=10, interval_max_days=14)

    outlook = looked_at(old, then)

    assert [each.becomes.ideal for each in outlook.changes] == [FIRST + timedelta(days=10 * n) for n in range(4)]
    assert [each.was.ideal for each in outlook.changes] == [FIRST + timedelta(days=28 * n) for n in range(4)]
    assert (outlook.changes[1].days_now, outlook.changes[1].days_then) == ("28 (14–42)", "10 (7–14)")


def test_an_exact_interval_is_one_figure():
    old = series()
    then = newer(old.protocol_version, interval_min_days=7, interval_ideal_days=7, interval_max_days=7)

    assert looked_at(old, then).changes[1].days_then == "7"


def test_what_is_known_of_many_is_what_is_known_of_each():
    found = [series(), series(areas=("cheek",), version=published(areas=(("cheek", "0.5", "1"),)))]
    asked = [(each.patient_id, each.protocol_version_id, each.pk) for each in found]

    together = known.of_series(asked)

    alone = {key: known.of_visit(patient, version, series_id=key) for patient, version, key in asked}
    assert together == alone
    assert known.of_series([]) == {}


def test_only_the_diary_calls_the_verb():
    callers = set()
    for folder in ("clinic", "treatments", "patients"):
        for path in (settings.BASE_DIR / folder).rglob("*.py"):
            names = {
                alias.name
                for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.ImportFrom) and node.module == "treatments"
                for alias in node.names
            }
            if "upgrades" in names:
                callers.add(str(path.relative_to(settings.BASE_DIR)))

    assert callers == {"clinic/upgrades.py"}
