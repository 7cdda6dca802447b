"""What is known of a person and of one visit to come, read in one statement, so that all of it was true at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from patients.prepared import Prepared
from treatments.facts import Answer, Subject
from treatments.findings import Decision

# The records of one person are read over all that were merged. Newest first, where there is an order.
_PEOPLE = """
    WITH me AS (SELECT COALESCE(merged_into_id, id) AS key, safety_revision
        FROM patients_patient WHERE id = %(patient)s),
    people AS (SELECT id, birth_date FROM patients_patient, me WHERE id = key OR merged_into_id = key)
"""
_PERSON = """
    (SELECT safety_revision FROM me) AS safety_revision,
    (SELECT json_build_array(number, xmin::text) FROM treatments_cataloguerevision) AS stamp,
    (SELECT json_agg(birth_date ORDER BY id <> (SELECT key FROM me), id) FROM people) AS birth_dates,
    (SELECT json_object_agg(kind, value::text) FROM (
        SELECT DISTINCT ON (kind) kind, value FROM patients_measurement
        WHERE patient_id IN (SELECT id FROM people) ORDER BY kind, measured_on DESC, id DESC) newest) AS measured,
    (SELECT json_agg(wording.scope) FROM patients_consent signed
        JOIN patients_consenttext wording ON wording.id = signed.text_id
        WHERE signed.patient_id IN (SELECT id FROM people) AND signed.withdrawn_at IS NULL) AS consents,
    (SELECT json_agg(json_build_array(allergy.public_id, tag.key) ORDER BY allergy.public_id)
        FROM patients_allergy allergy
        LEFT JOIN patients_allergy_tags held ON held.allergy_id = allergy.id
        LEFT JOIN patients_substancetag tag ON tag.id = held.substancetag_id
        WHERE allergy.patient_id IN (SELECT id FROM people) AND allergy.verification <> 'refuted') AS allergies,
    (SELECT json_agg(json_build_array(answer.condition_id, answer.public_id, answer.answer, review.reviewed_on,
            answer.happened_on, ARRAY(SELECT bodyarea_id FROM patients_historyanswer_areas
                WHERE historyanswer_id = answer.id))
            ORDER BY review.reviewed_on DESC, review.reviewed_at DESC, answer.id DESC)
        FROM patients_historyanswer answer JOIN patients_historyreview review ON review.id = answer.review_id
        WHERE review.patient_id IN (SELECT id FROM people)) AS answers,
    (SELECT json_agg(json_build_array(said.finding_code, said.basis, said.allows,
            COALESCE(NULLIF(clinician.name, ''), clinician.email), said.valid_until)
            ORDER BY said.decided_at DESC, said.id DESC)
        FROM treatments_cliniciandecision said JOIN patients_user clinician ON clinician.id = said.decided_by_id
        WHERE said.patient_id IN (SELECT id FROM people)) AS decisions
"""
# Earlier sessions: of the series itself, and of the same kind on the same skin.
_VISIT = """
    , treated AS (SELECT COALESCE(%(areas)s::bigint[],
        ARRAY(SELECT area_id FROM treatments_seriesarea WHERE series_id = %(series)s)) AS areas)
"""
_BEFORE = """
    (SELECT areas FROM treated) AS area_ids,
    (SELECT phase.interval_min_days FROM treatments_treatmentsession session
        JOIN treatments_phase phase ON phase.id = session.phase_id WHERE session.id = %(session)s) AS interval_min_days,
    (SELECT json_agg(DISTINCT jsonb_build_array(done.series_id, done.done_on, phase.interval_min_days))
        FROM treatments_treatmentsession done
        JOIN treatments_phase phase ON phase.id = done.phase_id
        JOIN treatments_treatmentseries series ON series.id = done.series_id
        JOIN treatments_protocolversion version ON version.id = series.protocol_version_id
        JOIN treatments_protocol protocol ON protocol.id = version.protocol_id
        WHERE series.patient_id IN (SELECT id FROM people) AND done.state = 'done'
        AND done.id IS DISTINCT FROM %(session)s AND (series.id = %(series)s OR (
            protocol.modality = (SELECT mine.modality FROM treatments_protocol mine
                JOIN treatments_protocolversion own ON own.protocol_id = mine.id WHERE own.id = %(version)s)
            AND CASE WHEN EXISTS (SELECT 1 FROM treatments_treatmentsession_done_areas alone
                    WHERE alone.treatmentsession_id = done.id)
                THEN EXISTS (SELECT 1 FROM treatments_treatmentsession_done_areas alone, treated
                    WHERE alone.treatmentsession_id = done.id AND alone.bodyarea_id = ANY (treated.areas))
                ELSE EXISTS (SELECT 1 FROM treatments_seriesarea area, treated
                    WHERE area.series_id = series.id AND area.area_id = ANY (treated.areas)) END))) AS done
"""
_OF_A_VISIT = f"{_PEOPLE} {_VISIT} SELECT {_PERSON}, {_BEFORE}"
# Prepared, because the database takes longer to plan them than to answer, and bookings wait for them under their locks.
OF_A_PERSON = Prepared("known_of_a_person", f"{_PEOPLE} SELECT {_PERSON}", patient="bigint")
OF_A_VISIT = Prepared(
    "known_of_a_visit", _OF_A_VISIT,
    patient="bigint", version="bigint", series="bigint", session="bigint", areas="bigint[]",
)  # fmt: skip

# The same for many series at once, where no session is meant: what stands for one is a column of those asked for.
_OF_EACH = (
    _OF_A_VISIT.replace("%(patient)s", "asked.patient")
    .replace("%(version)s", "asked.version")
    .replace("%(series)s", "asked.series")
    .replace("%(session)s", "NULL::bigint")
    .replace("%(areas)s", "NULL")
)
OF_MANY = Prepared("known_of_many", f"""
    SELECT asked.series, found.* FROM unnest(%(patients)s::bigint[], %(versions)s::bigint[], %(many)s::bigint[])
        AS asked (patient, version, series), LATERAL ({_OF_EACH}) found
""", patients="bigint[]", versions="bigint[]", many="bigint[]")  # fmt: skip  # noqa: S608 (the text is our own)

Stamp = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Known:
    """`revision` is the patient's and the catalogue's number; `stamp` tells one catalogue from every other.

    A number alone does not: a transaction that is rolled back leaves it to the next one.
    """

    subject: Subject
    revision: tuple[int, int]
    stamp: Stamp | None
    area_ids: frozenset[int] = frozenset()
    interval_min_days: int = 0
    done: tuple[tuple[int, date, int], ...] = ()  # series, local day, least days of its own protocol


def of_person(patient_id: int) -> Known:
    """Read what is known of the person alone."""
    return _known(OF_A_PERSON, {"patient": patient_id})


def of_visit(
    patient_id: int, version_id: int, *, series_id: int | None = None, session_id: int | None = None,
    area_ids: Iterable[int] | None = None,
) -> Known:  # fmt: skip
    """Read what is known of the person and went before on the treated areas: those given, else the series' own."""
    visit = {"version": version_id, "series": series_id, "session": session_id}
    areas = None if area_ids is None else list(area_ids)
    return _known(OF_A_VISIT, {"patient": patient_id, "areas": areas, **visit})


def of_series(asked: Iterable[tuple[int, int, int]]) -> dict[int, Known]:
    """Read what is known for many series at once, by their keys; each is asked for as patient, version and series.

    No session is meant, so no interval is known.
    """
    wanted = list(asked)
    if not wanted:
        return {}
    patients, versions, series = zip(*wanted, strict=True)
    about = {"patients": list(patients), "versions": list(versions), "many": list(series)}
    return {row.pop("series"): _from(row) for row in OF_MANY.named_rows(about)}


def _known(statement: Prepared, about: Mapping[str, object]) -> Known:
    (row,) = statement.named_rows(about)
    return _from(row)


def _from(row: Mapping[str, object]) -> Known:
    stamp = tuple(row["stamp"]) if row["stamp"] else None
    return Known(
        subject=_subject(row),
        revision=(row["safety_revision"], stamp[0] if stamp else 0),
        stamp=stamp,
        area_ids=frozenset(row.get("area_ids") or ()),
        interval_min_days=row.get("interval_min_days") or 0,
        done=tuple((series, _day(on), gap) for series, on, gap in row.get("done") or ()),
    )


def _subject(row: Mapping) -> Subject:
    measured, by_tag, in_words = row["measured"] or {}, {}, []
    for public_id, tag in row["allergies"] or ():
        (in_words if tag is None else by_tag.setdefault(tag, [])).append(public_id)
    return Subject(
        birth_date=_day(next(filter(None, row["birth_dates"]), None)),
        answers=_answers(row["answers"] or ()),
        allergies={tag: ",".join(found) for tag, found in by_tag.items()},
        allergies_in_words=tuple(in_words),
        skin_type=int(Decimal(measured["skin_type"])) if "skin_type" in measured else None,
        weight_kg=Decimal(measured["weight_kg"]) if "weight_kg" in measured else None,
        consents=frozenset(row["consents"] or ()),
        decisions=tuple(
            Decision(code, basis, allows, by, _day(until)) for code, basis, allows, by, until in row["decisions"] or ()
        ),
    )


def _answers(rows: Iterable) -> Mapping[int, tuple[Answer, ...]]:
    answers: dict[int, list[Answer]] = {}
    for condition_id, public_id, answer, reviewed_on, happened_on, areas in rows:
        said = Answer(public_id, answer, _day(reviewed_on), _day(happened_on), frozenset(areas))
        answers.setdefault(condition_id, []).append(said)
    return {condition_id: tuple(found) for condition_id, found in answers.items()}


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
