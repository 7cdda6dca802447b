"""Who may sign in, and from where: the adapter between allauth's pages and this product's rules."""

import ipaddress

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from patients import roles
from patients.models import User


class ClosedSignupAdapter(DefaultAccountAdapter):
    """Accounts are made by the clinic, and in production staff wait for the second factor."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_login(self, request: HttpRequest, user: User, **details: object) -> HttpResponse | None:
        response = super().pre_login(request, user, **details)
        if response is None and settings.IS_PRODUCTION and is_staff_login(user):
            request.session.flush()
            # Raised, not returned: the login form would write the flushed session again to set its expiry.
            raise ImmediateHttpResponse(render(request, "account/staff_closed.html", status=403))
        return response

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_ip(request)


def is_staff_login(user: User) -> bool:
    """Whether the login opens anything that patients must not see."""
    return user.is_staff or user.is_superuser or not user.role_names.isdisjoint(roles.ALL)


def client_ip(request: HttpRequest) -> str:
    """The address of the browser, as the outermost of the TRUSTED_PROXIES saw it.

    Each trusted proxy adds one entry at the end of X-Forwarded-For; what stands before them is the client's own
    claim and is never believed. Anything else falls back to the connection's address.
    """
    hops = request.headers.get("X-Forwarded-For", "").split(",")
    if 0 < settings.TRUSTED_PROXIES <= len(hops):
        try:
            return str(ipaddress.ip_address(hops[-settings.TRUSTED_PROXIES].strip()))
        except ValueError:
            pass
    return request.META.get("REMOTE_ADDR") or "0.0.0.0"  # noqa: S104 (an address to count by, not to listen on)
