"""Finding, adding and correcting patients."""

from urllib.parse import urlencode, urlsplit

from django.contrib import messages
from django.http import HttpRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from patients import audit, search
from patients.access import patient_or_404, staff_only
from patients.forms import EditPatientForm, NewPatientForm
from patients.refusals import Conflict
from patients.registration import LikelyDuplicates


@require_GET
@staff_only
def patients(request):
    query, target = request.GET.get("q", ""), safe_next(request)
    found = search.find(query)
    context = {
        "query": query,
        "found": found,
        "rows": [(patient, where_next(request, str(patient.public_id))) for patient in found.patients],
        "next": target,
        "new_href": reverse("patient_new", query={"q": query, "next": target} if target else {"q": query}),
    }
    is_fragment = request.htmx and not request.htmx.boosted and not request.htmx.history_restore_request
    return render(request, "patients/_found.html" if is_fragment else "patients/list.html", context)


@require_http_methods(["GET", "POST"])
@staff_only
def patient_new(request):
    form = NewPatientForm(posted(request), initial=names_in(request.GET.get("q", "")))
    if request.method == "POST":
        public_id = form.answer(request.user, "register", form.register)
        if public_id:
            messages.success(request, _("The patient was added."))
            return redirect(where_next(request, public_id))
    is_known = isinstance(form.refusal, LikelyDuplicates)
    likely = [(one, where_next(request, str(one.public_id))) for one in form.refusal.patients] if is_known else []
    context = {"form": form, "likely": likely, "next": safe_next(request)}
    return render(request, "patients/new.html", context, status=form.status)


@require_http_methods(["GET", "POST"])
@staff_only
def patient_edit(request, patient):
    patient = patient_or_404(patient)
    form = EditPatientForm(posted(request), patient=patient)
    if request.method == "POST" and form.answer(request.user, f"correct {patient.public_id}", form.save):
        messages.success(request, _("The details were saved."))
        return redirect("patient", patient.public_id)
    on_file = form.show_conflict() if isinstance(form.refusal, Conflict) else []
    audit.chart_opened(request.user, patient, "patient_edit")
    context = {"patient": patient, "form": form, "on_file": on_file}
    return render(request, "patients/edit.html", context, status=form.status)


def posted(request: HttpRequest) -> object:
    """What was sent, None for a form that is shown for the first time."""
    return request.POST if request.method == "POST" else None


def names_in(query: str) -> dict[str, str]:
    """Read a name that was searched in vain as the beginning of a new record."""
    if not query or any(letter.isdigit() or letter == "@" for letter in query):
        return {}
    given, _space, family = query.strip()[:80].partition(" ")
    return {"given_name": given.capitalize(), "family_name": family.strip().capitalize()}


def safe_next(request: HttpRequest) -> str:
    """The page of this site that asked for a patient; empty when none did."""
    target = request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if is_ours else ""


def where_next(request: HttpRequest, public_id: str) -> str:
    """Back to the page that asked, with `patient=` added to its query; else the patient's own page."""
    target = safe_next(request)
    if not target:
        return reverse("patient", args=[public_id])
    parts = urlsplit(target)
    return parts._replace(query="&".join(filter(None, [parts.query, urlencode({"patient": public_id})]))).geturl()
