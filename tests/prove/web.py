"""A web server on a database of its own, with protections taken away where asked."""

import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import environ
from django.db import connection, connections

from scripts import local, postgres
from scripts.stack import Stack

THREADS = 10  # for each of the two processes: more than 16 verbs in flight


@contextmanager
def serving(
    world,
    *,
    without: str = "",
    drop: tuple[str, ...] = (),
    has_broker: bool = False,
    application: str = "",
) -> Iterator[tuple[Stack, object]]:
    """Give the running web and what `world()` made in its database; this process uses the same database meanwhile.

    `without` names protections of the code (see `toothless`), `drop` constraints of the database ("table.name").
    With `has_broker` the web has a broker of its own, else it shares one. `application` is served instead.
    """
    with tempfile.TemporaryDirectory(prefix="cadence-prove-") as folder:
        overrides = _shared(has_broker=has_broker) | {"CADENCE_PROVE_WITHOUT": without or "nothing"}
        stack = Stack(Path(folder), overrides, throw_away=True, demo=False, copy_of=os.environ["DATABASE_URL"])
        try:
            stack.start_servers()
            with connected_to(stack.environment["DATABASE_URL"]):
                _drop(drop)
                made = world()
                served = application or ("tests.prove.toothless" if without else "clinic.wsgi")
                stack.start_web(served, threads=THREADS)
                yield stack, made
        finally:
            stack.stop()


@contextmanager
def on_a_copy() -> Iterator[None]:
    """Let this process work on a copy of the migrated database, without a web."""
    url = postgres.copy_database(os.environ["DATABASE_URL"], f"cadence_{secrets.token_hex(8)}")
    try:
        with connected_to(url):
            yield
    finally:
        postgres.drop_database(url)


@contextmanager
def serving_durably(world) -> Iterator[tuple[Stack, object]]:
    """The same on a database server of its own that writes to disk before it answers, so that it may be killed."""
    with local.throw_away_folder() as folder:
        stack = Stack(folder, _shared(), demo=False)
        try:
            stack.start_servers()
            stack.manage("migrate", "--verbosity", "0")
            with connected_to(stack.environment["DATABASE_URL"]):
                made = world()
                stack.start_web(threads=THREADS)
                yield stack, made
        finally:
            stack.stop()


@contextmanager
def connected_to(url: str) -> Iterator[None]:
    """Let the ORM of this process work on another database."""
    settings = connections["default"].settings_dict
    other = environ.Env.db_url_config(url)
    before = {name: settings[name] for name in other}
    connections.close_all()
    settings.update(other)
    try:
        yield
    finally:
        connections.close_all()
        settings.update(before)


def statistics() -> dict[str, int]:
    """Deadlocks and roll-backs of this database so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT deadlocks, xact_rollback FROM pg_stat_database WHERE datname = current_database()")
        deadlocks, rolled_back = cursor.fetchone()
    return {"deadlocks": deadlocks, "rolled_back": rolled_back}


def in_flight(seconds: float = 0.5) -> int:
    """The most backends that were busy for other clients at one moment, looked at for so long."""
    most, until = 0, time.perf_counter() + seconds
    while time.perf_counter() < until:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND state <> 'idle' AND pid <> pg_backend_pid()"
            )
            most = max(most, cursor.fetchone()[0])
        time.sleep(0.05)  # looking takes time from those who are looked at
    return most


def _shared(*, has_broker: bool = False) -> dict[str, str]:
    """What this process and the web must have in common, so that a session made here is known there."""
    names = ("SECRET_KEY", "FIELD_KEYS") if has_broker else ("SECRET_KEY", "FIELD_KEYS", "REDIS_URL")
    return {name: os.environ[name] for name in names}


def _drop(constraints: tuple[str, ...]) -> None:
    with connection.cursor() as cursor:
        for constraint in constraints:
            table, _, name = constraint.partition(".")
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
