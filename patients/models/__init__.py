"""Every table of the app, by what it is about."""

from patients.models.account import User
from patients.models.anatomy import BodyArea, SubstanceTag
from patients.models.audit import AccessLog
from patients.models.consents import Consent, ConsentText
from patients.models.devices import ClinicDevice, DeviceSignIn, SecondFactorReset, StaffPin
from patients.models.history import Allergy, Condition, HistoryAnswer, HistoryReview, Measurement, Medication
from patients.models.patient import Patient, PortalAccess
from patients.models.submissions import Submission

__all__ = [
    "AccessLog",
    "Allergy",
    "BodyArea",
    "ClinicDevice",
    "Condition",
    "Consent",
    "ConsentText",
    "DeviceSignIn",
    "HistoryAnswer",
    "HistoryReview",
    "Measurement",
    "Medication",
    "Patient",
    "PortalAccess",
    "SecondFactorReset",
    "StaffPin",
    "Submission",
    "SubstanceTag",
    "User",
]
