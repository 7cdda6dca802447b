"""Everything that writes the diary, as the races call it: what each needs beforehand, and what it then does.

A wish is plain values (see `arenas`), because it travels to the server as JSON. `prepare` answers with what `act` needs
besides; both run in the web's processes. Whoever adds a verb to `clinic.booking` or `clinic.proposals` adds it here, or
says why it takes no place: until then the proof fails.
"""

import inspect
import types
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from clinic import booking, placing, proposals, scheduling
from clinic.availability import request_for
from clinic.models import Appointment, Device, Hold, Location, Practitioner, Proposal, Resource, Room
from clinic.scheduling import Wish
from patients.models import Patient, User
from treatments.models import (
    Indication,
    Phase,
    Protocol,
    ProtocolVersion,
    Service,
    TreatmentSeries,
    TreatmentSession,
    VersionSegment,
)

MINUTE = timedelta(minutes=1)
SEGMENT = ("kind", "base_minutes", "holds_practitioner", "needs_assistant", "room_kind", "device_kind")


@dataclass(frozen=True)
class Writer:
    """One way into the diary. `kind`: takes a place, leaves one, or changes what can be booked.

    `order`: whose preparation comes first; one that occupies the place until it acts comes last. `is_by_hand`: wants
    what can be named, one person, room or device.
    """

    name: str
    verbs: tuple[str, ...]
    act: Callable[[dict], object]
    prepare: Callable[[dict], dict] = lambda wish: {}
    kind: str = "takes"
    order: int = 1
    is_by_hand: bool = False

    @property
    def occupies(self) -> bool:
        return self.order == LAST


FIRST, EARLY, LATE, LAST = 0, 1, 2, 3


def _given(wish: dict, *, at: str = "start", elsewhere: bool = False) -> dict:
    """The details that all verbs share."""
    source = wish["elsewhere"] if elsewhere else wish
    return {
        "patient": Patient.objects.get(pk=wish["patient"]),
        "service": Service.objects.get(pk=wish["service"]),
        "location": Location.objects.get(pk=wish["location"]),
        "practitioner": Practitioner.objects.get(pk=source["practitioner"]),
        "chosen": frozenset(source["chosen"]),
        "starts_at": datetime.fromisoformat(wish[at]),
        **_who_and_when(wish),
    }


def _who_and_when(wish: dict) -> dict:
    return {"by": User.objects.get(pk=wish["by"]), "now": timezone.now()}


def _visit(wish: dict) -> tuple[Appointment, dict]:
    visit = Appointment.objects.get(pk=wish["visit"])
    return visit, {"version": visit.version, **_who_and_when(wish)}


def _booked(wish: dict, **how) -> dict:
    return {"visit": booking.book(**_given(wish, **how)).pk}


# -- Before the race --------------------------------------------------------------------------------------------------


def _cancelled(wish: dict) -> dict:
    told = _booked(wish)
    visit, details = _visit(wish | told)
    booking.cancel(visit, cancelled_by="clinic", reason="race", **details)
    return told


def _missed(wish: dict) -> dict:
    told = _booked(wish)
    visit, details = _visit(wish | told)
    booking.no_show(visit, **details | {"now": visit.ends_at})
    return told


def _kept(wish: dict) -> dict:
    return {"hold": booking.hold(**_given(wish)).pk}


def _parked(wish: dict) -> dict:
    return _booked(wish, at="parking")


def _proposed(wish: dict, *, at: str = "start") -> dict:
    told = _parked(wish)
    return told | {"proposal": _propose(wish | told, at=at).pk}


def _kept_too_long(wish: dict) -> dict:
    """A hold whose time is over, by the database's clock too."""
    before = timezone.now() - (50 - 25 * wish["who"]) * MINUTE
    return {"hold": booking.hold(**_given(wish) | {"now": before}, minutes=20).pk}


# -- The race ---------------------------------------------------------------------------------------------------------


def _book_several(wish: dict) -> None:
    given = _given(wish)
    one = {name: given.pop(name) for name in ("service", "practitioner", "chosen")}
    booking.book_several(wanted=[booking.Wanted(**one), booking.Wanted(**one)], **given)


def _book_many(wish: dict) -> None:
    """Two visits of one plan: the wanted place and the parking."""
    given = _given(wish)
    by, now, patient = given.pop("by"), given.pop("now"), given["patient"]
    starts = [given.pop("starts_at"), datetime.fromisoformat(wish["parking"])]
    request = request_for(**given)
    booking.book_many([placing.Placement(request, patient, start) for start in starts], by=by, now=now)


def _course(wish: dict) -> dict:
    """A course of one session whose visit is the wanted service."""
    given = _given(wish)
    service, who = given["service"], given["patient"]
    details = {"key": f"race-{uuid.uuid4().hex}", "modality": "microneedling", "service": service, "name": "Race"}
    glow, _is_new = Indication.objects.get_or_create(key="race", defaults={"label": "Race"})
    version = ProtocolVersion.objects.create(
        protocol=Protocol.objects.create(indication=glow, **details),
        number=1, sessions_min=1, sessions_typical=1, sessions_max=1, min_age_years=18,
    )  # fmt: skip
    for part in service.segments.all():
        same = {name: getattr(part, name) for name in SEGMENT}
        VersionSegment.objects.create(version=version, position=part.position, **same)
    days = {"interval_min_days": 1, "interval_ideal_days": 1, "interval_max_days": 99}
    phase = Phase.objects.create(version=version, position=1, name="Race", sessions=1, **days)
    today = given["now"].date()
    series = TreatmentSeries.objects.create(
        patient=who, protocol_version=version, sessions_planned=1, started_on=today, first_possible_on=today,
        state="active", created_by=given["by"],
    )  # fmt: skip
    TreatmentSession.objects.create(series=series, number=1, phase=phase)
    return {"series": series.pk}


def _book_plan(wish: dict) -> None:
    given = _given(wish)
    series, now, start = TreatmentSeries.objects.get(pk=wish["series"]), given["now"], given["starts_at"]
    wanted = Wish(who="same", practitioner_id=given["practitioner"].pk, location_id=given["location"].pk)
    plan = scheduling.plan(series, wanted, first=now.date(), now=now, fixed={1: start})
    booking.book_plan(plan, by=given["by"], now=now, only={1})


def _book_held(wish: dict) -> None:
    booking.book(**_given(wish), hold=Hold.objects.get(pk=wish["hold"]))


def _pencil(wish: dict) -> None:
    given = _given(wish)
    booking.pencil(**given, kept_until=given["now"] + timedelta(hours=48), kept_for="race")


def _move(wish: dict) -> None:
    visit, details = _visit(wish)
    given = _given(wish)
    wanted = {name: given[name] for name in ("starts_at", "practitioner", "chosen")}
    booking.move(visit, **details, **wanted)


def _moved(wish: dict, *, at: str = "start") -> tuple[booking.Moved, dict]:
    visit, details = _visit(wish)
    given = _given(wish, at=at)
    version = details.pop("version")
    return booking.Moved(visit, given["starts_at"], practitioner=given["practitioner"], version=version), details


def _move_together(wish: dict) -> None:
    move, details = _moved(wish)
    booking.move_together([move], **details)


def _propose(wish: dict, *, at: str = "start") -> Proposal:
    """A new time that is kept for the patient next to the old one."""
    move, details = _moved(wish, at=at)
    until = details["now"] + timedelta(hours=48)
    about = {"patient": move.appointment.patient, "series": None, "cause": "other"}
    return proposals.propose([move], **about, kept_until=until, **details)


def _agree(wish: dict) -> None:
    move, details = _moved(wish)
    proposals.agreed([move], patient=move.appointment.patient, series=None, cause="other", **details)


def _accept(wish: dict) -> None:
    proposals.accept(Proposal.objects.get(pk=wish["proposal"]), **_who_and_when(wish))


def _pick(wish: dict) -> None:
    proposal, start = Proposal.objects.get(pk=wish["proposal"]), datetime.fromisoformat(wish["start"])
    proposals.pick(proposal, {proposal.visits.get().pk: start}, **_who_and_when(wish))


def _ask_for_another(wish: dict) -> None:
    proposals.ask_for_another(Proposal.objects.get(pk=wish["proposal"]), wish="race", **_who_and_when(wish))


def _withdraw(wish: dict) -> None:
    proposals.withdraw(Proposal.objects.get(pk=wish["proposal"]), **_who_and_when(wish))


def _change_resources(wish: dict) -> None:
    visit, details = _visit(wish)
    booking.change_resources(visit, **details, **_named(wish))


def _named(wish: dict) -> dict:
    """The one thing that is exchanged: what the race is about."""
    resource = Resource.objects.get(pk=wish["other"] or wish["practitioner"])
    model = {"practitioner": Practitioner, "room": Room, "device": Device}[resource.type]
    return {resource.type: model.objects.get(pk=resource.pk)}


def _undo(wish: dict) -> None:
    visit, details = _visit(wish)
    booking.undo(visit, **details, reason="race")


def _cancel(wish: dict) -> None:
    visit, details = _visit(wish)
    booking.cancel(visit, cancelled_by="patient", reason="race", **details)


def _no_show(wish: dict) -> None:
    visit, details = _visit(wish)
    booking.no_show(visit, **details | {"now": visit.ends_at})


def _enter_in_error(wish: dict) -> None:
    visit, details = _visit(wish)
    booking.enter_in_error(visit, **details)


def _release(wish: dict) -> None:
    booking.release(Hold.objects.get(pk=wish["hold"]), **_who_and_when(wish))


WRITERS = (
    Writer("book", ("book",), lambda wish: booking.book(**_given(wish))),
    Writer("book many", ("book_many",), _book_many),
    Writer("book several", ("book_several",), _book_several),
    Writer("book a plan", ("book_plan",), _book_plan, _course),
    Writer("hold", ("hold",), lambda wish: booking.hold(**_given(wish))),
    Writer("pencil", ("pencil",), _pencil),
    Writer("book what ran out", ("hold", "book"), _book_held, _kept_too_long),
    Writer("book what is kept", ("hold", "book"), _book_held, _kept, order=LAST),
    Writer("move", ("move",), _move, _parked),
    Writer("move together", ("move_together",), _move_together, _parked),
    Writer("propose", ("propose",), _propose, _parked),
    Writer("agree by phone", ("agreed",), _agree, _parked),
    Writer("accept", ("propose", "accept"), _accept, _proposed, order=LAST),
    Writer("pick", ("pick",), _pick, lambda wish: _proposed(wish, at="nearby")),
    Writer(
        "change resources",
        ("change_resources",),
        _change_resources,
        lambda wish: _booked(wish, elsewhere=True),
        order=LATE,
        is_by_hand=True,
    ),
    Writer("un-cancel", ("undo",), _undo, _cancelled, order=FIRST),
    Writer("un-miss", ("undo",), _undo, _missed, order=FIRST),
    Writer("cancel", ("cancel",), _cancel, _booked, "leaves", LAST),
    Writer("no-show", ("no_show",), _no_show, _booked, "leaves", LAST),
    Writer("enter in error", ("enter_in_error",), _enter_in_error, _booked, "leaves", LAST),
    Writer("release", ("release",), _release, _kept, "leaves", LAST),
    Writer("ask for another", ("ask_for_another",), _ask_for_another, _proposed, "leaves", LAST),
    Writer("withdraw", ("withdraw",), _withdraw, _proposed, "leaves", LAST),
)
TAKE_NO_PLACE = {
    "ask_for_call": "times that are proposed stay kept while the patient waits for a call",
    "confirm": "a visit keeps its claims when the patient confirms it",
    "check_in": "a visit keeps its claims when the patient arrives",
    "start": "a visit keeps its claims when it begins",
    "complete": "a visit keeps its claims when it ends",
    "count_session": "a visit that did not take place has no claims, whatever it counts as",
    "took_place": "a visit that was entered later keeps its claims when it is marked as done",
}


def verbs_of(module: types.ModuleType) -> set[str]:
    """The public functions that a module offers as its own."""
    return {
        name
        for name, value in vars(module).items()
        if isinstance(value, types.FunctionType)
        and not name.startswith("_")
        and value.__module__.startswith(module.__name__)
    }


def verbs() -> set[str]:
    """Those of both modules that say who acts: the others only read."""
    both = ((module, name) for module in (booking, proposals) for name in verbs_of(module))
    return {name for module, name in both if "by" in inspect.signature(getattr(module, name)).parameters}


def unlisted() -> list[str]:
    """The verbs of the diary that no race knows, and the listed ones that do not exist."""
    listed = {verb for writer in WRITERS for verb in writer.verbs} | set(TAKE_NO_PLACE)
    return sorted(listed ^ verbs())


def usable() -> list[Writer]:
    known = verbs()
    return [writer for writer in WRITERS if known.issuperset(writer.verbs)]
