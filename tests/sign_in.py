"""Signing in as a browser would, second step included, for tests without one."""

import base64
import hashlib
import hmac
import struct
import time

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.urls import reverse

PASSWORD = "correct horse battery"
PERIOD = 30


def app_code(secret, at=None, later=0):
    """The six digits of an authenticator app (RFC 6238), `later` periods from now."""
    counter = int((at or time.time()) // PERIOD) + later
    key = base64.b32decode(secret)
    digest = hmac.new(key, struct.pack(">Q", counter), hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 10**6:06d}"


def with_app(person):
    """Give a person an authenticator app and recovery codes; returns the app's secret."""
    secret = generate_totp_secret()
    TOTP.activate(person, secret)
    RecoveryCodes.activate(person)
    return secret


def by_password(client, person, password=PASSWORD, **query):
    return client.post(reverse("account_login"), {"login": person.email, "password": password, **query})


def in_full(client, person, secret, code=None):
    """Password, then the code of the app."""
    by_password(client, person)
    return client.post(reverse("mfa_authenticate"), {"code": code or app_code(secret)})


def signed_in_as(client):
    """The primary key of who is signed in, or None."""
    key = client.session.get("_auth_user_id")
    return int(key) if key else None
