"""What must hold between the records of the starter files, protocols apart; every broken rule is one `Fault`."""

from collections.abc import Callable, Iterable, Iterator

from treatments.starter_files import Fault, Record, Tables, file_of, name_of

Complaint = Callable[[Record, str], Fault]


def complaint(table: str) -> Complaint:
    """A maker of faults for the records of one table."""
    return lambda record, what: Fault(file_of(table), name_of(record), what)


def keyed(records: Iterable[Record]) -> dict[str, Record]:
    """The records by key."""
    return {record["key"]: record for record in records}


def rises(record: Record, *names: str) -> bool:
    """Whether the figures do not fall from left to right; a missing one is skipped."""
    figures = [record[name] for name in names if record.get(name) is not None]
    return figures == sorted(figures)


def unknown(names: Iterable[str], known: Iterable[str]) -> list[str]:
    """The names that are not known, in order."""
    known = set(known)
    return [name for name in names if name not in known]


def substance(tag: str) -> tuple[str, bool]:
    """The substance behind an allergen tag, and whether it is only possibly in it."""
    return tag.removesuffix("_possible"), tag.endswith("_possible")


def check(tables: Tables) -> list[Fault]:
    """Every fault of the catalogue files."""
    rules = (_uniqueness, _sources, _order, _blocks, _areas, _ingredients, _conditions, _scales, _services, _events)
    return [fault for rule in rules for fault in rule(tables)]


def _uniqueness(tables: Tables) -> Iterator[Fault]:
    for table, records in tables.items():
        seen = set()
        for record in records:
            identity = (record["scope"], record["language"]) if table == "consent_texts" else record["key"]
            if identity in seen:
                yield complaint(table)(record, "stands twice")
            seen.add(identity)


def _sources(tables: Tables) -> Iterator[Fault]:
    known = keyed(tables["sources"])
    for table, records in tables.items():
        for record in records:
            if "source" not in record:
                continue
            if not record["source"]:
                yield complaint(table)(record, "names no source")
            for name in unknown(record["source"], known):
                yield complaint(table)(record, f"names the unknown source '{name}'")
            if record["confidence"] == "high" and set(record["source"]) == {"proposed"}:
                yield complaint(table)(record, "has high confidence but is only proposed")


NEEDLING_DEPTHS = tuple(f"microneedling_depth_{end}_mm" for end in ("min", "typical", "max", "hard_cap"))
ORDERS = {
    "areas": [NEEDLING_DEPTHS],
    "techniques": [
        ("depth_min_mm", "depth_max_mm"),
        ("volume_per_point_min_ml", "volume_per_point_max_ml"),
        ("spacing_min_mm", "spacing_max_mm"),
    ],
    "ingredients": [("typical_per_session", "max_per_session")],
    "conditions": [("washout_days_min", "washout_days", "washout_days_max")],
    "outcome_scales": [("min", "max")],
    "aftercare.steps": [("offset_hours_start", "offset_hours_end")],
    "aftercare.adverse_events": [("onset_hours_min", "onset_hours_max")],
    "clinic_constants": [("min", "value", "max")],
    "protocols": [
        ("sessions_min", "sessions_typical", "sessions_max"),
        ("interval_min_days", "interval_typical_days", "interval_max_days"),
    ],
}


def _order(tables: Tables) -> Iterator[Fault]:
    for table, orders in ORDERS.items():
        for record in tables[table]:
            for names in orders:
                if not rises(record, *names):
                    yield complaint(table)(record, f"{', '.join(names)} do not rise")


def _blocks(tables: Tables) -> Iterator[Fault]:
    for table in ("ingredient_classes", "indications", "outcome_scales", "aftercare.follow_ups", "ingredients"):
        field = "blocked_by_default" if table == "ingredients" else "blocked"
        for record in tables[table]:
            if record[field] and not record["block_reason"]:
                yield complaint(table)(record, "is blocked without a reason")
    for record in tables["areas"]:
        for modality in ("microneedling", "mesotherapy"):
            if not record[f"{modality}_allowed"] and not record[f"{modality}_block_reason"]:
                yield complaint("areas")(record, f"is blocked for {modality} without a reason")


def _areas(tables: Tables) -> Iterator[Fault]:
    fault = complaint("areas")
    limit = keyed(tables["clinic_constants"]).get("hard_depth_limit_mm", {"value": 0})["value"]
    for area in tables["areas"]:
        depths = [area[name] for name in NEEDLING_DEPTHS]
        if not area["microneedling_allowed"]:
            if any(depth is not None for depth in depths):
                yield fault(area, "has a needling depth although needling is blocked")
        elif None in depths:
            yield fault(area, "has no needling depth although needling is allowed")
        elif depths[-1] > limit:
            yield fault(area, f"has a cap of {depths[-1]} mm, above hard_depth_limit_mm of {limit} mm")


def _ingredients(tables: Tables) -> Iterator[Fault]:
    known = keyed(tables["ingredients"])
    for one in tables["ingredients"]:
        for what in (*_ingredient_references(one, tables, known), *_ingredient_dose(one)):
            yield complaint("ingredients")(one, what)


def _ingredient_references(one: Record, tables: Tables, known: dict[str, Record]) -> Iterator[str]:
    if one["category"] not in keyed(tables["ingredient_classes"]):
        yield f"names the unknown class '{one['category']}'"
    for name in unknown((substance(tag)[0] for tag in one["allergen_tags"]), keyed(tables["substances"])):
        yield f"names the unknown substance '{name}'"
    for name in unknown(one["incompatible_with"], {*known, "*"}):
        yield f"is incompatible with the unknown ingredient '{name}'"
    for name in unknown((warning["with"] for warning in one["interaction_warnings"]), known):
        yield f"interacts with the unknown ingredient '{name}'"
    conditions = keyed(tables["conditions"])
    for name in unknown(one["related_conditions"], conditions):
        yield f"names the unknown condition '{name}'"
    for name in one["related_conditions"]:
        only = conditions[name]["only_for_ingredients"] if name in conditions else []
        if only and one["key"] not in only:
            yield f"names the condition '{name}', which is for other ingredients"


def _ingredient_dose(one: Record) -> Iterator[str]:
    if one["vehicle"] == "oil" and not one["blocked_by_default"]:
        yield "is oil based and not blocked"
    if one["max_per_session"] is None and not one["clinician_must_set_max"]:
        yield "has no maximum and does not ask a clinician to set one"


def _conditions(tables: Tables) -> Iterator[Fault]:
    fault = complaint("conditions")
    ingredients = keyed(tables["ingredients"])
    for condition in tables["conditions"]:
        for name in unknown(condition["only_for_ingredients"], ingredients):
            yield fault(condition, f"is for the unknown ingredient '{name}'")
        if not condition["applies_to"]:
            yield fault(condition, "applies to no modality")
        if condition["kind"] == "event" and condition["washout_days"] is None:
            yield fault(condition, "is a dated event without washout_days")


def _scales(tables: Tables) -> Iterator[Fault]:
    fault = complaint("outcome_scales")
    indications = keyed(tables["indications"])
    for scale in tables["outcome_scales"]:
        for name in unknown(scale["for_indications"], indications):
            yield fault(scale, f"is for the unknown indication '{name}'")
        if scale["min"] is None or scale["max"] is None or scale["step"] is None:
            if not scale["blocked"]:
                yield fault(scale, "has no range and is not blocked")
            continue
        if scale["min"] >= scale["max"]:
            yield fault(scale, "min is not below max")
        for grade in scale["labels"]:
            low, high = grade_of(grade)
            if not scale["min"] <= low <= high <= scale["max"]:
                yield fault(scale, f"grade '{grade}' is outside its range")


def grade_of(grade: str) -> tuple[int, int]:
    """The lowest and highest value of a grade written as `3`, `-3` or `2-5`."""
    low, dash, high = grade[1:].partition("-")
    return int(grade[0] + low), int(high) if dash else int(grade[0] + low)


def _services(tables: Tables) -> Iterator[Fault]:
    fault = complaint("services")
    techniques = keyed(tables["techniques"])
    for service in tables["services"]:
        technique = techniques.get(service["technique"])
        if service["technique"] and not technique:
            yield fault(service, f"names the unknown technique '{service['technique']}'")
        if technique and technique["modality"] != service["modality"]:
            yield fault(service, f"technique '{service['technique']}' is not for its modality")
        if (service["kind"] == "treatment") != bool(service["modality"]):
            yield fault(service, "a treatment, and nothing else, names a modality")
        if service["fulfils_days"] and not service["fulfils"]:
            yield fault(service, "fulfils_days without fulfils")
        for what in segment_faults(service["segments"]):
            yield fault(service, what)


def segment_faults(segments: list[Record]) -> Iterator[str]:
    """What is wrong with the segments of a visit."""
    if not any(segment["kind"] == "hands_on" for segment in segments):
        yield "has no hands_on segment"
    for place, segment in enumerate(segments, start=1):
        if not segment["base_minutes"] and not segment["minutes_per_area"]:
            yield f"segment {place} takes no time"
        if segment["kind"] == "hands_on" and not segment["holds_practitioner"]:
            yield f"segment {place} is hands_on without the practitioner"


def _events(tables: Tables) -> Iterator[Fault]:
    fault = complaint("aftercare.adverse_events")
    for event in tables["aftercare.adverse_events"]:
        if event["severity"] in ("urgent", "emergency") and event["response_target_minutes"] is None:
            yield fault(event, "is urgent without response_target_minutes")
    for table in ("aftercare.steps", "aftercare.adverse_events", "aftercare.follow_ups"):
        for record in tables[table]:
            if not record["applies_to"]:
                yield complaint(table)(record, "applies to no modality")
