"""Consents: sign what is on paper, withdraw what no longer holds."""

from django.conf import settings
from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from patients import audit, merging
from patients import consents as agreements
from patients.access import patient_or_404, staff_only
from patients.forms import ConsentForm
from patients.models import Consent
from patients.views.history import will_be_checked
from patients.views.patients import posted


@require_http_methods(["GET", "POST"])
@staff_only
def consents(request, patient):
    patient = patient_or_404(patient)
    texts = agreements.in_use(timezone.now(), settings.LANGUAGE_CODE)
    form = ConsentForm(posted(request), texts=texts)
    act = f"consent {patient.public_id}"
    if request.method == "POST" and form.answer(request.user, act, lambda: form.sign(patient, request.user)):
        messages.success(request, will_be_checked(_("The consent was saved as signed.")))
        return redirect("consents", patient.public_id)
    signed = list(Consent.objects.filter(patient__in=merging.group_of(patient)).select_related("text", "taken_by"))
    valid = {consent.text_id for consent in signed if consent.withdrawn_at is None}
    unsigned = [(key, text) for key, text in form.texts.items() if text.pk not in valid]
    audit.chart_opened(request.user, patient, "consents")
    context = {"patient": patient, "form": form, "signed": signed, "unsigned": unsigned}
    return render(request, "patients/consents.html", context, status=form.status)


@require_POST
@staff_only
def consent_withdraw(request, patient, consent):
    patient = patient_or_404(patient)
    row = get_object_or_404(Consent, public_id=consent, patient__in=merging.group_of(patient))
    agreements.withdraw(row, at=timezone.now())
    messages.success(request, will_be_checked(_("The consent was withdrawn.")))
    return redirect("consents", patient.public_id)
