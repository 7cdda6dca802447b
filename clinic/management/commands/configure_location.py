"""`manage.py configure_location NAME …`: when a location reminds its patients, and when it keeps quiet."""

from argparse import ArgumentParser
from datetime import time

from django.core.management import BaseCommand, CommandError
from django.db import transaction

from clinic.models import Location, LocationReminderRule


class Command(BaseCommand):
    """Change what is named on the command line and leave the rest; visits that are booked keep their plan."""

    help = "Set the reminders before a visit and the quiet hours of one location, for visits booked from now on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Choose the location and what to change."""
        parser.add_argument("name", help="the location's name")
        parser.add_argument("--remind", type=int, nargs="+", metavar="MINUTES", help="minutes before the visit")
        quiet = parser.add_mutually_exclusive_group()
        quiet.add_argument("--quiet", type=time.fromisoformat, nargs=2, metavar=("FROM", "UNTIL"), help="local times")
        quiet.add_argument("--no-quiet-hours", action="store_true")

    @transaction.atomic
    def handle(self, *args: object, **options: object) -> None:
        """Write the settings, all or none."""
        location = Location.objects.filter(name=options["name"]).first()
        if location is None:
            known = ", ".join(Location.objects.order_by("name").values_list("name", flat=True)) or "none yet"
            raise CommandError(f"No location is called “{options['name']}”. There is: {known}.")
        if options["quiet"] or options["no_quiet_hours"]:
            location.quiet_from, location.quiet_until = options["quiet"] or (None, None)
            location.save(update_fields=["quiet_from", "quiet_until"])
        if options["remind"]:
            self.set_reminders(location, options["remind"])
        self.stdout.write(f"{location}: reminders {options['remind'] or 'unchanged'}.")

    def set_reminders(self, location: Location, minutes: list[int]) -> None:
        """Replace the reminders before a visit."""
        if any(not 1 <= each <= 60 * 24 * 60 for each in minutes):
            raise CommandError("A reminder goes out between 1 minute and 60 days before the visit.")
        location.reminder_rules.all().delete()
        LocationReminderRule.objects.bulk_create(
            LocationReminderRule(location=location, key=f"{each}-minutes", minutes_before=each) for each in set(minutes)
        )
