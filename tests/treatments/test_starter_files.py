import json

import pytest

from tests.treatments.starter import edit, faults


def test_load_names_every_fault_at_once(folder):
    edit(folder, "areas", "cheek", microneedling_depth_hard_cap_mm=1)
    edit(folder, "ingredients", "zinc_sulfate", category="metals")

    assert faults(folder) == [
        "areas.json: cheek: microneedling_depth_min_mm, microneedling_depth_typical_mm, "
        "microneedling_depth_max_mm, microneedling_depth_hard_cap_mm do not rise",
        "ingredients.json: zinc_sulfate: names the unknown class 'metals'",
    ]


def test_a_missing_file_is_refused(folder):
    (folder / "techniques.json").unlink()

    assert faults(folder) == ["techniques.json: file: is missing"]


def test_a_file_that_is_not_json_is_refused(folder):
    (folder / "areas.json").write_text("[{]")

    assert faults(folder) == [
        "areas.json: file: is not JSON: Expecting property name enclosed in double quotes: line 1 column 3 (char 2)"
    ]


def test_a_field_that_stands_twice_is_refused(folder):
    (folder / "areas.json").write_text('[{"key": "cheek", "key": "nose"}]')

    assert faults(folder) == ["areas.json: file: 'key' stands twice in one record"]


@pytest.mark.parametrize("content", ['{"key": "cheek"}', '["cheek"]'])
def test_a_file_that_is_no_list_of_records_is_refused(folder, content):
    (folder / "areas.json").write_text(content)

    assert faults(folder) == ["areas.json: file: is not a list of records"]


def test_a_part_of_aftercare_that_is_missing_is_refused(folder):
    (folder / "aftercare.json").write_text('{"steps": []}')

    assert faults(folder) == ["aftercare.json: file: is not a list of records"] * 2


def test_a_missing_field_is_refused(folder):
    path = folder / "substances.json"
    path.write_text(path.read_text().replace('"label_basis"', '"basis"', 1))

    assert faults(folder) == [
        "substances.json: amide_anaesthetic: basis is not a known field",
        "substances.json: amide_anaesthetic: label_basis is missing",
    ]


def test_a_key_that_stands_twice_is_refused(folder):
    edit(folder, "techniques", "papule", key="nappage")
    edit(folder, "protocols", "meso_melasma_txa", areas__0__technique="nappage")

    assert faults(folder) == ["techniques.json: nappage: stands twice"]


def test_a_consent_text_that_stands_twice_is_refused(folder):
    path = folder / "consent_texts.json"
    path.write_text(json.dumps(json.loads(path.read_text())[:1] * 2))

    assert faults(folder) == ["consent_texts.json: series_consent_microneedling: stands twice"]


SHAPE = [
    ("areas", "cheek", {"key": "Cheek!"}, "Cheek!: key is not a key"),
    ("areas", "cheek", {"label": " "}, "label is not a text"),
    ("areas", "cheek", {"bony": "no"}, "bony is not true or false"),
    ("areas", "cheek", {"group": "arm"}, "group is 'arm', not one of face, neck, scalp, trunk, limb"),
    ("areas", "cheek", {"epidermis_um": 1.5}, "epidermis_um is not a whole number"),
    ("areas", "cheek", {"epidermis_um": -1}, "epidermis_um is below zero"),
    ("areas", "cheek", {"microneedling_depth_max_mm": "deep"}, "microneedling_depth_max_mm is not a number"),
    ("areas", "cheek", {"source": "proposed"}, "source is not a list of keys"),
    ("ingredients", "biotin", {"unit": "g"}, "unit is 'g', not one of mg, ml, mcg, IU"),
    ("ingredients", "biotin", {"incompatible_external": [""]}, "incompatible_external is not a list of texts"),
    ("ingredients", "biotin", {"interaction_warnings": [3]}, "interaction_warnings is not a list of records"),
    (
        *("conditions", "pregnancy", {"applies_to": ["laser"]}),
        "applies_to is not a list of microneedling, mesotherapy",
    ),
    ("outcome_scales", "gais", {"labels": {"one": "Good"}}, "labels is not texts by value"),
    ("protocols", "mn_striae", {"limits__depth": 3}, "limits depth is not a known field"),
    ("protocols", "mn_striae", {"anaesthetic": []}, "anaesthetic is not a record"),
    ("protocols", "mn_striae", {"phases__0__sessions": "3"}, "phases 1 sessions is not a number"),
    ("protocols", "mn_striae", {"areas__1__technique": "papule"}, "areas 2 technique is not a known field"),
]


@pytest.mark.parametrize(("file", "key", "changes", "what"), SHAPE, ids=[row[3] for row in SHAPE])
def test_a_misshapen_record_is_refused(folder, file, key, changes, what):
    edit(folder, file, key, **changes)

    named = what if ": " in what else f"{key}: {what}"
    assert faults(folder) == [f"{file}.json: {named}"]
