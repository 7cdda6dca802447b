"""The processes of the web share what comes: real servers, each with as few threads as the question needs."""

import http.client
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress

import pytest

from scripts import local, ports

HOST = "127.0.0.1"
# Answers when as many requests of its round have begun as it was asked to wait for, each noted as a file.
MEETING = """
import time
import uuid
from pathlib import Path

def application(environ, start_response):
    folder, name = Path({folder!r}), environ["PATH_INFO"].strip("/")
    round_, _, wanted = name.partition("-")
    (folder / f"{{round_}}-{{uuid.uuid4()}}").touch()
    deadline = time.monotonic() + {seconds}
    while len(list(folder.glob(f"{{round_}}-*"))) < int(wanted):
        if time.monotonic() > deadline:
            start_response("503 Service Unavailable", [("Content-Length", "0")])
            return [b""]
        time.sleep(0.01)
    start_response("200 OK", [("Content-Length", "0")])
    return [b""]
"""
# A busy machine may let a request wait for half a minute.
ROUNDS, SECONDS, PATIENCE = 12, 60, 120


@contextmanager
def served(folder, *, workers, threads):
    """A server of these many processes and threads; gives its port."""
    (folder / "seen").mkdir()
    (folder / "meeting.py").write_text(MEETING.format(folder=str(folder / "seen"), seconds=SECONDS))
    port = ports.any_free()
    options = ["--no-control-socket", "--worker-class", "clinic.web_worker.Worker", "--keep-alive", "75"]
    options += ["--workers", str(workers), "--threads", str(threads), "--bind", f"{HOST}:{port}"]
    options += ["--pythonpath", str(folder)]
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "meeting:application", *options],
        cwd=local.PROJECT, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(port)
        yield port
    finally:
        server.terminate()
        server.wait()


def wait_for(port, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(OSError):
            return ask(port, "/up-1")
        time.sleep(0.1)
    pytest.fail("the server did not answer")


def ask(port, path):
    with closing(http.client.HTTPConnection(HOST, port, timeout=PATIENCE)) as connection:
        return status(connection, path)


def status(connection, path):
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def test_what_one_process_cannot_serve_at_once_goes_to_the_other(tmp_path):
    """Two requests that wait for one another, two processes with a thread each: both are served at the same time."""
    with served(tmp_path, workers=2, threads=1) as port, ThreadPoolExecutor(2) as people:
        for number in range(ROUNDS):
            answers = list(people.map(ask, [port] * 2, [f"/round{number}-2"] * 2))

            assert answers == [200, 200]


def test_connections_that_rest_keep_nobody_out(tmp_path):
    with served(tmp_path, workers=1, threads=2) as port:
        resting = [http.client.HTTPConnection(HOST, port, timeout=PATIENCE) for _number in range(6)]
        first = [status(one, "/first-1") for one in resting]
        again = [status(one, "/again-1") for one in resting]
        for one in resting:
            one.close()

        assert first == again == [200] * 6
