"""What is logged of a request: one line, with ids and no patient data."""

import json

import pytest
from django.urls import reverse

pytestmark = pytest.mark.django_db


def test_a_request_is_one_line_without_what_was_asked(client, desk, capsys):
    client.force_login(desk.by)
    client.get(reverse("patients"), {"q": "Rosenberg"})
    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "request_" in line]
    assert (line["event"], line["code"], line["request"]) == ("request_finished", 200, f"GET {reverse('patients')}")
    assert line["user_id"] == str(desk.by.public_id)
    assert "Rosenberg" not in json.dumps(line)
