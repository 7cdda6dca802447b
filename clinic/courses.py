"""A series as the diary sees it: when its sessions are booked, and what that makes of the windows of the others."""

from collections.abc import Iterable
from datetime import date

from django.db.models import Prefetch

from clinic.models import Appointment
from treatments import series as treatment_series
from treatments.models import TreatmentSeries, TreatmentSession
from treatments.windows import Window


def booked_days(series: Iterable[TreatmentSeries], *, besides: int | None = None) -> dict[int, dict[int, date]]:
    """The local day of every session in the diary, by series and number; `besides` leaves one appointment out."""
    days: dict[int, dict[int, date]] = {}
    rows = (
        Appointment.objects.live()
        .filter(session__series__in=[each.pk for each in series])
        .exclude(pk=besides)
        .select_related("session", "location")
    )
    for visit in rows:
        local = visit.starts_at.astimezone(visit.location.zone).date()
        days.setdefault(visit.session.series_id, {})[visit.session.number] = local
    return days


def windows(series: TreatmentSeries, *, besides: int | None = None) -> dict[int, Window]:
    """The window of each session by number, counted from real and booked days."""
    booked = booked_days([series], besides=besides).get(series.pk, {})
    return treatment_series.windows(_fresh(series), booked=booked)


def _fresh(series: TreatmentSeries) -> TreatmentSeries:
    """The series as it is now, with its sessions; what was read before a lock does not count."""
    sessions = Prefetch("sessions", TreatmentSession.objects.select_related("phase").order_by("number"))
    return TreatmentSeries.objects.prefetch_related(sessions).get(pk=series.pk)
