"""What somebody at the desk wishes of a visit besides its time: a room or device by hand, or an answer about a time."""

from dataclasses import replace
from datetime import datetime

from django import forms
from django.db.models import Q
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from clinic import timespans, visits
from clinic.availability import Request
from clinic.forms import DayField, DeskForm, OneOf
from clinic.models import Location, Resource
from clinic.refusals import Refused

LABELS = {visits.ROOM: (_("Room"), _("Any room")), visits.DEVICE: (_("Device"), _("Any device"))}


class AskForm(DeskForm):
    """One day and time that somebody asks about."""

    ask_day = DayField(label=_("Day"))
    ask_time = forms.TimeField(label=_("Time"), widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}))

    def __init__(self, data: QueryDict) -> None:
        is_asked = any(data.get(name) for name in self.base_fields)
        super().__init__(data if is_asked else None)

    def moment(self, location: Location) -> datetime | None:
        """The time that is asked about, in UTC; None when nothing, or nothing valid, was typed."""
        if not self.is_valid():
            return None
        return timespans.at(location.zone, self.cleaned_data["ask_day"], self.cleaned_data["ask_time"])


class ByHandForm(DeskForm):
    """The room and the device of a visit, each asked where the clinic has several that would do."""

    def __init__(self, data: QueryDict, asked: Request) -> None:
        super().__init__(data)
        self.asked = asked
        for what, rows in _that_fit(asked).items():
            if len(rows) > 1:
                label, empty = LABELS[what]
                self.fields[what] = OneOf(rows, public_id=lambda one: one.public_id, empty=empty, label=label)

    @property
    def request(self) -> Request:
        """What was asked for, with what was picked by hand and would do."""
        self.is_valid()
        return replace(self.asked, chosen=frozenset(one.pk for one in self.cleaned_data.values() if one))


def with_wishes(data: QueryDict, asked: Request) -> Request:
    """The same with the room and device that the address names; asks the database only if it names one."""
    return ByHandForm(data, asked).request if any(data.get(what) for what in LABELS) else asked


def named(data: QueryDict, location: Location) -> list[Resource]:
    """The room and the device that an address names; asks the database only if it names one. Raises `Refused`."""
    names = {data[what] for what in LABELS if data.get(what)}
    if not names:
        return []
    rows = Resource.objects.filter(type__in=LABELS, location=location, is_active=True)
    found = [one for one in rows if str(one.public_id) in names]
    if len(found) < len(names):
        raise Refused(_("The room or device is not in use here any more. Choose again."))
    return found


def _that_fit(asked: Request) -> dict[str, list[Resource]]:
    """The rooms and devices of the location that the visit could have, by type."""
    wanted = Q(pk__in=[])
    for need in asked.shape.needs:
        if need.what == visits.ROOM:
            wanted |= Q(room__kind=need.kind) | Q(room__serves_all=True)
        elif need.what == visits.DEVICE:
            wanted |= Q(device__kind=need.kind)
    found: dict[str, list[Resource]] = {visits.ROOM: [], visits.DEVICE: []}
    for one in Resource.objects.filter(wanted, location=asked.location, is_active=True).order_by("name", "pk"):
        found[one.type].append(one)
    return found
