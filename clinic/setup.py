"""Setting up a new clinic: who may, how far it is, the first sign-in, mail, and the end of it.

What exists decides which step is next, so a browser can be closed at any point. Each verb is one transaction; doing it
twice changes nothing. The clinic itself and its people are made in `clinic.opening`, what it offers in `clinic.offers`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.models import AnonymousUser, Group
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from clinic.mail_server import MailServer, Unreachable
from clinic.models import Installation, Location, SetupProgress, Task
from patients import second_factor, staff
from patients.models import User
from patients.refusals import Refused
from patients.roles import ADMINISTRATOR, ALL, has_role

YOU, FACTOR, CLINIC, PEOPLE, OFFERS, MAIL, FIRST = "you", "factor", "clinic", "people", "offers", "mail", "first"
STEPS = (YOU, FACTOR, CLINIC, PEOPLE, OFFERS, MAIL, FIRST)
CODE_IS_GOOD_FOR = timedelta(days=1)
LEFT_IS_DUE_AFTER = timedelta(days=7)


class AlreadySetUp(Refused):
    """Somebody has a sign-in already; a stranger may not make the first one."""

    status_code = 409

    def __init__(self) -> None:
        super().__init__(_("Somebody else has just made the first sign-in here. Sign in, or ask them to add you."))


@dataclass(frozen=True)
class State:
    """How far a clinic is: the steps that are done, in their order."""

    has_staff: bool
    has_second_step: bool
    location: Location | None
    progress: SetupProgress | None

    @property
    def is_finished(self) -> bool:
        """Whether there is nothing left to set up; a clinic that was not set up here has its location."""
        if self.progress is not None:
            return self.progress.finished_at is not None
        return self.has_staff and self.location is not None

    @property
    def done(self) -> frozenset[str]:
        progress = self.progress or SetupProgress()
        facts = {
            YOU: self.has_staff,
            FACTOR: self.has_second_step or (progress.puts_off_second_factor and may_put_off_second_step()),
            CLINIC: self.location is not None,
            PEOPLE: progress.is_solo is not None,
            OFFERS: progress.has_chosen_offer,
            MAIL: bool(progress.mail),
            FIRST: progress.finished_at is not None,
        }
        return frozenset(step for step, is_done in facts.items() if is_done)

    @property
    def step(self) -> str:
        """The first step that is not done."""
        return next((step for step in STEPS if step not in self.done), FIRST)


def state(user: User | AnonymousUser) -> State:
    """Read how far the clinic is, for the person who sets it up."""
    has_second_step = user.is_authenticated and second_factor.holds(user)
    location, progress = Location.objects.order_by("pk").first(), SetupProgress.objects.first()
    return State(has_staff(), has_second_step, location, progress)


def may_put_off_second_step() -> bool:
    """Whether this installation leaves the second step to each person."""
    return settings.STAFF_MFA == "optional"


def has_staff() -> bool:
    """Whether anybody has ever had a staff sign-in here, closed ones included."""
    is_staff = Q(is_staff=True) | Q(is_superuser=True) | Q(groups__name__in=ALL)
    return User.objects.filter(is_staff).exists()


def new_code() -> str:
    """The code that shows, in production, that whoever makes the first sign-in also runs the server."""
    if has_staff():
        raise AlreadySetUp
    return _signer().sign("setup")


def is_code(typed: str) -> bool:
    """Whether the code was made for this database with this secret key within the last day."""
    try:
        return _signer().unsign(typed.strip(), max_age=CODE_IS_GOOD_FOR) == "setup"
    except signing.BadSignature:
        return False


def create_first_administrator(*, name: str, email: str, password: str, code: str = "") -> User:
    """Make the first sign-in, an administrator's. Of several at once one gets it, the others get `AlreadySetUp`.

    Locks the installation's row. In production the code of `manage.py setup_code` is asked for.
    """
    with transaction.atomic():
        Installation.objects.get_or_create(pk=1)
        Installation.objects.select_for_update().get(pk=1)
        if has_staff():
            raise AlreadySetUp
        if settings.IS_PRODUCTION and not is_code(code):
            raise Refused({"code": _("This is not the setup code, or it is older than a day. Make a new one.")})
        if User.objects.filter(email__iexact=email).exists():
            raise ValidationError({"email": _("Somebody already signs in with this e-mail address.")})
        user = User.objects.create_user(email, password, name=name, is_staff=True)
        user.groups.set(Group.objects.filter(name=ADMINISTRATOR))
        SetupProgress.objects.get_or_create(pk=1)
    return user


def under_way(by: User) -> SetupProgress:
    """Return the locked progress row for a verb's transaction; raises `Refused` for whom or when it is not."""
    if not has_role(by, ADMINISTRATOR):
        raise Refused(_("Only an administrator sets up the clinic."))
    SetupProgress.objects.get_or_create(pk=1)
    progress = SetupProgress.objects.select_for_update().get(pk=1)
    if progress.finished_at is not None:
        raise Refused(_("The clinic is set up already. Change it in the administration."))
    return progress


def put_off_second_step(*, by: User) -> None:
    """Remember that the person wants the second step of signing in later; only where the installation allows it."""
    if not may_put_off_second_step():
        raise Refused(_("People who work here sign in with a second step. Set it up now."))
    with transaction.atomic():
        progress = under_way(by)
        progress.puts_off_second_factor = True
        progress.save(update_fields=["puts_off_second_factor"])


# -- Mail -------------------------------------------------------------------------------------------------------------


def mail_gaps() -> list[str]:
    """What the mail settings lack, in words for whoever runs the server."""
    smtp = settings.SMTP
    is_local = smtp["EMAIL_HOST"] in ("localhost", "127.0.0.1", "::1")
    lines = []
    if is_local and settings.IS_PRODUCTION:
        lines.append(_("EMAIL_URL names no mail server, or one on this machine."))
    if not is_local and not (smtp.get("EMAIL_USE_TLS") or smtp.get("EMAIL_USE_SSL")):
        lines.append(_("EMAIL_URL begins with smtp://: with smtp+tls:// the connection is encrypted."))
    if not is_local and not smtp.get("EMAIL_HOST_USER"):
        lines.append(_("EMAIL_URL names no user and password."))
    return lines


def why_no_mail() -> str:
    """Ask the mail server now; what it said when it does not answer, else nothing. Waits ten seconds at most."""
    try:
        with MailServer(settings.SMTP) as server:
            server.connect()
    except Unreachable as error:
        return str(error)
    return ""


def send_test(*, by: User) -> None:
    """Put a test message to the person into the outbox."""
    text = _("This message from %(site)s has reached you, so reminders will reach your patients.")
    send_mail(_("Mail works"), text % {"site": settings.SITE_URL}, None, [by.email])


def use_mail(*, by: User) -> None:
    """Mail is in use from now on; colleagues who wait for their invitation get it."""
    with transaction.atomic():
        progress = under_way(by)
        if progress.mail != SetupProgress.Mail.NOW:
            progress.mail = SetupProgress.Mail.NOW
            progress.save(update_fields=["mail"])
            _left_over().delete()
            location = Location.objects.order_by("pk").first()
            for colleague in _without_password():
                staff.invite(colleague, clinic=location.name if location else "")


def uninvited() -> list[User]:
    """Colleagues whose invitation waits for mail, by name."""
    is_in_use = SetupProgress.objects.filter(mail=SetupProgress.Mail.NOW).exists()
    return [] if is_in_use else list(_without_password().order_by("name", "pk"))


def mail_later(*, by: User, now: datetime) -> None:
    """Go on without mail, and leave a task for it."""
    text = _("Set up mail: give the server an EMAIL_URL. Until then reminders wait.")
    if _without_password().exists():
        text += " " + _("Then ask your colleagues to choose “Forgot your password?” on the sign-in page.")
    with transaction.atomic():
        progress = under_way(by)
        progress.mail = SetupProgress.Mail.LATER
        progress.save(update_fields=["mail"])
        _left_over().delete()
        due_at = now + LEFT_IS_DUE_AFTER
        Task.objects.create(kind=Task.Kind.SETUP, for_role=ADMINISTRATOR, text=text, due_at=due_at, opened_at=now)


def finish(*, by: User, now: datetime) -> None:
    """Close the setup. Refused while a step is open; a second call changes nothing."""
    with transaction.atomic():
        if SetupProgress.objects.filter(finished_at__isnull=False).exists():
            return
        progress = under_way(by)
        if state(by).step != FIRST:
            raise Refused(_("Some steps are still open."))
        progress.finished_at = now
        progress.save(update_fields=["finished_at"])


def _signer() -> signing.TimestampSigner:
    """Bound to this database: its installation's moment is part of the salt."""
    installation, _is_new = Installation.objects.get_or_create(pk=1)
    return signing.TimestampSigner(salt=f"clinic.setup {installation.installed_at.isoformat()}")


def _left_over():  # noqa: ANN202 (a QuerySet)
    return Task.objects.filter(kind=Task.Kind.SETUP, for_role=ADMINISTRATOR, done_at=None)


def _without_password():  # noqa: ANN202 (a QuerySet)
    """Staff who have never chosen a password."""
    return User.objects.filter(
        groups__name__in=ALL, is_active=True, password__startswith=UNUSABLE_PASSWORD_PREFIX
    ).distinct()
