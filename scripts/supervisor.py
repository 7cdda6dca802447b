"""`./run`, `./run new`, `./run manage` and `./run reset`: the one stack in the local state."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts import children, environment, local
from scripts.console import say, say_line
from scripts.stack import Stack

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody asked us to stop; no ordinary handler may swallow it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = number


def run(arguments: list[str]) -> int:
    """Start the clinic and keep it up until Ctrl-C, or until one of its processes ends by itself."""
    if arguments:
        say(f"./run takes no argument like '{arguments[0]}'. Try ./run help.")
        return 2
    state = local.state_folder()
    with local.held(state, what="./run"):
        stack = Stack(state, environment.given(), report=say_line)
        with _stopped_in_order(stack):
            _serve(stack, state)
    return 0


def new(arguments: list[str]) -> int:
    """Start a clinic without the demo, in a folder of its own; it goes on where it was left."""
    if arguments:
        say(f"./run new takes no argument like '{arguments[0]}'.")
        return 2
    state = local.state_folder()
    with local.held(state, what="./run new"):
        folder = state / "new"
        folder.mkdir(mode=0o711, exist_ok=True)
        stack = Stack(folder, environment.given(), demo=False, report=say_line)
        with _stopped_in_order(stack):
            _serve(stack, state)
    return 0


def manage(arguments: list[str]) -> int:
    """Run `manage.py` with the servers of `./run`, which are started for it if they are not up."""
    state = local.state_folder()
    try:
        with local.held(state, what="./run manage"):
            stack = Stack(state, environment.given())
            with _stopped_in_order(stack):
                _start_servers(stack, state)
                return _manage(stack.environment, arguments)
    except local.InUse:
        if not _settings_file(state).exists():
            raise
        settings = json.loads(_settings_file(state).read_text())
        os.execve(
            sys.executable, _manage_command(arguments), environment.without_settings() | settings | environment.given()
        )


def reset(arguments: list[str]) -> int:
    """Drop the local state: database, mail, uploads, keys. Refuse while it is in use."""
    state = local.state_folder()
    with local.held(state, what="./run reset"):
        children.stop_leftovers(state / "children.json")
        shutil.rmtree(state)
    say(f"The local state is gone ({state}). The next ./run starts with a new demo clinic.")
    return 0


def _serve(stack: Stack, state: Path) -> None:
    began = time.monotonic()
    _start_servers(stack, state)
    stack.prepare()
    stack.start_processes()
    _announce(stack, time.monotonic() - began)
    while True:
        stack.watch()
        time.sleep(0.1)


def _announce(stack: Stack, seconds: float) -> None:
    say("worker ready")
    say(f"Cadence is up after {seconds:.1f} s: {stack.url}")
    for line in stack.logins_file.read_text().splitlines() if stack.demo else [f"Set it up: {stack.url}/setup/"]:
        say(line)
    say(f"Mail is kept in {stack.mail_dir}" if "EMAIL_URL" not in stack.overrides else "Mail goes to your EMAIL_URL.")
    say("Ctrl-C stops everything.")


def _manage(settings: dict[str, str], arguments: list[str]) -> int:
    process = subprocess.Popen(_manage_command(arguments), env=settings, cwd=local.PROJECT)
    while True:
        try:
            return process.wait()
        except Stopped as stop:
            if stop.signal != signal.SIGINT:  # the terminal sends Ctrl-C to the command as well
                process.send_signal(stop.signal)


def _manage_command(arguments: list[str]) -> list[str]:
    return [sys.executable, "manage.py", *arguments]


def _start_servers(stack: Stack, state: Path) -> None:
    """Start the servers and leave the settings where a `./run manage` beside us finds them."""
    _settings_file(state).unlink(missing_ok=True)
    stack.start_servers()
    settings = {name: stack.environment[name] for name in environment.NAMES if name in stack.environment}
    local.write_private(_settings_file(state), json.dumps(settings))


def _settings_file(state: Path) -> Path:
    return state / "settings.json"


@contextmanager
def _stopped_in_order(stack: Stack) -> Iterator[None]:
    """Turn stop signals into one orderly stop; further ones do not disturb it."""
    for number in STOP_SIGNALS:
        signal.signal(number, _interrupt)
    try:
        yield
    except Stopped:
        say("Stopping ...")
    finally:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        stack.stop()


def _interrupt(number: int, frame: object) -> None:
    raise Stopped(number)
