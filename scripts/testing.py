"""`./run test`, `./run prove` and `./run bench`: the checks, on servers of their own that are gone afterwards."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from scripts import environment, local
from scripts.console import say
from scripts.stack import Stack

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_PACKAGES = ("chromium", "fonts-dejavu")
IMPORT_LINTER = "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-logo'])"


def test(arguments: list[str]) -> int:
    """Run every check, then pytest, then the small proofs; with arguments, pytest alone with them."""
    browser = _find_browser()
    if not browser and os.environ.get("CI") == "true":
        say("No Chromium is installed: under CI=true the browser tests must run.")
        return 1
    with _servers() as stack:
        failed = [] if arguments else _failed_checks(stack.environment)
        code = _pytest(stack.environment | {"CADENCE_CHROMIUM": browser}, arguments, has_browser=bool(browser))
        proved = not arguments and _passes("prove", [sys.executable, "-m", "tests.prove"], stack.environment)
    if failed:
        say(f"Failed before pytest: {', '.join(failed)}")
    if not arguments:
        say("The small proofs hold." if proved else "The small proofs do NOT hold: see the table above.")
    return code or int(bool(failed) or not (arguments or proved))


def prove(arguments: list[str]) -> int:
    """Put the promises under attack."""
    return _module("prove", arguments)


def bench(arguments: list[str]) -> int:
    """Measure the speed figures, on a database that waits for the disk at each commit as production's does."""
    return _module("bench", arguments, durable=True)


def screenshots(arguments: list[str]) -> int:
    """Take the pictures of the documentation anew."""
    browser = _find_browser()
    if not browser:
        say(f"Pictures need a browser: install {' '.join(BROWSER_PACKAGES)}.")
        return 1
    return _module("screenshots", arguments, {"CADENCE_CHROMIUM": browser})


def _module(name: str, arguments: list[str], more: Mapping[str, str] | None = None, *, durable: bool = False) -> int:
    if not (local.PROJECT / "tests" / name / "__main__.py").exists():
        say(f"There is nothing to {name} yet: tests/{name} has no programs.")
        return 2
    with _servers(durable=durable) as stack:
        command = [sys.executable, "-m", f"tests.{name}", *arguments]
        return subprocess.run(
            command, env=stack.environment | dict(more or {}), cwd=local.PROJECT, check=False
        ).returncode


@contextmanager
def _servers(*, durable: bool = False) -> Iterator[Stack]:
    """Give servers, fast ones unless they are to be durable, and an environment that points at nothing else."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with local.throw_away_folder() as state:
        stack = Stack(state, throw_away=True, durable=durable, demo=False)
        try:
            stack.start_servers()
            stack.environment |= {"CADENCE_TEST_STATE": str(state), "DJANGO_ALLOW_ASYNC_UNSAFE": "true"}
            stack.manage("prepare", "--static-only")
            stack.manage("migrate", "--verbosity", "0")  # each test database is a copy of this one
            yield stack
        except KeyboardInterrupt:
            say("Stopped.")
            sys.exit(130)
        finally:
            stack.stop()


def _failed_checks(settings: dict[str, str]) -> list[str]:
    """Run the checks that are not tests and return the names of those that fail."""
    python = sys.executable
    templates = [str(path) for path in sorted((local.PROJECT / "templates").rglob("*.html"))]
    production = environment.without_settings() | environment.like_production(settings)
    checks = {
        "ruff check": ([python, "-m", "ruff", "check"], settings),
        "ruff format": ([python, "-m", "ruff", "format", "--check"], settings),
        "djade": ([_program("djade"), "--check", *templates], settings),
        "lint-imports": ([python, "-c", IMPORT_LINTER], settings),
        "makemigrations": ([python, "manage.py", "makemigrations", "--check", "--dry-run"], settings),
        "check --deploy": ([python, "manage.py", "check", "--deploy", "--fail-level", "WARNING"], production),
    }
    return [name for name, (command, env) in checks.items() if not _passes(name, command, env)]


def _passes(name: str, command: list[str], env: dict[str, str]) -> bool:
    say(f"-- {name}")
    return subprocess.run(command, env=env, cwd=local.PROJECT, check=False).returncode == 0


def _pytest(settings: dict[str, str], arguments: list[str], *, has_browser: bool) -> int:
    say("-- pytest")
    selection = [] if has_browser else ["-m", "not browser"]
    whole = ["--cov", "--cov-report=term-missing:skip-covered", "-n", "2", "--dist", "loadgroup", "--durations=15"]
    command = [sys.executable, "-m", "pytest", *selection, *(arguments or whole)]
    code = subprocess.run(command, env=settings, cwd=local.PROJECT, check=False).returncode
    if not has_browser:
        say(f"The browser tests were left out: install {' '.join(BROWSER_PACKAGES)} to run them.")
    return code


def _find_browser() -> str:
    """Return the path of Chromium; as root, install it if it is missing."""
    if not _installed_browser() and local.is_root() and shutil.which("apt-get"):
        say(f"Installing {' '.join(BROWSER_PACKAGES)} ...")
        quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *BROWSER_PACKAGES]):
            subprocess.run(["apt-get", *command], env=quiet, stdin=subprocess.DEVNULL, check=False)
    return _installed_browser()


def _installed_browser() -> str:
    return next((found for name in BROWSERS if (found := shutil.which(name))), "")


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))
