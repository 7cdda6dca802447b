"""`docker-compose.yml` gives the settings what they read, and runs what production needs."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from scripts import environment

PROJECT = Path(__file__).resolve().parent.parent
APP_SERVICES = ("migrate", "web", "worker", "beat")
NOT_SETTINGS = {"POSTGRES_PASSWORD", "REDIS_PASSWORD"}


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((PROJECT / "docker-compose.yml").read_text())


@pytest.fixture(scope="module")
def settings_names():
    """The names in `env.str("NAME")` and its sisters in the settings."""
    calls = [node for node in ast.walk(ast.parse((PROJECT / "clinic/settings.py").read_text())) if is_env_call(node)]
    return {call.args[0].value for call in calls}


def is_env_call(node):
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "env"
        and bool(node.args)
        and isinstance(node.args[0], ast.Constant)
    )


@pytest.mark.parametrize("service", APP_SERVICES)
def test_compose_gives_exactly_the_settings_that_are_read(compose, settings_names, service):
    assert set(compose["services"][service]["environment"]) == settings_names


def test_supervisor_knows_exactly_the_settings_that_are_read(settings_names):
    assert set(environment.NAMES) == settings_names


def test_example_names_exactly_what_compose_asks_for():
    asked = set(re.findall(r"(?<!\$)\$\{(\w+)", (PROJECT / "docker-compose.yml").read_text()))
    offered = set(re.findall(r"^(\w+)=", (PROJECT / ".env.example").read_text(), re.MULTILINE))

    assert offered == asked


def test_example_holds_no_secret():
    filled = dict(re.findall(r"^(\w+)=(.*)$", (PROJECT / ".env.example").read_text(), re.MULTILINE))

    assert {filled[name] for name in ("SECRET_KEY", "FIELD_KEYS", *NOT_SETTINGS)} == {""}


def test_compose_holds_no_secret(compose):
    values = compose["services"]["web"]["environment"]

    for name in ("SECRET_KEY", "FIELD_KEYS"):
        assert values[name] == f"${{{name}:?is missing in .env}}"
    for name in ("DATABASE_URL", "REDIS_URL"):
        assert re.search(r":\$\{\w+_PASSWORD:\?is missing in \.env\}@", values[name])


def test_compose_has_the_five_services_and_one_migration(compose):
    assert set(compose["services"]) == {"migrate", "web", "worker", "beat", "postgres", "redis"}


def test_app_services_share_one_image(compose):
    assert {compose["services"][name]["image"] for name in APP_SERVICES} == {"cadence"}
    assert {compose["services"][name]["build"] for name in APP_SERVICES} == {"."}


def test_every_lasting_service_restarts_and_has_a_healthcheck(compose):
    lasting = [service for name, service in compose["services"].items() if name != "migrate"]

    assert {service["restart"] for service in lasting} == {"unless-stopped"}
    assert all(service["healthcheck"]["test"] for service in lasting)


@pytest.mark.parametrize("service", ["web", "worker", "beat"])
def test_app_starts_after_the_migration(compose, service):
    conditions = {name: need["condition"] for name, need in compose["services"][service]["depends_on"].items()}

    assert conditions == {"migrate": "service_completed_successfully", "redis": "service_healthy"}


def test_migration_waits_for_the_database(compose):
    assert compose["services"]["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}


def test_migration_makes_no_demo(compose):
    assert compose["services"]["migrate"]["command"] == "python manage.py prepare --no-static --no-demo"


def test_one_beat_and_no_other_service_rings(compose):
    commands = {name: service.get("command", "") for name, service in compose["services"].items()}

    assert [name for name, command in commands.items() if " beat " in command or " -B" in command] == ["beat"]
    assert "scale" not in compose["services"]["beat"]
    assert "deploy" not in compose["services"]["beat"]


def test_worker_says_how_many_it_runs_at_once(compose):
    assert re.search(r"celery -A clinic worker --concurrency \d+", compose["services"]["worker"]["command"])


def test_redis_keeps_its_queue_on_disk_and_refuses_rather_than_forgets(compose):
    redis = compose["services"]["redis"]

    assert "--appendonly yes" in redis["command"]
    assert "--maxmemory-policy noeviction" in redis["command"]
    assert "--requirepass" in redis["command"]
    assert redis["volumes"] == ["redis:/data"]


def test_only_the_web_is_published_and_only_to_this_machine(compose):
    published = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}

    assert published == {"web": ["127.0.0.1:8000:8000"]}


def test_every_named_volume_is_declared(compose):
    mounts = [mount for service in compose["services"].values() for mount in service.get("volumes", [])]

    assert {mount.partition(":")[0] for mount in mounts} == set(compose["volumes"])


def test_compose_file_needs_nothing_newer_than_1_29(compose):
    assert set(compose) == {"x-app", "services", "volumes"}
    assert not any("develop" in service for service in compose["services"].values())


def test_image_is_hashed_unprivileged_and_has_its_static_files():
    steps = (PROJECT / "Dockerfile").read_text()

    assert steps.count("FROM ") == 1
    assert "pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements/runtime.txt" in steps
    assert "manage.py collectstatic --noinput" in steps
    assert steps.index("USER cadence") < steps.index("CMD ")


def test_image_contains_what_it_copies_and_not_the_tests():
    allowed = {line[1:] for line in (PROJECT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    assert {"clinic", "treatments", "patients", "templates", "static", "manage.py"} <= allowed
    assert "tests" not in allowed
    assert ".env" not in allowed
