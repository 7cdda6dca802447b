"""Who works here: logins of staff and their roles. Somebody is always left who may administer the clinic."""

from collections.abc import Collection

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import F
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from patients import locks
from patients.models import User
from patients.refusals import Refused
from patients.roles import ADMINISTRATOR, ALL


def add(user: User, *, roles: Collection[str]) -> User:
    """Save a new login without a password and send its owner a mail that says how to choose one."""
    user.set_unusable_password()
    user.email = User.objects.normalize_email(user.email)
    with locks.or_busy(), transaction.atomic():
        _lock_roles()
        user.save()
        _hold(user, roles)
        if roles:
            invite(user)
    return user


def change(user: User, *, roles: Collection[str]) -> User:
    """Save name, e-mail, roles and whether the person may sign in; refuses to lose the last administrator.

    Roles are those of staff; other groups of the login stay. Concurrent changes wait for each other. A login that is
    closed or opened, gets another address or becomes one of staff has to sign in anew.
    """
    user.email = User.objects.normalize_email(user.email)
    with locks.or_busy(), transaction.atomic():
        _lock_roles()
        was_staff = bool(user.role_names)
        before = User.objects.get(pk=user.pk)
        user.save(update_fields=["name", "email", "is_active"])
        _hold(user, roles)
        if (before.email, before.is_active) != (user.email, user.is_active) or (roles and not was_staff):
            _end_sessions(user)
        if not User.objects.filter(is_active=True, groups__name=ADMINISTRATOR).exists():
            raise Refused(
                _("Nobody could administer the clinic any more. Give somebody else the role of administrator first.")
            )
        if roles and not was_staff and not user.has_usable_password():
            invite(user)
    return user


def _lock_roles() -> None:
    """Whoever changes roles or logins goes one after the other."""
    locks.take()
    list(Group.objects.select_for_update(no_key=True).filter(name__in=ALL).order_by("pk"))


def _hold(user: User, roles: Collection[str]) -> None:
    kept = user.groups.exclude(name__in=ALL)
    user.groups.set([*kept, *Group.objects.filter(name__in=set(roles) & set(ALL))])
    user.__dict__.pop("role_names", None)


def _end_sessions(user: User) -> None:
    """Nothing that was proved under an earlier address or role counts any more; the earlier address opens nothing."""
    User.objects.filter(pk=user.pk).update(session_round=F("session_round") + 1)
    EmailAddress.objects.filter(user=user).exclude(email=user.email).delete()


def invite(user: User, *, clinic: str = "") -> None:
    """Write to somebody without a password how to choose one; `clinic` is its name, if the caller knows it.

    The address carries nothing secret: the page sends a code to the same mailbox.
    """
    address = settings.SITE_URL + reverse("account_reset_password")
    words = {"user": user, "clinic": clinic, "address": address, "has_second_step": settings.STAFF_MFA == "required"}
    subject = _("Your sign-in at %(clinic)s") % {"clinic": clinic} if clinic else _("Your sign-in at the clinic")
    send_mail(subject, render_to_string("patients/mail/staff_invitation.txt", words), None, [user.email])
