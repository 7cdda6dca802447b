"""The free starts of many days for many people, as bare numbers: what the month of “Find a time” is drawn from."""

import uuid
from datetime import date, datetime, timedelta

from django.core.exceptions import ValidationError
from django.http import HttpRequest, JsonResponse, QueryDict
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clinic import availability, named, visits, wish_forms
from clinic.forms import day_is_plausible
from clinic.minutes import epoch_minute
from clinic.models import Location, Resource
from clinic.refusals import Refused
from patients.access import staff_only
from treatments.models import Service

MOST_DAYS = 62


@staff_only
@require_safe
def find_starts(request: HttpRequest) -> JsonResponse:
    """Who is free when, for a service from one local day to another.

    `{"zone": IANA name, "people": {public id: name}, "starts": {public id: [minutes since 1970, UTC]}}`; without a
    practitioner in the address everybody who works there. A visit that needs nobody has one entry, without a name.
    What the address says wrongly is answered with 422.
    """
    try:
        found, status = _found(request.GET, timezone.now()), 200
    except ValidationError as refusal:
        found, status = {"errors": refusal.messages}, 422
    answer = JsonResponse(found, status=status, json_dumps_params={"separators": (",", ":")})
    patch_cache_control(answer, private=True, no_store=True)
    return answer


def _found(query: QueryDict, now: datetime) -> dict:
    first, last = _days(query)
    channel = "online" if query.get("channel") == "online" else "desk"
    location, service = _location(query), _service(query, channel)
    chosen = [one.pk for one in wish_forms.named(query, location)]
    asked = availability.request_for(location=location, service=service, chosen=chosen, channel=channel)
    if not any(need.what == visits.PRACTITIONER for need in asked.shape.needs):
        free = [epoch_minute(offer.starts_at) for offer in availability.free_starts(asked, first, last, now)]
        return {"zone": asked.location.time_zone, "people": {"": ""}, "starts": {"": free}}
    people, are_named = _people(query)
    starts = availability.starts_by_person(asked, first, last, now, people=people if are_named else None)
    shown = people if are_named else {pk: people[pk] for pk in starts if pk in people}
    return {
        "zone": asked.location.time_zone,
        "people": {str(one.public_id): one.name for one in shown.values()},
        "starts": {str(one.public_id): starts.get(pk, []) for pk, one in shown.items()},
    }


def _days(query: QueryDict) -> tuple[date, date]:
    try:
        first, last = (date.fromisoformat(query.get(name, "")) for name in ("from", "until"))
    except ValueError as error:
        raise Refused(_("Give the first and the last day, as 2026-11-30.")) from error
    day_is_plausible(first)
    if not timedelta(0) <= last - first < timedelta(days=MOST_DAYS):
        raise Refused(_("Ask for 1 to %(days)d days at once, the last not before the first.") % {"days": MOST_DAYS})
    return first, last


def _location(query: QueryDict) -> Location:
    """The location of the address; the first one when it names none."""
    location = named.location(_public_id(query["location"]) if query.get("location") else None)
    if location is None:
        raise Refused(_("There is no such location."))
    return location


def _service(query: QueryDict, channel: str) -> Service:
    service = named.service(_public_id(query.get("service", "")), channel)
    if service is None:
        raise Refused(_("There is no such service."))
    return service


def _people(query: QueryDict) -> tuple[dict[int, Resource], bool]:
    """Those whom the address names, or all who treat patients; and which of the two it is."""
    wanted = {_public_id(value) for value in query.getlist("practitioner") if value}
    people = {one.pk: one for one in named.people(wanted)}
    if len(people) < len(wanted):
        raise Refused(_("There is no such practitioner."))
    return people, bool(wanted)


def _public_id(value: str) -> uuid.UUID:
    try:
        return uuid.UUID(value)
    except ValueError as error:
        raise Refused(_("This address is not complete. Begin again at “Find a time”.")) from error
