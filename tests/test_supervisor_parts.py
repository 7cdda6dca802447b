"""Children, ports, keys and the local servers: the parts of which `./run` is made."""

import contextlib
import json
import os
import re
import signal
import smtplib
import socket
import stat
import sys
import time
from pathlib import Path

import psycopg2
import pytest
import redis

from scripts import children, environment, local, mail_sink, ports, postgres, valkey

pytestmark = pytest.mark.xdist_group("supervisor")

PROJECT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 15


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


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


def test_postgres_keeps_its_data_has_the_extensions_and_copies(state):
    group = children.Group(state / "children.json")
    try:
        server = postgres.start(group, state, log=state / "logs" / "postgres.log", fast=True)
        url = postgres.make_database(server, "clinic")
        with contextlib.closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
            for name in ("btree_gist", "pg_trgm", "unaccent"):
                cursor.execute(f"CREATE EXTENSION {name}")
            cursor.execute("CREATE TABLE kept AS SELECT 'ä' < 'z' AS by_code_point")
        group.stop()
        again = postgres.start(group, state, log=state / "logs" / "postgres.log", fast=True)
        copy = postgres.copy_database(postgres.make_database(again, "clinic"), "copy")
        with contextlib.closing(psycopg2.connect(copy)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT by_code_point FROM kept")
            assert cursor.fetchall() == [(False,)]
            postgres.drop_database(copy)
            with pytest.raises(psycopg2.OperationalError, match="terminat"):
                cursor.execute("SELECT 1")
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect(re.sub(r":[^:]+@", ":wrong@", again))
    finally:
        group.stop()


def test_valkey_keeps_its_data_and_demands_the_password(state):
    group = children.Group(state / "children.json")
    try:
        server = valkey.start(group, state, fast=False)
        with redis.Redis.from_url(server) as client:
            client.set("kept", "yes")
        group.stop()
        again = valkey.start(group, state, fast=False)
        with redis.Redis.from_url(again) as client:
            assert client.get("kept") == b"yes"
        nameless = re.sub(r":[^:]+@", "", again)
        with redis.Redis.from_url(nameless) as stranger, pytest.raises(redis.AuthenticationError):
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
