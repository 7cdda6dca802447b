import base64

import pytest
from django.core.exceptions import FieldError
from django.db import connection

from patients import encryption, history
from patients.models import Allergy, Medication
from tests.patients import factories

pytestmark = pytest.mark.django_db


def medication(words="Warfarin 3 mg"):
    return history.add_medication(factories.patient(), name=words, by=factories.user())


def stored(row):
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM patients_medication WHERE id = %s", [row.pk])
        return cursor.fetchone()[0]


def test_text_is_sealed_in_the_column_and_open_on_the_instance():
    row = medication()

    assert "Warfarin" not in stored(row)
    assert Medication.objects.get(pk=row.pk).name == "Warfarin 3 mg"


def test_same_text_is_sealed_differently_each_time():
    assert stored(medication()) != stored(medication())


def test_history_rows_keep_the_sealed_text_and_open_too():
    row = medication()

    event = row.events.get()

    assert event.name == "Warfarin 3 mg"


def test_value_copied_to_another_row_does_not_open():
    mine, other = medication("mine"), medication("other")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE patients_medication SET name = %s WHERE id = %s", [stored(mine), other.pk])

    with pytest.raises(encryption.WrongKey, match="does not open this value"):
        _ = Medication.objects.get(pk=other.pk).name


def test_value_does_not_open_with_another_key(settings):
    row = medication()
    name = settings.FIELD_KEYS[0].partition(":")[0]
    settings.FIELD_KEYS = [f"{name}:{base64.b64encode(b'z' * 32).decode()}"]

    with pytest.raises(encryption.WrongKey, match="does not open this value"):
        _ = Medication.objects.get(pk=row.pk).name


def test_value_names_the_key_that_is_missing(settings):
    row = medication()
    settings.FIELD_KEYS = [f"newer:{base64.b64encode(b'z' * 32).decode()}"]

    with pytest.raises(encryption.WrongKey, match="is not in FIELD_KEYS"):
        _ = Medication.objects.get(pk=row.pk).name


def test_newest_key_writes_and_the_older_one_still_reads(settings):
    row = medication()
    settings.FIELD_KEYS = [f"newer:{base64.b64encode(b'z' * 32).decode()}", *settings.FIELD_KEYS]

    row = Medication.objects.get(pk=row.pk)
    row.name += ", evening"
    row.save(update_fields=["name"])

    assert stored(row).startswith("newer$")
    assert Medication.objects.get(pk=row.pk).name == "Warfarin 3 mg, evening"


def test_values_give_nothing_readable():
    medication()

    [value] = Medication.objects.values_list("name", flat=True)

    with pytest.raises(FieldError, match="read through its model instance"):
        str(value)


def test_update_is_refused():
    medication()

    with pytest.raises(FieldError, match="is encrypted"):
        Medication.objects.update(name="Aspirin")


def test_filter_is_refused():
    with pytest.raises(FieldError, match="is encrypted"):
        list(Medication.objects.filter(name="Aspirin"))


def test_empty_text_stays_empty_and_deferred_text_is_fetched():
    row = history.add_allergy(factories.patient(), tags=[factories.tag()], by=factories.user(), at=factories.NOW)

    assert Allergy.objects.defer("substance").get(pk=row.pk).substance == ""


def test_field_is_reachable_on_the_class():
    assert Medication.name.field.label == "patients_medication.name"
