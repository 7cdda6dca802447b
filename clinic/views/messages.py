"""Messages to patients: what waits, what went out, and what may not have arrived."""

import uuid
from datetime import timedelta

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic import installation, letters, wordings
from clinic.models import Reminder
from patients import audit
from patients.access import staff_only

PER_PAGE = 50
# Check-ins are planned months ahead; the list begins with what concerns the desk now.
AHEAD, EVERY = timedelta(days=7), "all"


@staff_only
@require_safe
def messages(request: HttpRequest) -> HttpResponse:
    """Messages up to a week ahead, the latest due first; `state` asks for all of them or for those in one state."""
    state = request.GET.get("state", "")
    rows = Reminder.objects.select_related("patient", "location")
    if state in Reminder.State.values:
        rows = rows.filter(state=state)
    elif state != EVERY:
        rows = rows.filter(due_at__lt=timezone.now() + AHEAD)
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    zone_name = installation.zone_name()
    for row in page:
        _label(row, zone_name)
    context = {"page_obj": page, "states": Reminder.State.choices, "state": state}
    return render(request, "clinic/messages.html", context)


@staff_only
@require_safe
def message(request: HttpRequest, message: uuid.UUID) -> HttpResponse:
    """One message: its text as it would go out now, and every attempt. The text of a sign-in code is never shown."""
    row = get_object_or_404(Reminder.objects.select_related(*letters.RELATED), public_id=message)
    if row.patient is not None:
        audit.chart_opened(request.user, row.patient, "message")
    _label(row, installation.zone_name())
    context = {"message": row, "deliveries": row.deliveries.all(), **_text_of(row)}
    return render(request, "clinic/message.html", context)


def _label(row: Reminder, zone_name: str) -> None:
    row.what = wordings.LABELS.get(row.template_key, row.rule_key)
    row.zone_name = row.location.time_zone if row.location is not None else zone_name


def _text_of(row: Reminder) -> dict[str, str]:
    if row.rule_key == letters.RAW:
        return {"subject": row.raw_subject}
    try:
        subject, text = letters.subject_and_text(row)
    except wordings.UnknownName as error:
        return {"unknown_name": str(error)}
    return {"subject": subject, "text": text}
