"""Refusals that no view caught become pages with the right status."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from clinic.refusals import Busy, Refused, Taken
from clinic.views import errors


def refusals(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Answer Taken with 409, Refused with 422 and Busy with 503 when one escapes a view."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    def process_exception(request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return errors.refused(request, exception) if isinstance(exception, (Taken, Refused, Busy)) else None

    middleware.process_exception = process_exception
    return middleware
