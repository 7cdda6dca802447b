"""Every table of the app, by what it is about."""

from clinic.models.appointments import Appointment, AppointmentChange, Claim, Hold, RuleOverride, Task
from clinic.models.locations import (
    Closure,
    ExtraOpening,
    Installation,
    Location,
    LocationReminderRule,
    OpeningHours,
    TravelTime,
)
from clinic.models.proposals import BulkMove, BulkMoveVisit, Proposal, ProposedVisit
from clinic.models.reminders import DeliveryAttempt, MessageTemplate, Reminder
from clinic.models.resources import (
    Absence,
    DatedHours,
    Device,
    DevicePlace,
    Practitioner,
    Qualification,
    Resource,
    Room,
    WorkingHours,
)
from clinic.models.setting_up import SetupProgress
from clinic.models.wishes import Wishes

__all__ = [
    "Absence",
    "Appointment",
    "AppointmentChange",
    "BulkMove",
    "BulkMoveVisit",
    "Claim",
    "Closure",
    "DatedHours",
    "DeliveryAttempt",
    "Device",
    "DevicePlace",
    "ExtraOpening",
    "Hold",
    "Installation",
    "Location",
    "LocationReminderRule",
    "MessageTemplate",
    "OpeningHours",
    "Practitioner",
    "Proposal",
    "ProposedVisit",
    "Qualification",
    "Reminder",
    "Resource",
    "Room",
    "RuleOverride",
    "SetupProgress",
    "Task",
    "TravelTime",
    "Wishes",
    "WorkingHours",
]
