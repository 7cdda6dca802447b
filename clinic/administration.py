"""The administration: Django's admin behind the product's own door, in the product's own words.

There is no second sign-in here: whoever is signed out goes to the product's page, and roles decide. Tables that other
packages would register stay out, because they know nothing of roles, history and crossed saves.
"""

from collections.abc import Callable, Iterable
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, include, path
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from clinic.models import Location
from patients import access, roles
from patients.administration import CadenceAdmin

MAY_ENTER = (roles.ADMINISTRATOR, roles.CLINICAL_LEAD)
# The parts of the first page, in their order: key, heading, what it is for.
PLACES = (
    ("protocols", gettext_lazy("Protocols"), gettext_lazy("What a course is made of, drafted, checked and published.")),
    ("clinic", gettext_lazy("The clinic"), gettext_lazy("Where and when you work, and what can be booked there.")),
    ("people", gettext_lazy("People"), gettext_lazy("Who works here, who may sign in, and who may see whom.")),
    (
        "catalogue",
        gettext_lazy("Catalogue"),
        gettext_lazy("The rules that every plan and every visit is checked against."),
    ),
    ("messages", gettext_lazy("Messages"), gettext_lazy("What patients read: messages, aftercare and consents.")),
)
PLACE_OF_APP = {"treatments": "catalogue", "clinic": "clinic", "patients": "people"}


class CadenceSite(admin.AdminSite):
    site_title = gettext_lazy("Administration")
    site_header = gettext_lazy("Administration")
    index_title = gettext_lazy("Administration")
    enable_nav_sidebar = False

    def register(
        self, model_or_iterable: type[Model] | Iterable[type[Model]], admin_class: type | None = None, **options: object
    ) -> None:
        """Take only pages built on `CadenceAdmin`."""
        if admin_class is not None and issubclass(admin_class, CadenceAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        return roles.has_role(request.user, *MAY_ENTER)

    def admin_view(self, view: Callable[..., HttpResponse], cacheable: bool = False) -> Callable[..., HttpResponse]:  # noqa: FBT001, FBT002 (Django's own signature)
        """Let in the two roles; times on the page are those of the clinic."""

        def shown(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            with timezone.override(home_zone()):
                answer = view(request, *args, **kwargs)
                return answer.render() if hasattr(answer, "render") else answer

        guarded = access.roles(*MAY_ENTER)(csrf_protect(shown))
        return guarded if cacheable else never_cache(guarded)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """The first page, the words for the scripts, and the pages of each table."""
        return [
            path("", self.admin_view(self.index), name="index"),
            path("jsi18n/", self.admin_view(self.i18n_javascript, cacheable=True), name="jsi18n"),
            *(
                path(f"{model._meta.app_label}/{model._meta.model_name}/", include(page.urls))
                for model, page in self._registry.items()
            ),
        ]

    def index(self, request: HttpRequest, extra_context: dict | None = None) -> TemplateResponse:
        """The first page: what each part is for, in plain words."""
        context = {**self.each_context(request), "title": self.index_title, "places": self.places(request)}
        return TemplateResponse(request, "admin/index.html", {**context, **(extra_context or {})})

    def places(self, request: HttpRequest) -> list[dict]:
        """The parts of the first page with the tables that the person may see."""
        found: dict[str, list[dict]] = {key: [] for key, _title, _purpose in PLACES}
        for model, page in self._registry.items():
            if page.has_module_permission(request):
                key = page.place or PLACE_OF_APP[model._meta.app_label]
                found[key].append(
                    {
                        "name": capfirst(str(page.plural or model._meta.verbose_name_plural)),
                        "purpose": page.purpose,
                        "url": f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist",
                    }
                )
        return [
            {"key": key, "title": title, "purpose": purpose, "tables": sorted(found[key], key=lambda one: one["name"])}
            for key, title, purpose in PLACES
            if found[key]
        ]

    def each_context(self, request: HttpRequest) -> dict:
        """What every page needs, without Django's list of all tables."""
        return {
            "site_title": self.site_title,
            "site_header": self.site_header,
            "site_url": "/",
            "has_permission": self.has_permission(request),
            "available_apps": [],
            "is_popup": False,
            "is_nav_sidebar_enabled": False,
            "log_entries": [],
            "admin_home": _("Administration"),
        }


def home_zone() -> ZoneInfo | None:
    """The time zone of the clinic's first location."""
    place = Location.objects.order_by("pk").only("time_zone").first()
    return place.zone if place else None
