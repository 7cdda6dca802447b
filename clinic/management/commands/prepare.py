"""`manage.py prepare`: bring database, static files, catalogue and demo up to date, doing only what is left to do."""

import hashlib
from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.cache import cache
from django.core.management import BaseCommand, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from clinic import wordings

CATALOGUE_IS_FROM = "prepare-catalogue-is-from"


class Command(BaseCommand):
    """What a start needs, in one process; a second start does next to nothing."""

    requires_system_checks: ClassVar[list[str]] = []  # they cost half of a second start; `./run test` runs them all
    help = "Migrate, collect static files, load the catalogue and fill an empty clinic with the demo."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Choose what to leave out, and where the demo logins go."""
        parser.add_argument("--static-only", action="store_true", help="only collect the static files")
        parser.add_argument("--no-static", action="store_true", help="leave the static files alone")
        parser.add_argument("--no-demo", action="store_true", help="leave an empty clinic empty")
        parser.add_argument("--logins-file", type=Path, help="write the demo logins to this file")

    def handle(self, *args: object, **options: object) -> None:
        """Do the steps whose sources changed."""
        if not options["no_static"]:
            self.collect_static()
        if options["static_only"]:
            return
        self.migrate()
        self.load_catalogue()
        if not options["no_demo"]:
            call_command("demo", stdout=self.stdout)
        if options["logins_file"]:
            with options["logins_file"].open("w") as file:
                call_command("demo", logins=True, stdout=file)

    def collect_static(self) -> None:
        """Collect the static files unless none changed since the last time."""
        sources = [Path(storage.path(name)) for finder in get_finders() for name, storage in finder.list([])]
        stamp = Path(settings.STATIC_ROOT) / ".sources"
        if not stamp.exists() or stamp.read_text() != fingerprint(sources):
            self.stdout.write("collecting static files")
            call_command("collectstatic", interactive=False, verbosity=0)
            stamp.write_text(fingerprint(sources))

    def migrate(self) -> None:
        """Migrate unless the database is up to date."""
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self.stdout.write("migrating the database")
            call_command("migrate", interactive=False, verbosity=0)

    def load_catalogue(self) -> None:
        """Load the shipped catalogue and wordings unless this database, which holds the mark, has had them."""
        now = fingerprint((settings.BASE_DIR / "treatments").rglob("*.*"))
        if cache.get(CATALOGUE_IS_FROM) != now:
            self.stdout.write("loading the catalogue")
            call_command("load_catalogue", stdout=self.stdout)
            wordings.ensure_templates()
            cache.set(CATALOGUE_IS_FROM, now, timeout=None)


def fingerprint(files: Iterable[Path]) -> str:
    """Return a digest that changes when a file is added, removed or written."""
    digest = hashlib.sha256()
    for file in sorted(file for file in files if file.suffix != ".pyc"):
        status = file.stat()
        digest.update(f"{file}|{status.st_size}|{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
