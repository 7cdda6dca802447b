"""`manage.py setup_code`: the code that lets whoever runs this server make the first sign-in."""

from urllib.parse import urlencode

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.urls import reverse

from clinic import setup


class Command(BaseCommand):
    """Print a code that is good for a day and until somebody has a sign-in."""

    help = "Print the address and the code for setting up an empty clinic."

    def handle(self, *args: object, **options: object) -> None:
        """Print the address, then the code alone for typing."""
        try:
            code = setup.new_code()
        except setup.AlreadySetUp as refusal:
            raise CommandError("Somebody has a sign-in here already: add others in the administration.") from refusal
        self.stdout.write(f"{settings.SITE_URL}{reverse('setup')}?{urlencode({'code': code})}")
        self.stdout.write(f"code  {code}")
        self.stdout.write("Good for one day, and until the first sign-in is made.")
