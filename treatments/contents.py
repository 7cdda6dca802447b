"""A protocol version with every row it is made of, as it is saved or as somebody is typing it."""

from collections.abc import Sequence
from dataclasses import dataclass

from patients.models import Condition
from treatments.models import (
    AnaestheticLine,
    CocktailLine,
    DepthStep,
    FollowUpRule,
    OutcomeScale,
    Phase,
    ProtocolVersion,
    Source,
    VersionAftercare,
    VersionSegment,
)


@dataclass(frozen=True, slots=True)
class Message:
    """A follow-up rule with its questions in their order."""

    rule: FollowUpRule
    questions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contents:
    """The rows are in the order in which a page shows them; they need not be saved."""

    version: ProtocolVersion
    phases: Sequence[Phase] = ()
    steps: Sequence[DepthStep] = ()
    mix: Sequence[CocktailLine] = ()
    numbing: Sequence[AnaestheticLine] = ()
    segments: Sequence[VersionSegment] = ()
    aftercare: Sequence[VersionAftercare] = ()
    messages: Sequence[Message] = ()
    photos: Sequence[str] = ()
    scales: Sequence[OutcomeScale] = ()
    checks: Sequence[Condition] = ()
    sources: Sequence[Source] = ()


def of(version: ProtocolVersion) -> Contents:
    """Load what is saved, in a number of queries that does not depend on how much it is."""
    version = ProtocolVersion.objects.select_related("protocol__indication").get(pk=version.pk)
    rules = version.follow_up_rules.prefetch_related("questions")
    return Contents(
        version=version,
        phases=list(version.phases.all()),
        steps=list(version.depth_steps.select_related("area", "technique").order_by("area__position", "area__label")),
        mix=list(version.cocktail_lines.select_related("ingredient__ingredient_class")),
        numbing=list(version.anaesthetic_lines.select_related("ingredient__ingredient_class")),
        segments=list(version.segments.all()),
        aftercare=list(version.aftercare.all()),
        messages=[Message(rule, tuple(each.text for each in rule.questions.all())) for rule in rules],
        photos=list(version.photo_points.order_by("pk").values_list("when", flat=True)),
        scales=[row.scale for row in version.scales.select_related("scale").order_by("scale__name")],
        checks=[row.condition for row in version.checks.select_related("condition").order_by("condition__label")],
        sources=list(version.sources.all()),
    )
