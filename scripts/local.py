"""The folder that holds everything local: databases, keys, mail, logs; and the lock that keeps it to one supervisor."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


class InUse(Exception):
    """Another supervisor holds the local state; the text says which."""


def is_root() -> bool:
    """Tell whether this process may become another user."""
    return os.geteuid() == 0


def state_folder() -> Path:
    """Return the local state of this checkout, made if missing.

    Root's lies outside the checkout: PostgreSQL runs as another user, which must be able to reach its files.
    """
    if not is_root():
        folder = PROJECT / ".local"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder
    folder = Path("/var/tmp") / f"cadence-{hashlib.sha256(bytes(PROJECT)).hexdigest()[:12]}"
    folder.mkdir(mode=0o711, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise PermissionError(f"{folder} belongs to somebody else: remove it and start again.")
    return folder


@contextlib.contextmanager
def throw_away_folder() -> Iterator[Path]:
    """Give a state folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="cadence-", dir="/var/tmp" if is_root() else None))
    folder.chmod(0o711 if is_root() else 0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remembered(file: Path, make: Callable[[], str]) -> str:
    """Return the secret kept in `file`, made at the first time and readable by its owner only."""
    with contextlib.suppress(FileExistsError), open(file, "x", opener=_private) as fresh:
        fresh.write(make())
    return file.read_text()


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    file.unlink(missing_ok=True)
    with open(file, "w", opener=_private) as fresh:
        fresh.write(text)


@contextlib.contextmanager
def held(state: Path, *, what: str) -> Iterator[None]:
    """Hold the state alone; raise `InUse` if another supervisor has it. A killed one holds nothing."""
    with (state / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise InUse(lock.read().strip() or "another ./run") from None
        lock.truncate(0)
        lock.write(f"{what} (process {os.getpid()})")
        lock.flush()
        yield


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
