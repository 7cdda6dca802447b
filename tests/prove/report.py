"""What a run of proofs says: a table for people, and one JSON line."""

import json
from dataclasses import asdict, dataclass, field

COLUMNS = ("name", "tried", "accepted", "doubled", "lost", "errors", "seconds", "teeth", "holds")


@dataclass
class Row:
    """One promise. `teeth` tells whether the attack found the fault once the protection was gone."""

    name: str
    tried: int = 0
    accepted: int = 0
    doubled: int = 0
    lost: int = 0
    errors: int = 0
    seconds: float = 0.0
    teeth: bool = False
    holds: bool = False
    more: dict[str, object] = field(default_factory=dict)

    def settle(self, *, holds: bool) -> "Row":
        """Say whether the promise held; without teeth it never does."""
        self.holds = holds and self.teeth
        return self

    def as_dict(self) -> dict[str, object]:
        """The row as JSON has it."""
        columns = asdict(self)
        return {name: columns[name] for name in COLUMNS} | self.more


def table(rows: list[Row]) -> str:
    """The rows in columns, with what else was measured below each."""
    lines = ["  ".join(f"{name:>10}" for name in COLUMNS)]
    for row in rows:
        shown = row.as_dict() | {"seconds": f"{row.seconds:.1f}"}
        lines.append("  ".join(f"{shown[name]!s:>10}" for name in COLUMNS))
        lines += [f"{'':12}{name}: {value}" for name, value in row.more.items()]
    return "\n".join(lines)


def json_line(names: list[str], size: str, seed: int, rows: list[Row]) -> str:
    """Everything in one line of JSON."""
    holds = bool(rows) and all(row.holds for row in rows)
    told = {"prove": names, "size": size, "seed": seed, "holds": holds, "rows": [row.as_dict() for row in rows]}
    return json.dumps(told, default=str)
