"""`./run prove [NAME…] [--size small|full] [--seed N]`: prints a table and one JSON line; 0 only if all hold."""

import argparse
import random
import sys

import django

django.setup()

from tests.prove import broker, burst, crossed, kills, report, submissions  # noqa: E402 (needs the apps)

PROOFS = {"booking": (burst.prove, submissions.prove, crossed.prove, kills.prove, broker.prove)}


def main(arguments: list[str]) -> int:
    """Run the named proofs, all by default."""
    parser = argparse.ArgumentParser(prog="./run prove")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(PROOFS)}")
    parser.add_argument("--size", choices=("small", "full"), default="small")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    if unknown := set(asked.names) - set(PROOFS):
        parser.error(f"no such proof: {', '.join(sorted(unknown))}")
    names = asked.names or list(PROOFS)
    rows = []
    for proof in (proof for name in names for proof in PROOFS[name]):
        random.seed(asked.seed)
        rows.append(proof(asked.size))
    line = report.json_line(names, asked.size, asked.seed, rows)
    sys.stdout.write(f"{report.table(rows)}\n{line}\n")
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
