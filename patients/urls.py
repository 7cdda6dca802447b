"""The pages about a patient that need neither the diary nor a protocol."""

from django.urls import path

from patients.views import consents, history, patients, sign_in, team

PATIENT = "patients/<uuid:patient>/"

urlpatterns = [
    path("patients/", patients.patients, name="patients"),
    path("patients/new/", patients.patient_new, name="patient_new"),
    path(f"{PATIENT}edit/", patients.patient_edit, name="patient_edit"),
    path(f"{PATIENT}history/", history.questions, name="history"),
    path(f"{PATIENT}allergies/", history.allergies, name="allergies"),
    path(f"{PATIENT}allergies/<uuid:allergy>/rule-out/", history.allergy_refute, name="allergy_refute"),
    path(f"{PATIENT}measurements/new/", history.measurement_new, name="measurement_new"),
    path(f"{PATIENT}consents/", consents.consents, name="consents"),
    path(f"{PATIENT}consents/<uuid:consent>/withdraw/", consents.consent_withdraw, name="consent_withdraw"),
    path("portal/sign-in/", sign_in.portal_sign_in, name="portal_sign_in"),
    path("second-step/", sign_in.second_step, name="second_step"),
    path("pin/", sign_in.pin, name="pin"),
    path("switch/", sign_in.switch_person, name="switch_person"),
    path("team/", team.team, name="team"),
    path("team/<uuid:person>/second-step/", team.second_step_reset, name="second_step_reset"),
    path("team/devices/new/", team.device_new, name="device_new"),
    path("team/devices/<uuid:device>/end/", team.device_end, name="device_end"),
]
