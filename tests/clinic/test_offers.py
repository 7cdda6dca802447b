"""What a new clinic offers: ticked by a clinical lead, or waiting for one."""

from datetime import time

import pytest
from django.core.management import call_command

from clinic import offers, opening, setup
from clinic.models import Device, Qualification, SetupProgress, Task
from patients.models import ConsentText
from patients.refusals import Refused
from patients.roles import CLINICAL_LEAD
from tests.factories import NOW
from treatments.models import CocktailLine, Protocol, ProtocolVersion, Service

pytestmark = pytest.mark.django_db


@pytest.fixture
def me():
    call_command("load_catalogue", verbosity=0)
    person = setup.create_first_administrator(name="Ada Solo", email="ada@clinic.example", password="four quiet words")
    opening.save_clinic(
        name="Solo Skin", phone="1", address="", country="GB", region="", time_zone="Europe/London", currency="GBP",
        hours={1: (time(9), time(18))}, closes_on_holidays=False, by=person, now=NOW,
    )  # fmt: skip
    opening.work_alone(by=person, now=NOW)
    return person


def draft(key):
    return ProtocolVersion.objects.select_related("protocol").get(protocol__key=key)


def choose(me, *checked, wanted=(), services=()):
    versions = [draft(key) for key in checked]
    protocols = list(Protocol.objects.filter(key__in=wanted))
    services = list(Service.objects.filter(key__in=services))
    offers.choose(services=services, checked=versions, wanted=protocols, by=me, now=NOW, language="en")


def test_cards_show_what_a_clinician_checks(me):
    card = next(card for card in offers.cards("en") if card.protocol.key == "mn_face_cit")

    assert card.minutes.endswith("minutes")
    assert any(text.endswith("mm") for text in card.depths)
    assert card.gaps
    assert card.consent.scope == "series_consent_microneedling"
    assert not card.is_published


def test_cards_say_how_far_apart_visits_are_as_a_person_would(me):
    gaps = {card.protocol.key: card.gaps for card in offers.cards("en")}

    assert gaps["meso_melasma_txa"] == ["4 visits, 14 to 35 days apart"]
    fixed = next(lines for lines in gaps.values() if len(lines) > 2)
    assert fixed == ["8 visits, 7 days apart", "2 visits, 14 days apart", "1 visit, 28 days later"]


def test_cards_ask_the_database_as_often_for_one_as_for_three(me, django_assert_num_queries):
    keys = list(Protocol.objects.values_list("key", flat=True))

    def count_for(shown):
        Protocol.objects.exclude(key__in=shown).update(is_retired=True)
        Protocol.objects.filter(key__in=shown).update(is_retired=False)
        with django_assert_num_queries(12):
            assert len(offers.cards("en")) == len(shown)

    count_for(["meso_face_custom_ha_vitc"])
    count_for([key for key in keys if key.startswith("meso_face") or key == "meso_melasma_txa"][:3])


def test_a_tick_publishes_that_version_in_the_leads_name_and_its_consent(me):
    choose(me, "mn_face_cit")

    version = draft("mn_face_cit")
    assert (version.state, version.checked_by, version.checked_at) == ("published", me, NOW)
    assert draft("mn_acne_scar").state == "draft"
    in_use = ConsentText.objects.exclude(published_at=None)
    assert [text.scope for text in in_use] == ["series_consent_microneedling"]


def test_what_is_not_ticked_is_not_offered(me):
    choose(me, "mn_face_cit", services=["first_consultation"])

    active = set(Service.objects.filter(is_active=True).values_list("key", flat=True))
    assert active == {"first_consultation", "microneedling_session"}


def test_practitioners_become_qualified_and_the_device_is_there(me):
    choose(me, "mn_face_cit")
    choose(me, "mn_face_cit", "meso_scalp_vitamin")

    held = set(Qualification.objects.values_list("technique__key", flat=True))
    assert held == {"needling", "mesogun"}
    assert sorted(Device.objects.values_list("kind", flat=True)) == ["mesotherapy_injector", "needling_pen"]


def test_a_draft_that_breaks_a_rule_is_refused_by_name_and_nothing_is_published(me):
    CocktailLine.objects.filter(version=draft("meso_melasma_txa")).delete()

    with pytest.raises(Refused, match=r"Melasma: intradermal tranexamic acid: .*ingredient"):
        choose(me, "mn_face_cit", "meso_melasma_txa")

    assert not ProtocolVersion.objects.published().exists()


def test_only_a_clinical_lead_says_that_something_is_checked(me):
    me.groups.remove(*me.groups.filter(name=CLINICAL_LEAD))
    vars(me).pop("role_names", None)

    with pytest.raises(Refused, match="Only a clinical lead"):
        choose(me, "mn_face_cit")


def test_what_is_wanted_waits_as_a_draft_with_one_task_for_the_leads(me):
    choose(me, wanted=["mn_face_cit"])
    choose(me, wanted=["mn_face_cit", "mn_acne_scar"])

    task = Task.objects.get()
    assert task.for_role == CLINICAL_LEAD
    assert draft("mn_face_cit").protocol.name in task.text
    assert not ProtocolVersion.objects.published().exists()
    assert SetupProgress.objects.get().waiting.count() == 2
    assert {card.protocol.key for card in offers.cards("en") if card.is_waiting} == {"mn_face_cit", "mn_acne_scar"}
    assert Service.objects.get(key="microneedling_session").is_active


def test_checking_what_waited_takes_the_task_away(me):
    choose(me, wanted=["mn_face_cit"])

    choose(me, "mn_face_cit", wanted=["mn_face_cit"])

    assert not Task.objects.exists()
    assert SetupProgress.objects.get().waiting.count() == 0


def test_missing_says_what_stands_in_the_way(me):
    choose(me, services=["first_consultation"])
    opening.Room.objects.update(serves_all=False)

    assert offers.missing() == [
        "No room yet: consulting room.",
        "No treatment is checked yet, so a series cannot begin.",
    ]
    opening.Room.objects.update(serves_all=True)
    choose(me, "mn_face_cit", services=["first_consultation"])
    assert offers.missing() == []


def test_missing_names_who_checks_where_a_team_works(me):
    SetupProgress.objects.update(is_solo=False)

    assert "It waits for: Ada Solo." in offers.missing()[0]
    me.groups.clear()
    assert "clinical lead first" in offers.missing()[0]
