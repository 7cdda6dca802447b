"""`./run bench [NAME…] [--size small|large] [--rounds N] [--seed N]`: a table and one JSON line; 0 if all hold."""

import argparse
import logging
import os
import random
import sys
from contextlib import ExitStack
from statistics import median, quantiles

os.environ["STAFF_MFA"] = "required"

import django
import structlog

django.setup()

from tests.bench import bulk, free_times, places, planning, report, visits  # noqa: E402 (needs the apps)
from tests.bench.report import Row, Samples  # noqa: E402 (needs the apps)

BENCHES = {"availability": free_times, "booking": visits, "planning": planning}
ROUNDS = {"small": 3, "large": 2}
MOST_STATEMENTS = 30
MOST_GROWTH, GROWTH_GOAL = 1.3, 1.1


def main(arguments: list[str]) -> int:
    """Measure the named workloads, all by default; `large` measures both sizes and how the ratios grow."""
    parser = argparse.ArgumentParser(prog="./run bench")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(BENCHES)}")
    parser.add_argument("--size", choices=tuple(ROUNDS), default="small")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    if unknown := set(asked.names) - set(BENCHES):
        parser.error(f"no such workloads: {', '.join(sorted(unknown))}")
    names, sizes = asked.names or list(BENCHES), ["small", "large"] if asked.size == "large" else ["small"]
    random.seed(asked.seed)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    samples = Samples()
    with ExitStack() as stack:
        opened = [stack.enter_context(places.place(size)) for size in sizes]
        counted = {(name, place.size): BENCHES[name].queries(place) for place in opened for name in names}
        for _round in range(asked.rounds or ROUNDS[asked.size]):
            samples.begin_round()
            for name in names:
                for place in opened:
                    BENCHES[name].measure(place, samples)
    rows = [row for size in sizes for name in names for row in ROWS[name](samples, size, counted[name, size])]
    if len(sizes) > 1:
        rows += _growth(rows)
    line = report.json_line(names, asked.size, asked.seed, rows)
    sys.stdout.write(f"{report.table(rows)}\n{line}\n")
    return 0 if all(row.holds for row in rows) else 1


def _free_times(samples: Samples, size: str, counted: tuple[int, int]) -> list[Row]:
    few, many = counted
    told = {"also": few == many}
    return [
        report.row(samples, size, "W1", must=4, goal=3, queries=few, **told),
        report.row(samples, size, "W2a", must=2.5, goal=2, queries=many, **told),
        report.row(samples, size, "W2b", must=3, goal=2, queries=many, **told),
    ]


def _visits(samples: Samples, size: str, counted: int) -> list[Row]:
    winners = samples.medians(size, "W3 winners", "ours")
    of_rate = {"must": 0.08, "goal": 0.14, "is_rate": True}
    return [
        report.row(samples, size, "W3", name="W3 p50", must=14, goal=9, queries=counted,
                   also=counted <= MOST_STATEMENTS),
        report.row(samples, size, "W3", name="W3 p95", must=14, goal=9, of=_p95),
        report.row(samples, size, "W3 rate", **of_rate, more={"a second": "ours_ms and floor_ms are visits"}),
        report.row(samples, size, "W3 one person", name="W3 person", **of_rate),
        Row("W3 wins", size, median(winners), 1, 1, holds=not samples.wrong["W3 winners"],
            more={"winners of 50, by round": winners}),
    ]  # fmt: skip


def _courses(samples: Samples, size: str, counted: tuple[int, int]) -> list[Row]:
    booked, planned = counted
    return [
        report.row(samples, size, "W4a", must=16, goal=10, queries=booked),
        report.row(samples, size, "W4b", must=150, goal=80, queries=booked + planned),
        *bulk.rows(samples, size),
    ]


def _growth(rows: list[Row]) -> list[Row]:
    """W6: the ratios at a million rows against those at ten thousand."""
    small = {row.workload: row.ratio for row in rows if row.size == "small"}
    grown = []
    for row in (row for row in rows if row.size == "large" and row.workload != "W3 wins"):
        is_rate = row.must < 1
        growth = small[row.workload] / row.ratio if is_rate else row.ratio / small[row.workload]
        name = f"W6 {row.workload.removeprefix('W3 ')}"
        grown.append(Row(name, "large", round(growth, 3), MOST_GROWTH, GROWTH_GOAL, holds=growth <= MOST_GROWTH))
    return grown


def _p95(values: list[float]) -> float:
    return quantiles(values, n=20)[-1]


ROWS = {"availability": _free_times, "booking": _visits, "planning": _courses}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
