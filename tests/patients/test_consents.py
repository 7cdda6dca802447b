from datetime import timedelta

import pytest

from patients import consents
from patients.refusals import Refused
from tests.patients import factories
from tests.patients.factories import NOW

pytestmark = pytest.mark.django_db


def sign(patient, text, at=NOW):
    return consents.sign(patient, text, method="paper", at=at, by=factories.user())


def test_sign_covers_the_scope_until_withdrawn():
    patient, text = factories.patient(), factories.consent_text("photos")

    consent = sign(patient, text)
    before = consents.valid_scopes(patient)
    consents.withdraw(consent, at=NOW + timedelta(days=1))

    assert (before, consents.valid_scopes(patient)) == ({"photos"}, frozenset())


def test_sign_and_withdraw_have_booked_visits_checked_again():
    patient = factories.patient()

    consents.withdraw(sign(patient, factories.consent_text()), at=NOW)

    patient.refresh_from_db()
    assert patient.safety_revision == 3


def test_sign_is_refused_twice_for_one_wording():
    patient, text = factories.patient(), factories.consent_text()
    sign(patient, text)

    with pytest.raises(Refused, match="This consent has already been signed"):
        sign(patient, text)


@pytest.mark.parametrize("published_at", [None, NOW + timedelta(seconds=1)])
def test_sign_refuses_a_wording_that_is_not_in_use(published_at):
    text = factories.consent_text(published_at=published_at)

    with pytest.raises(Refused, match="This wording is not in use yet, so it cannot be signed"):
        sign(factories.patient(), text)


def test_withdraw_twice_keeps_the_first_time():
    consent = sign(factories.patient(), factories.consent_text())

    first = consents.withdraw(consent, at=NOW + timedelta(days=1))
    second = consents.withdraw(consent, at=NOW + timedelta(days=2))

    assert second.withdrawn_at == first.withdrawn_at == NOW + timedelta(days=1)


def test_sign_is_possible_again_after_withdrawing():
    patient, text = factories.patient(), factories.consent_text()
    consents.withdraw(sign(patient, text), at=NOW)

    sign(patient, text, at=NOW + timedelta(days=1))

    assert consents.valid_scopes(patient) == {"mesotherapy"}


def test_valid_scopes_read_merged_records_too():
    survivor = factories.patient()
    sign(factories.patient(merged_into=survivor), factories.consent_text())

    assert consents.valid_scopes(survivor) == {"mesotherapy"}


def test_in_use_gives_the_newest_wording_of_each_scope():
    factories.consent_text("photos")
    newest = factories.consent_text("photos", number=2)
    factories.consent_text("photos", number=3, published_at=None)
    other = factories.consent_text("needling")
    factories.consent_text("needling", language="de")

    assert consents.in_use(NOW, "en") == [other, newest]
