"""`./run prove [NAME…] [--size small|full] [--seed N]`: prints a table and one JSON line; 0 only if all hold.

A name is a subject (`booking`: all its proofs) or one proof of it (`booking.burst`).
"""

import argparse
import random
import sys

import django

django.setup()

from tests.prove import (  # noqa: E402 (needs the apps)
    broker,
    bulk,
    burst,
    calendars,
    crossed,
    crowd,
    forbidden,
    kills,
    machine,
    planning,
    races,
    reflow,
    report,
    submissions,
    versions,
)

PROOFS = {
    "booking": {
        "burst": burst.prove,
        "races": races.prove,
        "forbidden": forbidden.prove,
        "machine": machine.prove,
        "calendars": calendars.prove,
        "submissions": submissions.prove,
        "crossed": crossed.prove,
        "kills": kills.prove,
        "broker": broker.prove,
    },
    "planning": {
        "exact": planning.prove,
        "bulk": bulk.prove,
        "crowd": crowd.prove,
        "versions": versions.prove,
        "reflow": reflow.prove,
    },
}


def main(arguments: list[str]) -> int:
    """Run the named proofs, all by default."""
    parser = argparse.ArgumentParser(prog="./run prove")
    known = [*PROOFS, *(f"{subject}.{name}" for subject, proofs in PROOFS.items() for name in proofs)]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(known)}")
    parser.add_argument("--size", choices=("small", "full"), default="small")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    if unknown := set(asked.names) - set(known):
        parser.error(f"no such proof: {', '.join(sorted(unknown))}")
    names, rows = asked.names or list(PROOFS), []
    for proof in _named(names):
        random.seed(asked.seed)
        rows.append(proof(asked.size))
        said = "holds" if rows[-1].holds else "does NOT hold"
        sys.stderr.write(f"{rows[-1].name}: {said}, {rows[-1].seconds:.0f} s\n")
    line = report.json_line(names, asked.size, asked.seed, rows)
    sys.stdout.write(f"{report.table(rows)}\n{line}\n")
    return 0 if all(row.holds for row in rows) else 1


def _named(names: list[str]) -> list:
    """The proofs of these names, each once, in the order of the list above."""
    wanted = {f"{subject}.{name}" for subject, proofs in PROOFS.items() for name in proofs if subject in names}
    wanted |= set(names)
    return [
        proof for subject, proofs in PROOFS.items() for name, proof in proofs.items() if f"{subject}.{name}" in wanted
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
