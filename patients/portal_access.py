"""Who sees a patient in the portal: a login, for as long as its access is open. Staff give it and end it.

A login is an e-mail address without a password: a code is sent there. One login may see several people, and one person
may be seen by several logins. A merged record counts as the record that it was merged into.
"""

import uuid
from collections.abc import Iterable
from datetime import datetime

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from patients import locks, merging
from patients.models import Patient, PortalAccess, User
from patients.refusals import Refused

MAIL = "portal/email/invitation"
log = structlog.get_logger(__name__)


def open_at(now: datetime) -> Q:
    """The condition on a `PortalAccess` that has not ended."""
    return Q(until=None) | Q(until__gt=now)


def visible_to(user: User, now: datetime) -> QuerySet[Patient]:
    """Return the people whom this login may see, by name; nobody for a closed or unknown login."""
    if not user.is_authenticated or not user.is_active:
        return Patient.objects.none()
    seen = PortalAccess.objects.filter(open_at(now), user=user, may_see=True)
    return Patient.objects.filter(pk__in=seen.values(survivor=Coalesce("patient__merged_into", "patient"))).by_name()


def among(people: Iterable[Patient], public_id: uuid.UUID) -> Patient | None:
    """Return the one of these people with that id, or into whom the record with that id was merged; None if nobody."""
    by_id = {person.public_id: person for person in people}
    if public_id in by_id:
        return by_id[public_id]
    old = Patient.objects.filter(public_id=public_id, merged_into__in=list(by_id.values())).first()
    return next((person for person in by_id.values() if old and person.pk == old.merged_into_id), None)


def readers_of(patient: Patient, now: datetime) -> QuerySet[PortalAccess]:
    """Return the open accesses to this person, under any of their records, the oldest first."""
    rows = PortalAccess.objects.filter(open_at(now), patient__in=merging.group_of(patient), may_see=True)
    return rows.select_related("user").order_by("since", "pk")


def may_book(user: User, patient: Patient, now: datetime) -> bool:
    """Whether this login may decide about the person's visits, under any of their records."""
    return readers_of(patient, now).filter(user=user, may_book=True).exists()


def grant(patient: Patient, *, email: str, by: User, now: datetime, may_book: bool = True) -> PortalAccess:
    """Let whoever signs in with this address see the patient; makes the login if there is none.

    Giving it twice changes nothing. Locks the patient. Raises `Refused` for a login that was closed.
    """
    email = User.objects.normalize_email(email)
    validate_email(email)
    with locks.or_busy(), transaction.atomic():
        locks.take(patients=[patient.pk])
        user, _is_new = User.objects.get_or_create(email__iexact=email, defaults=_login(email))
        if not user.is_active:
            raise Refused({"email": _("The login with this address was closed. An administrator can open it again.")})
        access = readers_of(patient, now).filter(user=user, until=None).first()
        if access is None:
            access = PortalAccess.objects.create(user=user, patient=patient, may_book=may_book)
            log.info("portal_access_given", access=access.pk, patient=patient.pk, by=by.pk)
    return access


def invite(access: PortalAccess, *, clinic: str) -> None:
    """Write to the login where to sign in; says nothing about health, and its link opens a page and does nothing."""
    language = access.patient.language
    words = {
        "clinic": clinic,
        "first_name": access.patient.given_name,
        "link": settings.SITE_URL + reverse("portal_sign_in"),
    }
    with translation.override(language if translation.check_for_language(language) else settings.LANGUAGE_CODE):
        subject = " ".join(render_to_string(f"{MAIL}_subject.txt", words).split())
        send_mail(subject, render_to_string(f"{MAIL}_message.txt", words), None, [access.user.email])


def withdraw(access: PortalAccess, *, by: User, now: datetime) -> PortalAccess:
    """End the access at once; the login itself stays, as does what it may see of others."""
    ended = PortalAccess.objects.filter(open_at(now), pk=access.pk).update(until=now)
    if ended:
        access.until = now
        log.info("portal_access_ended", access=access.pk, patient=access.patient_id, by=by.pk)
    return access


def _login(email: str) -> dict[str, object]:
    """A login without a password that anybody could guess or leak: it signs in by a code."""
    unusable = User()
    unusable.set_unusable_password()
    return {"email": email, "password": unusable.password}
