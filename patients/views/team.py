"""Who works here, how they sign in, and which browsers are clinic devices."""

from allauth.account.decorators import reauthentication_required
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from patients import clinic_devices, second_factor, signin
from patients.access import roles
from patients.models import ClinicDevice, User
from patients.roles import ADMINISTRATOR, ALL, CLINICAL_LEAD, LABELS
from patients.sign_in_forms import DeviceForm
from patients.views.sign_in import keep_device


@require_safe
@roles(ADMINISTRATOR)
def team(request):
    devices = ClinicDevice.objects.filter(ended_at=None).select_related("registered_by").order_by("name", "pk")
    context = {
        "members": [row_of(member) for member in members()],
        "devices": devices,
        "here": signin.device_of(request),
    }
    return render(request, "patients/team.html", context)


@require_http_methods(["GET", "POST"])
@roles(ADMINISTRATOR)
@reauthentication_required
def second_step_reset(request, person):
    member = get_object_or_404(members(), public_id=person)
    if request.method == "POST":
        second_factor.reset(member, by=request.user, now=timezone.now())
        messages.success(request, _("%(name)s chooses a new second step at the next sign-in.") % {"name": member})
        return redirect("team")
    return render(request, "patients/second_step_reset.html", {"member": member, "is_self": member == request.user})


@require_http_methods(["GET", "POST"])
@roles(ADMINISTRATOR, CLINICAL_LEAD)
@reauthentication_required
def device_new(request):
    """Make this browser a clinic device."""
    form, now = DeviceForm(request.POST if request.method == "POST" else None), timezone.now()
    if form.is_valid():
        device, token = clinic_devices.register(name=form.cleaned_data["name"], by=request.user, now=now)
        signin.remember_on(request, device, now=now)
        messages.success(request, _("This browser is now the clinic device “%(name)s”.") % {"name": device})
        return keep_device(redirect("mfa_index"), token)
    context = {"form": form, "device": signin.device_of(request)}
    return render(request, "patients/device_new.html", context, status=422 if form.errors else 200)


@require_POST
@roles(ADMINISTRATOR)
def device_end(request, device):
    row = get_object_or_404(ClinicDevice, public_id=device)
    clinic_devices.end(row, by=request.user, now=timezone.now())
    messages.success(request, _("“%(name)s” is a clinic device no longer.") % {"name": row})
    return redirect("team")


def members() -> QuerySet[User]:
    """Every login that opens staff pages, by name, with roles, second steps and PIN at hand."""
    staff = User.objects.filter(Q(groups__name__in=ALL) | Q(is_staff=True) | Q(is_superuser=True))
    rows = User.objects.filter(pk__in=staff.values("pk")).order_by("name", "pk")
    return rows.select_related("staff_pin").prefetch_related("groups", "authenticator_set")


def row_of(member):
    """What the list says about one person."""
    kinds = {one.type for one in member.authenticator_set.all()}
    words = {second_factor.APP: _("Authenticator app"), second_factor.PASSKEY: _("Passkey")}
    names = [group.name for group in member.groups.all()]
    return {
        "person": member,
        "roles": ", ".join(str(LABELS[name]) for name in LABELS if name in names),
        "steps": [word for kind, word in words.items() if kind in kinds],
        "has_codes": Authenticator.Type.RECOVERY_CODES in kinds,
        "pin": getattr(member, "staff_pin", None),
    }
