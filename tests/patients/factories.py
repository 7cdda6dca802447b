"""Rows of the lowest app for tests. Plain functions; everything can be given, nothing has to be."""

import uuid
from datetime import UTC, date, datetime
from itertools import count

from django.contrib.auth.models import Group

from patients.models import BodyArea, Condition, ConsentText, Patient, SubstanceTag, User

number = count(1)
TODAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def user(*roles, email="", name="Robin Reception", password=None):
    person = User.objects.create_user(email or f"person{next(number)}@clinic.example", password, name=name)
    person.groups.set(Group.objects.get_or_create(name=role)[0] for role in roles)
    return person


def patient(given_name="Ada", family_name="Quill", **details):
    details = {"birth_date": date(1990, 1, 2), "email": f"patient{next(number)}@mail.example", **details}
    return Patient.objects.create(given_name=given_name, family_name=family_name, **details)


def condition(key="pregnancy", *, kind="status", scope="anywhere", **details):
    details = {"label": key.capitalize(), "question": f"Is there {key}?", **details}
    return Condition.objects.create(key=key, kind=kind, scope=scope, **details)


def area(key="cheek"):
    return BodyArea.objects.create(key=key, label=key.capitalize(), group="face")


def tag(key="lidocaine"):
    return SubstanceTag.objects.create(key=key, label=key.capitalize())


def consent_text(scope="mesotherapy", **details):
    details = {"number": 1, "title": "Mesotherapy", "body": "I agree.", "provenance": "proposed", **details}
    return ConsentText.objects.create(scope=scope, **{"published_at": NOW, **details})


def key():
    """A submission key as a rendered form carries it."""
    return str(uuid.uuid4())
