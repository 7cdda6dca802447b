"""The whole clinic as processes: servers, web, worker, beat and the mail sink.

`./run` starts one in the local state; tests and proofs start throw-away ones on their own ports:

    with Stack(folder, {"BELL_SECONDS": "1"}, throw_away=True) as stack:
        page.goto(stack.url)
"""

import http.client
import secrets
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from scripts import children, environment, local, ports, postgres, valkey

FIRST_WEB_PORT = 8000
WORKER_IS_READY = " ready."
PREPARE_SECONDS = 600
START_SECONDS = 60


class Stack:
    """Start with `with` or `start()`. Settings in `overrides` win; a server named there is used, not started.

    With `copy_of`, the address of a database, the stack works on a copy of it on the same server. A stack to throw away
    is fast: its servers do not wait for the disk, unless it is `durable` like production.
    """

    def __init__(
        self,
        state: Path,
        overrides: Mapping[str, str] | None = None,
        *,
        throw_away: bool = False,
        durable: bool = False,
        demo: bool = True,
        copy_of: str = "",
        report: Callable[[str, str], None] = lambda name, line: None,
    ) -> None:
        self.state = state
        self.overrides = dict(overrides or {})
        self.throw_away = throw_away
        self.is_fast = throw_away and not durable
        self.demo = demo
        self.copy_of = copy_of
        self.environment: dict[str, str] = {}
        self.group = children.Group(state / "children.json", report)
        self.mail_dir = state / "mail"
        self.logins_file = state / "logins.txt"
        self._afterwards = ExitStack()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *unused: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where the web answers."""
        return self.environment["SITE_URL"]

    def start(self) -> None:
        """Bring everything up and return when pages are served and the worker takes tasks."""
        self.start_servers()
        self.prepare()
        self.start_processes()

    def start_servers(self) -> None:
        """Start the database and the broker and settle the environment of all else."""
        children.stop_leftovers(self.group.record)
        for folder in ("logs", "mail", "media"):
            (self.state / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        web_port = ports.any_free() if self.throw_away else ports.next_free(FIRST_WEB_PORT)
        settings = environment.local_defaults(self.state, site_url=f"http://localhost:{web_port}")
        if "DATABASE_URL" not in self.overrides:
            settings["DATABASE_URL"] = self._make_database()
        if "REDIS_URL" not in self.overrides:
            settings["REDIS_URL"] = valkey.start(self.group, self.state, fast=self.is_fast)
        if "EMAIL_URL" not in self.overrides:
            settings["EMAIL_URL"] = f"smtp://127.0.0.1:{self._port('mail')}"
        self.environment = environment.without_settings() | settings | self.overrides
        self.environment |= {"DJANGO_SETTINGS_MODULE": "clinic.settings", "PYTHONUNBUFFERED": "1"}
        self.web_port = web_port

    def prepare(self) -> None:
        """Bring the database, the static files and the catalogue up to date; fill an empty clinic with the demo."""
        local.write_private(self.logins_file, "")
        wishes = ["--logins-file", str(self.logins_file)] if self.demo else ["--no-demo"]
        child = self._python("prepare", "manage.py", "prepare", *wishes)
        self.group.finish(child, seconds=PREPARE_SECONDS)

    def start_processes(self) -> None:
        """Start the mail sink, the worker, beat and the web, and wait until they serve."""
        if "EMAIL_URL" not in self.overrides:
            port = self.environment["EMAIL_URL"].rpartition(":")[2]
            self._start("mail", "-m", "scripts.mail_sink", port, str(self.mail_dir))
        worker = self._start("worker", *_celery("worker", "--concurrency", "2", "--without-gossip", "--without-mingle"))
        self._start("beat", *_celery("beat", "-s", str(self.state / "celerybeat-schedule"), "--pidfile="))
        self.start_web()
        self.group.wait_until(lambda: worker.has_logged(WORKER_IS_READY), seconds=START_SECONDS, what="The worker")
        self.watch()

    def start_web(self, application: str = "clinic.wsgi", *, threads: int = 8) -> None:
        """Start the web alone and wait until it serves."""
        self._start("web", *_gunicorn(self.web_port, application, threads))
        self.group.wait_until(self._serves, seconds=START_SECONDS, what="The web")

    def watch(self) -> None:
        """Report what was logged; raise `children.Died` if a process is over."""
        self.group.watch()

    def manage(self, *arguments: str) -> str:
        """Run `manage.py` in this stack's environment and return what it printed; raise if it fails."""
        command = [sys.executable, "manage.py", *arguments]
        answer = subprocess.run(
            command, env=self.environment, cwd=local.PROJECT, capture_output=True, text=True, check=False
        )
        if answer.returncode:
            raise RuntimeError(f"manage.py {' '.join(arguments)} failed:\n{answer.stdout}{answer.stderr}")
        return answer.stdout

    def stop(self) -> None:
        """Stop in order: web, beat, worker, mail, Valkey, PostgreSQL."""
        self.group.stop()
        self._afterwards.close()

    def _make_database(self) -> str:
        if self.copy_of:
            url = postgres.copy_database(self.copy_of, f"cadence_{secrets.token_hex(8)}")
            self._afterwards.callback(postgres.drop_database, url)
            return url
        # A caller's temporary folder may be closed to the account that PostgreSQL runs as.
        home = self._afterwards.enter_context(local.throw_away_folder()) if self.throw_away else self.state
        log = self.state / "logs" / "postgres.log"
        return postgres.make_database(postgres.start(self.group, home, log=log, fast=self.is_fast), "cadence")

    def _port(self, name: str) -> int:
        return ports.any_free() if self.throw_away else ports.remembered(self.state / "ports.json", name)

    def _start(self, name: str, *arguments: str) -> children.Child:
        return self.group.start(self._python(name, *arguments))

    def _python(self, name: str, *arguments: str) -> children.Child:
        command = [sys.executable, *arguments]
        return children.Child(name, command, self.environment, self.state / "logs" / f"{name}.log", local.PROJECT)

    def _serves(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.web_port, timeout=5)
        try:
            connection.request("GET", "/live", headers={"Host": f"localhost:{self.web_port}"})
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _celery(*arguments: str) -> list[str]:
    return ["-m", "celery", "-A", "clinic", "--quiet", *arguments, "--loglevel", "INFO"]


def _gunicorn(port: int, application: str, threads: int) -> list[str]:
    binds = [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host in ports.loopbacks()]
    options = ["--no-control-socket", "--preload", "--workers", "2", "--threads", str(threads)]
    options += ["--worker-class", "clinic.web_worker.Worker"]
    # Longer than a browser or a proxy keeps a connection: whoever closes it first may cut a request off.
    options += ["--graceful-timeout", "5", "--keep-alive", "75"]
    return ["-m", "gunicorn", application, *options, *[part for bind in binds for part in ("--bind", bind)]]
