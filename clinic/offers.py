"""What a new clinic offers: the starter protocols as cards, ticked by a clinical lead, and the visits around them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Prefetch, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic import opening, setup
from clinic.models import Device, Location, Practitioner, Qualification, Room, SetupProgress, Task
from patients import consents
from patients.models import ConsentText, User
from patients.refusals import Refused
from patients.roles import CLINICAL_LEAD, has_role
from treatments import protocols
from treatments.limits import plain
from treatments.models import (
    DepthStep,
    DeviceKind,
    Phase,
    Protocol,
    ProtocolVersion,
    RoomKind,
    Service,
    ServiceSegment,
    Technique,
    VersionSegment,
)

State = ProtocolVersion.State
CHECK_IS_DUE_AFTER = timedelta(days=7)


@dataclass(frozen=True)
class Card:
    """One treatment as a clinician checks it: the figures of the version that is or would be in use."""

    protocol: Protocol
    version: ProtocolVersion
    depths: list[str]
    mix: list[str]
    gaps: list[str]
    minutes: str
    consent: ConsentText | None
    is_waiting: bool

    @property
    def is_published(self) -> bool:
        return self.version.state == State.PUBLISHED


def cards(language: str) -> list[Card]:
    """Every treatment that can be offered; the number of queries does not depend on how many there are."""
    parts = ("phases", "depth_steps__area", "depth_steps__technique", "cocktail_lines__ingredient", "segments")
    versions = ProtocolVersion.objects.filter(state__in=(State.DRAFT, State.PUBLISHED)).order_by("state", "number")
    versions = versions.prefetch_related(*parts, "sources")
    rows = Protocol.objects.filter(is_retired=False).order_by("modality", "name")
    rows = rows.select_related("indication", "service").prefetch_related(Prefetch("versions", queryset=versions))
    texts = _wordings(language)
    waiting = set(Protocol.objects.filter(pk__in=_waiting()).values_list("pk", flat=True))
    return [
        _card(row, version, texts.get(version.consent_scope), is_waiting=row.pk in waiting)
        for row in rows
        for version in _shown(row)
    ]


def visits() -> list[Service]:
    """What can be booked besides treatments; each with its minutes."""
    services = list(Service.objects.exclude(kind=Service.Kind.TREATMENT).prefetch_related("segments").order_by("pk"))
    for service in services:
        service.minutes = sum(part.minutes(1) for part in service.segments.all() if part.kind != "turnaround")
    return services


def leads() -> list[User]:
    """Who may check a protocol."""
    return list(User.objects.filter(groups__name=CLINICAL_LEAD, is_active=True).order_by("name"))


def choose(
    *, services: Collection[Service], checked: Collection[ProtocolVersion], wanted: Collection[Protocol] = (),
    by: User, now: datetime, language: str,
) -> None:  # fmt: skip
    """Publish what the clinical lead has checked, leave what is only wanted to one, and offer nothing else.

    The consent wordings of what is checked come into use, the practitioners become qualified for its techniques, and
    the devices that it takes are added where the clinic has none. Raises `Refused` with the treatment's name.
    """
    with transaction.atomic():
        progress = setup.under_way(by)
        if checked and not has_role(by, CLINICAL_LEAD):
            raise Refused(_("Only a clinical lead says that a treatment is checked."))
        for version in checked:
            _publish(version, by, now)
        published = ProtocolVersion.objects.published()
        progress.waiting.set([one for one in wanted if not published.filter(protocol=one).exists()])
        _ask_leads(progress.waiting.order_by("name"), now)
        versions = list(ProtocolVersion.objects.filter(_chosen(progress.waiting.values("pk"))).distinct())
        _use_wordings({version.consent_scope for version in published}, language, by, now)
        _offer({service.pk for service in services}, versions)
        _qualify(versions)
        _provide_devices(versions)
        progress.has_chosen_offer = True
        progress.save(update_fields=["has_chosen_offer"])


def missing() -> list[str]:
    """What stands in the way of a visit that is offered: sentences about rooms, devices and people."""
    versions = ProtocolVersion.objects.published()
    parts = [
        *ServiceSegment.objects.filter(service__is_active=True).exclude(service__kind=Service.Kind.TREATMENT),
        *VersionSegment.objects.filter(version__in=versions),
    ]
    rooms = set(Room.objects.filter(resource__is_active=True).values_list("kind", "serves_all"))
    kinds = {kind for kind, _serves_all in rooms}
    lines = []
    if not any(serves_all for _kind, serves_all in rooms):
        for kind in sorted({part.room_kind for part in parts} - kinds - {""}):
            lines.append(_("No room yet: %(kind)s.") % {"kind": RoomKind(kind).label})
    if not Practitioner.objects.filter(resource__is_active=True).exists():
        lines.append(_("Nobody treats patients yet: give a colleague the role of practitioner."))
    if not versions.exists():
        line = _("No treatment is checked yet, so a series cannot begin.")
        is_solo = SetupProgress.objects.filter(is_solo=True).exists()
        names = ", ".join(str(person) for person in leads())
        who = _("It waits for: %(names)s.") % {"names": names} if names else _("Make a colleague clinical lead first.")
        lines.append(line if is_solo else f"{line} {who}")
    return lines


def _publish(version: ProtocolVersion, by: User, now: datetime) -> None:
    if ProtocolVersion.objects.published().filter(pk=version.pk).exists():
        return
    try:
        protocols.publish(version, by=by, now=now)
    except ValidationError as refusal:
        raise Refused([f"{version.protocol.name}: {line}" for line in refusal.messages]) from refusal


def _waiting():  # noqa: ANN202 (a QuerySet)
    return SetupProgress.waiting.through.objects.values("protocol_id")


def _chosen(waiting: object) -> Q:
    return Q(state=State.PUBLISHED) | Q(state=State.DRAFT, protocol__in=waiting)


def _ask_leads(waiting: Iterable[Protocol], now: datetime) -> None:
    """One open task for the clinical leads, about all that waits; none when nothing does."""
    names = ", ".join(protocol.name for protocol in waiting)
    Task.objects.filter(kind=Task.Kind.SETUP, for_role=CLINICAL_LEAD, done_at=None).delete()
    if names:
        text = _("Check and publish on the protocol pages: %(names)s") % {"names": names}
        text = text if len(text) <= 300 else f"{text[:299]}…"
        due_at = now + CHECK_IS_DUE_AFTER
        Task.objects.create(kind=Task.Kind.SETUP, for_role=CLINICAL_LEAD, text=text, due_at=due_at, opened_at=now)


def _wordings(language: str) -> dict[str, ConsentText]:
    rows = ConsentText.objects.filter(language=language).order_by("scope", "-number").distinct("scope")
    return {text.scope: text for text in rows}


def _use_wordings(scopes: Collection[str], language: str, by: User, now: datetime) -> None:
    for scope, text in _wordings(language).items():
        if scope in scopes and text.published_at is None:
            consents.publish(text, by=by, at=now)


def _offer(services: set[int], versions: list[ProtocolVersion]) -> None:
    """A visit is offered when it was ticked, a treatment when a protocol of it is in use or waits for its check."""
    treated = {version.protocol.service_id for version in versions}
    for service in Service.objects.all():
        is_active = service.pk in (treated if service.kind == Service.Kind.TREATMENT else services)
        if service.is_active != is_active:
            service.is_active = is_active
            service.save(update_fields=["is_active"])


def _qualify(versions: list[ProtocolVersion]) -> None:
    steps = DepthStep.objects.filter(version__in=versions).values("technique")
    used = Q(pk__in=steps) | Q(services__protocols__versions__in=versions)
    techniques = list(Technique.objects.filter(used).distinct())
    Qualification.objects.bulk_create(
        [
            Qualification(practitioner=person, technique=technique)
            for person in Practitioner.objects.all()
            for technique in techniques
        ],
        ignore_conflicts=True,
    )


def _provide_devices(versions: list[ProtocolVersion]) -> None:
    location = Location.objects.order_by("pk").first()
    there = set(Device.objects.filter(resource__location=location).values_list("kind", flat=True))
    needed = set(VersionSegment.objects.filter(version__in=versions).values_list("device_kind", flat=True))
    for kind in sorted(needed - there - {""}):
        opening.add_device(location, opening.Premises(str(DeviceKind(kind).label).capitalize(), kind))


def _shown(protocol: Protocol) -> list[ProtocolVersion]:
    """The version in use, else the newest draft."""
    versions = {version.state: version for version in protocol.versions.all()}
    return [versions[state] for state in (State.PUBLISHED, State.DRAFT) if state in versions][:1]


def _card(protocol: Protocol, version: ProtocolVersion, consent: ConsentText | None, *, is_waiting: bool) -> Card:
    depths = [
        f"{step.area} {plain(step.depth_min_mm)}–{plain(step.depth_max_mm)} mm" for step in version.depth_steps.all()
    ]
    mix = [f"{line.ingredient} {plain(line.amount)} {line.get_unit_display()}" for line in version.cocktail_lines.all()]
    gaps = [_gap(phase) for phase in version.phases.all()]
    return Card(protocol, version, depths, mix, gaps, _minutes(version), consent, is_waiting)


def _gap(phase: Phase) -> str:
    """How many visits, and how many days apart; a single one comes so long after the visit before it."""
    least, most, visits = phase.interval_min_days, phase.interval_max_days, phase.sessions
    days = _days(most) if least == most else _("%(least)d to %(most)d days") % {"least": least, "most": most}
    if phase.is_maintenance:
        return _("later on, when wanted: %(days)s apart") % {"days": days}
    if visits == 1:
        return _("1 visit, %(days)s later") % {"days": days}
    return _("%(visits)d visits, %(days)s apart") % {"visits": visits, "days": days}


def _days(count: int) -> str:
    return ngettext("%(count)d day", "%(count)d days", count) % {"count": count}


def _minutes(version: ProtocolVersion) -> str:
    """For one area, and for all of them."""
    parts, areas = version.segments.all(), len(version.depth_steps.all())
    one, most = (sum(part.minutes(count) for part in parts if part.kind != "turnaround") for count in (1, areas))
    return _("%(minutes)s minutes") % {"minutes": f"{one}–{most}" if most > one else one}
