"""The verbs behind a web server of their own: the product's processes, each verb a request, no page in between.

A POST of a wish (JSON) to /prepare/NAME, /act/NAME, /forbid/NAME or /plan/NAME does it and answers with what it led
to: `did`, or why not, and from when until when it was at it.
"""

import json
import time
from urllib.parse import unquote

from tests.prove import toothless  # first: it sets Django up and takes the protections away

# isort: split
from django.core.exceptions import ValidationError
from django.db import close_old_connections

from clinic.refusals import Taken
from patients.refusals import Busy, Conflict
from tests.prove import crowd, rules, writers

assert toothless.WITHOUT


def application(environ, start_response):
    """Do one thing to the diary."""
    step, name = (
        unquote(environ["PATH_INFO"]).strip("/").split("/")[:2] if environ["PATH_INFO"] != "/live" else ("", "")
    )
    close_old_connections()
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    begun = time.time()
    status, told = _done(step, name, json.loads(body)) if step else ("200 OK", {})
    told["at"] = (begun, time.time())
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(told).encode()]


def _done(step: str, name: str, wish: dict) -> tuple[str, dict]:
    try:
        return "200 OK", {"did": True, **(_act(step, name, wish) or {})}
    except ValidationError as refusal:
        kind = next(one.__name__ for one in (Taken, Busy, Conflict, ValidationError) if isinstance(refusal, one))
        return "200 OK", {"did": False, "why": kind, "text": " ".join(refusal.messages)}
    except Exception as fault:  # noqa: BLE001 (what the product must not raise is what the proof counts)
        return "500 Internal Server Error", {"did": False, "why": type(fault).__name__, "text": str(fault)}


def _act(step: str, name: str, wish: dict) -> dict | None:
    if step == "plan":
        return crowd.plan_and_book(wish)
    if step == "forbid":
        row = rules.RULES[name][2](wish)
        return {"table": row._meta.db_table, "column": row._meta.pk.column, "row": row.pk}
    writer = next(one for one in writers.WRITERS if one.name == name)
    if step == "prepare":
        return writer.prepare(wish)
    writer.act(wish)
    return None
