"""The first page after signing in."""

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import setup
from patients import portal_access, roles
from patients.access import public


@public
def home(request: HttpRequest) -> HttpResponse:
    """Staff start with the diary, patients with their portal, and whoever opens a new clinic with setting it up."""
    if request.user.is_anonymous:
        return redirect_to_login(request.path) if setup.has_staff() else redirect("setup")
    if roles.has_role(request.user, roles.ADMINISTRATOR) and not setup.state(request.user).is_finished:
        return redirect("setup")
    if roles.has_role(request.user, *roles.ALL):
        return redirect("diary")
    if portal_access.visible_to(request.user, timezone.now()).exists():
        return redirect("portal_home")
    raise PermissionDenied(_("Nothing is open for your sign-in at the moment. Please ask the clinic."))
