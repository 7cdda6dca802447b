"""The least a Django server can do: no login, no ORM, no template; one raw statement and a bitmask, JSON out.

Served by gunicorn on the database of the product that it is compared with. It knows the hours and the grid by heart.
"""

import json
import os
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import and_, or_

import environ
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import IntegrityError, connection
from django.http import HttpRequest, JsonResponse
from django.urls import path

from tests.bench.floor_statements import BOOK, BOOK_SIX, CLAIMS

MINUTES, DAY = 45, 24 * 60
STARTS = range(8 * 60, 18 * 60 - MINUTES + 1, 30)
settings.configure(
    SECRET_KEY="floor",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[],
    USE_TZ=True,
    DATABASES={"default": environ.Env.db_url_config(os.environ["DATABASE_URL"]) | {"CONN_MAX_AGE": None}},
)


def starts(request: HttpRequest) -> JsonResponse:
    """Free starts of `people`, and with `rooms` and `devices` only where one of each is free too."""
    given = [request.GET[name] for name in ("people", "rooms", "devices") if request.GET.get(name)]
    groups = [[int(key) for key in keys.split(",")] for keys in given]
    first, days = datetime.fromisoformat(request.GET["from"]).replace(tzinfo=UTC), int(request.GET["days"])
    busy = {key: [0] * days for group in groups for key in group}
    base = int(first.timestamp()) // 60
    with connection.cursor() as cursor:
        cursor.execute(CLAIMS, [list(busy), first, first + timedelta(days=days)])
        for resource, start, end in cursor.fetchall():
            day, minute = divmod(start - base, DAY)
            if day >= 0:
                busy[resource][day] |= ((1 << (end - start)) - 1) << minute
    fitting = {key: [_fits(minutes) for minutes in line] for key, line in busy.items()}
    open_at = [reduce(and_, (reduce(or_, (fitting[key][day] for key in group)) for group in groups[1:]), -1)
               for day in range(days)]  # fmt: skip
    found = {
        key: [
            base + day * DAY + minute
            for day in range(days)
            for minute in STARTS
            if (open_at[day] & fitting[key][day]) >> minute & 1
        ]
        for key in groups[0]
    }
    return JsonResponse({"starts": found})


def book(request: HttpRequest) -> JsonResponse:
    """One row, or 409."""
    asked = json.loads(request.body)
    starts_at = datetime.fromisoformat(asked["start"])
    try:
        with connection.cursor() as cursor:
            cursor.execute(BOOK, [asked["who"], asked["patient"], starts_at, starts_at + timedelta(minutes=MINUTES)])
    except IntegrityError:
        return JsonResponse({}, status=409)
    return JsonResponse({}, status=201)


def book_six(request: HttpRequest) -> JsonResponse:
    """Six rows in one statement, or 409."""
    asked = json.loads(request.body)
    try:
        with connection.cursor() as cursor:
            cursor.execute(BOOK_SIX, [asked["who"], asked["patient"], asked["starts"]])
    except IntegrityError:
        return JsonResponse({}, status=409)
    return JsonResponse({}, status=201)


def _fits(busy: int) -> int:
    """The minutes from which the visit meets nothing busy."""
    run, length = busy, 1
    while length < MINUTES:
        step = min(length, MINUTES - length)
        run |= run >> step
        length += step
    return ~run


urlpatterns = [path("starts/", starts), path("book/", book), path("book-six/", book_six)]
application = get_wsgi_application()
