"""The wordings that patients sign. One in use is never edited: a new version follows it."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from patients import consents
from patients.administration import CadenceAdmin
from patients.models import ConsentText
from patients.roles import ADMINISTRATOR, CLINICAL_LEAD


@admin.register(ConsentText)
class ConsentTextAdmin(CadenceAdmin):
    plural = gettext_lazy("consent wordings")
    purpose = gettext_lazy(
        "What patients agree to before a treatment. A wording in use stays as it is: write a new version."
    )
    place = "messages"
    changed_by = (ADMINISTRATOR, CLINICAL_LEAD)
    list_display = ("title", "about", "number", "language", "published_at")
    list_filter = ("language",)
    search_fields = ("title", "scope")
    readonly_fields = ("about", "published_at")
    help_texts = {"scope": gettext_lazy("The name by which protocols ask for this consent.")}

    def has_change_permission(self, request: HttpRequest, obj: ConsentText | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.published_at is None)

    def get_fields(self, request: HttpRequest, obj: ConsentText | None = None) -> tuple[str, ...]:
        """What a wording is for never changes: consents and protocols name it."""
        if obj is None:
            return ("scope", "number", "language", "title", "body", "provenance")
        return ("about", "title", "body", "provenance", "published_at")

    @admin.display(description=gettext_lazy("what it is for"), ordering="scope")
    def about(self, row: ConsentText) -> str:
        return capfirst(row.scope.replace("_", " "))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/publish/", view(require_POST(self.publish)), name="patients_consenttext_publish"),
            path("<int:pk>/next/", view(require_POST(self.next_version)), name="patients_consenttext_next"),
            *super().get_urls(),
        ]

    def publish(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Bring the wording into use."""
        text = self._text(request, pk)
        try:
            consents.publish(text, by=request.user, at=timezone.now())
        except ValidationError as refusal:
            for line in refusal.messages:
                messages.error(request, line)
        else:
            self.log_change(request, text, _("Brought into use"))
            messages.success(request, _("The wording is in use from now on."))
        return self._to(text)

    def next_version(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Open the draft that follows the wording."""
        return self._to(consents.new_version(self._text(request, pk)))

    def _text(self, request: HttpRequest, pk: int) -> ConsentText:
        if not self.has_add_permission(request):
            raise PermissionDenied
        text = self.get_object(request, str(pk))
        if text is None:
            raise Http404
        return text

    def _to(self, text: ConsentText) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:patients_consenttext_change", args=[text.pk]))
