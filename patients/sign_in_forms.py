"""What people type when they sign in or set up how they do. allauth finds these forms through the settings."""

from allauth.account import forms as account
from allauth.core import context
from allauth.mfa.base import forms as mfa
from allauth.mfa.totp import forms as totp
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from patients import clinic_devices, second_factor, signin
from patients.models import User
from patients.roles import is_staff_login


class SignInForm(account.LoginForm):
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("E-mail")


class EmailedCodeForm(account.RequestLoginCodeForm):
    """Ask for a code by e-mail. An address that gets none is answered in the same words after the same work."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("E-mail")

    def clean_email(self) -> str:
        email = super().clean_email()
        user = getattr(self, "_user", None)
        if user is not None and is_staff_login(user) and not second_factor.holds(user):
            self._user = user = None
        if user is None:
            _as_if_sent("account/email/login_code", email)
        return email


class ForgottenPasswordForm(account.ResetPasswordForm):
    """Ask for a code for a new password, answered alike for unknown addresses."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("E-mail")

    def save(self, request: object, **details: object) -> str:
        if not self.users:
            _as_if_sent("account/email/password_reset_code", self.cleaned_data["email"])
        return super().save(request, **details)


class SecondStepForm(mfa.AuthenticateForm):
    """The code of the app or a recovery code at sign-in."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        _as_code_field(self.fields["code"], _("Code from the app, or a recovery code"))

    def clean_code(self) -> str:
        return _fresh(super().clean_code(), self.user)


class SecondStepAgainForm(mfa.ReauthenticateForm):
    """The same before a page that changes how one signs in."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        _as_code_field(self.fields["code"], _("Code from the app, or a recovery code"))

    def clean_code(self) -> str:
        return _fresh(super().clean_code(), self.user)


class EmailedCodeAnswerForm(account.ConfirmLoginCodeForm):
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        _as_code_field(self.fields["code"], _("Code from the e-mail"))


class ForgottenPasswordAnswerForm(account.ConfirmPasswordResetCodeForm):
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        _as_code_field(self.fields["code"], _("Code from the e-mail"))


class NewPasswordForm(account.ResetPasswordKeyForm):
    """A first password, or one in place of a forgotten one."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        _as_new_password(self)


class ChosenPasswordForm(account.SetPasswordForm):
    """A password for somebody who had none."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        _as_new_password(self)


class ChangedPasswordForm(account.ChangePasswordForm):
    """A new password in place of the one that is typed as well."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["oldpassword"].label = _("Current password")
        _as_new_password(self)


class AppForm(totp.ActivateTOTPForm):
    """The first code of a new authenticator app: who can type it has shown the second step."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        _as_code_field(self.fields["code"], _("The six digits that the app shows"))

    def clean_code(self) -> str:
        return _fresh(super().clean_code(), self.user)

    def clean(self) -> dict:
        cleaned = super().clean()
        _note_if_right(self, second_factor.APP)
        return cleaned


class PasskeyForm(webauthn.AddWebAuthnForm):
    """A new passkey. It always asks for the device's own lock, so that it can stand alone at the next sign-in."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("A name for it, for example: My phone")
        self.fields["passwordless"].initial = True
        self.fields["passwordless"].widget.attrs["hidden"] = True

    def clean(self) -> dict:
        self.cleaned_data["passwordless"] = True
        cleaned = super().clean()
        _note_if_right(self, second_factor.PASSKEY)
        return cleaned


class PinForm(forms.Form):
    pin = forms.CharField(
        label=_("New PIN, six digits"),
        max_length=clinic_devices.PIN_DIGITS,
        widget=forms.PasswordInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    again = forms.CharField(
        label=_("The same PIN again"),
        max_length=clinic_devices.PIN_DIGITS,
        widget=forms.PasswordInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    def save(self, user: User) -> bool:
        """Set the PIN; False when it was refused, with the reason at its field."""
        if not self.is_valid():
            return False
        if self.cleaned_data["pin"] != self.cleaned_data["again"]:
            self.add_error("again", _("The two are not the same. Type the PIN once more."))
            return False
        try:
            clinic_devices.set_pin(user, self.cleaned_data["pin"], now=timezone.now())
        except ValidationError as refusal:
            self.add_error(None, refusal)
        return not self.errors


class SwitchForm(forms.Form):
    person = forms.UUIDField(widget=forms.RadioSelect)
    pin = forms.CharField(
        label=_("PIN"),
        max_length=clinic_devices.PIN_DIGITS,
        widget=forms.PasswordInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )


class DeviceForm(forms.Form):
    name = forms.CharField(label=_("Name, for example: Reception tablet"), max_length=60)


def _as_code_field(field: forms.Field, label: str) -> None:
    field.label = label
    field.widget = forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True})


def _as_new_password(form: forms.Form) -> None:
    form.fields["password1"].label = _("New password")
    form.fields["password1"].help_text = _("12 characters or more. A few words are easier to keep than symbols.")
    form.fields["password2"].label = _("The same password again")


def _fresh(code: str, user: User) -> str:
    """The code, unless it was used already: allauth forgets sooner than the clocks' tolerance lasts."""
    if second_factor.use(user, code):
        return code
    raise second_factor.FactorAdapter().validation_error("incorrect_code")


def _note_if_right(form: forms.Form, kind: str) -> None:
    if form.errors:
        return
    request = context.request
    second_factor.note_shown(request, request.user, kind)
    request.session[signin.HAS_SECOND_FACTOR] = True
    signin.remember_second_step(request, request.user, timezone.now())


def _as_if_sent(template: str, email: str) -> None:
    """Do the work of a mail that is not sent: an answer that comes sooner would say that nobody has this address."""
    adapter = signin.ClinicAdapter(context.request)
    code = adapter.generate_login_code()
    adapter.render_mail(template, email, {"request": context.request, "email": email, "code": code})
