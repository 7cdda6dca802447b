"""Every address of the URLconf, without a browser: who gets in, and what hostile values are answered with."""

import itertools

import pytest
from django.urls import reverse

from patients.roles import ALL
from tests.factories import user
from tests.test_architecture import ALLAUTH, OPEN, addresses

NOBODY = "00000000-0000-4000-8000-000000000000"
HOSTILE = [
    "",
    "0",
    "-1",
    "x" * 5000,
    "%00",
    "\x00",
    "'; DROP TABLE x; --",
    "<script>alert(1)</script>",
    "2026-02-30",
    "٣",
]
FIELDS = [
    "q",
    "date",
    "location",
    "practitioner",
    "service",
    "start",
    "starts_at",
    "version",
    "action",
    "reason",
    "next",
    "page",
    "state",
    "kind",
]
FIELDS_OF_A_LIST = ["q", "kind", "page"]
METHODS = ["get", "post", "head", "put", "patch", "delete", "options"]


def path_of(name, route):
    """The address with a random, unknown object in each of its places."""
    kinds = {"uuid": NOBODY, "slug": "nobody", "int": "987654321", "str": "nobody", "path": "987654321"}
    parameters = [part.split(">")[0] for part in route.split("<")[1:]]
    values = {part.split(":")[-1]: kinds[part.split(":")[0] if ":" in part else "str"] for part in parameters}
    if "(?P" in route:
        values = {"uidb36": "1", "key": "unknown"} if "uidb36" in route else {"key": "unknown"}
    return reverse(name, kwargs=values)


ROUTES = {name: route for name, route, _ in addresses()}
PAGES = [(name, path_of(name, route)) for name, route in ROUTES.items()]


def test_the_list_is_the_urlconf(counted):
    counted(f"Hostile values: {len(PAGES)} addresses × {len(METHODS)} methods, {len(FIELDS) * len(HOSTILE)} values")

    assert len(PAGES) == len({name for name, _ in PAGES}) == len(list(addresses()))


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "path"), PAGES)
def test_a_stranger_is_asked_to_sign_in(client, name, path):
    answer = client.get(path)

    if name in OPEN:
        assert answer.status_code < 500
    else:
        assert answer.status_code == 302
        assert answer.url.startswith(reverse("portal_sign_in" if path.startswith("/portal/") else "account_login"))


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "path"), PAGES)
def test_somebody_without_a_role_sees_no_staff_page(client, name, path):
    client.force_login(user())

    answer = client.get(path)

    if name in OPEN or name.startswith(ALLAUTH):
        assert answer.status_code < 500
    else:
        assert answer.status_code in (403, 404, 405)


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "path"), PAGES)
def test_hostile_values_get_a_clear_answer(client, name, path):
    client.force_login(user(*ALL))
    client.raise_request_exception = False

    answers = {method: client.generic(method.upper(), path).status_code for method in METHODS}
    # The pages of the administration are many and made alike.
    fields, values = (FIELDS_OF_A_LIST, HOSTILE[4:8]) if name.startswith("admin:") else (FIELDS, HOSTILE)
    for field, value in itertools.product(fields, values):
        answers[f"GET {field}={value[:20]!r}"] = client.get(path, {field: value}).status_code
    for value in values:
        answers[f"POST {value[:20]!r}"] = client.post(path, dict.fromkeys(FIELDS, value)).status_code
        if name == "account_logout":
            client.force_login(user(*ALL))

    assert {what: status for what, status in answers.items() if status >= 500} == {}
    if "<" in ROUTES[name] and not name.startswith(ALLAUTH):
        assert answers["get"] in (404, 405)
