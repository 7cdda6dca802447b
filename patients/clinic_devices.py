"""Shared browsers of the clinic: registered once, they remember a second step for twelve hours and switch by PIN.

The browser holds a random token in a cookie, the database only its hash. A PIN opens nothing anywhere else.
"""

import hashlib
import itertools
import re
import secrets
import uuid
from datetime import datetime, timedelta

import structlog
from django.contrib.auth.hashers import check_password, make_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from patients.models import ClinicDevice, DeviceSignIn, StaffPin, User
from patients.models.devices import PIN_TRIES
from patients.refusals import Refused

COOKIE = "clinic_device"
# The longest that browsers keep a cookie.
COOKIE_AGE = timedelta(days=400)
TOKEN_BYTES = 32
LASTS = timedelta(hours=12)
PIN_DIGITS = 6
FEWEST_DIFFERENT = 3
# Shapes on the keypad and squares that people choose first.
COMMON_PINS = frozenset({"159753", "147258", "147852", "258369", "258456", "789456", "142536", "112233", "102030"})
log = structlog.get_logger(__name__)


class WrongPin(Refused):
    """The PIN does not fit; some tries are left."""


class PinLocked(Refused):
    """Only a full sign-in helps now."""


def register(*, name: str, by: User, now: datetime) -> tuple[ClinicDevice, str]:
    """Make this browser a clinic device; returns it and the token for its cookie, which is never seen again."""
    if not name.strip():
        raise ValidationError({"name": _("Give the device a name, for example: Reception tablet.")})
    token = secrets.token_urlsafe(TOKEN_BYTES)
    device = ClinicDevice.objects.create(
        name=name.strip(), token_hash=_hash(token), registered_by=by, registered_at=now, last_used_at=now
    )
    log.info("clinic_device_registered", device=str(device.public_id), by=str(by.public_id))
    return device, token


def end(device: ClinicDevice, *, by: User, now: datetime) -> ClinicDevice:
    """The browser is a clinic device no longer; who has signed in there stays signed in until they leave."""
    with transaction.atomic():
        ended = ClinicDevice.objects.filter(pk=device.pk, ended_at=None).update(ended_at=now, ended_by=by)
        DeviceSignIn.objects.filter(device=device).delete()
    if ended:
        log.info("clinic_device_ended", device=str(device.public_id), by=str(by.public_id))
    device.refresh_from_db()
    return device


def of_token(token: str | None) -> ClinicDevice | None:
    """The device whose cookie this is; None for none, an unknown one and an ended one."""
    if not token:
        return None
    return ClinicDevice.objects.filter(token_hash=_hash(token), ended_at=None).first()


def remember(device: ClinicDevice, user: User, *, verified_at: datetime, now: datetime) -> None:
    """Note that the person has shown the second step here, and that the device is in use."""
    with transaction.atomic():
        DeviceSignIn.objects.update_or_create(device=device, user=user, defaults={"verified_at": verified_at})
        ClinicDevice.objects.filter(pk=device.pk).update(last_used_at=now)


def verified_at(device: ClinicDevice | None, user: User, *, now: datetime) -> datetime | None:
    """When the person showed the second step on this device, if that still counts."""
    if device is None:
        return None
    row = DeviceSignIn.objects.filter(device=device, user=user, verified_at__gt=now - LASTS).first()
    return row.verified_at if row else None


def people(device: ClinicDevice, *, now: datetime) -> QuerySet[User]:
    """Who can switch here by name and PIN, by name."""
    recent = Q(device_sign_ins__device=device, device_sign_ins__verified_at__gt=now - LASTS)
    return User.objects.filter(recent, is_active=True, staff_pin__failed_tries__lt=PIN_TRIES).order_by("name", "pk")


def set_pin(user: User, pin: str, *, now: datetime) -> StaffPin:
    """Choose a PIN of six digits; raises `ValidationError` for one that others would try first."""
    if not re.fullmatch(r"[0-9]{6}", pin):
        raise ValidationError({"pin": _("A PIN has six digits.")})
    if _is_weak(pin):
        raise ValidationError({"pin": _("This PIN is one of the first that others would try. Choose another one.")})
    values = {"pin_hash": make_password(_peppered(user, pin)), "failed_tries": 0, "changed_at": now}
    row, _made = StaffPin.objects.update_or_create(user=user, defaults=values)
    log.info("pin_set", user=str(user.public_id))
    return row


def switch(device: ClinicDevice, person: uuid.UUID, pin: str, *, now: datetime) -> tuple[User, datetime]:
    """Check name and PIN on a device; returns the person and when they showed the second step.

    The row of the PIN is locked while it is compared, so that parallel tries are counted one by one. Raises `WrongPin`
    or, after five wrong ones, `PinLocked`.
    """
    with transaction.atomic():
        user = people(device, now=now).filter(public_id=person).first()
        row = user and StaffPin.objects.select_for_update().filter(user=user).first()
        is_right = row is not None and not row.is_locked and check_password(_peppered(user, pin), row.pin_hash)
        if row is not None and not row.is_locked:
            row.failed_tries = 0 if is_right else row.failed_tries + 1
            row.save(update_fields=["failed_tries"])
            if row.is_locked:
                DeviceSignIn.objects.filter(user=user).delete()
        since = verified_at(device, user, now=now) if is_right else None
        ClinicDevice.objects.filter(pk=device.pk).update(last_used_at=now)
    if since:
        return user, since
    log.warning("pin_refused", device=str(device.public_id), user=str(user.public_id) if user else "")
    if row is None or row.is_locked or is_right:
        raise PinLocked(_("Name and PIN cannot be used here now. Sign in with your password and second step."))
    left = PIN_TRIES - row.failed_tries
    raise WrongPin(_("This is not the right PIN. %(left)d tries are left.") % {"left": left})


def unlock(user: User) -> None:
    """Give the PIN its tries back, after a full sign-in."""
    StaffPin.objects.filter(user=user).exclude(failed_tries=0).update(failed_tries=0)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _peppered(user: User, pin: str) -> str:
    """Six digits are soon guessed from a stolen database, so the hash also needs the key of the installation."""
    return salted_hmac("patients.clinic_devices.pin", f"{user.public_id}:{pin}", algorithm="sha256").hexdigest()


def _is_weak(pin: str) -> bool:
    steps = {(int(after) - int(before)) % 10 for before, after in itertools.pairwise(pin)}
    is_row = len(steps) == 1 and steps <= {0, 1, 9, 2, 8}
    is_repeated = pin[:3] == pin[3:] or pin[:3] == pin[:2:-1] or pin[0::2] == pin[1::2]
    return is_row or is_repeated or len(set(pin)) < FEWEST_DIFFERENT or pin in COMMON_PINS
