from datetime import date

import pytest
from django.core.exceptions import ValidationError

from patients import registration
from patients.models import Patient
from patients.refusals import Conflict
from tests.patients import factories
from tests.patients.factories import TODAY

pytestmark = pytest.mark.django_db


def register(given_name="Ada", family_name="Quill", **details):
    return registration.register(given_name=given_name, family_name=family_name, on=TODAY, **details)


def likely(given="Ada", family="Quill", *, birth_date=None, email="", phone=""):
    return registration.likely_duplicates(given, family, birth_date, email, phone)


def test_register_keeps_names_composed_and_without_extra_spaces():
    patient = register(" Jose\u0301 ", "Garci\u0301a   Vega", phone="+447700900123")

    patient.refresh_from_db()
    assert str(patient) == "José García Vega"
    assert patient.search_text == "jose garcia vega jose  447700900123"
    assert patient.phone_ending == "123"


def test_register_refuses_an_empty_name():
    with pytest.raises(ValidationError) as refusal:
        register("  ", "Quill")

    assert refusal.value.message_dict == {"given_name": ["Please type a name."]}


@pytest.mark.parametrize("born", [date(2026, 3, 3), date(1889, 12, 31)])
def test_register_refuses_an_impossible_birth_date(born):
    with pytest.raises(ValidationError) as refusal:
        register(birth_date=born)

    assert refusal.value.message_dict == {"birth_date": ["This date of birth is not possible. Please check the year."]}


@pytest.mark.parametrize("born", [TODAY, date(1890, 1, 1)])
def test_register_takes_birth_dates_up_to_the_bounds(born):
    assert register(birth_date=born).birth_date == born


def test_register_refuses_likely_duplicates_until_surely_new():
    known = factories.patient()

    with pytest.raises(registration.LikelyDuplicates) as refusal:
        register(is_surely_new=False)

    assert refusal.value.patients == [known]
    assert refusal.value.messages == [
        "This person may be here already. Look at the likely records before you add a new one."
    ]
    assert register(is_surely_new=True).pk != known.pk


def test_likely_duplicates_are_most_alike_first():
    same_mail = factories.patient("Otto", "Weber", birth_date=None, email="a@x.example")
    same_name = factories.patient("Ada", "Quill", birth_date=None)
    same_all = factories.patient("Adah", "Quill", birth_date=date(1990, 1, 2), email="a@x.example")
    factories.patient("Otto", "Weber", birth_date=date(1990, 1, 2))

    found = likely(birth_date=date(1990, 1, 2), email="A@x.example")

    assert found == [same_all, same_name, same_mail]


@pytest.mark.parametrize(
    "typed",
    [
        {"given": "ÁDA", "family": "quill"},
        {"given": "Quill", "family": "Ada"},
        {"given": "Adda", "family": "Quil", "birth_date": date(1990, 1, 2)},
        {"given": "Otto", "family": "Weber", "phone": "+447700900123"},
        {"given": "Otto", "family": "Weber", "email": "ADA@mail.example"},
    ],
)
def test_likely_duplicates_are_found_by_each_sign(typed):
    known = factories.patient(email="ada@mail.example", phone="+447700900123")

    assert likely(**typed) == [known]


def test_likely_duplicates_leave_out_merged_records_and_other_people():
    survivor = factories.patient("Bo", "Lund")
    factories.patient(merged_into=survivor)

    assert likely() == []


def test_likely_duplicates_are_at_most_five():
    for _ in range(6):
        factories.patient()

    assert len(likely()) == 5


def test_update_saves_and_raises_the_version():
    patient = factories.patient()

    changed = registration.update(patient, version=1, on=TODAY, family_name="Quill-Jones")

    assert (str(changed), changed.version, changed.safety_revision) == ("Ada Quill-Jones", 2, 1)


def test_update_has_safety_checked_again_when_the_birth_date_changes():
    patient = factories.patient()

    changed = registration.update(patient, version=1, on=TODAY, birth_date=date(2010, 1, 2))

    assert changed.safety_revision == 2


def test_update_is_refused_when_somebody_else_saved_in_between():
    patient = factories.patient()
    registration.update(patient, version=1, on=TODAY, email="first@x.example")

    with pytest.raises(Conflict) as refusal:
        registration.update(patient, version=1, on=TODAY, email="second@x.example")

    assert refusal.value.status_code == 409
    assert refusal.value.messages == [
        "Somebody else changed this patient while you were typing. Nothing was saved yet."
    ]
    assert Patient.objects.get().email == "first@x.example"


def test_update_refuses_what_is_no_detail():
    with pytest.raises(TypeError, match="merged_into"):
        registration.update(factories.patient(), version=1, on=TODAY, merged_into=None)


def test_update_is_recorded_by_the_database():
    patient = factories.patient()

    registration.update(patient, version=1, on=TODAY, family_name="Jones")

    assert list(patient.events.order_by("pgh_id").values_list("family_name", flat=True)) == ["Quill", "Jones"]
