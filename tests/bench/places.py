"""One database with everything that is compared on it: the product, the floor, and a bare connection."""

import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import psycopg2
from allauth.mfa.models import Authenticator
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections

from patients import second_factor
from scripts import local, ports
from scripts.stack import Stack
from tests.bench import world
from tests.prove import web
from tests.prove.desk import Answer, Client

SHARED = ("SECRET_KEY", "FIELD_KEYS", "REDIS_URL")
WARM_UP = 48  # so that every thread of the product has its connection


@dataclass
class Place:
    """A database of one size; `with place.open():` lets the ORM of this process work on it."""

    size: str
    stack: Stack
    world: world.World
    floor_port: int
    bare: psycopg2.extensions.connection
    floor_newest: int

    @contextmanager
    def open(self) -> Iterator[None]:
        with web.connected_to(self.stack.environment["DATABASE_URL"]):
            yield

    def client(self) -> Client:
        """A browser of its own, signed in with the second step."""
        client = Client(self.stack.web_port, self.world.user)
        session = SessionStore(next(iter(client.cookies.values())))
        request = SimpleNamespace(session=session)
        second_factor.note_shown(request, self.world.user, "totp")
        session.save()
        return client

    def floor(self, method: str, path: str, body: object = None) -> Answer:
        """One request to the floor, on a connection of its own like the product's."""
        connection = http.client.HTTPConnection("127.0.0.1", self.floor_port, timeout=120)
        started = time.perf_counter()
        connection.request(method, path, json.dumps(body) if body else None)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return Answer(response.status, text, "", time.perf_counter() - started)

    def forget_bookings(self) -> None:
        with self.open():
            world.forget_bookings(self.world, self.floor_newest)


@contextmanager
def place(size: str) -> Iterator[Place]:
    """Load the clinic and serve it like production: two workers, DEBUG off, the second step required."""
    with tempfile.TemporaryDirectory(prefix="cadence-bench-") as folder:
        overrides = {name: os.environ[name] for name in SHARED} | {"STAFF_MFA": "required"}
        stack = Stack(Path(folder), overrides, throw_away=True, demo=False, copy_of=os.environ["DATABASE_URL"])
        floor = None
        try:
            stack.start_servers()
            with web.connected_to(stack.environment["DATABASE_URL"]):
                made = world.make(size)
                Authenticator.objects.create(user=made.user, type=Authenticator.Type.TOTP, data={})
                address = connections["default"].get_connection_params()
            bare = psycopg2.connect(**{key: value for key, value in address.items() if key in NAMES})
            bare.autocommit = True
            _refuse_forgetful(bare)
            with bare.cursor() as cursor:
                cursor.execute("SELECT max(id) FROM bench_visit")
                newest = cursor.fetchone()[0]
            stack.start_web()
            port = ports.any_free()
            floor = _serve_floor(port, stack.environment)
            here = Place(size, stack, made, port, bare, newest)
            _warm_up(here)
            yield here
            bare.close()
        finally:
            if floor is not None:
                floor.terminate()
                floor.wait()
            stack.stop()


NAMES = ("dbname", "user", "password", "host", "port")


def _refuse_forgetful(bare: psycopg2.extensions.connection) -> None:
    """Stop if the database does not wait for the disk at a commit, as production's does: nothing would be measured."""
    with bare.cursor() as cursor:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            cursor.execute("SELECT current_setting(%s)", [setting])
            if cursor.fetchone()[0] != "on":
                raise RuntimeError(f"The database of the benchmark runs without {setting}.")


def _serve_floor(port: int, environment: dict[str, str]) -> subprocess.Popen:
    command = ["-m", "gunicorn", "tests.bench.floor", "--no-control-socket", "--preload", "--workers", "2"]
    log = Path(environment["MEDIA_ROOT"]).parent / "floor.log"
    with log.open("w") as output:
        return subprocess.Popen(
            [sys.executable, *command, "--bind", f"127.0.0.1:{port}"],
            env={name: value for name, value in environment.items() if name != "DJANGO_SETTINGS_MODULE"},
            cwd=local.PROJECT, stdout=output, stderr=output,
        )  # fmt: skip


def _warm_up(here: Place) -> None:
    with here.open():
        client = here.client()
    for _attempt in range(100):
        try:
            here.floor("GET", "/none/")
            break
        except OSError:
            time.sleep(0.1)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _number: client.open("/find/"), range(WARM_UP)))
        list(pool.map(lambda _number: here.floor("GET", "/none/"), range(8)))
