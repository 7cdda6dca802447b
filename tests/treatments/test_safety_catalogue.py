"""Every rule of the shipped catalogue against the table of actions: it speaks where it should and nowhere else."""

import json
from datetime import date, timedelta

import pytest

from patients.models import BodyArea, Condition, Measurement, SubstanceTag
from tests import factories
from tests.factories_treatments import FIRST, allergic, answered, draft
from treatments import assessment, catalogue, safety
from treatments.models import Ingredient, ProtocolVersion
from treatments.starter_files import STARTER

pytestmark = pytest.mark.django_db

EVERY_STAGE = {"plan", "book", "start"}
# The table of actions, written down a second time on purpose.
EXPECTED = {
    "block": ("stop", EVERY_STAGE),
    "defer": ("stop", EVERY_STAGE),
    "block_unless_override": ("stop", EVERY_STAGE),
    "clinician_review": ("warn", {"start"}),
    "doctor_letter": ("warn", {"start"}),
    "prophylaxis": ("warn", {"start"}),
    "avoid_spot": ("warn", {"start"}),
    "advise": ("advise", set()),
}
MODALITIES = ("microneedling", "mesotherapy")


def shipped(name):
    return json.loads((STARTER / f"{name}.json").read_text())


def said(findings, code):
    return [(each.severity, set(each.blocks)) for each in findings if each.code == code]


def check(person, version, on=FIRST, areas=("cheek",)):
    return safety.assess_plan(person, version, BodyArea.objects.filter(key__in=areas), on)


class Visits:
    """A visit per kind of treatment and ingredient of the shipped catalogue, loaded when first asked for."""

    def __init__(self):
        self.made = {}
        self.ingredients = {row.key: row for row in Ingredient.objects.all()}
        self.conditions = {row.key: row for row in Condition.objects.all()}
        self.areas = {row.key: row for row in BodyArea.objects.all()}
        self.by = factories.user("practitioner")

    def of(self, modality, key=None):
        if (modality, key) not in self.made:
            held = [self.ingredients[key]] if key else []
            is_numbing = bool(held) and (held[0].is_anaesthetic or modality == "microneedling")
            parts = {"numbing": held} if is_numbing else {"mix": [(each, "0.001", "1") for each in held]}
            areas = (("cheek", "1", "1.5"), ("chin", "1", "1"))
            version = draft(modality, areas=areas, min_age_years=16, **parts)
            self.made[modality, key] = assessment.treatment_of(
                version, [self.areas["cheek"].pk], factories.patient(), interval_min_days=14
            )
        return self.made[modality, key]

    def person(self, record, *, skin_type=None, answer=None, happened_on=None, areas=(), **details):
        person = factories.patient(**details)
        if answer:
            facts = {"happened_on": happened_on, "areas": [self.areas[key] for key in areas]}
            answered(person, self.conditions[record["key"]], answer=answer, by=self.by, **facts)
        if skin_type:
            Measurement.objects.create(
                patient=person, kind="skin_type", value=skin_type, measured_on=FIRST, measured_by=self.by
            )
        return person

    def said(self, person, modality, ingredient, code, on=FIRST):
        found = safety.assess(assessment.subject_of(person), self.of(modality, ingredient), on)
        return said(found, code)


@pytest.fixture
def visits(db):
    catalogue.load()
    return Visits()


def speaking(record):
    """The facts that make a condition of the catalogue true on FIRST."""
    by = record["answered_by"]
    if by == "birth_date":
        years = int(record["key"].split("_")[1])
        return {"birth_date": date(FIRST.year - years, FIRST.month, FIRST.day + 1)}
    if by == "skin_type":
        return {"skin_type": 4}
    return {"answer": "yes"}


def silent_people(record, visits):
    """People about whom the condition says nothing, by why."""
    by = record["answered_by"]
    if by == "birth_date":
        years = int(record["key"].split("_")[1])
        yield "old enough today", visits.person(record, birth_date=FIRST.replace(year=FIRST.year - years)), FIRST
    elif by == "skin_type":
        yield "skin type III", visits.person(record, skin_type=3), FIRST
    else:
        yield "answer no", visits.person(record, answer="no"), FIRST
        yield "answer not known", visits.person(record, answer="unknown"), FIRST
        if record["scope"] == "treatment_area":
            yield "another area", visits.person(record, answer="yes", areas=["knee"]), FIRST
        if record["washout_days"]:
            over = FIRST + timedelta(days=record["washout_days"])
            yield "waited", visits.person(record, answer="yes", happened_on=FIRST), over
            yield "waited since the review", visits.person(record, answer="yes"), over


def expected(record, modality, key):
    if record["action"] != "no_anaesthetic":
        return [EXPECTED[record["action"]]]
    return [("stop" if key else "warn", {"start"})]


def loud(record, visits, modality, key):
    """The table's row for one condition, kind of treatment and ingredient: (case, what was said, what should be)."""
    code, wanted = record["key"], expected(record, modality, key)
    yield "applies", visits.said(visits.person(record, **speaking(record)), modality, key, code), wanted
    if record["washout_days"]:
        last = FIRST + timedelta(days=record["washout_days"] - 1)
        late = visits.person(record, answer="yes", happened_on=FIRST)
        yield "last day of waiting", visits.said(late, modality, key, code, last), wanted
    if record["scope"] == "treatment_area":
        here = visits.person(record, answer="yes", areas=["cheek"])
        yield "this area", visits.said(here, modality, key, code), wanted
    for why, silent, on in silent_people(record, visits):
        yield why, visits.said(silent, modality, key, code, on), []


def elsewhere(record, visits):
    """Where the condition must stay silent: the other kind of treatment, a mix without its ingredient."""
    code, person = record["key"], visits.person(record, **speaking(record))
    for modality in MODALITIES:
        if modality not in record["applies_to"]:
            held = next(iter(record["only_for_ingredients"]), None)
            yield f"not {modality}", visits.said(person, modality, held, code), []
        elif record["only_for_ingredients"]:
            wanted = [("warn", {"start"})] if record["action"] == "no_anaesthetic" else []
            other = "saline_0_9" if modality == "mesotherapy" else None
            yield f"{modality}, other ingredient", visits.said(person, modality, other, code), wanted


def test_every_condition_of_the_catalogue_speaks_where_it_should_and_nowhere_else(visits, counted):
    records = [each for each in shipped("conditions") if each["answered_by"] != "allergies"]

    cases = [
        (record["key"], modality, key, *case)
        for record in records
        for modality in record["applies_to"]
        for key in record["only_for_ingredients"] or [None]
        for case in loud(record, visits, modality, key)
    ] + [(record["key"], None, None, *case) for record in records for case in elsewhere(record, visits)]

    assert [case for case in cases if case[-2] != case[-1]] == []
    assert {case[0] for case in cases} | {"any_ingredient_allergy"} == {each["key"] for each in shipped("conditions")}
    counted(f"{len(records) + 1} conditions in {len(cases)} cases of the safety check")


def test_every_substance_of_the_catalogue_is_compared_with_every_ingredient_that_holds_it(visits, counted):
    wanted = {
        (tag.removesuffix("_possible"), each["key"]): ("warn" if tag.endswith("_possible") else "stop", EVERY_STAGE)
        for each in shipped("ingredients")
        for tag in each["allergen_tags"]
    }
    people = {key: factories.patient() for key in SubstanceTag.objects.values_list("key", flat=True)}
    for key, person in people.items():
        allergic(person, key)

    said_of = {(tag, key): visits.said(people[tag], "mesotherapy", key, f"allergy_{tag}") for tag, key in wanted}

    assert said_of == {pair: [word] for pair, word in wanted.items()}
    assert {tag for tag, _key in wanted} == set(people)
    for tag, person in people.items():
        assert visits.said(person, "mesotherapy", "saline_0_9", f"allergy_{tag}") == []
    counted(f"{len(people)} substances in {len(wanted) + len(people)} cases of the safety check")


def test_a_specific_rule_of_the_catalogue_wins_over_the_general_one(visits):
    person = factories.patient()
    allergic(person, "fish")
    visit = ("mesotherapy", "pdrn_polynucleotide")
    before = [visits.said(person, *visit, code) for code in ("allergy_fish", "fish_allergy")]

    answered(person, visits.conditions["fish_allergy"])

    after = [visits.said(person, *visit, code) for code in ("allergy_fish", "fish_allergy")]
    assert before == [[("stop", EVERY_STAGE)], []]
    assert after == [[], [("warn", {"start"})]]


def test_the_shipped_protocols_can_be_started_by_somebody_who_has_nothing(visits):
    """Nothing but open points is said about a healthy adult before the first session of any shipped protocol."""
    for record in shipped("protocols"):
        version = ProtocolVersion.objects.get(protocol__key=record["key"])
        keys = [each["area"] for each in record["areas"]]
        found = check(factories.patient(), version, areas=keys)
        assert [each.code for each in found if each.severity == "stop"] == [], record["key"]
        assert [each.code for each in found if each.needs_clinician] == [], record["key"]
