"""The pages for what went wrong: what happened, why, and what to do next."""

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from patients import portal_access, roles

PORTAL = "portal/base.html"


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: the request cannot be read."""
    return render(request, "400.html", status=400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: signed in, but not for this page; `patients.access` says for whom it is."""
    whom = str(exception)
    if getattr(request, "htmx", False):
        lines = [whom, _("Your role at the clinic does not include this. Nothing was changed.")]
        return beside_the_form(request, [line for line in lines if line], 403)
    return render(request, "403.html", {"layout": layout(request), "lines": [whom] if whom else []}, status=403)


@login_not_required
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: a form whose token no longer fits; htmx gets the words for its message area."""
    if getattr(request, "htmx", False):
        return beside_the_form(
            request, [_("This form has been open too long. Reload the page and send it again.")], 403
        )
    return render(request, "403.html", {"is_stale_form": True}, status=403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: the same page for what is missing and for what belongs to somebody else."""
    frame = layout(request)
    return render(request, "404.html", {"layout": frame, "is_portal": frame == PORTAL}, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: rendered without context, session or database, any of which may be what broke."""
    return render(None, "500.html", status=500)


def refused(request: HttpRequest, refusal: ValidationError) -> HttpResponse:
    """409, 422 or 503 for a refusal that no view caught: a page, or for htmx a note that leaves the form alone."""
    if request.htmx:
        return beside_the_form(request, refusal.messages, refusal.status_code)
    context = {"layout": layout(request), "lines": refusal.messages}
    return render(request, f"{refusal.status_code}.html", context, status=refusal.status_code)


def beside_the_form(request: HttpRequest, lines: list[str], status: int) -> HttpResponse:
    """Answer htmx with a note for the page's message area, wherever the request wanted its answer."""
    response = render(request, "_note.html", {"level": "error", "lines": lines}, status=status)
    response.headers["HX-Retarget"] = "#messages"
    response.headers["HX-Reswap"] = "innerHTML show:window:top"
    return response


def layout(request: HttpRequest) -> str:
    """Staff and patients keep their navigation; everybody else gets the plain page."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return "base_plain.html"
    if roles.has_role(user, *roles.ALL):
        return "base.html"
    return PORTAL if portal_access.visible_to(user, timezone.now()).exists() else "base_plain.html"
