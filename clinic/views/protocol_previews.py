"""A version of a protocol as a patient would live through it: the course, and every message as it would read."""

import uuid
from datetime import datetime, time, timedelta

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clinic import letters, timespans
from clinic.models import Location
from patients.access import staff_only
from treatments import sheets, timelines
from treatments.models import Protocol, ProtocolVersion

VISIT_IN = timedelta(days=7)
VISIT_AT = time(10)


@staff_only
@require_safe
def protocol_preview(request: HttpRequest, protocol: uuid.UUID) -> HttpResponse:
    """The version asked for by number, or the one in use; names and dates in the letters are invented."""
    found = get_object_or_404(Protocol.objects.prefetch_related("versions"), public_id=protocol)
    versions, wanted = list(found.versions.all()), request.GET.get("version", "")
    asked_for = next((each for each in versions if str(each.number) == wanted), None)
    version = asked_for if wanted else sheets.shown_first(versions)
    location = Location.objects.order_by("name").first()
    if version is None:
        raise Http404
    shown = {
        "protocol": found,
        "version": version,
        "timeline": timelines.preview(version.phases.all()),
        "depth_map": sheets.depth_map(version.depth_steps.select_related("area")),
        "letters": _letters(version, location, timezone.now()) if location else [],
        "location": location,
    }
    return render(request, "clinic/protocol_preview.html", shown)


def _letters(version: ProtocolVersion, location: Location, now: datetime) -> list[dict]:
    day = (now + VISIT_IN).astimezone(location.zone).date()
    visit_at = timespans.at(location.zone, day, VISIT_AT)
    found = letters.previews(version, location, first_name=_("Alex"), visit_at=visit_at, language="en")
    return [{"letter": each, "when": sheets.hours_words(each.rule.offset_hours)} for each in found]
