"""The wordings of messages: only names that will be filled, and how it reads with them filled."""

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic import wordings
from clinic.models import MessageTemplate
from patients.administration import CadenceForm
from patients.exchange import CadenceResource, ExchangeAdmin

EXAMPLE = {
    "first_name": gettext_lazy("Ada"),
    "clinic": gettext_lazy("Your clinic"),
    "address": gettext_lazy("1 High Street"),
    "phone": "020 7946 0018",
    "day": gettext_lazy("Monday 2 March 2026"),
    "time": "10:00",
    "questions": gettext_lazy("Is there any redness left?"),
    "aftercare": gettext_lazy("Keep the skin clean and out of the sun."),
    "photo": wordings.PHOTO,
    "new_times": gettext_lazy("- Monday 2 March 2026, 10:00 → Thursday 5 March 2026, 11:30"),
    "until": gettext_lazy("Wednesday 25 February 2026, 18:00"),
    "answer_online": gettext_lazy("Please answer here: https://example.com/portal/"),
}


class MessageTemplateForm(CadenceForm):
    def clean(self) -> dict:
        cleaned = super().clean()
        for field in ("subject", "body"):
            fault = fault_of(cleaned.get(field, ""))
            if fault:
                self.add_error(field, fault)
        return cleaned


def fault_of(text: str) -> str:
    """Why the text cannot be filled; empty when it can."""
    unknown = wordings.unknown_names(text)
    if unknown:
        return _("Nothing would be put in place of: %(unknown)s. Use only: %(known)s.") % {
            "unknown": _braced(unknown),
            "known": _braced(wordings.NAMES),
        }
    if {"{", "}"} & set(wordings.NAME.sub("", text)):
        return _("A curly bracket stands alone. Write names like this: {first_name}.")
    return ""


def _braced(names: object) -> str:
    return ", ".join(f"{{{name}}}" for name in names)


class WordingResource(CadenceResource):
    """Message wordings; a name that nothing would fill is refused here as in the form."""

    needed = ("key", "language", "subject", "body")

    class Meta(CadenceResource.Meta):
        model = MessageTemplate
        exclude = ("id",)
        import_id_fields = ("key", "language")

    def validate_instance(
        self,
        instance: MessageTemplate,
        import_validation_errors: dict | None = None,
        validate_unique: bool = True,  # noqa: FBT001, FBT002 (import-export's own signature)
    ) -> None:
        super().validate_instance(instance, import_validation_errors, validate_unique)
        for field in ("subject", "body"):
            fault = fault_of(getattr(instance, field))
            if fault:
                raise ValidationError({field: fault})


@admin.register(MessageTemplate)
class MessageTemplateAdmin(ExchangeAdmin):
    resource_class = WordingResource
    place = "messages"
    purpose = gettext_lazy("What patients read in their mail. Names in curly brackets are filled for each message.")
    form = MessageTemplateForm
    list_display = ("said", "language", "subject")
    list_filter = ("language",)
    search_fields = ("key", "subject", "body")
    help_texts = {
        "subject": gettext_lazy("Never a word about health: families share mailboxes."),
        "body": gettext_lazy(
            "Names that are filled: {first_name}, {clinic}, {address}, {phone}, {day}, {time}, "
            "{questions}, {aftercare}, {photo}, {new_times}, {until}, {answer_online}."
        ),
    }

    def get_fields(self, request: HttpRequest, obj: MessageTemplate | None = None) -> tuple[str, ...]:
        return ("key", "language", "subject", "body") if obj is None else ("subject", "body")

    def called(self, row: MessageTemplate) -> str:
        return self.said(row)

    @admin.display(description=gettext_lazy("message"), ordering="key")
    def said(self, row: MessageTemplate) -> str:
        return str(wordings.LABELS.get(row.key, row.key))

    def render_change_form(
        self, request: HttpRequest, context: dict, *args: object, **kwargs: object
    ) -> TemplateResponse:
        """With how the saved wording reads once its names are filled."""
        row = kwargs.get("obj")
        if row is not None and not wordings.unknown_names(row.subject + row.body):
            values = {name: str(text) for name, text in EXAMPLE.items()}
            context["preview"] = {
                "subject": wordings.fill(row.subject, values),
                "text": wordings.fill(row.body, values),
            }
        return super().render_change_form(request, context, *args, **kwargs)
