"""All settings, from the environment.

CADENCE_ENV is `local` (what `./run` sets) or `production`, the default. Production refuses to start with a
development key or with the second factor switched off; `clinic.installation` refuses a database with demo data.
"""

import logging
from pathlib import Path
from urllib.parse import urlsplit

import environ
import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# -- What this process is ---------------------------------------------------------------------------------------------

CADENCE_ENV = env.str("CADENCE_ENV", "production")
if CADENCE_ENV not in ("local", "production"):
    raise ImproperlyConfigured(f"CADENCE_ENV is '{CADENCE_ENV}': it must be 'local' or 'production'.")
IS_PRODUCTION = CADENCE_ENV == "production"
DEBUG = False

DEVELOPMENT_KEY_PREFIX = "development-"
SECRET_KEY = env.str("SECRET_KEY")
SITE_URL = env.str("SITE_URL", "http://localhost:8000").rstrip("/")
SITE_HOST = urlsplit(SITE_URL).hostname or "localhost"
SITE_IS_HTTPS = SITE_URL.startswith("https://")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[SITE_HOST])
CSRF_TRUSTED_ORIGINS = [SITE_URL]
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0)
STAFF_MFA = env.str("STAFF_MFA", "required")

# `id:base64 of 32 bytes`, the newest first; older keys stay listed to read what they wrote (patients.encryption).
FIELD_KEYS = env.list("FIELD_KEYS")

if IS_PRODUCTION:
    if SECRET_KEY.startswith(DEVELOPMENT_KEY_PREFIX):
        raise ImproperlyConfigured("SECRET_KEY is a development key. Set a random one of 50 characters or more.")
    if any(key.startswith(DEVELOPMENT_KEY_PREFIX) for key in FIELD_KEYS):
        raise ImproperlyConfigured("FIELD_KEYS holds a development key. Make one with `manage.py new_field_key`.")
    if STAFF_MFA != "required":
        raise ImproperlyConfigured("STAFF_MFA may only be 'optional' when CADENCE_ENV is 'local'.")
    if not SITE_IS_HTTPS:
        raise ImproperlyConfigured(f"SITE_URL is '{SITE_URL}': in production it must start with https://.")

# -- Apps and requests ------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "clinic.apps.AdministrationConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "crispy_forms",
    "crispy_bootstrap5",
    "csp",
    "django_htmx",
    "django_structlog",
    "pgtrigger",
    "pghistory",
    "clinic",
    "treatments",
    "patients",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "clinic.middleware.RequestLog",
    "pghistory.middleware.HistoryMiddleware",
    "clinic.middleware.second_step",
    "clinic.middleware.refusals",
]

ROOT_URLCONF = "clinic.urls"
WSGI_APPLICATION = "clinic.wsgi.application"
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "clinic.context.desk",
            ],
        },
    }
]
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

# -- Database, cache, sessions: a request needs PostgreSQL and the disk only ------------------------------------------

DATABASES = {"default": env.db("DATABASE_URL")}
# A new connection prepares its statements anew, just when many people book: an hour, and each is tried before use.
DATABASES["default"] |= {"CONN_MAX_AGE": 60 * 60, "CONN_HEALTH_CHECKS": True}
DATABASES["default"] |= {"ENGINE": "patients.database", "ATOMIC_REQUESTS": False}
# What `patients.prepared` prepares is planned once for each connection, whatever the values. To start a second process
# takes longer than any statement of a page, and with a large table PostgreSQL would.
DATABASES["default"].setdefault("OPTIONS", {}).setdefault(
    "options", "-c plan_cache_mode=force_generic_plan -c max_parallel_workers_per_gather=0"
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# It counts tries at signing in, so it must not forget one because strangers filled it (Django's own limit is 300 rows).
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cadence_cache",
        "OPTIONS": {"MAX_ENTRIES": 1_000_000},
    },
    # What `cache` in a template keeps: parts of pages that are the same for everybody, in each process.
    "template_fragments": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}
SESSION_ENGINE = "patients.sessions"
# With the session, not in a cookie: what one person was told is gone when the next takes over at a clinic device.
MESSAGE_STORAGE = "patients.sessions.NewestMessages"

# -- People -----------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "patients.User"
# User.email is unique through a constraint on Lower(email), which the check does not see.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
AUTHENTICATION_BACKENDS = ["patients.sessions.Backend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "patients.signin.ClinicAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_NOTIFICATIONS = True
# An unknown address is answered like a known one and gets no mail.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
# Long enough for a slow mail server; a code is spent after three wrong tries.
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT = 10 * 60
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 5 * 60
ACCOUNT_FORMS = {
    "login": "patients.sign_in_forms.SignInForm",
    "request_login_code": "patients.sign_in_forms.EmailedCodeForm",
    "confirm_login_code": "patients.sign_in_forms.EmailedCodeAnswerForm",
    "reset_password": "patients.sign_in_forms.ForgottenPasswordForm",
    "confirm_password_reset_code": "patients.sign_in_forms.ForgottenPasswordAnswerForm",
    "reset_password_from_key": "patients.sign_in_forms.NewPasswordForm",
    "set_password": "patients.sign_in_forms.ChosenPasswordForm",
    "change_password": "patients.sign_in_forms.ChangedPasswordForm",
}
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
ALLAUTH_USER_CODE_FORMAT = {"numeric": True, "length": 8}

# The second step: an authenticator app or a passkey, with recovery codes beside it.
MFA_ADAPTER = "patients.second_factor.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Cadence"
# The clocks of phones and servers differ a little: the code before and the one after count too.
MFA_TOTP_PERIOD = 30
MFA_TOTP_TOLERANCE = 1
# Addresses are entered by the clinic, so there is nothing to confirm first.
MFA_ALLOW_UNVERIFIED_EMAIL = True
# Browsers allow passkeys without https on localhost only.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not IS_PRODUCTION and not SITE_IS_HTTPS
MFA_FORMS = {
    "authenticate": "patients.sign_in_forms.SecondStepForm",
    "reauthenticate": "patients.sign_in_forms.SecondStepAgainForm",
    "activate_totp": "patients.sign_in_forms.AppForm",
    "add_webauthn": "patients.sign_in_forms.PasskeyForm",
}

# -- Words, time, files -----------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["clinic.formats"]
USE_TZ = True
TIME_ZONE = "UTC"
PHONENUMBER_DEFAULT_REGION = "GB"
PHONENUMBER_DB_FORMAT = "E164"
# Which country a number without a country code is of: asked when somebody typed one.
PHONE_REGION = "clinic.installation.phone_region"

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "static-collected"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = env.str("MEDIA_ROOT", str(BASE_DIR / ".local" / "media"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "private": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "clinic.static_files.Storage"},
}

# -- Mail: everything goes to the outbox; the worker hands it to this server ------------------------------------------

EMAIL_BACKEND = "clinic.outbox.OutboxBackend"
EMAIL_URL = env.str("EMAIL_URL", "smtp://localhost:25")
SMTP = env.email_url_config(EMAIL_URL)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", f"Cadence <clinic@{SITE_HOST}>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# -- Celery: two bells, no dates in the broker ------------------------------------------------------------------------

BELL_SECONDS = env.int("BELL_SECONDS", 30)
EDIT_WAIT_SECONDS = env.int("EDIT_WAIT_SECONDS", 180)
CELERY_BROKER_URL = env.str("REDIS_URL")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 5, "socket_connect_timeout": 5, "visibility_timeout": 3600}
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "bell": {
        "task": "clinic.tasks.ring_bell",
        "schedule": BELL_SECONDS,
        "options": {"expires": max(BELL_SECONDS - 1, 1)},
    },
    "urgent-bell": {"task": "clinic.tasks.ring_urgent_bell", "schedule": 2, "options": {"expires": 2}},
}

# -- Security ---------------------------------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
# The page of a protocol's draft sends about 15 values for each area, advice and message.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SITE_IS_HTTPS
SESSION_COOKIE_AGE = 60 * 60 * 12
SECURE_SSL_REDIRECT = SITE_IS_HTTPS
SECURE_HSTS_SECONDS = 60 * 60 * 24 * 365 if SITE_IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SITE_IS_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^live$", r"^ready$"]
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_FAILURE_VIEW = "clinic.views.errors.csrf_failure"


def _end_only(_logger: object, _method: str, event: dict) -> dict:
    """One line for each request: that it began says nothing that its end does not say."""
    if event["event"] == "request_started":
        raise structlog.DropEvent
    return event


structlog.configure(
    processors=[
        _end_only,
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ],
    wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
)
DJANGO_STRUCTLOG_USER_ID_FIELD = "public_id"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "propagate": True, "level": "INFO"},
        # The urgent bell rings every two seconds: a line for each ring would hide everything else.
        "celery.beat": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
    },
}
