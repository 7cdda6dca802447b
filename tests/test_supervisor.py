"""What `./run` promises about processes, ports, keys and packages, with real processes and small stand-ins.

The whole supervisor runs in a copy whose `celery`, `gunicorn` and `manage.py` are stand-ins that start at once; the
real ones run in the browser tests.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import smtplib
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import psycopg2
import pytest
import redis

from scripts import children, environment, local, mail_sink, ports, postgres, testing, valkey
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
http.server.HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--bind") + 1].rpartition(":")[2])), Live).serve_forever()
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


# -- Children ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def group(tmp_path):
    group = children.Group(tmp_path / "children.json")
    yield group
    group.stop()


def child(tmp_path, name, code):
    return children.Child(name, [sys.executable, "-c", code], dict(os.environ), tmp_path / f"{name}.log", tmp_path)


def test_watch_raises_with_the_last_lines_when_a_child_ends(group, tmp_path):
    dying = group.start(child(tmp_path, "web", "print('first'); print('no such table'); raise SystemExit(4)"))
    wait_until(dying.has_ended)

    with pytest.raises(children.Died) as caught:
        group.watch()

    assert str(caught.value) == "web ended with code 4. Its last lines:\nfirst\nno such table"


def test_watch_reports_every_line_once(tmp_path):
    heard = []
    group = children.Group(tmp_path / "children.json", lambda *heard_line: heard.append(heard_line))
    talker = group.start(child(tmp_path, "web", "print('one'); print('two', flush=True); import time; time.sleep(60)"))
    wait_until(lambda: talker.has_logged("two"))

    group.watch()
    group.watch()
    group.stop()

    assert heard == [("web", "one"), ("web", "two")]


def test_stop_kills_a_child_that_does_not_listen(group, tmp_path, monkeypatch):
    monkeypatch.setattr(children, "STOP_SECONDS", 0.2)
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    stubborn = group.start(child(tmp_path, "worker", deaf))
    wait_until(lambda: stubborn.has_logged("deaf"))

    group.stop()

    assert stubborn.process.returncode == -signal.SIGKILL


def test_finish_raises_when_the_program_fails(group, tmp_path):
    with pytest.raises(children.Died, match=r"^prepare ended with code 1\. Its last lines:\nbroken$"):
        group.finish(child(tmp_path, "prepare", "raise SystemExit('broken')"), seconds=10)


def test_wait_until_gives_up_after_its_time(group):
    with pytest.raises(children.NotReady, match=r"^The web was not ready after 0 seconds\.$"):
        group.wait_until(lambda: False, seconds=0, what="The web")


def test_stop_leftovers_ends_what_was_noted_down(group, tmp_path):
    left = group.start(child(tmp_path, "web", "import time; time.sleep(60)"))

    assert children.stop_leftovers(group.record) == 1
    assert left.process.wait(PATIENCE_SECONDS) == -signal.SIGTERM
    assert not group.record.exists()


def test_stop_leftovers_spares_a_process_that_got_an_old_number(group, tmp_path):
    other = group.start(child(tmp_path, "web", "import time; time.sleep(60)"))
    group.record.write_text(json.dumps([{"pid": other.process.pid, "born": "1", "signal": 15}]))

    assert children.stop_leftovers(group.record) == 0
    assert not other.has_ended()


# -- Ports and keys ---------------------------------------------------------------------------------------------------


def test_next_free_skips_a_busy_port():
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]

        assert ports.next_free(port) > port


def test_remembered_port_stays_until_it_is_busy(tmp_path):
    file = tmp_path / "ports.json"
    port = ports.remembered(file, "postgres")

    assert ports.remembered(file, "postgres") == port
    with socket.create_server(("127.0.0.1", port)):
        assert ports.remembered(file, "postgres") != port


def test_remembered_secret_is_made_once_and_private(tmp_path):
    first = environment.local_defaults(tmp_path, site_url="http://localhost:8000")
    second = environment.local_defaults(tmp_path, site_url="http://localhost:8000")

    assert first == second
    assert first["SECRET_KEY"].startswith("development-")
    assert first["FIELD_KEYS"].startswith("development-1:")
    assert stat.S_IMODE((tmp_path / "secret-key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "field-keys").stat().st_mode) == 0o600


def test_given_settings_are_those_that_are_set_and_not_empty(monkeypatch):
    for name in environment.NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BELL_SECONDS", "1")
    monkeypatch.setenv("DATABASE_URL", "")

    assert environment.given() == {"BELL_SECONDS": "1"}


# -- Servers ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def state():
    with local.throw_away_folder() as folder:
        spaced = folder / "with space"
        spaced.mkdir(mode=0o711)
        (spaced / "logs").mkdir()
        yield spaced


def test_postgres_keeps_its_data_and_has_the_extensions(state):
    group = children.Group(state / "children.json")
    try:
        server = postgres.start(group, state, fast=True)
        url = postgres.make_database(server.url, "clinic")
        with contextlib.closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
            for name in ("btree_gist", "pg_trgm", "unaccent"):
                cursor.execute(f"CREATE EXTENSION {name}")
            cursor.execute("CREATE TABLE kept AS SELECT 'ä' < 'z' AS by_code_point")
        group.stop()
        again = postgres.start(group, state, fast=True)
        url = postgres.make_database(again.url, "clinic")
        with contextlib.closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT by_code_point FROM kept")
            assert cursor.fetchall() == [(False,)]
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect(re.sub(r":[^:]+@", ":wrong@", url))
    finally:
        group.stop()


def test_valkey_keeps_its_data_and_demands_the_password(state):
    group = children.Group(state / "children.json")
    try:
        server = valkey.start(group, state, fast=False)
        with redis.Redis.from_url(server.url) as client:
            client.set("kept", "yes")
        group.stop()
        again = valkey.start(group, state, fast=False)
        with redis.Redis.from_url(again.url) as client:
            assert client.get("kept") == b"yes"
        with redis.Redis.from_url(re.sub(r":[^:]+@", "", again.url)) as stranger:
            with pytest.raises(redis.AuthenticationError):
                stranger.ping()
    finally:
        group.stop()


def test_mail_sink_keeps_each_mail_as_a_file(group, tmp_path):
    port = ports.any_free()
    command = [sys.executable, "-m", "scripts.mail_sink", str(port), str(tmp_path / "mail")]
    sink = group.start(children.Child("mail", command, dict(os.environ), tmp_path / "mail.log", PROJECT))
    wait_until(lambda: sink.has_logged("keeping mail"))

    with smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail("clinic@example.org", ["mia@example.org"], "Subject: Your visit\r\n\r\nSee you.\r\n")

    (kept,) = (tmp_path / "mail").iterdir()
    assert kept.read_bytes() == b"Subject: Your visit\r\n\r\nSee you.\r\n"
    assert sink.has_logged(f"to mia@example.org: Your visit -> {kept.name}")
    assert mail_sink.Sink(tmp_path).folder == tmp_path


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
