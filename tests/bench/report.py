"""What a run of benchmarks says: a table for people, and one JSON line."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from statistics import median

COLUMNS = ("workload", "size", "ours_ms", "min", "max", "floor_ms", "raw_ms", "ratio", "must", "goal", "queries")


@dataclass
class Row:
    """One figure next to its floor. `ratio` is ours / floor; for a rate the same, and more is better."""

    workload: str
    size: str
    ratio: float
    must: float
    goal: float
    holds: bool
    ours_ms: float | None = None
    min: float | None = None
    max: float | None = None
    floor_ms: float | None = None
    raw_ms: float | None = None
    queries: int | None = None
    more: dict[str, object] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """The row as JSON has it."""
        told = {name: getattr(self, name) for name in COLUMNS} | {"holds": self.holds} | self.more
        return {name: value for name, value in told.items() if value is not None}


class Samples:
    """Seconds by size, workload and who was measured, in rounds; and whether every answer was right."""

    def __init__(self) -> None:
        self.rounds: list[dict] = []
        self.wrong: dict[str, list[str]] = defaultdict(list)

    def begin_round(self) -> None:
        self.rounds.append(defaultdict(list))

    def add(self, size: str, workload: str, **seconds: float) -> None:
        for who, value in seconds.items():
            self.rounds[-1][size, workload, who].append(value)

    def check(self, workload: str, is_right: object, what: str = "wrong answer") -> None:
        if not is_right:
            self.wrong[workload].append(what)

    def medians(self, size: str, workload: str, who: str, of=median) -> list[float]:
        """One figure for each round."""
        lists = [found[size, workload, who] for found in self.rounds]
        return [of(values) for values in lists if values]


def row(samples: Samples, size: str, workload: str, *, must: float, goal: float, of=median, **details) -> Row:
    """The medians of the rounds' figures, and their ratio."""
    ours, floor, raw = (samples.medians(size, workload, who, of) for who in ("ours", "floor", "raw"))
    ratio = median(ours) / median(floor)
    is_rate, also = details.pop("is_rate", False), details.pop("also", True)
    holds = (ratio >= must if is_rate else ratio <= must) and not samples.wrong[workload]
    scale = 1 if is_rate else 1000
    if samples.wrong[workload]:
        details["more"] = details.get("more", {}) | {"wrong": dict(Counter(samples.wrong[workload]))}
    return Row(
        workload=details.pop("name", workload),
        size=size,
        ratio=round(ratio, 3),
        must=must,
        goal=goal,
        holds=holds and also,
        ours_ms=round(median(ours) * scale, 2),
        min=round(min(ours) * scale, 2),
        max=round(max(ours) * scale, 2),
        floor_ms=round(median(floor) * scale, 2),
        raw_ms=round(median(raw) * scale, 2) if raw else None,
        **details,
    )


def table(rows: list[Row]) -> str:
    """The rows in columns, with what else was counted below each."""
    lines = ["  ".join(f"{name:>9}" for name in (*COLUMNS, "holds"))]
    for one in rows:
        shown = [getattr(one, name) for name in COLUMNS]
        lines.append("  ".join(f"{'' if value is None else value!s:>9}" for value in (*shown, one.holds)))
        lines += [f"{'':11}{name}: {value}" for name, value in one.more.items()]
    return "\n".join(lines)


def json_line(names: list[str], size: str, seed: int, rows: list[Row]) -> str:
    """Everything in one line of JSON."""
    holds = bool(rows) and all(one.holds for one in rows)
    told = {"bench": names, "size": size, "seed": seed, "holds": holds, "rows": [one.as_dict() for one in rows]}
    return json.dumps(told, default=str)
