"""The door to the safety check, through real rows."""

from datetime import date, timedelta

import pytest

from patients.models import BodyArea, Measurement
from tests import factories
from tests.factories_treatments import (
    FIRST,
    allergic,
    answered,
    area,
    condition,
    consented,
    decision,
    draft,
    ingredient,
    published,
    series,
    treatment_service,
)
from treatments import safety
from treatments import series as courses_of
from treatments.models import AreaLimit, CatalogueRevision

pytestmark = pytest.mark.django_db


def check(person, version, on=FIRST, areas=("cheek",)):
    return safety.assess_plan(person, version, BodyArea.objects.filter(key__in=areas), on)


def codes(findings, severity=None):
    return [each.code for each in findings if severity in (None, each.severity)]


def done(course, number, on):
    session = courses_of.mark_booked(course.sessions.get(number=number))
    return courses_of.mark_done(session, on=on)


@pytest.mark.parametrize(("days", "expected"), [(13, ["minimum_gap"]), (14, [])])
def test_assess_series_counts_from_the_real_day_of_the_session_before(days, expected):
    course = series()
    done(course, 1, FIRST)

    found = safety.assess_series(course, FIRST + timedelta(days=days))

    assert codes(found, "stop") == expected


@pytest.mark.parametrize(("days", "expected"), [(29, ["minimum_gap"]), (30, [])])
def test_assess_series_takes_the_longer_gap_of_two_series_on_one_area(days, expected):
    person = factories.patient()
    slow = series(person, published(phases=((4, 30, 35, 40),)))
    done(slow, 1, FIRST)
    quick = series(person, published(phases=((4, 7, 14, 21),)), first_possible_on=FIRST + timedelta(days=30))

    assert codes(safety.assess_series(quick, FIRST + timedelta(days=days)), "stop") == expected


def test_assess_series_leaves_another_area_or_another_kind_of_treatment_alone():
    person, areas = factories.patient(), (("cheek", "1", "1"), ("nose", "1", "1"))
    done(series(person, published(areas=areas), areas=("nose",)), 1, FIRST)
    done(series(person, published("mesotherapy")), 1, FIRST)

    found = safety.assess_series(series(person, published(areas=areas)), FIRST)

    assert codes(found, "stop") == []


def test_assess_series_looks_at_the_session_it_is_given():
    course = series(version=published(phases=((2, 7, 7, 7), (1, 28, 28, 28))))
    done(course, 1, FIRST)
    third = course.sessions.get(number=3)

    (finding,) = [each for each in safety.assess_series(course, FIRST, session=third) if each.code == "minimum_gap"]

    assert finding.clears_on == FIRST + timedelta(days=28)


def test_assess_series_that_is_complete_still_answers():
    course = series(sessions_planned=1)
    done(course, 1, FIRST)

    assert codes(safety.assess_series(course, FIRST + timedelta(days=1)), "stop") == []


def test_assess_series_leaves_the_anaesthetic_out_when_it_is_switched_off():
    person, numbing = factories.patient(), ingredient("lidocaine", tags=("amide_anaesthetic",))
    course = series(person, published(numbing=[numbing]))
    allergic(person, "amide_anaesthetic")

    held = safety.assess_series(course, FIRST)
    off = safety.assess_series(course, FIRST, is_without_anaesthetic=True)

    assert (codes(held, "stop"), codes(off, "stop")) == (["allergy_amide_anaesthetic"], [])


def test_assess_series_uses_the_catalogue_of_today_for_a_frozen_version():
    course = series()
    AreaLimit.objects.filter(area__key="cheek").update(depth_max_mm="0.9", depth_cap_mm="0.9")

    assert codes(safety.assess_series(course, FIRST), "stop") == ["depth_over_limit"]


def test_assess_plan_without_phases_has_no_gap():
    assert codes(check(factories.patient(), draft(phases=(), sessions_typical=1)), "stop") == []


def test_the_whole_merged_group_is_read():
    kept, merged = factories.patient(birth_date=None), factories.patient(birth_date=date(1990, 1, 1))
    version = published(requires_consultation=True)
    answered(merged, condition("cardiac_disease", "doctor_letter"))
    allergic(merged, "soy")
    consented(merged)
    done(series(merged, version), 1, FIRST)
    type(merged).objects.filter(pk=merged.pk).update(merged_into=kept)
    merged.refresh_from_db()

    for person in (kept, merged):
        assert codes(check(person, version)) == ["minimum_gap", "cardiac_disease", "consultation"]


def test_a_refuted_allergy_counts_no_more():
    person = factories.patient()
    allergic(person, "hyaluronic_acid", verification="refuted")
    version = draft("mesotherapy", areas=(("cheek", "1", "2"),), mix=((ingredient(tags=("hyaluronic_acid",)), 20, 2),))

    assert codes(check(person, version), "stop") == []


def test_an_allergy_in_words_only_asks_a_clinician():
    person = factories.patient()
    allergic(person, words="Some cream, years ago")
    version = draft("mesotherapy", areas=(("cheek", "1", "2"),), mix=((ingredient(), 20, 2),))

    (finding,) = [each for each in check(person, version) if each.needs_clinician]

    assert (finding.code, finding.blocks) == ("allergy_in_words", {"start"})


def test_a_withdrawn_consent_counts_no_more():
    person = factories.patient()
    signed = consented(person)
    version = draft()
    assert "consent" not in codes(check(person, version))

    type(signed).objects.update(withdrawn_at=signed.signed_at + timedelta(days=1))

    assert "consent" in codes(check(person, version))


def test_the_newest_measurement_counts():
    person, version = factories.patient(), draft()
    condition("fitzpatrick_4_6", "advise", answered_by="skin_type", skin_type_from=4)
    for value, on in ((4, FIRST), (3, FIRST + timedelta(days=1))):
        Measurement.objects.create(
            patient=person, kind="skin_type", value=value, measured_on=on, measured_by=factories.user()
        )

    assert "fitzpatrick_4_6" not in codes(check(person, version))


def test_a_clinicians_decision_holds_until_its_day_and_is_asked_again_when_the_answer_changes():
    person, version = factories.patient(), draft()
    keloid = condition("keloid_history", "block_unless_override")
    answered(person, keloid)
    (finding,) = [each for each in check(person, version) if each.severity == "stop"]
    decision(person, finding, valid_until=FIRST + timedelta(days=9))

    allowed = check(person, version, FIRST + timedelta(days=9))
    expired = check(person, version, FIRST + timedelta(days=10))
    answered(person, keloid, on=FIRST + timedelta(days=1))
    changed = check(person, version, FIRST + timedelta(days=9))

    assert (codes(allowed, "stop"), codes(allowed, "advise")) == ([], ["keloid_history"])
    assert (codes(expired, "stop"), codes(changed, "stop")) == (["keloid_history"], ["keloid_history"])


def test_a_consultation_that_the_diary_knows_of_closes_the_open_point():
    person, version = factories.patient(), draft(requires_consultation=True)
    areas = [area("cheek")]

    before = safety.assess_plan(person, version, areas, FIRST)
    after = safety.assess_plan(person, version, areas, FIRST, fulfilled={"consultation": FIRST})

    assert ("consultation" in codes(before), "consultation" in codes(after)) == (True, False)


@pytest.mark.parametrize("kind", ["consultation", "review", "quick_check"])
def test_assess_service_says_nothing_about_a_talk(kind):
    person, talk = factories.patient(), factories.service(kind=kind, modality="mesotherapy")
    answered(person, condition("pregnancy", modality="mesotherapy"))

    assert safety.assess_service(person, talk, FIRST) == []


def test_assess_service_says_nothing_about_a_visit_of_no_kind_of_treatment():
    assert safety.assess_service(factories.patient(), factories.service(kind="patch_test"), FIRST) == []


@pytest.mark.parametrize("kind", ["patch_test", "treatment"])
def test_assess_service_stops_a_visit_that_touches_the_skin(kind):
    person, visit = factories.patient(), factories.service(kind=kind, modality="mesotherapy")
    answered(person, condition("pregnancy", modality="mesotherapy"))

    assert codes(safety.assess_service(person, visit, FIRST), "stop") == ["pregnancy"]


def test_a_person_under_age_is_stopped_once():
    person = factories.patient(birth_date=date(2010, 3, 2))
    condition("under_18", answered_by="birth_date", age_below_years=18)

    assert codes(check(person, draft(min_age_years=18)), "stop") == ["under_18"]
    assert codes(check(person, draft(min_age_years=21)), "stop") == ["min_age", "under_18"]


def test_revision_follows_the_patient_and_the_catalogue():
    person = factories.patient()
    before = safety.revision(person)
    type(person).objects.update(safety_revision=7)
    treatment_service("mesotherapy")

    assert (before[0], safety.revision(person)) == (1, (7, CatalogueRevision.objects.get().number))
    assert safety.revision(person)[1] > before[1]


def test_revision_of_an_empty_catalogue_is_zero():
    CatalogueRevision.objects.all().delete()

    assert safety.revision(factories.patient()) == (1, 0)


@pytest.mark.parametrize("count", [1, 3])
def test_assess_series_asks_the_same_queries_however_much_there_is(count, django_assert_num_queries):
    person, names = factories.patient(), ("cheek", "nose", "chin")[:count]
    mix = [(ingredient(name, tags=(name,)), "20", "1") for name in ("one", "two", "three")[:count]]
    version = published("mesotherapy", areas=tuple((name, "1", "2") for name in names), mix=mix)
    course = series(person, version, areas=names)
    done(course, 1, FIRST - timedelta(days=30))
    for key in ("one_question", "two_questions", "three_questions")[:count]:
        answered(person, condition(key, "advise", "mesotherapy"))
    allergic(person, "soy")
    course = type(course).objects.select_related("patient", "protocol_version").get(pk=course.pk)

    with django_assert_num_queries(10):
        safety.assess_series(course, FIRST)
    with django_assert_num_queries(2):
        safety.assess_series(course, FIRST)
