"""Who works here: logins of staff and their roles. Somebody is always left who may administer the clinic."""

from collections.abc import Collection

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.mail import send_mail
from django.db import transaction
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
    with locks.or_busy(), transaction.atomic():
        _lock_roles()
        user.save()
        _hold(user, roles)
        if roles:
            invite(user)
    return user


def change(user: User, *, roles: Collection[str]) -> User:
    """Save name, e-mail, roles and whether the person may sign in; refuses to lose the last administrator.

    Roles are those of staff; other groups of the login stay. Concurrent changes wait for each other.
    """
    with locks.or_busy(), transaction.atomic():
        _lock_roles()
        was_staff = bool(user.role_names)
        user.save(update_fields=["name", "email", "is_active"])
        _hold(user, roles)
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


def invite(user: User) -> None:
    """Write to somebody without a password how to choose one.

    The address carries nothing secret: the page sends a code to the same mailbox.
    """
    address = settings.SITE_URL + reverse("account_reset_password")
    body = render_to_string("patients/mail/staff_invitation.txt", {"user": user, "address": address})
    send_mail(_("Your login at the clinic"), body, None, [user.email])
