"""“Why not 10:00?”: any time that somebody asks about is offered, or says why it is not and what is free instead."""

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest

from clinic import availability
from clinic.availability import Reason, Request
from clinic.forms import PlaceForm
from clinic.views import free_times
from clinic.views.free_times import Slot
from clinic.wish_forms import AskForm


@dataclass(frozen=True)
class Answer:
    """About one start, local to the location; `allow` names what the desk may allow, if nothing else is in the way."""

    starts_at: datetime
    reasons: list[Reason]
    who: str
    nearest: list[Slot]
    allow: str

    @property
    def sentences(self) -> list[str]:
        """The reasons in words."""
        return [reason.text for reason in self.reasons]


def form(request: HttpRequest) -> dict:
    """The form that asks, and what it keeps of the address."""
    ask = AskForm(request.GET)
    kept = [(name, value) for name in request.GET for value in request.GET.getlist(name) if name not in ask.fields]
    return {"ask": ask, "kept": kept}


def page(request: HttpRequest, asked: Request, place: PlaceForm, now: datetime) -> dict:
    """The form that asks, and the answer when something was asked."""
    shown = form(request)
    starts_at = shown["ask"].moment(asked.location)
    return shown | {"answer": about(asked, starts_at, place, now) if starts_at else None}


def about(asked: Request, starts_at: datetime, place: PlaceForm, now: datetime) -> Answer:
    """The answer about one start."""
    around = availability.Around(asked, starts_at, now)
    reasons = around.reasons()
    offer = None if reasons else availability.offer_at(asked, starts_at, now)
    nearest = around.nearest(availability.ALTERNATIVES) if reasons else []
    return Answer(
        starts_at=starts_at.astimezone(asked.location.zone),
        reasons=reasons,
        who=place.name_of(offer.practitioner_id) if offer else "",
        nearest=[free_times.slot(each, place) for each in nearest],
        allow=" ".join(dict.fromkeys(reason.code for reason in reasons))
        if all(reason.is_soft for reason in reasons)
        else "",
    )
