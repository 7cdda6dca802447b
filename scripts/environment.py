"""What the local processes find in their environment. `clinic/settings.py` says what each name means."""

import base64
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from scripts import local

NAMES = (
    "CADENCE_ENV",
    "SECRET_KEY",
    "FIELD_KEYS",
    "DATABASE_URL",
    "REDIS_URL",
    "EMAIL_URL",
    "SITE_URL",
    "ALLOWED_HOSTS",
    "MEDIA_ROOT",
    "STAFF_MFA",
    "TRUSTED_PROXIES",
    "BELL_SECONDS",
    "EDIT_WAIT_SECONDS",
    "DEFAULT_FROM_EMAIL",
)


def given() -> dict[str, str]:
    """Return the settings that the person who started us has set."""
    return {name: os.environ[name] for name in NAMES if os.environ.get(name)}


def without_settings() -> dict[str, str]:
    """Return our environment without any setting, so that a throw-away stack never touches a real database."""
    ours = {*NAMES, "DJANGO_ALLOW_ASYNC_UNSAFE", "DJANGO_SETTINGS_MODULE"}
    return {name: value for name, value in os.environ.items() if name not in ours}


def local_defaults(state: Path, *, site_url: str) -> dict[str, str]:
    """Return what a local process needs besides its servers; the keys are made once and kept in `state`."""
    return {
        "CADENCE_ENV": "local",
        "SECRET_KEY": local.remembered(state / "secret-key", lambda: f"development-{secrets.token_urlsafe(48)}"),
        "FIELD_KEYS": local.remembered(state / "field-keys", lambda: new_field_key("development-1")),
        "SITE_URL": site_url,
        "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
        "MEDIA_ROOT": str(state / "media"),
        "STAFF_MFA": "optional",
    }


def like_production(servers: Mapping[str, str]) -> dict[str, str]:
    """Return settings that a production would have, for `check --deploy`."""
    return {
        "CADENCE_ENV": "production",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "FIELD_KEYS": new_field_key("check-1"),
        "DATABASE_URL": servers["DATABASE_URL"],
        "REDIS_URL": servers["REDIS_URL"],
        "EMAIL_URL": "smtp+tls://clinic:secret@mail.example:587",
        "SITE_URL": "https://clinic.example",
        "ALLOWED_HOSTS": "clinic.example",
        "STAFF_MFA": "required",
        "TRUSTED_PROXIES": "1",
    }


def new_field_key(key_id: str) -> str:
    """Return a field key with 32 random bytes."""
    return f"{key_id}:{base64.b64encode(secrets.token_bytes(32)).decode()}"
