"""Time that cannot be booked: a person, room or device is blocked for minutes, hours or days, and freed again."""

import uuid

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic import premises, timespans, to_move
from clinic.forms import DayForm
from clinic.models import Absence, Practitioner
from clinic.premises_forms import BlockForm, FreeForm
from clinic.views import slots
from clinic.views.to_move import say_how_many
from patients import submissions
from patients.access import staff_only

PER_PAGE = 50


@staff_only
@require_http_methods(["GET", "POST"])
def block_time(request: HttpRequest) -> HttpResponse:
    """Block somebody's or something's time; below what is blocked already."""
    form = BlockForm(request.POST if request.method == "POST" else None, initial=_filled(request))
    status = 200
    if request.method == "POST":
        if form.is_valid():
            try:
                _block(request, form)
            except ValidationError as error:
                form.add_error(None, ValidationError(error.messages))
                status = getattr(error, "status_code", 422)
            else:
                return redirect("block_time")
        status = max(status, 422)
        form.data = form.data.copy()
        form.data["key"] = str(uuid.uuid4())
    rows = Absence.objects.filter(ends_at__gt=timezone.now()).select_related("resource").order_by("starts_at", "pk")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    zones = premises.zones_of(row.resource_id for row in page)
    for row in page:
        row.zone = zones[row.resource_id]
    return render(request, "clinic/block_time.html", {"form": form, "page_obj": page}, status=status)


@staff_only
@require_POST
def absence_end(request: HttpRequest) -> HttpResponse:
    """The time can be booked again. Doing it twice changes nothing."""
    form = FreeForm(request.POST)
    typed = form.cleaned_data if form.is_valid() else {}
    for row in Absence.objects.filter(**typed).select_related("resource") if typed else ():
        try:
            premises.end_absence(row)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            messages.success(request, _("%(name)s can be booked again.") % {"name": row.resource})
    return redirect("block_time")


def _filled(request: HttpRequest) -> dict:
    """The day that the diary showed, and the person who asks, if they are in the diary."""
    own = Practitioner.objects.filter(user=request.user, resource__is_active=True).select_related("resource").first()
    place = DayForm(request.GET)
    zone = place.location.zone if place.location else timezone.get_default_timezone()
    now = timezone.localtime(timezone.now(), zone)
    what = request.GET.get("what") or (str(own.resource.public_id) if own else "")
    return {"key": uuid.uuid4(), **BlockForm.filled(place.day_or(now.date()), now, what)}


def _block(request: HttpRequest, form: BlockForm) -> None:
    typed = form.cleaned_data
    details = {"resource": typed["what"], "starts_at": typed["starts_at"], "ends_at": typed["ends_at"]}

    def act() -> str:
        premises.keep_absence(Absence(reason=typed["reason"], **details))
        return "kept"

    submissions.answer(slots.sent(request, typed["key"]), user=request.user, verb="block_time", act=act)
    zone = premises.zones_of([typed["what"].pk])[typed["what"].pk]
    when = slots.in_words(typed["starts_at"], zone)
    messages.success(request, _("Blocked: %(name)s from %(when)s.") % {"name": typed["what"], "when": when})
    span = timespans.Span(typed["starts_at"], typed["ends_at"])
    say_how_many(request, to_move.taking([typed["what"].pk], span))
