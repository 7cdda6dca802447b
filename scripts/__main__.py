"""The commands of `./run`."""

import sys

from scripts import local, supervisor, testing
from scripts.console import say

HELP = """\
./run                 start the clinic with its demo data; Ctrl-C stops it
./run new             start an empty clinic, to be set up in the browser
./run test [ARGS]     all checks and tests; with arguments, pytest alone with them
./run manage ARGS     manage.py with the same servers
./run prove [NAME]    the promises under attack
./run bench [NAME]    the speed figures
./run screenshots     the pictures of docs/screens and docs/work, taken anew
./run reset           drop the local state: database, mail, uploads, keys"""
COMMANDS = {
    "manage": supervisor.manage,
    "new": supervisor.new,
    "reset": supervisor.reset,
    "test": testing.test,
    "prove": testing.prove,
    "bench": testing.bench,
    "screenshots": testing.screenshots,
}


def main(arguments: list[str]) -> int:
    """Run the named command, or the clinic itself."""
    if arguments[:1] in (["help"], ["--help"], ["-h"]):
        say(HELP)
        return 0
    command = COMMANDS.get(arguments[0]) if arguments else None
    try:
        return command(arguments[1:]) if command else supervisor.run(arguments)
    except local.InUse as fault:
        say(f"Cadence is in use here by {fault}. Stop that first.")
    except (RuntimeError, PermissionError) as fault:
        say(str(fault))
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
