"""Who may sign in, and how far a session reaches: the adapter between allauth's pages and this product's rules."""

import ipaddress
from datetime import UTC, datetime

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.account.internal.stagekit import clear_login
from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from patients import clinic_devices, portal_access, second_factor
from patients.clinic_devices import LASTS
from patients.models import ClinicDevice, DeviceSignIn, User
from patients.roles import is_staff_login

SIGNED_IN_AT = "signed_in_at"
# What this session may show in the menu without asking the database on every page.
HAS_PORTAL, HAS_SECOND_FACTOR = "has_portal", "has_second_factor"
SECOND_STEP = "allauth.mfa.stages.AuthenticateStage"


class ClinicAdapter(DefaultAccountAdapter):
    """Accounts are made by the clinic; staff need more than a code from an e-mail."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _("The e-mail address or the password is not right."),
        "incorrect_code": _("This code is not right or no longer valid. Try the newest one."),
        "too_many_login_attempts": _("That was tried too often. Wait a few minutes, then try again."),
        "rate_limited": _("That was tried too often. Wait a few minutes, then try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_ip(request)

    def get_login_stages(self) -> list[str]:
        own = f"{SecondStep.__module__}.{SecondStep.__qualname__}"
        return [own if stage == SECOND_STEP else stage for stage in super().get_login_stages()]

    def pre_login(self, request: HttpRequest, user: User, **details: object) -> HttpResponse | None:
        """Staff without a second step get in by their password only, to set one up: never by a code alone."""
        response = super().pre_login(request, user, **details)
        if response is None and is_staff_login(user) and _used(request, user, "code") and not second_factor.holds(user):
            clear_login(request)
            self.add_message(request, messages.ERROR, message=self.error_messages["incorrect_code"])
            return redirect("portal_sign_in")
        return response

    def login(self, request: HttpRequest, user: User) -> None:
        super().login(request, user)
        now = timezone.now()
        request.session[SIGNED_IN_AT] = second_factor.borrowed_since(request, user)
        request.session[HAS_PORTAL] = portal_access.visible_to(user, now).exists()
        request.session[HAS_SECOND_FACTOR] = second_factor.is_shown(request, user)
        if is_staff_login(user):
            # A desk is shared: the cookie goes with the browser window, and the session after twelve hours in any case.
            request.session.set_expiry(0)
            remember_second_step(request, user, now)

    def set_password(self, user: User, password: str) -> None:
        super().set_password(user, password)
        DeviceSignIn.objects.filter(user=user).delete()

    def is_reauthentication_required(self, *, app: str, **details: object) -> bool:
        """A full sign-in is proof enough for five minutes; name and PIN never are."""
        user, now = self.request.user, timezone.now().timestamp()
        full = second_factor.SHOWN_IN_FULL | ({"password"} if is_staff_login(user) else {"password", "code"})
        records = get_authentication_records(self.request, user)
        moments = [record["at"] for record in records if not full.isdisjoint({record["method"], record.get("type")})]
        is_fresh = now - max(moments, default=0) < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
        return not is_fresh and super().is_reauthentication_required(app=app, **details)


class SecondStep(AuthenticateStage):
    """Asks staff for the second step, unless this clinic device has seen it within twelve hours.

    Patients are asked for an authenticator app only if they chose one: their passkey stands beside the e-mailed code,
    so that a lost phone does not lock them out.
    """

    def _should_handle(self, request: HttpRequest) -> bool:
        user = self.login.user
        if not super()._should_handle(request):
            return False
        if not is_staff_login(user):
            return Authenticator.objects.filter(user=user, type=second_factor.APP).exists()
        since = clinic_devices.verified_at(device_of(request), user, now=timezone.now())
        if since is None or not _used(request, user, "password"):
            return True
        second_factor.note_shown(request, user, "device", since=since.timestamp())
        return False


def device_of(request: HttpRequest) -> ClinicDevice | None:
    """The clinic device that this browser is registered as, if it is one."""
    return clinic_devices.of_token(request.COOKIES.get(clinic_devices.COOKIE))


def remember_second_step(request: HttpRequest, user: User, now: datetime) -> None:
    """After a full sign-in: the PIN has its tries back, and a clinic device remembers it for twelve hours."""
    if second_factor.shown_in_full_at(request, user) is None:
        return
    clinic_devices.unlock(user)
    if device := device_of(request):
        remember_on(request, device, now=now)


def remember_on(request: HttpRequest, device: ClinicDevice, *, now: datetime) -> None:
    """Note on the device when this session has shown the second step in full, if it has."""
    shown_at = second_factor.shown_in_full_at(request, request.user)
    if shown_at is not None:
        verified_at = datetime.fromtimestamp(shown_at, UTC)
        clinic_devices.remember(device, request.user, verified_at=verified_at, now=now)


def switch_to(request: HttpRequest, user: User, *, since: datetime) -> None:
    """End this browser's session, whoever's it is, and begin one for a person whose PIN was right."""
    request.session.flush()
    second_factor.note_shown(request, user, "pin", since=since.timestamp())
    ClinicAdapter(request).login(request, user)


def end_if_over(request: HttpRequest, *, now: datetime) -> bool:
    """Sign staff out twelve hours after they signed in, however busy the session was; says whether it did."""
    began = request.session.get(SIGNED_IN_AT)
    if began is None or not is_staff_login(request.user) or now.timestamp() - began < LASTS.total_seconds():
        return False
    logout(request)
    return True


def _used(request: HttpRequest, user: User, method: str) -> bool:
    return any(record["method"] == method for record in get_authentication_records(request, user))


def client_ip(request: HttpRequest) -> str:
    """The address of the browser, as the outermost of the TRUSTED_PROXIES saw it.

    Each trusted proxy adds one entry at the end of X-Forwarded-For; what stands before them is the client's own
    claim and is never believed. Anything else falls back to the connection's address.
    """
    hops = request.headers.get("X-Forwarded-For", "").split(",")
    if 0 < settings.TRUSTED_PROXIES <= len(hops):
        try:
            return str(ipaddress.ip_address(hops[-settings.TRUSTED_PROXIES].strip()))
        except ValueError:
            pass
    return request.META.get("REMOTE_ADDR") or "0.0.0.0"  # noqa: S104 (an address to count by, not to listen on)
