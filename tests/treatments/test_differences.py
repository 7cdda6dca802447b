import pytest

from tests import factories
from tests.factories_treatments import area, draft, ingredient, published
from treatments import contents, drafting
from treatments.differences import Group, differences
from treatments.models import (
    AnaestheticLine,
    DepthStep,
    FollowUpRule,
    FollowUpRuleQuestion,
    Phase,
    PhotoPoint,
    Source,
    VersionAftercare,
    VersionSegment,
    VersionSource,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair():
    """A published version and its draft; the test changes the draft and says what it expects to read."""

    def of(modality="microneedling", **details):
        old = published(modality, **details)
        new = drafting.new_draft(old, by=factories.user("administrator"))
        return old, new

    return of


def read(old, new):
    return {group.title: group.lines for group in differences(contents.of(old), contents.of(new))}


def test_a_copy_differs_in_nothing(pair):
    assert differences(*map(contents.of, pair())) == []


def test_the_depth_of_an_area_reads_as_a_span(pair):
    old, new = pair(areas=(("forehead", "0.5", "0.75"),))
    new.depth_steps.update(depth_max_mm="1.0")

    assert read(old, new) == {"Depths": ["Forehead: depth 0.5–0.75 → 0.5–1 mm"]}


def test_an_interval_reads_in_days(pair):
    old, new = pair()
    new.phases.update(interval_ideal_days=21)

    assert read(old, new) == {"Phases": ["Phase 1: ideally 28 → 21 days"]}


def test_a_dose_reads_with_its_unit(pair):
    old, new = pair("mesotherapy")
    new.cocktail_lines.update(amount=25)

    assert read(old, new) == {"Mix": ["hyaluronic acid: 20 → 25 mg"]}


def test_areas_that_come_and_go_are_named(pair):
    old, new = pair(areas=(("cheek", "0.5", "1"), ("lips", "0.25", "0.5")))
    new.depth_steps.filter(area__key="lips").delete()
    DepthStep.objects.create(
        version=new, area=area("chin"), technique=new.depth_steps.get().technique, depth_min_mm=1, depth_max_mm="1.5"
    )

    assert read(old, new) == {"Depths": ["added: Chin, technique Needling, depth 1–1.5 mm", "removed: Lips"]}


def test_an_ingredient_in_the_place_of_another_is_one_removed_and_one_added(pair):
    old, new = pair("mesotherapy")
    new.cocktail_lines.update(ingredient=ingredient("caffeine"), amount=5)

    assert read(old, new)["Mix"] == [
        "added: caffeine, 5 mg, volume 2 ml, basis proposed",
        "removed: hyaluronic acid",
    ]


def test_basics_are_named_by_their_label(pair):
    old, new = pair()
    new.sessions_max, new.requires_consultation, new.endpoint, new.max_depth_mm = 12, True, "Even redness", "1.5"
    new.save()

    assert read(old, new) == {
        "Basics": [
            "Most sessions 10 → 12",
            "Needs a consultation first no → yes",
            "What the skin looks like when to stop nothing → Even redness",
            "Never deeper than, mm nothing → 1.5",
        ]
    }


def test_changed_aftercare_is_quoted(pair):
    _old, new = pair()
    VersionAftercare.objects.create(
        version=new, key="sun", kind="avoid", title="No sun", text="Stay inside.",
        starts_after_hours=0, ends_after_hours=72, send_after_hours=0,
    )  # fmt: skip
    was = contents.of(new)
    new.aftercare.update(text="Use sun cream.", ends_after_hours=48)

    assert differences(was, contents.of(new)) == [
        Group("Aftercare", ["“No sun”: text “Stay inside.” → “Use sun cream.”", "“No sun”: until 72 → 48 hours"])
    ]


def test_messages_differ_in_their_time_and_their_questions(pair):
    _old, new = pair()
    rule = FollowUpRule.objects.create(version=new, key="check", offset_hours=24, purpose="How is it?")
    was = contents.of(new)
    FollowUpRuleQuestion.objects.create(rule=rule, position=1, text="Any pain?")
    new.follow_up_rules.update(offset_hours=48, asks_photo=True)

    assert differences(was, contents.of(new)) == [
        Group(
            "Messages",
            [
                "How is it?: sent after 24 → 48 hours",
                "How is it?: asks for a photo no → yes",
                "How is it?: questions nothing → “Any pain?”",
            ],
        )
    ]


def test_the_parts_of_a_visit_numbing_photos_and_sources_are_compared_too(pair):
    old, new = pair()
    VersionSegment.objects.create(version=new, position=2, kind="hands_on", base_minutes=20, holds_practitioner=True)
    AnaestheticLine.objects.create(
        version=new, position=1, ingredient=ingredient("lidocaine"), kind="topical", agent="Cream",
        minutes_min=15, minutes_typical=20, minutes_max=60,
    )  # fmt: skip
    PhotoPoint.objects.create(version=new, when="final")
    VersionSource.objects.create(version=new, source=Source.objects.create(key="one", title="A paper", kind="paper"))

    assert read(old, new) == {
        "Numbing": [
            "added: Cream, ingredient lidocaine, product Cream, kind on the skin, minutes 15/20/60, "
            "taken off before the treatment yes"
        ],
        "Visit": [
            "added: Part 2, with the practitioner, kind with the practitioner, 20 minutes, for each area 0 minutes, "
            "with the practitioner yes, with an assistant no, room none, device none"
        ],
        "Photos": ["added: at the end"],
        "Sources": ["added: A paper"],
    }


def test_any_two_versions_compare_in_both_directions(pair):
    old, new = pair()
    Phase.objects.create(
        version=new, position=2, name="maintenance", sessions=1, is_maintenance=True,
        interval_min_days=60, interval_ideal_days=90, interval_max_days=120,
    )  # fmt: skip

    assert read(old, new)["Phases"][0].startswith("added: Phase 2, name maintenance, sessions 1")
    assert read(new, old) == {"Phases": ["removed: Phase 2"]}


def test_it_compares_versions_of_another_protocol(pair):
    assert "Mix" in read(published(), draft("mesotherapy", areas=(), mix=((ingredient(), "20", "2"),)))
