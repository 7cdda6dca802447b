"""Plans and rules are kept in memory, but never longer than the catalogue stays as it was."""

import threading

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction

from patients.models import BodyArea, Condition, SubstanceTag
from tests import factories
from tests.factories_treatments import FIRST, allergic, answered, condition, draft, ingredient, published, series
from treatments import assessment, known, remembered, safety
from treatments.models import AreaLimit, CatalogueRevision, Contraindication, Indication, Protocol


def codes(course):
    return [each.code for each in safety.assess_series(course, FIRST) if each.severity == "stop"]


def elsewhere(act):
    """Do it on another connection, as another process would."""

    def run():
        try:
            act()
        finally:
            connection.close()

    other = threading.Thread(target=run)
    other.start()
    other.join()


def test_a_shelf_loads_each_thing_once():
    loads = iter((1, 2)).__next__
    shelf = remembered.shelf_of((1, "kept"))

    assert [shelf.get("plan", loads), remembered.shelf_of((1, "kept")).get("plan", loads)] == [1, 1]


def test_a_shelf_of_another_stamp_is_empty():
    loads = iter((1, 2)).__next__
    remembered.shelf_of((1, "one")).get("plan", loads)

    assert remembered.shelf_of((1, "two")).get("plan", loads) == 2


def test_a_shelf_without_a_stamp_keeps_nothing():
    loads = iter((1, 2)).__next__

    assert [remembered.shelf_of(None).get("plan", loads) for _ in range(2)] == [1, 2]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda: AreaLimit.objects.update(depth_max_mm="0.9", depth_cap_mm="0.9"), ["depth_over_limit"]),
        (lambda: Contraindication.objects.update(action="block"), ["cardiac_disease"]),
        (lambda: Condition.objects.update(answered_by="allergies"), []),
        (lambda: Indication.objects.update(is_blocked=True, block_reason="No."), ["indication_blocked"]),
    ],
)
def test_a_change_of_the_catalogue_by_another_process_counts_at_once(change, expected):
    Group.objects.get_or_create(name="clinical lead")  # the test before may have emptied every table
    person = factories.patient()
    course = series(person, published())
    answered(person, condition("cardiac_disease", "advise"))
    assert codes(course) == []

    elsewhere(change)

    assert codes(course) == expected


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        lambda: BodyArea.objects.update(label="Another"),
        lambda: SubstanceTag.objects.update(label="Another"),
        lambda: Protocol.objects.update(name="Another"),
        lambda: Condition.objects.update(label="Another"),
    ],
)
def test_a_change_of_a_name_is_a_change_of_the_catalogue(change):
    person = factories.patient()
    course = series(person, published(numbing=[ingredient("lidocaine", tags=("amide_anaesthetic",))]))
    allergic(person, "soy")
    before = known.of_person(person.pk).stamp, safety.revision(person)[1]
    assessment.treatment_of(course.protocol_version, [], person, interval_min_days=0)

    change()

    after = known.of_person(person.pk).stamp, safety.revision(person)[1]
    assert after[1] == before[1] + 1
    assert after[0] != before[0]


@pytest.mark.django_db
def test_what_a_rolled_back_change_made_of_the_catalogue_is_not_kept():
    course = series(factories.patient(), published())
    with transaction.atomic():
        AreaLimit.objects.update(depth_max_mm="0.9", depth_cap_mm="0.9")
        seen = known.of_person(course.patient_id).stamp
        assert codes(course) == ["depth_over_limit"]
        transaction.set_rollback(True)
    assert codes(course) == []

    with transaction.atomic():
        AreaLimit.objects.update(depth_max_mm="1.4")

        assert known.of_person(course.patient_id).stamp[0] == seen[0]
        assert codes(course) == []


@pytest.mark.django_db
def test_the_plan_of_a_draft_is_loaded_anew():
    version, person = draft(), factories.patient()
    before = safety.assess_plan(person, version, BodyArea.objects.all(), FIRST)
    version.depth_steps.update(depth_max_mm="9")

    after = safety.assess_plan(person, version, BodyArea.objects.all(), FIRST)

    assert [each.code for each in after if each not in before] == ["depth_over_limit"]


@pytest.mark.django_db
def test_a_catalogue_without_a_revision_is_not_remembered():
    course = series(factories.patient(), published())
    CatalogueRevision.objects.all().delete()

    assert known.of_person(course.patient_id).stamp is None
    assert codes(course) == []


@pytest.mark.django_db
def test_findings_come_with_the_revision_that_was_read_before_them():
    course = series(factories.patient(), published())

    checked = safety.check_series(course, FIRST)

    assert checked.revision == safety.revision(course.patient)
    assert checked.findings == safety.assess_series(course, FIRST)
