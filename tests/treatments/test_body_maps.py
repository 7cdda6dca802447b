import json
import re
from decimal import Decimal
from itertools import pairwise

import pytest
from django import forms
from django.template.loader import render_to_string
from hypothesis import given
from hypothesis import strategies as st

from treatments import body_maps, body_zones
from treatments.body_maps import APART, Zone, body_map, strength
from treatments.body_zones import FIGURES
from treatments.starter_files import STARTER

AREAS = {area["key"]: area["label"] for area in json.loads((STARTER / "areas.json").read_text())}
FACE, FRONT, BACK = FIGURES


def zones(*keys, **details):
    return [Zone(key, AREAS.get(key, key.title()), **details) for key in keys]


def page(shown, name="_body_map", **context):
    return render_to_string(f"treatments/{name}.html", {"map": shown, **context})


def drawn(shown):
    return {drawing.figure.key: [each.row.zone.area_key for each in drawing.zones] for drawing in shown.drawings}


def test_every_area_of_the_starter_catalogue_is_drawn_once():
    shapes = [key for figure in FIGURES for key in figure.shapes]

    assert sorted(shapes) == sorted(AREAS)


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.key)
def test_every_shape_lies_inside_its_figure(figure):
    outside = [
        key
        for key, shape in figure.shapes.items()
        for x, y in [*body_zones.points(shape.path), shape.anchor]
        if not (abs(x) <= figure.half_width and 0 <= y <= figure.height)
    ]

    assert outside == []


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.key)
def test_every_shape_is_the_same_on_both_sides(figure):
    for key, shape in figure.shapes.items():
        places = {(x, y) for x, y in body_zones.points(shape.path)}
        assert {(-x, y) for x, y in places} == places, key


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.key)
def test_a_number_leads_to_a_point_within_its_shape(figure):
    for key, shape in figure.shapes.items():
        right = [(x, y) for x, y in body_zones.points(shape.path) if x >= 0]
        xs, ys = [x for x, _y in right], [y for _x, y in right]
        assert min(xs) <= shape.anchor[0] <= max(xs), key
        assert min(ys) <= shape.anchor[1] <= max(ys), key


def test_whole_closes_a_half_with_its_mirror_image():
    assert body_zones.whole("M0 1C1 2 3 4 5 6L0 9") == "M0 1C1 2 3 4 5 6L0 9 L-5 6 C-3 4 -1 2 0 1Z"


def test_pair_repeats_a_path_on_the_other_side():
    assert body_zones.pair("M1 2L3.5 4Z") == "M1 2L3.5 4Z M-1 2L-3.5 4Z"


@given(st.sets(st.sampled_from(sorted(AREAS)), min_size=1))
def test_numbers_stay_apart_and_inside_the_picture(keys):
    for drawing in body_map(zones(*sorted(keys))).drawings:
        for side in (True, False):
            places = [each.chip_y for each in drawing.zones if each.is_right == side]
            assert all(second - first >= APART for first, second in pairwise(places))
            assert all(body_maps.CHIP_RADIUS < place < drawing.height - body_maps.CHIP_RADIUS for place in places)


@given(st.sets(st.sampled_from(sorted(AREAS)), min_size=1))
def test_the_list_says_all_that_the_picture_shows(keys):
    shown = body_map(zones(*sorted(keys)))

    in_pictures = [each.row for drawing in shown.drawings for each in drawing.zones]
    assert in_pictures == shown.rows
    assert [row.number for row in shown.rows] == list(range(1, len(keys) + 1))
    for drawing in shown.drawings:
        for each in drawing.zones:
            assert all(y <= drawing.height for _x, y in body_zones.points(each.path))


def test_numbers_run_from_head_to_foot():
    assert [row.zone.area_key for row in body_map(zones("chin", "forehead", "thigh", "nose")).rows] == [
        "forehead", "nose", "chin", "thigh",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["cheek"], {"face": ["cheek"]}),
        (["cheek", "back"], {"face": ["cheek"], "back": ["back"]}),
        (["abdomen"], {"front": ["abdomen"]}),
        (["elbow"], {}),
    ],
)
def test_only_the_figures_that_are_needed_are_drawn(keys, expected):
    assert drawn(body_map(zones(*keys))) == expected


@pytest.mark.parametrize(
    ("figure", "key", "height"),
    [
        (FACE, "chin", FACE.short_height),
        (FACE, "decolletage", FACE.height),
        (FRONT, "knee", FRONT.height),
        (BACK, "back", BACK.short_height),
        (BACK, "sole", BACK.height),
    ],
)
def test_a_figure_is_drawn_as_far_down_as_its_areas_need(figure, key, height):
    assert body_map(zones(key)).drawings[0].view_box == f"{-figure.half_width} 0 {2 * figure.half_width} {height}"


def test_an_area_that_no_figure_shows_is_in_the_list_without_a_number():
    shown = body_map(zones("elbow", "cheek", figure="1 mm"))

    assert [(row.number, row.zone.area_label) for row in shown.rows] == [(1, "Cheek"), (None, "Elbow")]
    assert "Elbow" in page(shown)


@pytest.mark.parametrize(
    ("depth_mm", "expected"),
    [(None, 0), ("0.25", 1), ("0.3", 1), ("0.31", 2), ("0.75", 2), ("0.76", 3), ("1.5", 3), ("1.51", 4), ("4", 4)],
)
def test_deeper_is_shaded_more_densely(depth_mm, expected):
    assert strength(None if depth_mm is None else Decimal(depth_mm)) == expected


@pytest.mark.parametrize(("second", "is_graded"), [(2, False), (3, True)])
def test_shading_is_explained_where_it_differs(second, is_graded):
    shown = body_map([Zone("cheek", "Cheek", strength=2), Zone("nose", "Nose", strength=second)])

    assert shown.is_graded == is_graded
    assert ("The denser the shading" in page(shown)) == is_graded


def test_the_page_draws_every_area_and_lists_it_with_its_figure():
    shown = body_map([Zone("cheek", "Cheek", "0.5–1.5 mm", 3), Zone("scalp", "Scalp", "1 mm", 0)], key="depths")

    html = page(shown)

    assert re.findall(r'id="depths-(\w+)"', html) == ["scalp", "cheek"]
    assert re.findall(r'href="#depths-(\w+)"', html) == ["scalp", "cheek"]
    assert re.findall(r'fill="url\(#(.*?)\)"', html) == ["depths-face-3"]
    assert re.findall(r"<strong>(.*?)</strong>", html) == ["1 mm", "0.5–1.5 mm"]
    assert "1 Scalp 1 mm, 2 Cheek 0.5–1.5 mm" in html
    assert ("style=" in html, "<script>" in html, 'role="img"' in html) == (False, False, True)


def test_figures_are_named_where_there_are_several():
    assert "<figcaption>Body from the front</figcaption>" in page(body_map(zones("cheek", "thigh")))
    assert "<figcaption>" not in page(body_map(zones("cheek")))


class AreasForm(forms.Form):
    areas = forms.MultipleChoiceField(
        choices=[("chin", "Chin"), ("elbow", "Elbow"), ("forehead", "Forehead")], widget=forms.CheckboxSelectMultiple
    )


def test_choice_offers_every_box_beside_its_zone():
    field = AreasForm(initial={"areas": ["chin"]})["areas"]
    shown = body_maps.choice(field)

    html = page(shown, "_body_map_choice", field=field)

    assert [(row.zone.area_key, row.number, row.is_chosen) for row in shown.rows] == [
        ("forehead", 1, False),
        ("chin", 2, True),
        ("elbow", None, False),
    ]
    assert re.findall(r'<input .*?value="(\w+)".*?( checked)?>', html) == [
        ("forehead", ""), ("chin", " checked"), ("elbow", ""),
    ]  # fmt: skip
    for box_id, label in re.findall(r'<label .*?for="(\w+)">(.*?)</label>', html):
        assert f'value="{label.lower()}" id="{box_id}"' in html


def test_choice_says_what_is_wrong():
    field = AreasForm({"areas": ["nowhere"]})["areas"]

    html = page(body_maps.choice(field), "_body_map_choice", field=field)

    assert 'aria-describedby="id_areas_errors"' in html
    assert html.count('aria-invalid="true"') == 3
