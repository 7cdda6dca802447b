"""`manage.py reset_second_step E-MAIL`: for the only administrator of a clinic, whose phone is lost."""

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from patients import second_factor
from patients.models import User


class Command(BaseCommand):
    help = "Take away the second step and all sessions of one login, so that it sets up a new one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the address the person signs in with")

    def handle(self, *args: object, email: str, **options: object) -> None:
        try:
            user = User.objects.get_by_natural_key(email)
        except User.DoesNotExist:
            raise CommandError(f"Nobody signs in with {email}.") from None
        second_factor.reset(user, by=None, now=timezone.now())
        self.stdout.write(f"{user} sets up a new second step at the next sign-in. A mail tells them.")
