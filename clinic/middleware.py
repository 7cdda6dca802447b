"""What stands before and behind every view: the second step of staff, and pages for refusals that no view caught."""

from collections.abc import Callable
from urllib.parse import urlencode

import structlog
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect
from django_structlog.middlewares import RequestMiddleware

from clinic.refusals import Busy, Refused, Taken
from clinic.views import errors
from patients import second_factor, signin

View = Callable[..., HttpResponse]
# What staff may open before they have a second step, and while this session has not shown it.
SETTING_UP = frozenset(
    {"second_step", "mfa_activate_totp", "mfa_add_webauthn", "account_reauthenticate", "account_logout"}
)
SHOWING = frozenset({"mfa_reauthenticate", "mfa_reauthenticate_webauthn", "account_logout"})


class RequestLog(RequestMiddleware):
    """One line for each request: who, where, and how it ended; never what was asked or typed."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {request.path}"

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        structlog.contextvars.bind_contextvars(ip=signin.client_ip(request))


def second_step(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Let staff reach no page without a second step, and end their session after twelve hours."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    def process_view(request: HttpRequest, view: View, args: tuple, kwargs: dict) -> HttpResponse | None:
        if not request.user.is_authenticated:
            return None
        if signin.end_if_over(request, now=timezone.now()):
            return go(request, "account_login")
        if not second_factor.is_required(request.user):
            return None
        name = request.resolver_match.view_name
        if not second_factor.held_on_arrival(request.user):
            may_open = name in SETTING_UP or getattr(view, "is_before_second_step", False)
            return None if may_open else go(request, "second_step")
        if not second_factor.is_shown(request, request.user):
            return None if name in SHOWING else go(request, "mfa_reauthenticate")
        return keep_last(request, **kwargs) if name == "mfa_remove_webauthn" else None

    middleware.process_view = process_view
    return middleware


def go(request: HttpRequest, name: str) -> HttpResponse:
    """Send the browser, or the page that htmx is part of, to another address and remember where it wanted to go."""
    wanted = request.get_full_path() if request.method == "GET" and not request.htmx else "/"
    address = f"{reverse(name)}?{urlencode({'next': wanted})}"
    return HttpResponseClientRedirect(address) if request.htmx else redirect(address)


def keep_last(request: HttpRequest, pk: int) -> HttpResponse | None:
    """Refuse to remove the passkey that is a person's only second step: allauth asks for its apps only."""
    passkey = Authenticator.objects.filter(user=request.user, pk=pk).first()
    if passkey is None or not second_factor.is_last(passkey):
        return None
    messages.error(request, second_factor.FactorAdapter.error_messages["cannot_delete_authenticator"])
    return redirect("mfa_index")


def refusals(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Answer Taken with 409, Refused with 422 and Busy with 503 when one escapes a view."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    def process_exception(request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return errors.refused(request, exception) if isinstance(exception, (Taken, Refused, Busy)) else None

    middleware.process_exception = process_exception
    return middleware
