import pytest
from django.urls import reverse

from patients import consents
from patients.models import AccessLog, Consent
from tests.patients import factories
from tests.patients.factories import NOW


@pytest.fixture
def patient(db):
    return factories.patient()


@pytest.fixture
def text(db):
    return factories.consent_text()


def url(patient):
    return reverse("consents", args=[patient.public_id])


def typed(text="mesotherapy en 1"):
    return {"submission": factories.key(), "text": text}


def test_consents_offers_each_wording_not_signed_yet(reception, patient, text):
    page = reception.get(url(patient))

    assert page.context["unsigned"] == [("mesotherapy en 1", text)]
    assert b"Nothing has been signed yet." in page.content
    assert AccessLog.objects.get().page == "consents"


def test_consents_signs_on_paper_and_says_what_follows(reception, patient, text):
    page = reception.post(url(patient), typed(), follow=True)

    row = Consent.objects.get()
    assert (row.text, row.method, row.taken_by) == (text, "paper", reception.user)
    assert b"The consent was saved as signed. Booked visits of this patient will be checked again." in page.content
    assert page.context["unsigned"] == []


@pytest.mark.parametrize("key", ["", "mesotherapy en 2", "%00"])
def test_consents_refuses_a_wording_that_is_not_in_use(reception, patient, text, key):
    page = reception.post(url(patient), typed(key))

    assert page.status_code == 422
    assert not Consent.objects.exists()


def test_consents_says_when_it_was_signed_already(reception, patient, text):
    consents.sign(patient, text, method="paper", at=NOW, by=reception.user)

    page = reception.post(url(patient), typed())

    assert b"This consent has already been signed." in page.content


def test_consents_saves_a_repeated_form_once(reception, patient, text):
    body = typed()

    pages = [reception.post(url(patient), body) for _ in range(2)]

    assert [page.status_code for page in pages] == [302, 302]
    assert Consent.objects.count() == 1


def test_consent_withdraw_ends_it(reception, patient, text):
    row = consents.sign(patient, text, method="paper", at=NOW, by=reception.user)

    page = reception.post(reverse("consent_withdraw", args=[patient.public_id, row.public_id]), follow=True)

    assert consents.valid_scopes(patient) == frozenset()
    assert b"The consent was withdrawn." in page.content


def test_consent_withdraw_hides_the_consent_of_somebody_else(reception, patient, text):
    row = consents.sign(factories.patient(), text, method="paper", at=NOW, by=reception.user)

    target = reverse("consent_withdraw", args=[patient.public_id, row.public_id])

    assert (reception.post(target).status_code, consents.valid_scopes(row.patient)) == (404, {"mesotherapy"})


@pytest.mark.parametrize("name", ["consent_withdraw", "allergy_refute"])
def test_acts_are_refused_by_get(practitioner, patient, name):
    assert practitioner.get(reverse(name, args=[patient.public_id, factories.key()])).status_code == 405


def test_consents_needs_the_same_queries_for_1_and_3(reception, patient, queries_of):
    def sign(scope):
        consents.sign(patient, factories.consent_text(scope), method="paper", at=NOW, by=reception.user)

    sign("one")
    for_one = queries_of(reception, url(patient))
    for scope in ("two", "three"):
        sign(scope)

    assert queries_of(reception, url(patient)) == for_one
