from datetime import date

import pytest
from django.urls import reverse

from patients.models import AccessLog, Patient
from tests.patients import factories

NEW = "/patients/new/"
PHONE_MESSAGE = "Enter a valid phone number (e.g. 0121 234 5678) or a number with an international call prefix."


def typed(**details):
    return {"submission": factories.key(), "given_name": "Ada", "family_name": "Quill", **details}


def edit(patient):
    return reverse("patient_edit", args=[patient.public_id])


def test_patients_finds_by_query_and_tells_people_apart(reception):
    factories.patient(phone="+447700900123")

    page = reception.get("/patients/", {"q": "qu"})

    assert [str(patient) for patient, _href in page.context["rows"]] == ["Ada Quill"]
    assert b"2 January 1990" in page.content
    assert "phone …123".encode() in page.content


def test_patients_answers_htmx_with_the_list_alone(reception):
    factories.patient()

    page = reception.get("/patients/", {"q": "qu"}, headers={"hx-request": "true"})

    assert b"<html" not in page.content
    assert b"Ada Quill" in page.content


def test_patients_offers_a_new_patient_with_the_name_when_nobody_fits(reception):
    page = reception.get("/patients/", {"q": "grace hopper"})

    assert b"/patients/new/?q=grace+hopper" in page.content


def test_patients_says_when_the_list_was_cut(reception):
    for _ in range(21):
        factories.patient()

    page = reception.get("/patients/", {"q": "quill"})

    assert b"The first 20 patients are shown, and there are more." in page.content


def test_patients_needs_the_same_queries_for_1_and_3_found(reception, queries_of):
    url = reverse("patients", query={"q": "quill"})
    factories.patient()
    for_one = queries_of(reception, url)
    for _ in range(2):
        factories.patient()

    assert queries_of(reception, url) == for_one


@pytest.mark.parametrize(
    "query",
    ["\x00\x00", "%", "'\"<script>", "9" * 500, "00-00-0000", "𝔘𝔫", "\ud800".encode("utf-8", "replace").decode()],
)
def test_patients_has_an_answer_to_hostile_words(reception, query):
    assert reception.get("/patients/", {"q": query}).status_code == 200


def test_patients_is_hidden_from_people_without_a_role(client, db):
    client.force_login(factories.user())

    assert client.get("/patients/").status_code == 404


def test_patients_asks_strangers_to_sign_in(client, db):
    assert client.get("/patients/").headers["location"].startswith("/account/login/")


def test_patient_new_is_prefilled_from_the_search(reception):
    form = reception.get(NEW, {"q": "grace brewster hopper"}).context["form"]

    assert (form["given_name"].value(), form["family_name"].value()) == ("Grace", "Brewster hopper")


def test_patient_new_saves_and_opens_the_patient(reception):
    page = reception.post(NEW, typed(phone="07700 900123", birth_date="1990-01-02"))

    patient = Patient.objects.get()
    assert page.headers["location"] == reverse("patient", args=[patient.public_id])
    assert (str(patient.phone), patient.birth_date) == ("+447700900123", date(1990, 1, 2))


def test_patient_new_goes_back_to_the_page_that_asked(reception):
    page = reception.post(f"{NEW}?next=/appointments/new/%3Fstart%3D10", typed())

    assert page.headers["location"] == f"/appointments/new/?start=10&patient={Patient.objects.get().public_id}"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "http:///x"])
def test_patient_new_ignores_a_foreign_page(reception, target):
    page = reception.post(reverse("patient_new", query={"next": target}), typed())

    assert page.headers["location"] == reverse("patient", args=[Patient.objects.get().public_id])


def test_patient_new_shows_likely_duplicates_first_and_keeps_what_was_typed(reception):
    known = factories.patient()
    body = typed(email="new@x.example")

    page = reception.post(NEW, body)

    assert page.status_code == 422
    assert [patient for patient, _href in page.context["likely"]] == [known]
    assert page.context["form"]["email"].value() == "new@x.example"
    assert page.context["form"]["submission"].value() != body["submission"]
    assert Patient.objects.count() == 1


def test_patient_new_creates_anyway_when_asked(reception):
    factories.patient()

    reception.post(NEW, typed(anyway="1"))

    assert Patient.objects.count() == 2


def test_patient_new_answers_a_repeated_form_with_the_first_patient(reception):
    body = typed()

    pages = [reception.post(NEW, body) for _ in range(2)]

    assert Patient.objects.count() == 1
    assert pages[0].headers["location"] == pages[1].headers["location"]


def test_patient_new_refuses_a_used_key_with_other_words(reception):
    body = typed()
    reception.post(NEW, body)

    page = reception.post(NEW, {**body, "given_name": "Eve"})

    assert page.status_code == 422
    assert page.context["form"].non_field_errors() == [
        "This form was already sent with other details, and that was saved. Check it before you save again."
    ]
    assert Patient.objects.count() == 1


@pytest.mark.parametrize("key", ["", "no-uuid"])
def test_patient_new_keeps_what_was_typed_when_the_page_was_out_of_date(reception, key):
    page = reception.post(NEW, typed(submission=key))

    form = page.context["form"]
    assert page.status_code == 422
    assert b"This page was out of date and nothing was saved. Please save again." in page.content
    assert form["given_name"].value() == "Ada"
    assert reception.post(NEW, typed(submission=form["submission"].value())).status_code == 302


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("given_name", "", "This field is required."),
        ("given_name", "a\x00b", "Null characters are not allowed."),
        ("family_name", "x" * 81, "Ensure this value has at most 80 characters (it has 81)."),
        ("birth_date", "2999-01-01", "This date of birth is not possible. Please check the year."),
        ("birth_date", "yesterday", "Enter a valid date."),
        ("email", "ada", "Enter a valid email address."),
        ("phone", "none", PHONE_MESSAGE),
        ("phone", "123", PHONE_MESSAGE),
        ("phone", "0" * 30, PHONE_MESSAGE),
    ],
)
def test_patient_new_refuses_what_cannot_be(reception, field, value, message):
    page = reception.post(NEW, typed(**{field: value}))

    assert page.status_code == 422
    assert page.context["form"].errors[field] == [message]


def test_patient_edit_shows_and_saves_the_details(reception):
    patient = factories.patient(phone="+447700900123")
    form = reception.get(edit(patient)).context["form"]
    body = {name: form[name].value() or "" for name in form.fields}

    page = reception.post(edit(patient), {**body, "family_name": "Jones", "wants_messages": ""})

    patient.refresh_from_db()
    assert page.headers["location"] == reverse("patient", args=[patient.public_id])
    assert (str(patient), str(patient.phone), patient.version) == ("Ada Jones", "+447700900123", 2)


def test_patient_edit_keeps_what_was_typed_when_somebody_else_saved(reception):
    patient = factories.patient(email="old@x.example")
    Patient.objects.filter(pk=patient.pk).update(email="theirs@x.example", version=2)
    body = typed(version=1, email="mine@x.example", birth_date="1990-01-02", wants_messages="on")

    page = reception.post(edit(patient), body)

    form = page.context["form"]
    assert page.status_code == 409
    assert form["email"].value() == "mine@x.example"
    assert page.context["on_file"] == ["E-mail on file: theirs@x.example"]
    assert form.non_field_errors() == [
        "Somebody else changed this patient while you were typing. Nothing was saved yet."
    ]
    again = {**body, "version": form["version"].value(), "submission": form["submission"].value()}
    assert reception.post(edit(patient), again).status_code == 302
    assert Patient.objects.get().email == "mine@x.example"


def test_patient_edit_says_what_is_on_file_in_words(reception):
    patient = factories.patient(email="", phone="")
    Patient.objects.filter(pk=patient.pk).update(version=2)

    page = reception.post(edit(patient), typed(version=1, email="a@x.example", phone="07911 123456"))

    assert page.context["on_file"] == [
        "Date of birth on file: 2 January 1990",
        "E-mail on file: nothing",
        "Phone on file: nothing",
        "Send reminders and check-ins by e-mail on file: yes",
    ]


def test_patient_edit_answers_a_repeated_form_without_a_conflict(reception):
    patient = factories.patient()
    body = typed(version=1)

    pages = [reception.post(edit(patient), body) for _ in range(2)]

    assert [page.status_code for page in pages] == [302, 302]


def test_patient_edit_notes_who_looked(reception):
    patient = factories.patient()

    reception.get(edit(patient))

    row = AccessLog.objects.get()
    assert (row.user, row.patient, row.page) == (reception.user, patient, "patient_edit")


def test_patient_edit_answers_missing_with_404(reception):
    assert reception.get(f"/patients/{factories.key()}/edit/").status_code == 404
