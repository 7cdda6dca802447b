"""Who may sign in and what they are here; who sees whom in the portal."""

from allauth.account.decorators import reauthentication_required
from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _

from patients import second_factor, staff
from patients.administration import CadenceAdmin, CadenceForm
from patients.models import PortalAccess, User
from patients.roles import ADMINISTRATOR, ALL, LABELS


class UserForm(CadenceForm):
    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        choices=[(name, LABELS[name]) for name in ALL],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_("One person may hold several. Without a role the login opens no page of the clinic."),
    )

    class Meta:
        model = User
        fields = ("name", "email", "is_active")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["roles"] = [name for name in ALL if name in self.instance.role_names]


class HoldsRole(admin.SimpleListFilter):
    title = _("role")
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, object]]:
        return [*((name, LABELS[name]) for name in ALL), ("none", _("no role"))]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet) -> models.QuerySet:
        if self.value() in ALL:
            return queryset.filter(groups__name=self.value())
        if self.value() == "none":
            return queryset.exclude(groups__name__in=ALL)
        return queryset


@admin.register(User)
class UserAdmin(CadenceAdmin):
    plural = _("people and their roles")
    purpose = _("Everybody who may sign in. Roles decide what a person may do; nobody sees a password here.")
    form = UserForm
    fields = ("name", "email", "roles", "is_active")
    list_display = ("who", "email", "held_roles", "is_active")
    list_filter = (HoldsRole, "is_active")
    search_fields = ("name", "email")
    ordering = ("name", "pk")
    labels = {"email": _("e-mail, with which the person signs in")}

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        return super().get_queryset(request).prefetch_related("groups")

    @method_decorator(reauthentication_required(enabled=second_factor.is_by_pin))
    def changeform_view(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """Six digits that somebody may have seen give nobody a role or an address: more is asked for first."""
        return super().changeform_view(request, *args, **kwargs)

    @admin.display(description=_("name"), ordering="name")
    def who(self, user: User) -> str:
        return str(user)

    @admin.display(description=_("roles"))
    def held_roles(self, user: User) -> str:
        held = {group.name for group in user.groups.all()}
        return ", ".join(str(LABELS[name]) for name in ALL if name in held)

    def save_model(self, request: HttpRequest, obj: User, form: UserForm, change: bool) -> None:  # noqa: FBT001 (Django's own signature)
        verb = staff.change if change else staff.add
        verb(obj, roles=form.cleaned_data["roles"])


@admin.register(PortalAccess)
class PortalAccessAdmin(CadenceAdmin):
    plural = _("portal access")
    purpose = _("Who sees whom in the portal. It is given and taken back on the page of the patient.")
    changed_by = ()
    seen_by = (ADMINISTRATOR,)
    fields = ("user", "patient", "may_see", "may_book", "since", "until")
    list_display = ("user", "patient", "may_see", "may_book", "since", "until")
    list_select_related = ("user", "patient")
    list_filter = ("may_book",)
    search_fields = ("user__email", "user__name")
    ordering = ("-since", "-pk")
