"""The medical history: questions, allergies, measurements. For clinical roles only."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from patients import audit, history, merging
from patients.access import clinical_only, patient_or_404
from patients.forms import AllergyForm, MeasurementForm
from patients.models import Allergy, BodyArea, Condition
from patients.questionnaire import Questionnaire
from patients.refusals import Conflict, Refused
from patients.views.patients import posted


@require_http_methods(["GET", "POST"])
@clinical_only
def questions(request, patient):
    patient = patient_or_404(patient)
    form = questionnaire(request, patient)
    if request.method == "POST":
        if form.answer(request.user, f"review {patient.public_id}", lambda: form.record(request.user)):
            messages.success(request, will_be_checked(_("The medical history was saved.")))
            return redirect("patient", patient.public_id)
        if isinstance(form.refusal, Conflict):
            form.current = history.current_answers(patient)
            form.retype(seen_revision=patient.safety_revision)
    audit.chart_opened(request.user, patient, "history")
    context = {
        "patient": patient,
        "form": form,
        "review": history.latest_review(patient),
        "open_count": sum(condition.pk not in form.current for condition in form.conditions),
        "allergies": history.active_allergies(patient),
        "measurements": history.latest_measurements(patient).values(),
    }
    return render(request, "patients/history.html", context, status=form.status)


@require_http_methods(["GET", "POST"])
@clinical_only
def allergies(request, patient):
    patient = patient_or_404(patient)
    form = AllergyForm(posted(request))
    act = f"allergy {patient.public_id}"
    if request.method == "POST" and form.answer(request.user, act, lambda: form.add(patient, request.user)):
        messages.success(request, will_be_checked(_("The allergy was noted.")))
        return redirect("allergies", patient.public_id)
    audit.chart_opened(request.user, patient, "allergies")
    context = {"patient": patient, "form": form, "allergies": history.active_allergies(patient)}
    return render(request, "patients/allergies.html", context, status=form.status)


@require_POST
@clinical_only
def allergy_refute(request, patient, allergy):
    patient = patient_or_404(patient)
    row = get_object_or_404(Allergy, public_id=allergy, patient__in=merging.group_of(patient))
    try:
        history.refute_allergy(row, by=request.user)
        messages.success(request, will_be_checked(_("The allergy was ruled out.")))
    except Refused as refusal:
        messages.error(request, " ".join(refusal.messages))
    return redirect("allergies", patient.public_id)


@require_http_methods(["GET", "POST"])
@clinical_only
def measurement_new(request, patient):
    patient = patient_or_404(patient)
    form = MeasurementForm(posted(request), initial={"kind": request.GET.get("kind")})
    act = f"measure {patient.public_id}"
    if request.method == "POST" and form.answer(request.user, act, lambda: form.add(patient, request.user)):
        messages.success(request, will_be_checked(_("The measurement was saved.")))
        return redirect("patient", patient.public_id)
    audit.chart_opened(request.user, patient, "measurement_new")
    return render(request, "patients/measurement.html", {"patient": patient, "form": form}, status=form.status)


def questionnaire(request, patient):
    """The form with what it asks and what was answered last."""
    return Questionnaire(
        posted(request),
        patient=patient,
        conditions=list(Condition.objects.filter(is_active=True, answered_by=Condition.AnsweredBy.QUESTION)),
        areas=list(BodyArea.objects.all()),
        current=history.current_answers(patient),
    )


def will_be_checked(done: str) -> str:
    """What was done, and what follows for the diary."""
    return _("%(done)s Booked visits of this patient will be checked again.") % {"done": done}
