"""The page that shows every part: each partial is really on it, and it asks the database for nothing of its own."""

import pytest
from django.urls import reverse

from clinic.models import Appointment
from clinic.views.components import SampleForm
from tests.factories import user

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client):
    client.force_login(user("reception"))
    return client.get(reverse("components"))


@pytest.mark.parametrize("part", [
    "_icon.html", "_badge.html", "_status.html", "_note.html", "_findings.html", "_empty.html", "_pager.html",
    "treatments/_timeline.html", "treatments/_body_map.html", "_keys.html",
])  # fmt: skip
def test_components_are_the_real_partials(page, part):
    assert part in {template.name for template in page.templates}


def test_components_show_every_status(page):
    text = page.content.decode()

    assert page.status_code == 200
    assert [word for word in Appointment.Status.labels if f"<span>{word}</span>" not in text] == []


def test_components_show_a_field_with_its_error(page):
    assert "This day is over. Choose a later one." in page.content.decode()


def test_the_sample_form_is_never_valid():
    assert not SampleForm({"name": "x", "on": "2030-01-01", "kind": "a", "answer": "y"}).is_valid()
