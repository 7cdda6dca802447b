import pytest

from tests.factories_treatments import draft, ingredient
from treatments import contents
from treatments.models import DepthStep, Phase, VersionSegment
from treatments.sums import FINE, LOOK, WRONG, sums

pytestmark = pytest.mark.django_db


def read(version, section):
    found = [each for each in sums(contents.of(version)) if each.section == section]
    return [(each.label, each.figure, each.against, each.level) for each in found]


def test_the_course_is_as_long_as_its_intervals_without_the_first():
    assert read(draft(phases=((4, 14, 28, 42),)), "phases") == [
        ("Sessions of the phases together", "4", "usual number 4", FINE),
        ("From the first to the last session", "12 weeks", "from 6 to 18 weeks", FINE),
    ]


def test_maintenance_is_outside_the_course():
    version = draft(phases=((2, 7, 7, 7),))
    Phase.objects.create(
        version=version, position=2, name="later", sessions=1, is_maintenance=True,
        interval_min_days=60, interval_ideal_days=90, interval_max_days=120,
    )  # fmt: skip

    assert read(version, "phases")[1] == (
        "From the first to the last session", "1 week", "from 1 to 1 weeks", FINE,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("phases", "told"),
    [
        (
            ((8, 7, 7, 7), (2, 14, 14, 16), (1, 28, 28, 31)),
            [("Every 7 days", "0 days of room"), ("Every 14 days", "2 days of room")],
        ),
        (((1, 7, 7, 7), (3, 27, 28, 28)), [("Every 28 days", "1 day of room")]),
        (((4, 14, 28, 42),), []),
    ],
)  # fmt: skip
def test_a_window_of_less_than_three_days_is_for_a_clinician_to_confirm(phases, told):
    flagged = [each for each in read(draft(phases=phases), "phases") if each[3] == LOOK]

    assert [each[:2] for each in flagged] == told
    assert all("clinician" in against for _label, _figure, against, _level in flagged)


def test_sessions_that_do_not_add_up_are_wrong():
    assert read(draft(sessions_typical=5), "phases")[0][3] == WRONG


def test_a_version_without_phases_has_no_length():
    assert read(draft(phases=(), sessions_typical=1), "phases") == [
        ("Sessions of the phases together", "0", "usual number 1", WRONG)
    ]


@pytest.mark.parametrize(("most", "level"), [("1.5", FINE), ("1.6", LOOK), ("2", LOOK), ("2.01", WRONG)])
def test_a_depth_is_held_against_the_usual_range_and_the_cap(most, level):
    assert read(draft(areas=(("cheek", "0.5", most),)), "depth_steps") == [
        ("Cheek", f"0.5–{most} mm", "usual 0.25–1.5 mm, never deeper than 2 mm", level)
    ]


def test_the_protocols_own_limit_counts_where_it_is_lower():
    assert read(draft(max_depth_mm="0.9"), "depth_steps") == [
        ("Cheek", "0.5–1 mm", "usual 0.25–1.5 mm, never deeper than 0.9 mm", WRONG)
    ]


def test_an_area_without_a_limit_is_wrong():
    version = draft()
    DepthStep.objects.get(version=version).area.limits.all().delete()

    assert read(version, "depth_steps") == [("Cheek", "0.5–1 mm", "no limit in the catalogue", WRONG)]


def test_volumes_and_doses_are_held_against_their_limits():
    free = ingredient("caffeine", most=None, clinician_must_set_max=True)
    version = draft("mesotherapy", areas=(), mix=((ingredient(), "65", "2"), (free, "5", "0.5")), max_total_ml="5")

    assert read(version, "cocktail_lines") == [
        ("Volume together", "2.5 ml", "given as 2.5 ml, at most 5 ml", FINE),
        ("Doses together", "70 mg", "", FINE),
        ("hyaluronic acid", "65 mg", "at most 64 mg", WRONG),
        ("caffeine", "5 mg", "until a clinician sets a maximum", LOOK),
    ]


def test_a_volume_that_is_not_the_one_given_is_wrong():
    version = draft("mesotherapy", areas=(), mix=((ingredient(), "20", "2"),), total_volume_ml="3")

    assert read(version, "cocktail_lines")[0] == ("Volume together", "2 ml", "given as 3 ml", WRONG)


def test_the_minutes_of_a_visit_are_told_for_one_three_and_all_areas():
    version = draft(areas=tuple((key, "0.5", "1") for key in ("cheek", "chin", "nose", "neck")), has_visit=False)
    VersionSegment.objects.create(version=version, position=1, kind="numbing", base_minutes=20)
    VersionSegment.objects.create(
        version=version, position=2, kind="hands_on", base_minutes=6, minutes_per_area=4, holds_practitioner=True
    )

    assert read(version, "segments") == [
        ("A visit for 1 area", "30 minutes", "10 of them with the practitioner", FINE),
        ("A visit for 3 areas", "38 minutes", "18 of them with the practitioner", FINE),
        ("A visit for 4 areas", "42 minutes", "22 of them with the practitioner", FINE),
    ]


def test_a_visit_without_the_practitioner_is_wrong():
    assert read(draft(has_visit=False), "segments") == [
        ("A visit for 1 area", "0 minutes", "0 of them with the practitioner", WRONG),
    ]
