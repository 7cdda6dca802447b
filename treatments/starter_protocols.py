"""What must hold for a protocol of the starter files: depths, doses, mixes, phases, minutes and every name it uses."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import combinations

from treatments.starter_files import Fault, Record, Tables
from treatments.starter_rules import complaint, keyed, rises, segment_faults, unknown

EMERGENCY_ADVICE = "escalate_emergency"


def check(tables: Tables) -> list[Fault]:
    """Every fault of protocols.json; needs tables whose other files have none."""
    rules = (_names, _scales_and_checks, _depths, _mix, _anaesthetic, _amounts, _phases, _minutes, _advice, _follow_ups)
    known = {table: keyed(records) for table, records in tables.items() if table != "consent_texts"}
    known["consent_texts"] = {text["scope"]: text for text in tables["consent_texts"]}
    fault = complaint("protocols")
    return [fault(one, what) for one in tables["protocols"] for rule in rules for what in rule(one, known)]


Known = dict[str, dict[str, Record]]


def _names(one: Record, known: Known) -> Iterator[str]:
    for field, table in (("indication", "indications"), ("service", "services"), ("consent_form", "consent_texts")):
        if one[field] not in known[table]:
            yield f"names the unknown {field} '{one[field]}'"
    if known["indications"].get(one["indication"], {}).get("blocked"):
        yield f"indication '{one['indication']}' is blocked"
    service = known["services"].get(one["service"])
    if service and service["modality"] != one["modality"]:
        yield f"service '{one['service']}' is not for {one['modality']}"


def _scales_and_checks(one: Record, known: Known) -> Iterator[str]:
    for name in unknown(one["outcome_scales"], known["outcome_scales"]):
        yield f"names the unknown outcome scale '{name}'"
    for name in one["outcome_scales"]:
        if known["outcome_scales"].get(name, {}).get("blocked"):
            yield f"outcome scale '{name}' is blocked"
    for name in unknown(one["extra_check_conditions"], known["conditions"]):
        yield f"names the unknown condition '{name}'"
    for name in one["extra_check_conditions"]:
        condition = known["conditions"].get(name)
        if condition and one["modality"] not in condition["applies_to"]:
            yield f"condition '{name}' is not for {one['modality']}"


def _depths(one: Record, known: Known) -> Iterator[str]:
    rule = _needling_depth if one["modality"] == "microneedling" else _injection_depth
    names = [step["area"] for step in one["areas"]]
    if not names:
        yield "treats no area"
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"area '{name}' stands twice"
    for step in one["areas"]:
        area = known["areas"].get(step["area"])
        if area is None:
            yield f"names the unknown area '{step['area']}'"
        elif not area[f"{one['modality']}_allowed"]:
            yield f"{one['modality']} is blocked on '{step['area']}'"
        elif not all(
            rises(step, f"{what}min{unit}", f"{what}typical{unit}", f"{what}max{unit}")
            for what, unit in (("depth_", "_mm"), ("passes_", ""), ("points_", ""))
        ):
            yield f"figures on '{step['area']}' do not rise"
        else:
            yield from rule(one, step, known)


def _needling_depth(one: Record, step: Record, known: Known) -> Iterator[str]:
    area, deepest = known["areas"][step["area"]], step["depth_max_mm"]
    usual, cap = area["microneedling_depth_max_mm"], area["microneedling_depth_hard_cap_mm"]
    if step["depth_min_mm"] < area["microneedling_depth_min_mm"]:
        yield f"{step['depth_min_mm']} mm on '{step['area']}' is shallower than the area allows"
    if deepest > cap:
        yield f"{deepest} mm on '{step['area']}' is over the cap of {cap} mm"
    elif deepest > usual and not step["reason"]:
        yield f"{deepest} mm on '{step['area']}' is above the usual {usual} mm and gives no reason"
    for name in ("max_depth_mm", "hard_max_depth_mm"):
        limit = one["limits"].get(name)
        if limit is not None and deepest > limit:
            yield f"{deepest} mm on '{step['area']}' is over {name} of {limit} mm"


def _injection_depth(one: Record, step: Record, known: Known) -> Iterator[str]:
    technique = known["techniques"].get(step["technique"])
    if technique is None or technique["modality"] != one["modality"]:
        yield f"names the unknown technique '{step['technique']}'"
        return
    low, high = technique["depth_min_mm"], technique["depth_max_mm"]
    if low is not None and not low <= step["depth_min_mm"] <= step["depth_max_mm"] <= high:
        yield f"depth on '{step['area']}' is outside the {low} to {high} mm of technique '{step['technique']}'"


def _mix(one: Record, known: Known) -> Iterator[str]:
    names = [line["ingredient"] for line in one["ingredients"]]
    if one["modality"] == "mesotherapy" and not names:
        yield "has no ingredients"
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"ingredient '{name}' stands twice"
    for line in one["ingredients"]:
        ingredient = known["ingredients"].get(line["ingredient"])
        if ingredient is None:
            yield f"names the unknown ingredient '{line['ingredient']}'"
        else:
            yield from _line(line, ingredient)
    ingredients = known["ingredients"]
    for first, second in combinations([name for name in dict.fromkeys(names) if name in ingredients], 2):
        if are_incompatible(ingredients[first], ingredients[second]):
            yield f"'{first}' and '{second}' must not be mixed"


def _line(line: Record, ingredient: Record) -> Iterator[str]:
    name, largest = line["ingredient"], ingredient["max_per_session"]
    if line["unit"] != ingredient["unit"]:
        yield f"'{name}' is in {line['unit']}, expected {ingredient['unit']}"
    elif largest is not None and line["amount"] > largest:
        yield f"{line['amount']} {line['unit']} of '{name}' is over its maximum of {largest}"
    if not line["amount"]:
        yield f"'{name}' has no amount"
    if ingredient["blocked_by_default"]:
        yield f"'{name}' is blocked"


def are_incompatible(first: Record, second: Record) -> bool:
    """Whether one of two ingredients must not be mixed with the other; `*` means with anything."""
    return any(
        other["key"] in one["incompatible_with"] or "*" in one["incompatible_with"]
        for one, other in ((first, second), (second, first))
    )


def _anaesthetic(one: Record, known: Known) -> Iterator[str]:
    anaesthetic = one["anaesthetic"]
    if not rises(anaesthetic, "minutes_min", "minutes_typical", "minutes_max"):
        yield "anaesthetic minutes do not rise"
    for name in unknown(anaesthetic["source"], known["sources"]):
        yield f"anaesthetic names the unknown source '{name}'"
    if anaesthetic["kind"] == "none":
        return
    ingredient = known["ingredients"].get(anaesthetic["ingredient"])
    if ingredient is None:
        yield f"anaesthetic names the unknown ingredient '{anaesthetic['ingredient']}'"
    elif ingredient["category"] != "anaesthetic" or ingredient["blocked_by_default"]:
        yield f"'{anaesthetic['ingredient']}' is not an anaesthetic that may be used"
    if not anaesthetic["agent"]:
        yield "anaesthetic names no product"


def _amounts(one: Record, known: Known) -> Iterator[str]:
    total, limits = one["total_volume_ml"], one["limits"]
    volume = sum((line["volume_ml"] or 0 for line in one["ingredients"]), start=Decimal(0))
    if total is not None and volume != total:
        yield f"volumes add up to {volume} ml, total_volume_ml is {total}"
    if (total or 0) > limits.get("max_total_ml", total or 0):
        yield f"total_volume_ml of {total} is over max_total_ml of {limits['max_total_ml']}"
    milligrams = sum(line["amount"] for line in one["ingredients"] if line["unit"] == "mg")
    if milligrams > limits.get("max_mg", milligrams):
        yield f"{milligrams} mg are over max_mg of {limits['max_mg']}"
    points = sum(step.get("points_min") or 0 for step in one["areas"])
    if points > limits.get("max_points", points):
        yield f"{points} points are over max_points of {limits['max_points']}"
    for step in one["areas"]:
        least = (step.get("points_min") or 0) * step.get("volume_per_point_ml", 0)
        if total is not None and least > total:
            yield f"'{step['area']}' needs {least} ml, more than total_volume_ml of {total}"


def _phases(one: Record, known: Known) -> Iterator[str]:
    counted = [phase for phase in one["phases"] if phase["counts_towards_series"]]
    total = sum(phase["sessions"] for phase in counted)
    if total != one["sessions_typical"]:
        yield f"phases add up to {total} sessions, sessions_typical is {one['sessions_typical']}"
    for phase in one["phases"]:
        if not rises(phase, "interval_min_days", "interval_typical_days", "interval_max_days"):
            yield f"intervals of phase '{phase['name']}' do not rise"
        if phase["interval_min_days"] < one["limits"].get("min_interval_days", 1):
            yield f"phase '{phase['name']}' is below the shortest interval"
    if counted and min(phase["interval_min_days"] for phase in counted) != one["interval_min_days"]:
        yield "interval_min_days is not that of its phases"
    if one["sessions_max"] > one["limits"].get("max_sessions", one["sessions_max"]):
        yield f"sessions_max is over max_sessions of {one['limits']['max_sessions']}"
    ideal = {phase["interval_typical_days"] for phase in one["phases"] if not phase["counts_towards_series"]}
    if one["maintenance"] and ideal != {one["maintenance"]["interval_days"]}:
        yield "maintenance has no phase of its own with its interval"


def _minutes(one: Record, known: Known) -> Iterator[str]:
    yield from segment_faults(one["segments"])
    taken = dict.fromkeys(("numbing", "hands_on", "recovery", "turnaround"), 0)
    for segment in one["segments"]:
        taken[segment["kind"]] += segment["base_minutes"] + segment["minutes_per_area"] * len(one["areas"])
    for kind, wanted, name in (
        ("hands_on", one["duration_minutes"], "duration_minutes"),
        ("numbing", one["anaesthetic"]["minutes_typical"], "the anaesthetic's minutes_typical"),
        ("turnaround", one["buffer_minutes"], "buffer_minutes"),
    ):
        if taken[kind] != wanted:
            yield f"{kind} segments take {taken[kind]} minutes, {name} is {wanted}"
    if sum(taken.values()) != one["room_occupancy_minutes"]:
        yield f"segments take {sum(taken.values())} minutes, room_occupancy_minutes is {one['room_occupancy_minutes']}"
    if taken["hands_on"] != one["operator_minutes"]:
        yield f"hands_on segments take {taken['hands_on']} minutes, operator_minutes is {one['operator_minutes']}"


def _advice(one: Record, known: Known) -> Iterator[str]:
    groups = {known["areas"][step["area"]]["group"] for step in one["areas"] if step["area"] in known["areas"]}
    for line in one["aftercare_steps"]:
        step = known["aftercare.steps"].get(line["step"])
        if step is None:
            yield f"names the unknown aftercare step '{line['step']}'"
            continue
        if one["modality"] not in step["applies_to"]:
            yield f"aftercare step '{line['step']}' is not for {one['modality']}"
        if line["offset_hours"] > step["offset_hours_end"]:
            yield f"aftercare step '{line['step']}' is sent after it ends"
        if step["only_for_area_groups"] and not groups & set(step["only_for_area_groups"]):
            yield f"aftercare step '{line['step']}' is for other areas"
    if EMERGENCY_ADVICE not in [line["step"] for line in one["aftercare_steps"]]:
        yield "gives no emergency advice"


def _follow_ups(one: Record, known: Known) -> Iterator[str]:
    for line in one["follow_up_reminders"]:
        follow_up = known["aftercare.follow_ups"].get(line["follow_up"])
        if follow_up is None:
            yield f"names the unknown follow-up '{line['follow_up']}'"
        elif follow_up["blocked"]:
            yield f"follow-up '{line['follow_up']}' is blocked"
        elif one["modality"] not in follow_up["applies_to"]:
            yield f"follow-up '{line['follow_up']}' is not for {one['modality']}"
        elif line["offset_hours"] != follow_up["offset_hours"]:
            yield f"follow-up '{line['follow_up']}' has another offset than in aftercare.json"
