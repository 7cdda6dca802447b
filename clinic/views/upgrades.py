"""Running courses and a newer version of their protocol: what it would change, and letting them follow it."""

import uuid
from collections.abc import Collection
from dataclasses import replace

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import upgrades
from clinic.upgrade_forms import UpgradeForm
from clinic.upgrades import Course
from clinic.views import cards, slots
from patients import audit, submissions
from patients.access import roles, staff_only
from patients.roles import CLINICAL_LEAD, has_role
from treatments import contents, differences, sheets, simulation, timelines
from treatments.models import Protocol, ProtocolVersion, TreatmentSeries
from treatments.timelines import Timeline

PER_PAGE = 50


@staff_only
@require_safe
def protocol_running(request: HttpRequest, protocol: uuid.UUID) -> HttpResponse:
    """What a version, which may be a draft, would change for the courses that run on older ones."""
    found = get_object_or_404(Protocol.objects.prefetch_related("versions"), public_id=protocol)
    versions, wanted = list(found.versions.all()), request.GET.get("version", "")
    asked_for = next((each for each in versions if str(each.number) == wanted), None)
    version = asked_for if wanted else sheets.shown_first(versions)
    if version is None:
        raise Http404
    return _running(request, found, version, UpgradeForm(initial=_blank(version)))


@roles(CLINICAL_LEAD)
@require_POST
def protocol_upgrade(request: HttpRequest, protocol: uuid.UUID) -> HttpResponse:
    """Let the ticked courses follow the version in use: all of them or none."""
    found = get_object_or_404(Protocol, public_id=protocol)
    form = UpgradeForm(request.POST)
    form.is_valid()
    version = form.target(found) if "version" in form.cleaned_data else None
    if version is None:
        raise Http404
    refused, status = [], 422
    if form.is_valid():
        try:
            _upgrade(request, form, version)
        except ValidationError as error:
            refused, status = error.messages, getattr(error, "status_code", 422)
        else:
            return redirect("protocol_running", protocol)
    return _running(request, found, version, form, refused, status)


@roles(CLINICAL_LEAD)
@require_http_methods(["GET", "POST"])
def series_upgrade(request: HttpRequest, series: uuid.UUID) -> HttpResponse:
    """One course: the difference in words, what becomes of each open session and visit, and letting it go over."""
    row = get_object_or_404(simulation.with_everything(TreatmentSeries.objects), public_id=series)
    audit.chart_opened(request.user, row.patient, "series_upgrade")
    followed = upgrades.followed(row)
    form = UpgradeForm(request.POST if request.method == "POST" else None, initial=_blank(followed.newer))
    refused, status = [], 200
    if request.method == "POST":
        status = 422
        version = form.target(row.protocol_version.protocol) if form.is_valid() else None
        if version is not None and set(form.cleaned_data["series"]) == {row.pk}:
            try:
                _upgrade(request, form, version)
            except ValidationError as error:
                refused, status = error.messages, getattr(error, "status_code", 422)
            else:
                return redirect("series", series)
    shown = {"series": row, "patient": row.patient, "followed": followed, "form": form, "refusals": refused}
    if followed.newer is not None:
        shown |= _of_one(request, row, followed.newer)
    return render(request, "clinic/series_upgrade.html", shown | {"key": uuid.uuid4()}, status=status)


def _blank(version: ProtocolVersion | None) -> dict[str, object]:
    return {"key": uuid.uuid4(), "version": version.public_id if version else ""}


def _upgrade(request: HttpRequest, form: UpgradeForm, version: ProtocolVersion) -> None:
    """Let the courses go over, once per rendered form, and say so."""
    typed, now = form.cleaned_data, timezone.now()

    def act() -> str:
        details = {"reason": typed["reason"], "by": request.user, "now": now, "today": cards.clinic_day(now)}
        courses = upgrades.upgrade(typed["series"], version, **details)
        return f"{len(courses)} {sum(len(course.misfits) for course in courses)}"

    sent = slots.sent(request, typed["key"])
    many, misfits = map(int, submissions.answer(sent, user=request.user, verb="upgrade_series", act=act).split())
    words = {"many": many, "number": version.number}
    told = ngettext("%(many)s series follows version %(number)s.", "%(many)s series follow version %(number)s.", many)
    messages.success(request, told % words)
    if misfits:
        told = ngettext(
            "%(misfits)s booked visit does not fit any more: it is among the tasks.",
            "%(misfits)s booked visits do not fit any more: they are among the tasks.",
            misfits,
        )
        messages.warning(request, told % {"misfits": misfits})


def _running(
    request: HttpRequest, protocol: Protocol, version: ProtocolVersion, form: UpgradeForm,
    refusals: list[str] | tuple = (), status: int = 200,
) -> HttpResponse:  # fmt: skip
    now = timezone.now()
    courses = upgrades.looked_ahead(upgrades.behind(version), version, now=now, today=cards.clinic_day(now))
    page = Paginator(courses, PER_PAGE).get_page(request.GET.get("page"))
    is_lead = has_role(request.user, CLINICAL_LEAD)
    is_in_use = version.state == ProtocolVersion.State.PUBLISHED
    ticked = form.ticked if form.is_bound else {str(each.series.public_id) for each in courses if each.is_quiet}
    shown = {
        "protocol": protocol,
        "version": version,
        "page_obj": page,
        "rows": [_row(course, ticked) for course in page],
        "totals": _totals(courses),
        "changed": _changed({each.series.protocol_version for each in page}, version),
        "is_in_use": is_in_use,
        "is_lead": is_lead,
        "may_upgrade": is_in_use and is_lead and any(course.may_go_over for course in courses),
        "form": form,
        "key": uuid.uuid4(),
        "refusals": [*form.sentences, *refusals],
    }
    return render(request, "clinic/protocol_running.html", shown, status=status)


def _changed(older: Collection[ProtocolVersion], version: ProtocolVersion) -> list[tuple[int, list]]:
    """In words what the version changes, by the number of each older one."""
    newer = contents.of(version) if older else None
    by_number = sorted(older, key=lambda each: -each.number)
    return [(each.number, differences.differences(contents.of(each), newer)) for each in by_number]


def _row(course: Course, ticked: Collection[str]) -> dict:
    checks = [_spoken(each) for each in course.outlook.findings]
    return {"course": course, "checks": checks, "is_ticked": str(course.series.public_id) in ticked}


def _spoken(finding: simulation.Finding) -> cards.Check:
    """In a list of many people a safety check is told as reception hears it; the course's own page says all."""
    return cards.Check(finding.severity, finding.headline, finding.desk_message, "")


def _totals(courses: list[Course]) -> list[tuple[str, int]]:
    """What the version would change over all courses; what is 0 is said too."""
    visits = [visit for course in courses for visit in course.visits]
    return [
        (_("Series on older versions"), len(courses)),
        (_("Booked visits"), len(visits)),
        (_("Booked visits that would not fit"), sum(not visit.fits for visit in visits)),
        (_("Booked visits that a safety check would stop"), sum(visit.is_stopped for visit in visits)),
        (_("Series with new safety checks"), sum(bool(course.outlook.findings) for course in courses)),
        (_("Series that cannot go over"), sum(not course.may_go_over for course in courses)),
    ]


def _of_one(request: HttpRequest, series: TreatmentSeries, version: ProtocolVersion) -> dict[str, object]:
    now = timezone.now()
    today = cards.clinic_day(now)
    (course,) = upgrades.looked_ahead([series], version, now=now, today=today)
    return {
        "version": version,
        "course": course,
        "differences": differences.differences(contents.of(series.protocol_version), contents.of(version)),
        "timeline": _timeline(course, today),
        "checks": cards.checks(course.outlook.findings, request.user),
    }


def _timeline(course: Course, today) -> Timeline:
    """The course as it would be."""
    (card,) = cards.cards(TreatmentSeries.objects.filter(pk=course.series.pk), today)
    becomes = {each.session.number: each.becomes for each in course.outlook.changes}
    marks = []
    for step in card.steps:
        mark, window = step.pictured, becomes.get(step.session.number)
        if window is not None:
            is_late = mark.state in ("late", "planned") and window.is_late(today)
            state = "late" if is_late else "planned" if mark.state == "late" else mark.state
            mark = replace(mark, state=state, earliest=window.earliest, ideal=window.ideal, latest=window.latest)
        marks.append(mark)
    return timelines.timeline(marks, today)
