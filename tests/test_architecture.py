"""The cut of the project, held by tests: direction of foreign keys, closed doors, constraints with names."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.urls import URLPattern, URLResolver, get_resolver

from patients import access

LAYERS = ["patients", "treatments", "clinic"]

# Models without a named constraint of their own, and why that is right.
UNCONSTRAINED = {
    "clinic.Practitioner": "is one-to-one with its resource and its user; both are primary or unique keys",
}
# Addresses that work without signing in, and why.
OPEN = {
    "home": "sends everybody on to where they begin",
    "setup": "the first sign-in of a new clinic; gone once somebody has one",
    "live": "a health probe: says that the process answers",
    "ready": "a health probe: says that the database answers",
    "account_login": "the door itself",
    "account_logout": "harmless when signed out",
    "account_signup": "answers that accounts are made by the clinic",
    "account_inactive": "says why a closed account cannot sign in",
    "account_confirm_login_code": "second step of the sign-in",
    "account_request_login_code": "first step of the sign-in by code",
    "account_reset_password": "for people who cannot sign in",
    "account_confirm_password_reset_code": "for people who cannot sign in, asks for the code from the mail",
    "account_complete_password_reset": "for people who cannot sign in, after the code",
    "account_password_reset_completed": "for people who cannot sign in",
    "mfa_authenticate": "the second step of the sign-in",
    "mfa_login_webauthn": "the sign-in with a passkey",
    "portal_sign_in": "the patients' door",
    "switch_person": "the door of a clinic device; asks for name and PIN",
}

# Pages of allauth; `patients.signin` narrows what they do.
ALLAUTH = ("account_", "mfa_")


def own_models():
    return [
        model
        for model in apps.get_models()
        if model._meta.app_label in LAYERS and not hasattr(model, "pgh_tracked_model")
    ]


def addresses(resolver=None, prefix="", space=""):
    """Every named address of the product: (name, path, view); names of the administration begin with `admin:`."""
    for pattern in (resolver or get_resolver()).url_patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from addresses(pattern, path, inner)
        elif isinstance(pattern, URLPattern):
            yield pattern.name and space + pattern.name, path, pattern.callback


def test_foreign_keys_point_down():
    upward = [
        f"{model._meta.label}.{field.name} -> {field.related_model._meta.label}"
        for model in own_models()
        for field in model._meta.get_fields()
        if field.is_relation and not field.auto_created and field.related_model is not None
        if field.related_model._meta.app_label in LAYERS
        if LAYERS.index(field.related_model._meta.app_label) > LAYERS.index(model._meta.app_label)
    ]

    assert upward == []


def test_every_model_has_a_named_constraint_or_a_reason():
    bare = {model._meta.label for model in own_models() if not model._meta.auto_created and not model._meta.constraints}

    assert bare == set(UNCONSTRAINED)


def test_constraint_names_are_sentences():
    short = [c.name for model in own_models() for c in model._meta.constraints if c.name.count("_") < 2]

    assert short == []


def test_every_address_is_signed_in_staff_or_listed_as_open(counted):
    pages = list(addresses())
    unnamed = [path for name, path, view in pages if name is None]
    without_login = {name for name, path, view in pages if not getattr(view, "login_required", True)}
    without_audience = {
        name
        for name, path, view in pages
        if not name.startswith(ALLAUTH) and getattr(view, "audience", None) not in access.AUDIENCES
        if not hasattr(view, "admin_site") and not hasattr(view, "model_admin")
    }
    counted(f"URLconf: {len(pages)} addresses, {len(without_login)} open")

    assert unnamed == []
    assert without_login <= set(OPEN)
    assert without_audience == set()


@pytest.mark.django_db
def test_the_four_roles_exist():
    assert set(Group.objects.values_list("name", flat=True)) == {
        "reception",
        "practitioner",
        "clinical lead",
        "administrator",
    }
