"""Every address of the product. Staff pages at the root, sign-in under /account/."""

from django.urls import include, path

from clinic.views import appointments, decisions, diary, find, health, home, messages, patient, series, tasks

handler400 = "clinic.views.errors.bad_request"
handler403 = "clinic.views.errors.permission_denied"
handler404 = "clinic.views.errors.page_not_found"
handler500 = "clinic.views.errors.server_error"

VISIT = "appointments/<uuid:appointment>/"

urlpatterns = [
    path("", home.home, name="home"),
    path("diary/", diary.diary, name="diary"),
    path("find/", find.find_time, name="find_time"),
    path("appointments/new/", appointments.appointment_new, name="appointment_new"),
    path(VISIT, appointments.appointment, name="appointment"),
    path(f"{VISIT}move/", appointments.appointment_move, name="appointment_move"),
    path(f"{VISIT}cancel/", appointments.appointment_cancel, name="appointment_cancel"),
    path(f"{VISIT}decide/", decisions.appointment_decide, name="appointment_decide"),
    path(f"{VISIT}status/", appointments.appointment_status, name="appointment_status"),
    path("patients/<uuid:patient>/", patient.patient, name="patient"),
    path("patients/<uuid:patient>/series/new/", series.series_new, name="series_new"),
    path("series/<uuid:series>/", series.series, name="series"),
    path("series/<uuid:series>/book/", series.session_book, name="session_book"),
    path("tasks/", tasks.tasks, name="tasks"),
    path("tasks/<uuid:task>/done/", tasks.task_done, name="task_done"),
    path("messages/", messages.messages, name="messages"),
    path("messages/<uuid:message>/", messages.message, name="message"),
    path("live", health.live, name="live"),
    path("ready", health.ready, name="ready"),
    path("account/", include("allauth.account.urls")),
    path("", include("patients.urls")),
    path("", include("treatments.urls")),
]
