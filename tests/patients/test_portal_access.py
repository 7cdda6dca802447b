"""Who sees whom: given once, ended at once, followed through merged records."""

from datetime import timedelta

import pytest
from django.core import mail
from django.core.exceptions import ValidationError

from patients import portal_access
from patients.models import PortalAccess, User
from patients.refusals import Refused
from tests.patients import factories
from tests.patients.factories import NOW

pytestmark = pytest.mark.django_db
ADDRESS = "ada@mail.example"


@pytest.fixture(autouse=True)
def _clock(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


def give(person, email=ADDRESS, **details):
    return portal_access.grant(person, email=email, by=factories.user("reception"), now=NOW, **details)


def seen(user, now=NOW):
    return list(portal_access.visible_to(user, now))


def test_grant_makes_a_login_without_a_password():
    access = give(factories.patient())

    assert access.user.email == ADDRESS
    assert not access.user.has_usable_password()
    assert (access.user.is_staff, access.user.role_names) == (False, frozenset())


def test_grant_twice_changes_nothing():
    ada = factories.patient()

    assert give(ada) == give(ada, "ADA@mail.example ")
    assert User.objects.filter(email__iexact=ADDRESS).count() == PortalAccess.objects.count() == 1


def test_grant_uses_the_login_of_a_couple_and_of_staff_as_it_is():
    ada, max_, colleague = factories.patient(), factories.patient("Max"), factories.user("reception")
    give(ada), give(max_), give(ada, colleague.email)

    assert seen(User.objects.get(email=ADDRESS)) == [ada, max_]
    assert seen(colleague) == [ada]
    assert colleague.role_names == frozenset({"reception"})


def test_grant_refuses_a_login_that_was_closed():
    factories.user(email=ADDRESS).__class__.objects.filter(email=ADDRESS).update(is_active=False)

    with pytest.raises(Refused, match="The login with this address was closed"):
        give(factories.patient())


def test_grant_refuses_what_is_no_address():
    with pytest.raises(ValidationError, match="Enter a valid email address"):
        give(factories.patient(), "ada")


def test_withdraw_ends_the_access_at_once_and_keeps_the_others():
    ada, max_ = factories.patient(), factories.patient("Max")
    access, _other = give(ada), give(max_)

    portal_access.withdraw(access, by=factories.user("reception"), now=NOW)

    assert seen(access.user) == [max_]
    assert portal_access.withdraw(access, by=factories.user(), now=NOW + timedelta(days=1)).until == NOW


def test_grant_after_an_end_begins_anew():
    ada = factories.patient()
    first = portal_access.withdraw(give(ada), by=factories.user(), now=NOW)

    again = give(ada)

    assert again != first
    assert seen(again.user) == [ada]


@pytest.mark.parametrize(
    ("change", "is_seen"),
    [
        ({"until": NOW}, False),
        ({"until": NOW + timedelta(seconds=1)}, True),
        ({"may_see": False}, False),
        ({"may_book": False}, True),
    ],
)
def test_visible_to_knows_open_access_from_closed(change, is_seen):
    access = give(factories.patient())
    PortalAccess.objects.update(**change)

    assert bool(seen(access.user)) is is_seen


def test_visible_to_is_nobody_for_a_closed_login():
    access = give(factories.patient())
    access.user.is_active = False

    assert seen(access.user) == []


def test_a_merged_record_counts_as_the_one_it_was_merged_into():
    old, new = factories.patient(), factories.patient("Adah")
    access = give(old)
    old.merged_into = new
    old.save()

    assert seen(access.user) == [new]
    assert portal_access.among([new], old.public_id) == portal_access.among([new], new.public_id) == new
    assert list(portal_access.readers_of(new, NOW)) == [access]


def test_among_finds_nobody_else():
    ada, foreign = factories.patient(), factories.patient()
    merged = factories.patient(merged_into=foreign)

    assert portal_access.among([ada], foreign.public_id) is None
    assert portal_access.among([ada], merged.public_id) is None
    assert portal_access.among([ada], factories.key()) is None


def test_invite_says_where_to_sign_in_and_nothing_about_health():
    access = give(factories.patient())

    portal_access.invite(access, clinic="Cadence London")

    (message,) = mail.outbox
    assert message.to == [ADDRESS]
    assert message.subject == "Your pages at Cadence London"
    assert message.body.startswith("Hello Ada,\n")
    assert "\nhttp://localhost" in message.body
    assert "/portal/sign-in/\n" in message.body
