"""Whether a booked visit still fits what its course has become: under another protocol version, or for other areas."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date

from django.utils.translation import gettext as _

from clinic import timespans, visits
from clinic.models import Appointment, Qualification
from treatments.models import DepthStep, DeviceKind, ProtocolVersion, RoomKind, TreatmentSeries, VersionSegment

THINGS = (visits.ROOM, visits.DEVICE, visits.ASSISTANT)


class Shapes:
    """How long a visit takes and what and whom it needs, under each version that matters; each table read once."""

    def __init__(self, rows: Sequence[TreatmentSeries], version: ProtocolVersion) -> None:
        self.version = version
        steps = DepthStep.objects.filter(version=version).order_by()
        self.techniques = set(steps.values_list("technique_id", flat=True))
        held = Qualification.objects.filter(technique__in=self.techniques)
        self.held = {
            (who, what): until for who, what, until in held.values_list("practitioner", "technique", "valid_until")
        }
        self.parts = defaultdict(list)
        versions = {version.pk, *(each.protocol_version_id for each in rows)}
        for part in VersionSegment.objects.filter(version__in=versions):
            self.parts[part.version_id].append(part)

    def misfits(self, visit: Appointment, version_id: int, areas: int, areas_then: int) -> Iterable[str]:
        """What a visit that was booked under a version, for so many areas, would need then and does not have.

        Minutes, things of a kind that nothing is kept of, or a qualification.
        """
        if visit.practitioner is not None and not self._is_qualified(visit):
            yield _("%(name)s is not qualified for this treatment.") % {"name": visit.practitioner}
        slot = (visit.ends_at - visit.starts_at) // timespans.ONE_MINUTE
        without = slot == self._shape(version_id, areas, without=visits.NUMBING).minutes
        is_numbed = visit.visit_group is not None and without
        left_out = visits.NUMBING if is_numbed else ""
        before = self._shape(version_id, areas, without=left_out)
        then = self._shape(self.version.pk, areas_then, without=left_out)
        if then.minutes > slot:
            words = {"needs": then.minutes, "kept": slot}
            yield _("It needs %(needs)s minutes, and %(kept)s are kept until it is moved.") % words
        new = {(need.what, need.kind) for need in then.needs} - {(need.what, need.kind) for need in before.needs}
        for what, kind in sorted(new):
            if what in THINGS:
                yield _("Nothing is kept for it yet of what it then needs: %(what)s.") % {"what": _thing(what, kind)}

    def _is_qualified(self, visit: Appointment) -> bool:
        day = timespans.date_of(visit.location.zone, visit.starts_at)
        until = [self.held.get((visit.practitioner_id, technique), date.min) for technique in self.techniques]
        return all(last is None or last >= day for last in until)

    def _shape(self, version_id: int, areas: int, *, without: str = "") -> visits.VisitShape:
        return visits.shape_of((part for part in self.parts[version_id] if part.kind != without), areas)


def _thing(what: str, kind: str) -> str:
    if what == visits.ASSISTANT:
        return _("an assistant")
    return str((RoomKind if what == visits.ROOM else DeviceKind)(kind).label)
