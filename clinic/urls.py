"""Every address of the product. Staff pages at the root, sign-in under /account/."""

from allauth.account import urls as account
from allauth.account.decorators import reauthentication_required
from allauth.account.views import password_set
from django.contrib import admin
from django.urls import include, path

from clinic.views import (
    absences,
    appointments,
    bulk,
    components,
    course,
    day_list,
    decisions,
    diary,
    find,
    health,
    holds,
    home,
    hours,
    messages,
    more_visits,
    opening,
    patient,
    places,
    plan,
    portal,
    portal_access,
    proposals_portal,
    proposals_staff,
    protocol_previews,
    series,
    setup,
    starts,
    tasks,
    to_move,
    upgrades,
)

handler400 = "clinic.views.errors.bad_request"
handler403 = "clinic.views.errors.permission_denied"
handler404 = "clinic.views.errors.page_not_found"
handler500 = "clinic.views.errors.server_error"

VISIT = "appointments/<uuid:appointment>/"
PERSON = "portal/<uuid:person>/"
# The clinic gives a login its address, so nobody changes their own, and there is none to confirm.
CLOSED = {"account_email", "account_email_verification_sent", "account_confirm_email"}
# A first password is a way in that stays: whoever is here by a PIN shows the second step first.
set_password = path("password/set/", reauthentication_required(password_set), name="account_set_password")
account_pages = [page for page in account.urlpatterns if page.name not in {*CLOSED, set_password.name}]

urlpatterns = [
    path("", home.home, name="home"),
    path("diary/", diary.diary, name="diary"),
    path("diary/print/", day_list.day_list, name="day_list"),
    path("find/", find.find_time, name="find_time"),
    path("find/starts/", starts.find_starts, name="find_starts"),
    path("appointments/new/", appointments.appointment_new, name="appointment_new"),
    path("appointments/past/", more_visits.appointment_past, name="appointment_past"),
    path("appointments/pencil/", holds.pencil_new, name="pencil_new"),
    path("kept/<uuid:hold>/release/", holds.hold_release, name="hold_release"),
    path(VISIT, appointments.appointment, name="appointment"),
    path(f"{VISIT}move/", appointments.appointment_move, name="appointment_move"),
    path(f"{VISIT}places/", places.appointment_places, name="appointment_places"),
    path(f"{VISIT}another/", more_visits.appointment_another, name="appointment_another"),
    path(f"{VISIT}cancel/", appointments.appointment_cancel, name="appointment_cancel"),
    path(f"{VISIT}count/", course.appointment_count, name="appointment_count"),
    path(f"{VISIT}decide/", decisions.appointment_decide, name="appointment_decide"),
    path(f"{VISIT}status/", appointments.appointment_status, name="appointment_status"),
    path("patients/<uuid:patient>/", patient.patient, name="patient"),
    path("patients/<uuid:patient>/portal/", portal_access.patient_portal, name="patient_portal"),
    path(
        "patients/<uuid:patient>/portal/<uuid:login>/end/", portal_access.patient_portal_end, name="patient_portal_end"
    ),
    path("patients/<uuid:patient>/series/new/", series.series_new, name="series_new"),
    path("series/<uuid:series>/", series.series, name="series"),
    path("series/<uuid:series>/change/", course.course_change, name="course_change"),
    path("series/<uuid:series>/pause/", course.course_pause, name="course_pause"),
    path("series/<uuid:series>/stop/", course.course_stop, name="course_stop"),
    path("series/<uuid:series>/sessions/<int:number>/", course.course_session, name="course_session"),
    path("series/<uuid:series>/book/", series.session_book, name="session_book"),
    path("series/<uuid:series>/plan/", plan.series_plan, name="series_plan"),
    path("series/<uuid:series>/other-times/", proposals_staff.series_reflow, name="series_reflow"),
    path("series/<uuid:series>/upgrade/", upgrades.series_upgrade, name="series_upgrade"),
    path("protocols/<uuid:protocol>/running/", upgrades.protocol_running, name="protocol_running"),
    path("protocols/<uuid:protocol>/upgrade/", upgrades.protocol_upgrade, name="protocol_upgrade"),
    path("protocols/<uuid:protocol>/preview/", protocol_previews.protocol_preview, name="protocol_preview"),
    path("hours/", hours.single_days, name="hours"),
    path("hours/day/", hours.day_hours, name="day_hours"),
    path("hours/day/as-usual/", hours.as_usual, name="as_usual"),
    path("hours/swap/", hours.swap_day, name="swap_day"),
    path("hours/copy/", hours.copy_hours, name="copy_hours"),
    path("hours/holidays/", hours.import_closures, name="import_closures"),
    path("block-time/", absences.block_time, name="block_time"),
    path("block-time/end/", absences.absence_end, name="absence_end"),
    path("proposals/", proposals_staff.proposals_list, name="proposals"),
    path("proposals/<uuid:proposal>/answer/", proposals_staff.proposal_answer, name="proposal_answer"),
    path("away/", bulk.somebody_ill, name="somebody_ill"),
    path("away/<uuid:plan>/", bulk.bulk_move, name="bulk_move"),
    path("away/<uuid:plan>/go-on/", bulk.bulk_move_go_on, name="bulk_move_go_on"),
    path("away/<uuid:plan>/take/", bulk.bulk_move_take, name="bulk_move_take"),
    path("away/<uuid:plan>/give-up/", bulk.bulk_move_give_up, name="bulk_move_give_up"),
    path("away/<uuid:plan>/calls/<uuid:appointment>/", bulk.bulk_move_call, name="bulk_move_call"),
    path("to-move/", to_move.visits_to_move, name="to_move"),
    path("to-move/<uuid:appointment>/", to_move.visit_to_move, name="visit_to_move"),
    path("tasks/", tasks.tasks, name="tasks"),
    path("tasks/<uuid:task>/done/", tasks.task_done, name="task_done"),
    path("messages/", messages.messages, name="messages"),
    path("messages/<uuid:message>/", messages.message, name="message"),
    path("portal/", portal.portal_home, name="portal_home"),
    path(PERSON, portal.portal_person, name="portal_person"),
    path(f"{PERSON}visits/", portal.portal_visits, name="portal_visits"),
    path(f"{PERSON}visits/<uuid:visit>/", portal.portal_visit, name="portal_visit"),
    path(f"{PERSON}visits/<uuid:visit>/visit.ics", portal.portal_calendar, name="portal_calendar"),
    path(f"{PERSON}proposals/<uuid:proposal>/", proposals_portal.portal_proposal, name="portal_proposal"),
    path(f"{PERSON}aftercare/", portal.portal_aftercare, name="portal_aftercare"),
    path(f"{PERSON}details/", portal.portal_details, name="portal_details"),
    path("setup/", setup.begin, name="setup"),
    path("setup/second-step/", setup.factor, name="setup_factor"),
    path("setup/clinic/", opening.clinic, name="setup_clinic"),
    path("setup/people/", opening.people, name="setup_people"),
    path("setup/offer/", opening.offer, name="setup_offers"),
    path("setup/mail/", setup.mail, name="setup_mail"),
    path("setup/first-visit/", setup.first, name="setup_first"),
    path("components/", components.components, name="components"),
    path("live", health.live, name="live"),
    path("ready", health.ready, name="ready"),
    path("admin/", admin.site.urls),
    path("account/", include([set_password, *account_pages])),
    path("account/second-step/", include("allauth.mfa.urls")),
    path("", include("patients.urls")),
    path("", include("treatments.urls")),
]
