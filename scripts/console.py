"""What the person who called `./run` reads."""

import sys

NAME_WIDTH = 8
COLOURS = {"web": 32, "worker": 36, "beat": 35, "mail": 33, "prepare": 34, "postgres": 90, "valkey": 90}
QUIET = {"postgres", "valkey"}


def say(text: str) -> None:
    """Print our own words, apart from the log lines."""
    print(_coloured(text, 1), flush=True)


def say_line(name: str, line: str) -> None:
    """Print one log line with the name of its process; the servers' logs stay in their files."""
    if name not in QUIET:
        print(f"{_coloured(f'{name:<{NAME_WIDTH}}|', COLOURS.get(name, 0))} {line}", flush=True)


def _coloured(text: str, colour: int) -> str:
    return f"\033[{colour}m{text}\033[0m" if sys.stdout.isatty() else text
