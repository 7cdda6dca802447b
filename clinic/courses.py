"""A series as the diary sees it: when its sessions are booked, and what that makes of the windows of the others."""

from collections.abc import Iterable
from datetime import date

from django.db.models import Prefetch

from clinic import counting
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
    used_up = counting.used_up([series.pk])[series.pk]
    return treatment_series.windows(_fresh(series), booked=booked, used_up=used_up)


def _fresh(series: TreatmentSeries) -> TreatmentSeries:
    """The series as it is now, with its sessions; what was read before a lock does not count."""
    sessions = Prefetch("sessions", TreatmentSession.objects.select_related("phase").order_by("number"))
    return TreatmentSeries.objects.prefetch_related(sessions).get(pk=series.pk)


def earliest_without_own_dates(session: TreatmentSession) -> date | None:
    """The first day that the course leaves for the session, whatever dates it was given by hand."""
    series = session.series
    fresh = _fresh(series)
    for each in fresh.sessions.all():
        if each.pk == session.pk:
            each.not_before_on = each.best_on = each.not_after_on = None
    booked = booked_days([series]).get(series.pk, {})
    booked.pop(session.number, None)
    used_up = counting.used_up([series.pk])[series.pk]
    window = treatment_series.windows(fresh, booked=booked, used_up=used_up).get(session.number)
    return window.earliest if window else None
