"""The pages of a new clinic: the first sign-in, the second step, mail, the first visit, and which page comes next.

They exist until the clinic is set up; then they lead home. The steps in between are in `clinic.views.opening`.
"""

import functools
from collections.abc import Callable

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from clinic import offers, setup
from clinic.setup_forms import YouForm
from patients.access import public, roles
from patients.roles import ADMINISTRATOR, ALL, has_role

View = Callable[..., HttpResponse]
LABEL_OF = {
    setup.YOU: gettext_lazy("You"),
    setup.FACTOR: gettext_lazy("Second step"),
    setup.CLINIC: gettext_lazy("The clinic"),
    setup.PEOPLE: gettext_lazy("Who works here"),
    setup.OFFERS: gettext_lazy("What you offer"),
    setup.MAIL: gettext_lazy("Mail"),
    setup.FIRST: gettext_lazy("First visit"),
}
get_and_post = require_http_methods(["GET", "HEAD", "POST"])


def step(name: str) -> Callable[[View], View]:
    """A page for administrators while the clinic is being set up; a step whose turn has not come leads to the next."""

    def decorate(view: View) -> View:
        @get_and_post
        @roles(ADMINISTRATOR)
        @functools.wraps(view)
        def guarded(request: HttpRequest) -> HttpResponse:
            request.setup = setup.state(request.user)
            if request.setup.is_finished:
                return redirect("home")
            if setup.STEPS.index(name) > setup.STEPS.index(request.setup.step):
                return redirect("setup")
            return view(request)

        return guarded

    return decorate


@get_and_post
@public
def begin(request: HttpRequest) -> HttpResponse:
    """The first sign-in as long as nobody has one; after that the next step, for an administrator."""
    if not setup.has_staff():
        return _you(request)
    state = setup.state(request.user)
    if state.is_finished and has_role(request.user, *ALL):
        return redirect("home")
    if not state.is_finished and request.user.is_anonymous:
        return redirect_to_login(reverse("setup"))
    if state.is_finished or not has_role(request.user, ADMINISTRATOR):
        raise Http404
    return redirect(f"setup_{state.step}")


begin.is_before_second_step = True


def _you(request: HttpRequest) -> HttpResponse:
    data = request.POST if request.method == "POST" else None
    form = YouForm(data, asks_code=settings.IS_PRODUCTION, initial={"code": request.GET.get("code", "")})
    status = 422 if form.is_bound else 200
    if form.is_valid():
        try:
            user = setup.create_first_administrator(**form.cleaned_data)
        except setup.AlreadySetUp as refusal:
            messages.error(request, " ".join(refusal.messages))
            return redirect("account_login")
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            record_authentication(request, user, method="password", email=user.email)
            get_adapter(request).login(request, user)
            return redirect("setup")
    return page(request, setup.YOU, {"form": form}, status=status)


@step(setup.FACTOR)
def factor(request: HttpRequest) -> HttpResponse:
    """The second step of signing in: now, on its own page, or later where that is allowed."""
    refused = None
    if request.method == "POST":
        refused = refusal_of(functools.partial(setup.put_off_second_step, by=request.user))
        if refused is None:
            return redirect("setup")
    shown = {"may_put_off": setup.may_put_off_second_step(), "has_one": request.setup.has_second_step}
    return page(request, setup.FACTOR, shown, refused)


factor.is_before_second_step = True


@step(setup.MAIL)
def mail(request: HttpRequest) -> HttpResponse:
    """Whether the mail server answers, a test message, and now or later."""
    wish = request.POST.get("mail", "")
    why_not = setup.why_no_mail() if wish in ("test", "now") else ""
    refused = None
    if wish == "test" and not why_not:
        setup.send_test(by=request.user)
        messages.success(request, _("A test message is on its way to %(email)s.") % {"email": request.user.email})
        return redirect("setup_mail")
    if wish == "now" and not why_not:
        refused = refusal_of(functools.partial(setup.use_mail, by=request.user))
    if wish == "later":
        refused = refusal_of(functools.partial(setup.mail_later, by=request.user, now=timezone.now()))
    if wish in ("now", "later") and not why_not and refused is None:
        return redirect("setup")
    server = f"{settings.SMTP['EMAIL_HOST']}:{settings.SMTP['EMAIL_PORT'] or 25}"
    shown = {"server": server, "gaps": setup.mail_gaps(), "why_not": why_not, "sender": settings.DEFAULT_FROM_EMAIL}
    shown["waiting"] = setup.uninvited()
    return page(request, setup.MAIL, shown, refused, status=422 if why_not else 200)


@step(setup.FIRST)
def first(request: HttpRequest) -> HttpResponse:
    """The last page: what is still missing, and on to the first patient."""
    refused = None
    if request.method == "POST":
        refused = refusal_of(functools.partial(setup.finish, by=request.user, now=timezone.now()))
        if refused is None:
            return redirect("patient_new" if "patient" in request.POST else "diary")
    return page(request, setup.FIRST, {"missing": offers.missing()}, refused)


def refusal_of(act: Callable[[], object], form: forms.Form | None = None) -> ValidationError | None:
    """Let a verb act; what it refused, which the form shows beside its fields if there is one."""
    try:
        act()
    except ValidationError as refusal:
        if form is not None:
            known = hasattr(refusal, "error_dict") and set(refusal.error_dict) <= set(form.fields)
            form.add_error(None, refusal if known else ValidationError(refusal.messages))
        return refusal
    return None


def page(
    request: HttpRequest, name: str, shown: dict, refused: ValidationError | None = None, status: int = 200
) -> HttpResponse:
    """One step, with the list of all of them."""
    state = getattr(request, "setup", None) or setup.state(request.user)
    before = [each for each in setup.STEPS[: setup.STEPS.index(name)] if each != setup.YOU]
    listed = [
        {"label": LABEL_OF[each], "is_done": each in state.done, "is_here": each == name, "url": _url(each, state)}
        for each in setup.STEPS
    ]
    frame = {
        "steps": listed,
        "number": setup.STEPS.index(name) + 1,
        "title": LABEL_OF[name],
        "back": reverse(f"setup_{before[-1]}") if before else "",
        "refusals": refused.messages if refused else [],
    }
    status = getattr(refused, "status_code", 422) if refused else status
    return render(request, f"setup/{name}.html", frame | shown, status=status)


def _url(name: str, state: setup.State) -> str:
    is_open = name != setup.YOU and setup.STEPS.index(name) <= setup.STEPS.index(state.step) and state.has_staff
    return reverse(f"setup_{name}") if is_open else ""
