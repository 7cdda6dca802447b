"""Which TCP ports are free on this machine's loopback addresses."""

import errno
import json
import socket
from pathlib import Path

LOOPBACKS = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))


def can_bind(family: int, host: str, port: int) -> bool:
    """Tell whether a server could listen on this address."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError:
        return False
    return True


def loopbacks() -> list[str]:
    """List the loopback addresses that this machine has; IPv6 may be off."""
    return [host for family, host in LOOPBACKS if can_bind(family, host, 0)]


def is_free(port: int) -> bool:
    """Tell whether the port is free on every loopback address."""
    present = loopbacks()
    return all(can_bind(family, host, port) for family, host in LOOPBACKS if host in present)


def next_free(first: int) -> int:
    """Return the first free port from `first` on."""
    for port in range(first, 65536):
        if is_free(port):
            return port
    raise OSError(errno.EADDRINUSE, f"No port from {first} on is free.")


def any_free() -> int:
    """Return a port that the system picks."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if is_free(port):
            return port


def remembered(file: Path, name: str) -> int:
    """Return the port that `name` had the last time if it is still free, else a new one, and remember it in `file`."""
    known = json.loads(file.read_text()) if file.exists() else {}
    if name not in known or not is_free(known[name]):
        known[name] = any_free()
        file.write_text(json.dumps(known))
    return known[name]
