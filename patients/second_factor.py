"""The second step of signing in: who must have one, whether this session has shown it, and a colleague's lost phone.

A session has shown it when allauth's record of it holds an `mfa` entry: an authenticator app, a passkey, a recovery
code, or on a clinic device a PIN within twelve hours of one of these.
"""

import hashlib
import time
from datetime import datetime

import structlog
from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.cache import cache
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from patients import encryption
from patients.models import DeviceSignIn, SecondFactorReset, User
from patients.refusals import Refused
from patients.roles import is_staff_login

APP, PASSKEY = Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN
FACTORS = (APP, PASSKEY)
SHOWN_IN_FULL = frozenset(Authenticator.Type.values)
BY_DEVICE = ("pin", "device")
# Secrets of authenticator apps are sealed without a row: allauth asks before the row exists.
SEALED_FOR = "mfa_authenticator.data"
log = structlog.get_logger(__name__)


class FactorAdapter(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "cannot_delete_authenticator": gettext_lazy(
            "This is your only second step, and people who work here need one. Add another one first."
        ),
        "cannot_generate_recovery_codes": gettext_lazy("Set up an authenticator app or a passkey first."),
        "incorrect_code": gettext_lazy("This code is not right or no longer valid. Try the newest one."),
    }

    def encrypt(self, text: str) -> str:
        return encryption.encrypt(text, row=SEALED_FOR)

    def decrypt(self, encrypted_text: str) -> str:
        return encryption.decrypt(encrypted_text, row=SEALED_FOR)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        return not is_last(authenticator)

    def generate_authenticator_name(self, user: User, type: str) -> str:  # noqa: A002 (allauth's own signature)
        count = Authenticator.objects.filter(user=user, type=type).count()
        return _("Passkey %(number)d") % {"number": count + 1}


def is_required(user: User) -> bool:
    """Whether the person may not work without a second step."""
    return settings.STAFF_MFA == "required" and is_staff_login(user)


def holds(user: User) -> bool:
    """Whether the person has an authenticator app or a passkey; recovery codes alone do not count."""
    return Authenticator.objects.filter(user=user, type__in=FACTORS).exists()


def held_on_arrival(user: User) -> bool:
    """The same as the request began: `patients.sessions` brought the answer along with the person."""
    known = getattr(user, "has_second_factor", None)
    return holds(user) if known is None else known


def is_last(authenticator: Authenticator) -> bool:
    """Whether the person would be left without a second step and needs one."""
    others = Authenticator.objects.filter(user=authenticator.user, type__in=FACTORS).exclude(pk=authenticator.pk)
    return authenticator.type in FACTORS and is_required(authenticator.user) and not others.exists()


def is_shown(request: HttpRequest, user: User) -> bool:
    """Whether this session has passed the second step."""
    return any(record["method"] == "mfa" for record in get_authentication_records(request, user))


def shown_in_full_at(request: HttpRequest, user: User) -> float | None:
    """When this session last passed it with the app, a passkey or a recovery code: a timestamp, or None."""
    records = get_authentication_records(request, user)
    times = [record["at"] for record in records if record["method"] == "mfa" and record.get("type") in SHOWN_IN_FULL]
    return max(times, default=None)


def is_by_pin(request: HttpRequest) -> bool:
    """Whether this session was begun with name and PIN on a clinic device."""
    return any(record.get("type") == "pin" for record in get_authentication_records(request, request.user))


def note_shown(request: HttpRequest, user: User, kind: str, *, since: float | None = None) -> None:
    """Write into the session that the second step is passed; `since` is when it really was, on a clinic device."""
    record_authentication(request, user, "mfa", type=kind, since=since)


def borrowed_since(request: HttpRequest, user: User) -> float:
    """The timestamp from which this session counts: now, or when the second step it leans on was shown."""
    records = get_authentication_records(request, user)
    return min([record["since"] for record in records if record.get("since")], default=time.time())


def use(user: User, code: str) -> bool:
    """Spend a code that was right; False if it was spent before."""
    digits = "".join(filter(str.isalnum, code)).lower()
    key = f"second-factor-used:{user.pk}:{hashlib.sha256(digits.encode()).hexdigest()}"
    return cache.add(key, "yes", timeout=settings.MFA_TOTP_PERIOD * (2 * settings.MFA_TOTP_TOLERANCE + 1))


def reset(user: User, *, by: User | None, now: datetime) -> SecondFactorReset:
    """Take away a person's second step, recovery codes and every session, note who did it, and tell the person.

    `by` is a colleague, or None for whoever runs the server. Raises `Refused` for oneself.
    """
    if by == user:
        raise Refused(_("You cannot take away your own second step. Ask another administrator."))
    with transaction.atomic():
        person = User.objects.select_for_update().get(pk=user.pk)
        Authenticator.objects.filter(user=person).delete()
        DeviceSignIn.objects.filter(user=person).delete()
        User.objects.filter(pk=person.pk).update(session_round=F("session_round") + 1)
        row = SecondFactorReset.objects.create(user=person, by=by, at=now)
        context = {"by": by, "address": settings.SITE_URL + reverse("account_login")}
        text = render_to_string("account/email/second_step_reset_message.txt", context)
        send_mail(_("Your second step was taken away"), text, None, [person.email])
    log.info("second_factor_reset", user=str(person.public_id), by=str(by.public_id) if by else "server")
    return row
