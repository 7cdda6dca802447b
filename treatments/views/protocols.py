"""Protocols as staff read them, and the clinical lead's signature under a version."""

import uuid

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from patients.access import roles, staff_only
from patients.roles import CLINICAL_LEAD, has_role
from treatments import contents, differences, sheets
from treatments import protocols as verbs
from treatments.forms import PublishForm
from treatments.models import Modality, Protocol, ProtocolVersion


@staff_only
@require_safe
def protocols(request: HttpRequest) -> HttpResponse:
    """All protocols by kind, with the state of the version in use."""
    rows = Protocol.objects.select_related("indication").prefetch_related("versions").order_by("name")
    listed = [(row, sheets.shown_first(row.versions.all())) for row in rows]
    kinds = [(label, [pair for pair in listed if pair[0].modality == key]) for key, label in Modality.choices]
    return render(request, "treatments/protocols.html", {"kinds": [kind for kind in kinds if kind[1]]})


@staff_only
@require_safe
def protocol(request: HttpRequest, protocol: uuid.UUID) -> HttpResponse:
    """One version with all its figures: the one in use, or the one asked for by number."""
    found = get_object_or_404(Protocol.objects.prefetch_related("versions"), public_id=protocol)
    versions = list(found.versions.all())
    wanted = request.GET.get("version", "")
    if wanted:
        version = next((each for each in versions if str(each.number) == wanted), None)
    else:
        version = sheets.shown_first(versions)
    if version is None:
        raise Http404
    return _page(request, version, versions)


@staff_only
@require_safe
def protocol_compare(request: HttpRequest, protocol: uuid.UUID) -> HttpResponse:
    """What is different between any two versions, in words; the one before and the newest unless asked."""
    found = get_object_or_404(Protocol.objects.prefetch_related("versions"), public_id=protocol)
    versions = sorted(found.versions.all(), key=lambda each: each.number)
    by_number = {str(each.number): each for each in versions}
    usual = [str(each.number) for each in versions[-2:]]
    if not usual:
        raise Http404
    asked = [request.GET.get("old") or usual[0], request.GET.get("new") or usual[-1]]
    if not set(asked) <= set(by_number):
        raise Http404
    old, new = (by_number[number] for number in asked)
    shown = {
        "protocol": found,
        "versions": versions,
        "old": old,
        "new": new,
        "differences": differences.differences(contents.of(old), contents.of(new)) if old != new else [],
    }
    return render(request, "treatments/compare.html", shown)


@roles(CLINICAL_LEAD)
@require_POST
def protocol_publish(request: HttpRequest, protocol: uuid.UUID) -> HttpResponse:
    """Publish the version that was on the screen, once the clinical lead says that every value is checked."""
    found = get_object_or_404(Protocol.objects.prefetch_related("versions"), public_id=protocol)
    form = PublishForm(request.POST)
    if form.is_valid():
        version = get_object_or_404(found.versions, public_id=form.cleaned_data["version"])
        try:
            verbs.publish(version, by=request.user, now=timezone.now())
        except ValidationError as error:
            refusals, status = error.messages, getattr(error, "status_code", 422)
            return _page(request, version, list(found.versions.all()), form, refusals, status)
        messages.success(request, _("Version %(number)s is published.") % {"number": version.number})
        return redirect("protocol", found.public_id)
    shown = [each for each in found.versions.all() if str(each.public_id) == request.POST.get("version")]
    version = next(iter(shown), None) or sheets.shown_first(found.versions.all())
    if version is None:
        raise Http404
    return _page(request, version, list(found.versions.all()), form, status=422)


def _page(
    request: HttpRequest, version: ProtocolVersion, versions: list[ProtocolVersion], form: PublishForm | None = None,
    refusals: tuple = (), status: int = 200,
) -> HttpResponse:  # fmt: skip
    version = sheets.versions_to_show(ProtocolVersion.objects).get(pk=version.pk)
    is_draft = version.state == ProtocolVersion.State.DRAFT
    published = [each for each in versions if each.state == ProtocolVersion.State.PUBLISHED]
    in_use = published[0] if is_draft and published else None
    may_publish = is_draft and has_role(request.user, CLINICAL_LEAD)
    shown = {
        "version": version,
        "protocol": version.protocol,
        "versions": versions,
        "form": form or PublishForm(initial={"version": version.public_id}),
        "may_publish": may_publish,
        "refusals": refusals,
        "in_use": in_use,
        "differences": differences.differences(contents.of(in_use), contents.of(version)) if in_use else [],
        **sheets.sheet(version),
    }
    return render(request, "treatments/protocol.html", shown, status=status)
