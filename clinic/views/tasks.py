"""What people have to do, the most urgent first."""

import uuid

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from clinic import installation, to_move, todo
from clinic.models import Task
from clinic.refusals import Refused
from patients.access import staff_only
from patients.roles import LABELS

PER_PAGE = 50


@staff_only
@require_safe
def tasks(request: HttpRequest) -> HttpResponse:
    """Open tasks by the time until which they have to be done."""
    rows = Task.objects.filter(done_at=None).select_related("patient", "appointment__location")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    zone_name = installation.zone_name()
    for task in page:
        task.for_label = LABELS.get(task.for_role, task.for_role)
        task.is_for_me = task.for_role in request.user.role_names
        task.zone_name = task.appointment.location.time_zone if task.appointment is not None else zone_name
    now = timezone.now()
    return render(request, "clinic/tasks.html", {"page_obj": page, "now": now, "count": to_move.count(now)})


@staff_only
@require_POST
def task_done(request: HttpRequest, task: uuid.UUID) -> HttpResponse:
    """Tick one task off and show the list again."""
    row = get_object_or_404(Task, public_id=task)
    try:
        todo.done(row, by=request.user, now=timezone.now())
    except Refused as refusal:
        messages.error(request, " ".join(refusal.messages))
    else:
        messages.success(request, _("Done: %s") % row.text)
    return redirect("tasks")
