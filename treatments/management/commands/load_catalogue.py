"""`manage.py load_catalogue`: put the shipped starter catalogue into the database, as often as wanted."""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management import BaseCommand, CommandError

from treatments import catalogue
from treatments.starter_files import STARTER, BrokenStarter


class Command(BaseCommand):
    """Adds what is missing and prints what the files hold; refuses broken files with one line for each fault."""

    help = "Load the starter catalogue: insert what is missing, never change what the clinic has edited."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Choose another folder of files."""
        parser.add_argument("--folder", type=Path, default=STARTER, help="folder with the JSON files")

    def handle(self, *args: object, **options: object) -> None:
        """Load and report."""
        try:
            counts = catalogue.load(options["folder"])
        except BrokenStarter as error:
            raise CommandError(f"The catalogue was refused and nothing was written.\n{error}") from error
        for count in counts:
            blocked = f", {count.blocked} of them blocked" if count.blocked else ""
            self.stdout.write(f"{count.shipped:>4} {count.table}{blocked}, {count.added} new")
