"""What is said, asked and measured around a treatment. Protocols take copies: a change here is for later versions."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from patients.administration import CadenceTabularInline
from treatments.admin.sourced import SourcedAdmin
from treatments.models import (
    AdverseEventKind,
    AftercareAdvice,
    AftercareAdviceGroup,
    FollowUp,
    FollowUpQuestion,
    OutcomeScale,
    OutcomeScaleGrade,
)

AFTER = ("is_for_microneedling", "is_for_mesotherapy")


class AdviceGroupInline(CadenceTabularInline):
    model = AftercareAdviceGroup
    verbose_name = _("only after a treatment of")
    verbose_name_plural = _("only after a treatment of")


@admin.register(AftercareAdvice)
class AftercareAdviceAdmin(SourcedAdmin):
    place = "messages"
    purpose = _("What patients are told after a visit, by the hour. Protocols take copies of it.")
    list_display = ("title", "kind", "starts_after_hours", "ends_after_hours", *AFTER)
    list_filter = ("kind", *AFTER)
    search_fields = ("title", "key", "text")
    inlines = (AdviceGroupInline,)
    figures = ("title", "key", "kind", ("starts_after_hours", "ends_after_hours"), "text", AFTER)


class FollowUpQuestionInline(CadenceTabularInline):
    model = FollowUpQuestion
    verbose_name = _("question")
    verbose_name_plural = _("questions")


@admin.register(FollowUp)
class FollowUpAdmin(SourcedAdmin):
    place = "messages"
    purpose = _("When patients are asked how they are after a visit, and what. Protocols take copies of it.")
    list_display = ("purpose", "offset_hours", "asks_photo", "is_after_last_only", "is_blocked")
    list_filter = ("is_blocked", *AFTER)
    search_fields = ("purpose", "key")
    inlines = (FollowUpQuestionInline,)
    figures = (
        "purpose", "key", "offset_hours", "asks_photo", "is_after_last_only", AFTER, "is_blocked", "block_reason",
    )  # fmt: skip


@admin.register(AdverseEventKind)
class AdverseEventKindAdmin(SourcedAdmin):
    plural = _("reactions")
    purpose = _("Reactions after a treatment: what is expected, what is urgent, and what to do.")
    list_display = ("label", "severity", "response_target_minutes", *AFTER)
    list_filter = ("severity", *AFTER)
    search_fields = ("label", "key", "signs")
    figures = (
        "label", "key", "severity", "signs", "action", ("onset_hours_min", "onset_hours_max"), "resolves_within_hours",
        "response_target_minutes", AFTER,
    )  # fmt: skip


class GradeInline(CadenceTabularInline):
    model = OutcomeScaleGrade


@admin.register(OutcomeScale)
class OutcomeScaleAdmin(SourcedAdmin):
    purpose = _("How success is measured: the scales and what their values are called.")
    list_display = ("name", "kind", "min_value", "max_value", "direction", "is_blocked")
    list_filter = ("kind", "is_blocked")
    search_fields = ("name", "key")
    inlines = (GradeInline,)
    figures = (
        "name", "key", "kind", ("min_value", "max_value", "step"), "unit", "direction", "formula",
        ("is_taken_at_baseline", "is_taken_each_session", "is_taken_at_final", "is_taken_at_follow_up"), "indications",
        "is_blocked", "block_reason",
    )  # fmt: skip
