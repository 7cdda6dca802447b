"""Every table of the app, by what it is about."""

from clinic.models.appointments import Appointment, AppointmentChange, Claim, Hold, RuleOverride, Task
from clinic.models.locations import Closure, Installation, Location, LocationReminderRule, OpeningHours
from clinic.models.reminders import DeliveryAttempt, MessageTemplate, Reminder
from clinic.models.resources import Absence, Device, Practitioner, Qualification, Resource, Room, WorkingHours
from clinic.models.setting_up import SetupProgress

__all__ = [
    "Absence",
    "Appointment",
    "AppointmentChange",
    "Claim",
    "Closure",
    "DeliveryAttempt",
    "Device",
    "Hold",
    "Installation",
    "Location",
    "LocationReminderRule",
    "MessageTemplate",
    "OpeningHours",
    "Practitioner",
    "Qualification",
    "Reminder",
    "Resource",
    "Room",
    "RuleOverride",
    "SetupProgress",
    "Task",
    "WorkingHours",
]
