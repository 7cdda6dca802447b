"""Who may open which page. Each view names its audience; a test walks the URLconf and refuses one that does not."""

import functools
import uuid
from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _

from patients import merging, portal_access
from patients.models import Patient
from patients.roles import ALL, CLINICAL, LABELS, has_role

View = Callable[..., HttpResponse]
AUDIENCES = frozenset({"public", "signed in", "staff", "clinical", "roles", "portal"})


def public(view: View) -> View:
    """Let everybody in, signed in or not."""
    view = login_not_required(view)
    view.audience = "public"
    return view


def signed_in(view: View) -> View:
    """Let in whoever is signed in; the view itself narrows what is shown."""
    view.audience = "signed in"
    return view


def staff_only(view: View) -> View:
    """Let in whoever holds a staff role; for everybody else the page does not exist."""
    return _gate(view, ALL, "staff")


def clinical_only(view: View) -> View:
    """Let in those who may read clinical answers."""
    return _gate(view, CLINICAL, "clinical")


def roles(*names: str) -> Callable[[View], View]:
    """Let in holders of at least one of the roles; other staff are told who may."""
    unknown = set(names) - set(ALL)
    if unknown or not names:
        raise ValueError(f"Not a role: {', '.join(sorted(unknown)) or 'none given'}.")
    return functools.partial(_gate, names=names, audience="roles")


def portal(view: View) -> View:
    """Let in a login that may see somebody, as `request.people`; for everybody else the page does not exist.

    The `person` of the URL is looked up among these people alone: somebody else's id is an id that does not exist.
    """

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: object, person: uuid.UUID | None = None, **kwargs: object) -> HttpResponse:
        request.people = list(portal_access.visible_to(request.user, timezone.now()))
        if person is not None:
            kwargs["person"] = portal_access.among(request.people, person)
        if not request.people or (person is not None and kwargs["person"] is None):
            raise Http404
        response = view(request, *args, **kwargs)
        patch_cache_control(response, private=True, no_store=True)
        return response

    guarded.audience = "portal"
    guarded.login_url = "portal_sign_in"
    return guarded


def patient_or_404(public_id: uuid.UUID) -> Patient:
    """Return the patient of a URL; a merged record leads to the surviving one."""
    return merging.survivor(get_object_or_404(Patient.objects.select_related("merged_into"), public_id=public_id))


def _gate(view: View, names: tuple[str, ...], audience: str) -> View:
    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not has_role(request.user, *ALL):
            raise Http404
        if not has_role(request.user, *names):
            allowed = ", ".join(str(LABELS[name]) for name in names)
            raise PermissionDenied(_("This page is for: %(roles)s.") % {"roles": allowed})
        return view(request, *args, **kwargs)

    guarded.audience = audience
    return guarded
