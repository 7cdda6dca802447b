"""One more row of any table that the administration shows."""

from datetime import UTC, datetime, timedelta
from itertools import count

from clinic.models import Absence, Device, Location, MessageTemplate, Practitioner, Room, TravelTime
from patients.models import BodyArea, Condition, ConsentText, PortalAccess, SubstanceTag, User
from tests import factories
from tests import factories_treatments as made
from treatments import models as rules

number = count(1)
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def key():
    return f"row-{next(number)}"


def ingredient():
    kind = rules.IngredientClass.objects.create(key=key(), label="Vitamins")
    return rules.Ingredient.objects.create(
        key=key(), name=f"Ingredient {next(number)}", ingredient_class=kind, unit="mg", dose_basis="proposed",
        pregnancy_flag="avoid", vehicle="aqueous", clinician_must_set_max=True,
    )  # fmt: skip


def area():
    return BodyArea.objects.create(key=key(), label=f"Area {next(number)}", group="face")


def technique():
    return rules.Technique.objects.create(key=key(), label="Needling", modality="microneedling")


def condition():
    return Condition.objects.create(key=key(), label="Pregnancy", question="Pregnant?", kind="status", scope="anywhere")


def pair():
    return rules.IncompatiblePair.objects.create(first=ingredient(), second=ingredient())


def absence():
    resource = factories.room(factories.location()).resource
    return Absence.objects.create(resource=resource, starts_at=NOW, ends_at=NOW + timedelta(days=1), reason="Repair")


def scale():
    return rules.OutcomeScale.objects.create(
        key=key(), name="Scale", kind="integer", min_value=0, max_value=4, step=1, direction="higher_is_worse"
    )


MAKERS = {
    Absence: absence,
    BodyArea: area,
    Condition: condition,
    ConsentText: lambda: ConsentText.objects.create(
        scope=key(), number=1, title="Consent", body="I agree.", provenance="ours"
    ),
    Device: lambda: factories.device(factories.location()),
    Location: factories.location,
    MessageTemplate: lambda: MessageTemplate.objects.create(key=key(), subject="Hello", body="Hello {first_name}"),
    PortalAccess: lambda: PortalAccess.objects.create(user=factories.user(), patient=factories.patient()),
    Practitioner: lambda: factories.practitioner(factories.location(), techniques=[technique()]),
    Room: lambda: factories.room(factories.location()),
    SubstanceTag: lambda: SubstanceTag.objects.create(key=key(), label="Nickel"),
    TravelTime: lambda: TravelTime.objects.create(start=factories.location(), end=factories.location(), minutes=20),
    User: lambda: factories.user("reception"),
    rules.AdverseEventKind: lambda: rules.AdverseEventKind.objects.create(
        key=key(), label="Redness", severity="expected", signs="Red", action="Wait", is_for_mesotherapy=True
    ),
    rules.AftercareAdvice: lambda: rules.AftercareAdvice.objects.create(
        key=key(),
        kind="do",
        starts_after_hours=0,
        ends_after_hours=24,
        title="Clean",
        text="Keep it clean.",
        is_for_mesotherapy=True,
    ),
    rules.AreaLimit: lambda: rules.AreaLimit.objects.create(area=area(), technique=technique()),
    rules.Contraindication: lambda: rules.Contraindication.objects.create(
        condition=condition(), modality="mesotherapy", ingredient=ingredient(), severity="absolute", action="block"
    ),
    rules.FollowUp: lambda: rules.FollowUp.objects.create(
        key=key(), offset_hours=24, purpose="How are you?", is_for_mesotherapy=True
    ),
    rules.IncompatiblePair: pair,
    rules.Protocol: lambda: made.draft().protocol,
    rules.Indication: lambda: rules.Indication.objects.create(key=key(), label="Scars"),
    rules.Ingredient: ingredient,
    rules.IngredientClass: lambda: rules.IngredientClass.objects.create(key=key(), label="Vitamins"),
    rules.OutcomeScale: scale,
    rules.ReferenceFigure: lambda: rules.ReferenceFigure.objects.create(key=key(), label="Lead", value=1, unit="day"),
    rules.Service: factories.service,
    rules.Source: lambda: rules.Source.objects.create(key=key(), title="A paper", kind="paper"),
    rules.Technique: technique,
}


def one(model):
    """Make and return another row."""
    return MAKERS[model]()
