"""Clients of the desk: a signed-in browser's requests without the browser, many of them at the same moment."""

import http.client
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

TIMEOUT_SECONDS = 120


@dataclass
class Answer:
    """What came back, and after how long."""

    status: int
    body: str
    location: str
    seconds: float

    @property
    def visit(self) -> str:
        """The public id of the visit that a booking led to; empty if it did not."""
        found = re.search(r"/appointments/([0-9a-f-]{36})/", self.location)
        return found.group(1) if found else ""

    @property
    def alternatives(self) -> list[str]:
        """The times that a refusal offers instead."""
        return re.findall(r'class="slot" name="starts_at" value="([^"]+)"', self.body)


class Client:
    """One person's browser: session and CSRF token, a connection for each request; signed in if a user is given."""

    def __init__(self, port: int, user=None) -> None:
        self.port, self.cookies, self.token = port, {}, ""
        if user is not None:
            self._sign_in(user)

    def _sign_in(self, user) -> None:
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.create()
        self.cookies[settings.SESSION_COOKIE_NAME] = session.session_key

    def open(self, path: str) -> Answer:
        """GET a page; keeps the CSRF token of its form."""
        answer = self._send("GET", path)
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', answer.body)
        self.token = found.group(1) if found else self.token
        return answer

    def post(self, path: str, *, headers: dict[str, str] | None = None, **fields: object) -> Answer:
        """POST a form as its page would."""
        return self._send("POST", path, urlencode({"csrfmiddlewaretoken": self.token, **fields}, doseq=True), headers)

    def _send(self, method: str, path: str, body: str | None = None, more: dict[str, str] | None = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        headers = {
            "Host": f"localhost:{self.port}",
            "Origin": f"http://localhost:{self.port}",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Content-Type": "application/x-www-form-urlencoded",
            **(more or {}),
        }
        started = time.perf_counter()
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = response.read().decode()
        except (OSError, http.client.HTTPException) as fault:
            return Answer(0, repr(fault), "", time.perf_counter() - started)
        finally:
            connection.close()
        seconds = time.perf_counter() - started
        for name, value in response.getheaders():
            if name.lower() == "set-cookie":
                cookie, _, rest = value.partition("=")
                self.cookies[cookie] = rest.split(";")[0]
        return Answer(response.status, text, response.headers.get("Location", ""), seconds)


def together(acts: list[Callable[[], object]], pool: ThreadPoolExecutor) -> list[object]:
    """Run all acts at the same moment: every thread waits at one barrier first. The pool must have room for all."""
    barrier = threading.Barrier(len(acts))

    def released(act: Callable[[], object]) -> object:
        barrier.wait()
        return act()

    return [future.result() for future in [pool.submit(released, act) for act in acts]]
