"""`manage.py demo`: fill an empty clinic with invented people and visits, and say how to sign in."""

from argparse import ArgumentParser

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.utils import timezone

from clinic import demo


class Command(BaseCommand):
    """Fill the demo once; a second run changes nothing."""

    help = "Fill an empty clinic with a demo around today. Does nothing if there is a location already."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Choose whether to print the logins alone."""
        parser.add_argument("--logins", action="store_true", help="only print the demo logins")

    def handle(self, *args: object, **options: object) -> None:
        """Fill, or say that there is nothing to do."""
        if options["logins"]:
            self.print_logins()
            return
        if settings.IS_PRODUCTION:
            raise CommandError("The demo is not for production: CADENCE_ENV is production.")
        made = demo.fill(timezone.now())
        if made is None:
            self.stdout.write("This clinic is not empty: the demo was not made.")
            return
        self.stdout.write(f"The demo clinic has {made.patients} patients and {made.visits} visits.")
        self.print_logins()

    def print_logins(self) -> None:
        """One line per login, those of the portal without a password, then the password that all staff share."""
        for email, name, held in demo.LOGINS:
            self.stdout.write(f"{email}  {name} ({', '.join(held)})")
        for email, names in demo.portal_logins():
            self.stdout.write(f"{email}  portal of {names}: /portal/sign-in/, with the code from the mail")
        self.stdout.write(f"password  {demo.PASSWORD}")
