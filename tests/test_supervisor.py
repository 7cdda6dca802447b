"""What `./run` promises, with real processes and small stand-ins.

The whole supervisor runs in a copy whose `celery`, `gunicorn` and `manage.py` are stand-ins that start at once; the
real ones run in the browser tests.
"""

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts import children, environment, local, ports, testing
from scripts.__main__ import main

pytestmark = pytest.mark.xdist_group("supervisor")

PROJECT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 15

CELERY = """
import pathlib, signal, sys, time
name = "worker" if "worker" in sys.argv else "beat"
def stop(*unused):
    with pathlib.Path("stopped").open("a") as file: file.write(name + " ")
    sys.exit()
signal.signal(signal.SIGTERM, stop)
print(name, "ready.", flush=True)
while not (name == "worker" and pathlib.Path("crash").exists()): time.sleep(0.02)
print("out of memory", flush=True)
sys.exit(3)
"""
GUNICORN = """
import http.server, pathlib, signal, sys
class Live(http.server.BaseHTTPRequestHandler):
    def do_GET(self): self.send_response(200); self.end_headers()
def stop(*unused):
    with pathlib.Path("stopped").open("a") as file: file.write("web ")
    sys.exit()
signal.signal(signal.SIGTERM, stop)
port = int(sys.argv[sys.argv.index("--bind") + 1].rpartition(":")[2])
http.server.HTTPServer(("127.0.0.1", port), Live).serve_forever()
"""
MANAGE = """
import os, pathlib, sys
if "--logins-file" in sys.argv: pathlib.Path(sys.argv[-1]).write_text("reception@demo.example")
print(os.environ["SITE_URL"])
"""


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def is_running(pid):
    return children.born_at(pid) is not None


# -- The whole supervisor, with stand-ins -----------------------------------------------------------------------------


class Copy:
    """A checkout with a space in its path whose programs are stand-ins."""

    def __init__(self, folder):
        self.folder = folder
        shutil.copytree(PROJECT / "scripts", folder / "scripts")
        for name, code in {"celery.py": CELERY, "gunicorn.py": GUNICORN, "manage.py": MANAGE}.items():
            (folder / name).write_text(code)
        servers = {"DATABASE_URL": "postgres://nowhere/x", "REDIS_URL": "redis://nowhere"}
        self.environment = environment.without_settings() | servers
        self.started = []

    def run(self, *arguments):
        command = [sys.executable, "-m", "scripts", *arguments]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        process = subprocess.Popen(command, cwd=self.folder, env=self.environment, **pipes)
        self.started.append(process)
        return process

    def run_until_ready(self):
        process = self.run()
        said = []
        for line in process.stdout:
            said.append(line.rstrip())
            if line.startswith("Ctrl-C"):
                return process, said
        raise AssertionError("\n".join(said))

    def answer(self, *arguments):
        process = self.run(*arguments)
        said, _ = process.communicate(timeout=PATIENCE_SECONDS)
        return process.returncode, said

    def children(self):
        (record,) = [*self.folder.glob(".local/children.json"), *self._outside().glob("children.json")]
        return [note["pid"] for note in json.loads(record.read_text())]

    def stopped(self):
        return (self.folder / "stopped").read_text().split()

    def close(self):
        for process in self.started:
            process.terminate()
            process.communicate(timeout=PATIENCE_SECONDS)
        assert self.answer("reset")[0] == 0

    def _outside(self):
        code = "from scripts import local; print(local.state_folder())"
        return Path(subprocess.check_output([sys.executable, "-c", code], cwd=self.folder, text=True).strip())


@pytest.fixture
def copy(tmp_path):
    copy = Copy(tmp_path / "my clinic")
    yield copy
    copy.close()


def test_run_says_where_everything_is_when_ready(copy):
    _, said = copy.run_until_ready()

    assert said[-5] == "worker ready"
    assert re.fullmatch(r"Cadence is up after \d\.\d s: http://localhost:\d+", said[-4])
    assert said[-3] == "reception@demo.example"
    assert re.fullmatch(r"Mail is kept in /.+/mail", said[-2])
    assert "worker  | worker ready." in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_stops_web_beat_worker_in_order_when_asked(copy, number):
    process, _ = copy.run_until_ready()
    pids = copy.children()

    process.send_signal(number)

    assert process.wait(PATIENCE_SECONDS) == 0
    assert copy.stopped() == ["web", "beat", "worker"]
    assert not any(is_running(pid) for pid in pids)


def test_run_stops_all_and_fails_when_one_child_dies(copy):
    process, _ = copy.run_until_ready()
    pids = copy.children()

    (copy.folder / "crash").touch()
    said, _ = process.communicate(timeout=PATIENCE_SECONDS)

    assert process.returncode == 1
    assert said.endswith("worker ended with code 3. Its last lines:\nworker ready.\nout of memory\n")
    assert not any(is_running(pid) for pid in pids)


def test_run_takes_the_next_port_when_one_is_busy(copy):
    port = ports.next_free(8000)
    with socket.create_server(("127.0.0.1", port)):
        _, said = copy.run_until_ready()

    assert int(said[-4].rpartition(":")[2]) > port


def test_run_starts_again_at_once_after_it_was_killed(copy):
    process, _ = copy.run_until_ready()
    pids = copy.children()

    process.kill()
    copy.run_until_ready()

    assert not any(is_running(pid) for pid in pids)


def test_children_end_by_themselves_when_run_was_killed(copy):
    process, _ = copy.run_until_ready()
    pids = copy.children()

    process.kill()
    wait_until(lambda: not any(is_running(pid) for pid in pids))

    assert not any(is_running(pid) for pid in pids)


def test_second_run_and_reset_are_refused_while_one_is_up(copy):
    process, _ = copy.run_until_ready()
    refusal = (1, f"Cadence is in use here by ./run (process {process.pid}). Stop that first.\n")

    assert copy.answer() == refusal
    assert copy.answer("reset") == refusal


def test_manage_has_the_settings_of_the_run_that_is_up(copy):
    _, said = copy.run_until_ready()

    assert copy.answer("manage", "anything") == (0, f"{said[-4].rpartition(' ')[2]}\n")


# -- `./run` itself, `./run test` -------------------------------------------------------------------------------------


@pytest.fixture
def shell(tmp_path):
    """`run` with a stand-in for the interpreter that writes down how it was called."""
    folder = tmp_path / "my clinic"
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / "requirements").mkdir()
    for lock in ("runtime", "local", "test"):
        (folder / f"requirements/{lock}.txt").write_text(lock)
    shutil.copy(PROJECT / "run", folder)
    python = folder / ".venv/bin/python"
    python.write_text('#!/bin/sh\n[ "$1" = -c ] || echo "$@" >>calls\n')
    python.chmod(0o755)
    return folder


def calls(shell, *arguments):
    """Call `run` from elsewhere and return how it called the interpreter."""
    subprocess.run([shell / "run", *arguments], check=True, cwd="/", stderr=subprocess.DEVNULL)
    written = (shell / "calls").read_text().splitlines()
    (shell / "calls").unlink()
    return written


def test_run_installs_the_hashed_locks_only_when_they_changed(shell):
    pip = "-m pip install -q --disable-pip-version-check --no-input --require-hashes --only-binary :all:"

    assert calls(shell) == [f"{pip} -r requirements/runtime.txt -r requirements/local.txt", "-m scripts"]
    assert calls(shell, "manage", "check") == ["-m scripts manage check"]
    assert calls(shell, "test", "-x") == [f"{pip} -r requirements/test.txt", "-m scripts test -x"]
    (shell / "requirements/runtime.txt").write_text("newer")
    assert calls(shell) == [f"{pip} -r requirements/runtime.txt", "-m scripts"]


def test_missing_browser_is_a_failure_in_ci(monkeypatch, capsys):
    monkeypatch.setenv("CI", "true")
    monkeypatch.setattr(testing, "_find_browser", lambda: "")

    assert testing.test([]) == 1
    assert capsys.readouterr().out == "No Chromium is installed: under CI=true the browser tests must run.\n"


def test_prove_says_so_when_there_is_nothing_to_prove(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(local, "PROJECT", tmp_path)

    assert main(["prove"]) == 2
    assert capsys.readouterr().out == "There is nothing to prove yet: tests/prove has no programs.\n"
