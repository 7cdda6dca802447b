"""`manage.py prepare` does each step once, and again when its sources change."""

import pytest
from django.core.cache import cache
from django.core.management import call_command

from clinic.management.commands import prepare


@pytest.fixture
def called(monkeypatch):
    """The commands that `prepare` calls, instead of running them."""
    names = []
    monkeypatch.setattr(prepare, "call_command", lambda name, **options: names.append((name, options.get("logins"))))
    return names


@pytest.fixture
def static_root(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATIC_ROOT.mkdir()
    return settings.STATIC_ROOT


@pytest.fixture
def starter(settings, tmp_path):
    """A project folder with one starter file, and a database that was never prepared."""
    settings.BASE_DIR = tmp_path
    file = tmp_path / "treatments" / "areas.json"
    file.parent.mkdir()
    file.write_text("[]")
    cache.delete(prepare.CATALOGUE_IS_FROM)
    return file


def test_prepare_collects_static_files_once(called, static_root):
    call_command("prepare", "--static-only")
    call_command("prepare", "--static-only")

    assert called == [("collectstatic", None)]


def test_fingerprint_changes_when_a_file_is_written_or_added(tmp_path):
    first, second = tmp_path / "site.css", tmp_path / "print.css"
    first.write_text("")
    second.write_text("")
    before = prepare.fingerprint([first])

    assert prepare.fingerprint([first, second]) != before
    first.write_text("a { color: red }")
    assert prepare.fingerprint([first]) != before


@pytest.mark.django_db
def test_prepare_loads_the_catalogue_once_and_looks_for_the_demo_always(called, static_root, starter):
    call_command("prepare")
    call_command("prepare")

    assert called == [("collectstatic", None), ("load_catalogue", None), ("demo", None), ("demo", None)]


@pytest.mark.django_db
def test_prepare_loads_the_catalogue_again_when_a_file_was_written(called, static_root, starter):
    call_command("prepare", "--no-demo", "--no-static")
    starter.write_text("[1]")
    call_command("prepare", "--no-demo", "--no-static")

    assert called == [("load_catalogue", None), ("load_catalogue", None)]


@pytest.mark.django_db
def test_prepare_writes_the_demo_logins_to_a_file(called, static_root, starter, tmp_path):
    call_command("prepare", "--no-demo", "--logins-file", str(tmp_path / "logins.txt"))

    assert called[-1] == ("demo", True)
    assert (tmp_path / "logins.txt").exists()


@pytest.mark.django_db
def test_prepare_migrates_only_a_database_that_lacks_a_migration(called, static_root, monkeypatch):
    monkeypatch.setattr(prepare.MigrationExecutor, "migration_plan", lambda executor, targets: ["patients.0001"])

    call_command("prepare", "--no-demo")

    assert called[1] == ("migrate", None)
