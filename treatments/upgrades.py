"""The verb that takes a running series over to a newer version of its protocol: its open sessions, nothing else.

The diary enters through `clinic.upgrades`, which holds the patients' locks, has looked at the visits and tells people
afterwards; a test forbids other callers.
"""

from collections.abc import Mapping
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from patients.models import User
from patients.refusals import Conflict, Refused
from patients.roles import CLINICAL_LEAD, has_role
from treatments import simulation
from treatments.models import ProtocolVersion, SeriesUpgrade, TreatmentSeries, TreatmentSession
from treatments.simulation import Outlook


def newer_version(series: TreatmentSeries) -> ProtocolVersion | None:
    """The version in use of the protocol, if it is newer than the one that the series follows."""
    current = series.protocol_version
    return ProtocolVersion.objects.published().filter(protocol=current.protocol_id, number__gt=current.number).first()


def lock(chosen: Mapping[int, int], version: ProtocolVersion) -> list[TreatmentSeries]:
    """Lock these series (key -> the version of the row that the person saw) and read them anew, in order of keys.

    Raises `Conflict` when somebody saved one of them in between, and `Refused` when the protocol version is not a newer
    one, in use, of every one of them.
    """
    found = TreatmentSeries.objects.filter(pk__in=chosen).order_by("pk")
    if dict(found.select_for_update().values_list("pk", "version")) != dict(chosen):
        raise Conflict(
            _("Somebody else changed one of these series in the meantime. Look at them again before you change them.")
        )
    rows = list(simulation.with_everything(found))
    is_in_use = ProtocolVersion.objects.published().filter(pk=version.pk).exists()
    if not is_in_use or not all(_is_newer(version, series.protocol_version) for series in rows):
        raise Refused(_("Only a newer version that is in use can be followed."))
    return rows


def upgrade(outlook: Outlook, *, reason: str, by: User, now: datetime) -> SeriesUpgrade:
    """Let the open sessions of a series follow the version of its outlook, which was made under the series' lock.

    Done, skipped and cancelled sessions stay in the phase that they were in. Raises `Refused` for people who are not a
    clinical lead, without a reason, and with all that the outlook says.
    """
    series, version = outlook.series, outlook.target.version
    if not has_role(by, CLINICAL_LEAD):
        raise Refused(_("Only a clinical lead changes the version that a series follows."))
    if not reason.strip():
        raise Refused({"reason": _("Say why: the reason is kept with the series.")})
    if outlook.refusals:
        raise Refused([ValidationError(text) for text in outlook.refusals])
    with transaction.atomic():
        for change in outlook.changes:
            _put(change.session, change.phase.pk)
        row = SeriesUpgrade.objects.create(
            series=series,
            from_version=series.protocol_version,
            to_version=version,
            reason=reason.strip(),
            by=by,
            at=now,
        )
        series.protocol_version, series.version = version, series.version + 1
        series.save(update_fields=["protocol_version", "version"])
    return row


def _is_newer(version: ProtocolVersion, than: ProtocolVersion) -> bool:
    return version.protocol_id == than.protocol_id and version.number > than.number


def _put(session: TreatmentSession, phase_id: int) -> None:
    """One statement checks that the session is still as it was seen, and changes its phase."""
    seen = TreatmentSession.objects.filter(pk=session.pk, version=session.version, state__in=simulation.OPEN)
    if not seen.update(phase=phase_id, version=F("version") + 1):
        raise Conflict(_("A session of this series has just been changed. Look at the series again."))
