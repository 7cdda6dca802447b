"""Child processes that start, log and stop together.

Each child runs in a session of its own, so that Ctrl-C does not reach it and the stop order holds, and writes to a log
file, so that its last words survive the supervisor. Nothing here uses threads or pipes.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

LEASH = Path(__file__).with_name("leash.py")
STOP_SECONDS = 15
LAST_LINES = 15


class Died(RuntimeError):
    """A child ended by itself; the text holds its last log lines."""


class NotReady(RuntimeError):
    """Something did not become ready in time."""


@dataclass
class Child:
    """One process: how it starts, where it logs, and which signal asks it to stop."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    log: Path
    folder: Path | None = None
    stop_signal: int = signal.SIGTERM
    user: str = ""
    process: subprocess.Popen = field(init=False, repr=False)
    _read_to: int = field(default=0, init=False)

    def start(self) -> None:
        """Start the process with an empty log."""
        leash = [sys.executable, "-I", "-S", str(LEASH), str(int(self.stop_signal)), str(os.getpid()), self.user]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*leash, *self.command],
                env=dict(self.environment),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def has_ended(self) -> bool:
        """Tell whether the process is over."""
        return self.process.poll() is not None

    def has_logged(self, text: str) -> bool:
        """Tell whether the log holds this text."""
        return text in self.log.read_text(errors="replace")

    def new_lines(self) -> list[str]:
        """Return the whole lines logged since the last call."""
        with self.log.open("rb") as log:
            log.seek(self._read_to)
            fresh = log.read()
        fresh = fresh[: fresh.rfind(b"\n") + 1]
        self._read_to += len(fresh)
        return fresh.decode(errors="replace").splitlines()

    def last_lines(self) -> str:
        """Return the end of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LAST_LINES:])

    def stop(self) -> None:
        """Ask the process to end, wait, and end what is left of its session."""
        if not self.has_ended():
            self.process.send_signal(self.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_SECONDS)
        _kill_session(self.process.pid)
        self.process.wait()


class Group:
    """Children that depend on each other: started one by one, stopped in the opposite order, watched together."""

    def __init__(self, record: Path, report: Callable[[str, str], None] = lambda name, line: None) -> None:
        self.record = record
        self.report = report
        self.children: list[Child] = []

    def start(self, child: Child) -> Child:
        """Start a child and note it down, so that the next start can end it should this one be killed."""
        child.start()
        self.children.append(child)
        self._note_down()
        return child

    def watch(self) -> None:
        """Report what was logged and raise `Died` if a child is over."""
        for child in self.children:
            if self._report_until_now(child):
                raise Died(_last_words(child))

    def wait_until(self, ready: Callable[[], bool], *, seconds: float, what: str) -> None:
        """Watch until `ready` answers true."""
        deadline = time.monotonic() + seconds
        while not ready():
            self.watch()
            if time.monotonic() > deadline:
                raise NotReady(f"{what} was not ready after {seconds:.0f} seconds.")
            time.sleep(0.05)

    def finish(self, child: Child, *, seconds: float) -> None:
        """Run a child to its end while the others are watched; raise `Died` if it fails."""
        child.start()
        self._note_down(child)
        try:
            self.wait_until(lambda: self._report_until_now(child), seconds=seconds, what=child.name)
        finally:
            child.stop()
            self._note_down()
        if child.process.returncode:
            raise Died(_last_words(child))

    def stop(self) -> None:
        """Stop all, the last started first."""
        while self.children:
            child = self.children[-1]
            child.stop()
            self._report_until_now(child)
            self.children.pop()
        self.record.unlink(missing_ok=True)

    def _report_until_now(self, child: Child) -> bool:
        ended = child.has_ended()
        for line in child.new_lines():
            self.report(child.name, line)
        return ended

    def _note_down(self, *passing: Child) -> None:
        notes = [
            {"pid": child.process.pid, "born": born_at(child.process.pid), "signal": int(child.stop_signal)}
            for child in [*self.children, *passing]
        ]
        fresh = self.record.with_suffix(".new")
        fresh.write_text(json.dumps(notes))
        fresh.replace(self.record)


def stop_leftovers(record: Path) -> int:
    """End the children that a killed supervisor noted down in `record`; return how many there were."""
    if not record.exists():
        return 0
    left = [note for note in reversed(json.loads(record.read_text())) if _still_runs(note)]
    for note in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(note["pid"], note["signal"])
        deadline = time.monotonic() + STOP_SECONDS
        while _still_runs(note) and time.monotonic() < deadline:
            time.sleep(0.05)
        if _still_runs(note):
            _kill_session(note["pid"])
    record.unlink()
    return len(left)


def born_at(pid: int) -> str | None:
    """Return the kernel's start time of a process: with it a number that was given again is told apart."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if after_name[0] == "Z" else after_name[19]


def _last_words(child: Child) -> str:
    return f"{child.name} ended with code {child.process.returncode}. Its last lines:\n{child.last_lines()}"


def _still_runs(note: dict) -> bool:
    return note["born"] is not None and born_at(note["pid"]) == note["born"]


def _kill_session(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
