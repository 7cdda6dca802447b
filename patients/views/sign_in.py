"""The doors: a patient's e-mailed code, the second step of staff, and name and PIN at a clinic device."""

from allauth.account.decorators import reauthentication_required
from allauth.account.internal.stagekit import clear_login
from allauth.account.views import RequestLoginCodeView
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from patients import clinic_devices, second_factor, signin
from patients.access import public, signed_in, staff_only
from patients.refusals import Refused
from patients.roles import is_staff_login
from patients.sign_in_forms import PinForm, SwitchForm

AFTER_SECOND_STEP = "after_second_step"
ask_for_code = RequestLoginCodeView.as_view()


@public
@never_cache
def portal_sign_in(request):
    """An e-mail address, then the code that was sent there; the answer is the same for every address."""
    if not request.user.is_authenticated and (request.method == "POST" or "another" in request.GET):
        # Otherwise allauth leads back to the code that is waited for, and sends no new one.
        clear_login(request)
    return ask_for_code(request)


@require_safe
@signed_in
@never_cache
def second_step(request):
    """Choose an authenticator app or a passkey; recovery codes follow. Patients need none."""
    if not is_staff_login(request.user):
        raise Http404
    if second_factor.holds(request.user):
        return redirect("mfa_index")
    wanted = request.GET.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
        request.session[AFTER_SECOND_STEP] = wanted
    return render(request, "account/second_step.html", {"is_required": second_factor.is_required(request.user)})


@require_http_methods(["GET", "POST"])
@staff_only
@reauthentication_required
@sensitive_post_parameters()
def pin(request):
    """Choose the PIN for switching on a clinic device."""
    form = PinForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.save(request.user):
        messages.success(request, _("Your PIN is saved. It works on clinic devices where you have signed in today."))
        return redirect("mfa_index")
    status = 422 if form.errors else 200
    return render(request, "account/pin.html", {"form": form, "device": signin.device_of(request)}, status=status)


@require_http_methods(["GET", "POST"])
@public
@never_cache
@sensitive_post_parameters()
def switch_person(request):
    """Choose a name and type its PIN: the session before ends and a new one begins."""
    device, now = signin.device_of(request), timezone.now()
    form = SwitchForm(request.POST if device and request.method == "POST" else None)
    if form.is_valid():
        try:
            user, since = clinic_devices.switch(device, **form.cleaned_data, now=now)
        except Refused as refusal:
            form.add_error("pin", refusal)
        else:
            signin.switch_to(request, user, since=since)
            return keep_device(redirect("home"), request.COOKIES[clinic_devices.COOKIE])
    people = clinic_devices.people(device, now=now) if device else ()
    context = {"form": form, "device": device, "people": people}
    return render(request, "account/switch.html", context, status=422 if form.errors else 200)


def keep_device(response: HttpResponse, token: str) -> HttpResponse:
    """Give the browser the device's token, for as long as browsers keep one; no script can read it."""
    response.set_cookie(
        clinic_devices.COOKIE,
        token,
        max_age=clinic_devices.COOKIE_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response
