"""Editing every field of a protocol leaves running courses as they are, and a newer version touches open sessions only.

Teeth: the triggers that keep published versions are dropped; and done sessions count as open.
"""

import json
import random
import time
from collections import Counter
from contextlib import contextmanager
from datetime import date
from unittest.mock import patch

from django.db import connection, transaction

from clinic import upgrades
from clinic.booking import records
from clinic.models import Appointment
from tests.factories import NOW
from tests.factories_treatments import clinical_lead
from tests.prove import web
from tests.prove.frozen_courses import Edit, as_bytes, edits, edits_of, made, rows
from tests.prove.report import Row
from treatments import drafting, protocols, simulation
from treatments.models import Phase, SeriesUpgrade, TreatmentSeries, TreatmentSession
from treatments.models.freezing import FROZEN

SIZES = {"small": 2, "full": None}  # how many protocols of the starter catalogue; None: all
TODAY = date(2026, 3, 2)
MAY_CHANGE = {TreatmentSeries: {"protocol_version_id", "version"}, TreatmentSession: {"phase_id", "version"}}


def prove(size: str) -> Row:
    """Edit every column of every row kind of published versions and drafts; then let the courses go over."""
    row, started = Row("versions"), time.perf_counter()
    with web.on_a_copy():
        courses = made(SIZES[size], TODAY)
        lead = clinical_lead()
        seen, faults = edited(courses, lead)
        faults += touched(courses, lead)
        row.tried = seen["published"] + seen["drafts"] + seen["protocols"] + len(courses)
        row.accepted = seen["written to drafts"]
        row.lost = len(faults)
        row.more = {"protocols": len(courses), "edits": dict(seen), "first faults": faults[:3]}
        row.more["teeth found"] = {
            "triggers dropped": _without_triggers(courses),
            "done sessions are open": _too_open(courses, lead),
        }
    row.teeth = all(row.more["teeth found"].values())
    row.seconds = time.perf_counter() - started
    return row.settle(holds=not faults and seen["published"] > 100 and seen["written to drafts"] > 50)


def edited(courses: list[TreatmentSeries], lead) -> tuple[Counter, list[str]]:
    """What was tried, and every edit that a running course felt or that was not refused by the name of the rule."""
    seen, faults = Counter(), []
    for series in courses:
        version, before = series.protocol_version, as_bytes(series)
        draft = drafting.new_draft(version, by=lead)
        made_up = {"published": edits(version), "drafts": edits(draft), "protocols": edits_of(version.protocol)}
        for kind, edit in ((kind, edit) for kind, every in made_up.items() for edit in every):
            seen[kind] += 1
            refused, after = _tried(edit, series)
            if _must_be_refused(kind, edit) and refused != FROZEN and not (refused and edit.field.name == "state"):
                faults.append(f"{edit} of a published version was refused by {refused or 'nothing'}")
            if after not in (before, b""):
                faults.append(f"{edit}: a running course is not what it was")
            seen[f"written to {kind}"] += not refused
        if as_bytes(series) != before:
            faults.append(f"{version}: after all of it a running course is not what it was")
        draft.phases.update(name="Changed")
        protocols.publish(draft, by=lead, now=NOW)
        if as_bytes(series) != _but_retired(before):
            faults.append(f"publishing {draft} changed a running course")
    return seen, faults


def _must_be_refused(kind: str, edit: Edit) -> bool:
    """Of a published version everything; of its protocol what its series book and what is treated; not its name."""
    return kind == "published" or (kind == "protocols" and edit.field.name in ("modality", "service", "indication"))


def _but_retired(before: bytes) -> bytes:
    """The only thing that happens to the version that a course follows: another one takes its place."""
    kept = json.loads(before)
    (version,) = map(json.loads, kept["parts"]["ProtocolVersion"])
    moment = version["published_at"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(one)::text FROM treatments_protocolversion one WHERE id = %s", [version["id"]])
        (text,) = cursor.fetchone()
    now = json.loads(text)
    is_retired = {**version, "state": "retired", "retired_at": moment} == now
    kept["parts"]["ProtocolVersion"] = [text] if is_retired else ["changed"]
    return json.dumps(kept, sort_keys=True).encode()


def _tried(edit: Edit, series: TreatmentSeries) -> tuple[str, bytes]:
    """Make the edit, look at the course unless it was refused, take the edit back."""
    with transaction.atomic():
        refused = edit.refused()
        after = b"" if refused else as_bytes(series)
        transaction.set_rollback(True)
    return refused, after


def touched(courses: list[TreatmentSeries], lead) -> list[str]:
    """Let one course of two go over to the version published last, and name all that changed and should not have."""
    faults = []
    random.shuffle(courses)
    goes, stays = courses[::2], courses[1::2]
    before = {each.pk: _whole(each) for each in courses}
    untouched = {each.pk: as_bytes(each) for each in stays}
    visits = _visits()
    for series in goes:
        seen = TreatmentSeries.objects.get(pk=series.pk).version
        newest = series.protocol_version.protocol.versions.published().get()
        upgrades.upgrade({series.pk: seen}, newest, reason="Proof.", by=lead, now=NOW, today=TODAY)
        faults += _wrong(before[series.pk], _whole(series), newest.pk)
    faults += [f"{each} did not go over and changed" for each in stays if as_bytes(each) != untouched[each.pk]]
    if not visits or _visits() != visits or SeriesUpgrade.objects.count() != len(goes):
        faults.append("visits changed, or not every change is kept")
    return faults


def _visits() -> list[dict]:
    """Every visit but for what the safety check, which is asked again, says of it."""
    return [
        {name: value for name, value in json.loads(text).items() if name not in records.ASSESSED}
        for text in rows(Appointment)
    ]


def _whole(series: TreatmentSeries) -> dict[type, dict[int, dict]]:
    found = {
        TreatmentSeries: rows(TreatmentSeries, pk=series.pk),
        TreatmentSession: rows(TreatmentSession, series=series.pk),
    }
    return {model: {row["id"]: row for row in map(json.loads, texts)} for model, texts in found.items()}


def _wrong(before: dict, after: dict, version: int) -> list[str]:
    faults = []
    phases = set(Phase.objects.filter(version=version).values_list("pk", flat=True))
    for model, may_change in MAY_CHANGE.items():
        for key, row in before[model].items():
            differs = {name for name, value in row.items() if after[model][key][name] != value}
            is_open = model is TreatmentSeries or row["state"] in ("planned", "booked", "missed", "on_hold")
            if differs - (may_change if is_open else set()):
                faults.append(f"{model.__name__} that is {row['state']}: changed {sorted(differs)}")
            if is_open and model is TreatmentSession and after[model][key]["phase_id"] not in phases:
                faults.append(f"a session that is {row['state']} stays behind")
    return faults


@contextmanager
def _taken_back():
    """Whatever happens inside is undone."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _without_triggers(courses: list[TreatmentSeries]) -> str:
    """Without what keeps published versions, an edit must be seen in a running course."""
    with _taken_back(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE 'pgtrigger_is_frozen%'"
        )
        for name, table in cursor.fetchall():
            cursor.execute(f'DROP TRIGGER "{name}" ON {table}')
        series = TreatmentSeries.objects.get(pk=courses[0].pk)
        before = as_bytes(series)
        found = [str(edit) for edit in edits(series.protocol_version) if _tried(edit, series)[1] not in (before, b"")]
    return f"{len(found)} edits, the first is {found[0]}" if found else ""


def _too_open(courses: list[TreatmentSeries], lead) -> str:
    """If done sessions were open too, the change must be seen."""
    series = next(each for each in courses if not SeriesUpgrade.objects.filter(series=each).exists())
    before = _whole(series)
    everything = (*simulation.OPEN, TreatmentSession.State.DONE)
    with _taken_back(), patch.object(simulation, "OPEN", everything):
        newest = series.protocol_version.protocol.versions.published().get()
        seen = TreatmentSeries.objects.get(pk=series.pk).version
        upgrades.upgrade({series.pk: seen}, newest, reason="Proof.", by=lead, now=NOW, today=TODAY)
        faults = _wrong(before, _whole(series), newest.pk)
    return faults[0] if faults else ""
