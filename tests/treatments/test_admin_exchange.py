"""Tables out and in: by key, with a preview, all rows or none, and no formula for a spreadsheet."""

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from patients import exchange
from patients.models import User
from patients.roles import ADMINISTRATOR, CLINICAL_LEAD
from tests import administration_rows as rows
from tests.administration_forms import address
from tests.patients.factories import user
from treatments.models import AreaLimit, Contraindication, Ingredient, Source


@pytest.fixture
def administrator(client, db):
    client.force_login(user(ADMINISTRATOR))
    return client


def exported(client, model):
    answer = client.post(address(model, "export"))
    assert answer.status_code == 200
    return answer.content.decode("utf-8-sig")


def table(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def as_csv(lines):
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, lines[0].keys())
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue()


def upload(client, model, text):
    data = text if isinstance(text, bytes) else text.encode()
    return client.post(address(model, "import"), {"file": SimpleUploadedFile("rows.csv", data)})


def confirm(client, model, preview):
    return client.post(address(model, "import"), {"confirmed": preview.context["confirm"]})


def test_what_was_exported_comes_in_again_and_changes_nothing(administrator):
    rows.ingredient().sources.add(Source.objects.create(key="paper", title="A paper", kind="paper"))

    preview = upload(administrator, Ingredient, exported(administrator, Ingredient))

    assert preview.status_code == 200
    assert (preview.context["rows"], preview.context["left_alone"]) == ([], 1)


def test_rows_are_named_by_keys_not_by_numbers_of_this_database(administrator):
    ingredient = rows.ingredient()

    line = table(exported(administrator, Ingredient))[0]

    assert line["ingredient_class"] == ingredient.ingredient_class.key
    assert "id" not in line


def test_a_change_is_shown_first_and_saved_when_confirmed(administrator):
    ingredient = rows.ingredient()
    line = table(exported(administrator, Ingredient))[0] | {"name": "Another name"}

    preview = upload(administrator, Ingredient, as_csv([line]))
    shown = Ingredient.objects.get().name
    confirm(administrator, Ingredient, preview)

    assert shown == ingredient.name
    assert "Another name" in preview.content.decode()
    assert Ingredient.objects.get().name == "Another name"


def test_an_import_stands_in_the_history_of_its_rows(administrator):
    ingredient = rows.ingredient()
    line = table(exported(administrator, Ingredient))[0] | {"name": "Another name"}
    confirm(administrator, Ingredient, upload(administrator, Ingredient, as_csv([line])))

    history = administrator.get(address(Ingredient, "history", ingredient.pk))

    assert history.context["changes"][0].lines == ["Imported from a file"]


def test_a_wrong_row_is_named_and_no_row_is_saved(administrator):
    rows.ingredient(), rows.ingredient()
    lines = table(exported(administrator, Ingredient))
    lines[0]["name"], lines[1]["vehicle"] = "Another name", "oil"

    answer = upload(administrator, Ingredient, as_csv(lines))

    assert answer.status_code == 422
    assert answer.context["problems"] == ["Row 3: An oil-based product must stay blocked."]
    assert not Ingredient.objects.filter(name="Another name").exists()


def test_a_key_that_nobody_knows_is_named(administrator):
    rows.ingredient()
    line = table(exported(administrator, Ingredient))[0] | {"ingredient_class": "nothing"}

    answer = upload(administrator, Ingredient, as_csv([line]))

    assert answer.context["problems"] == ["Row 2: it names something that is not in the catalogue."]


def test_a_new_row_is_marked_as_new_and_added(administrator):
    ingredient = rows.ingredient()
    line = table(exported(administrator, Ingredient))[0] | {"key": "new", "name": "New"}

    preview = upload(administrator, Ingredient, as_csv([line]))
    confirm(administrator, Ingredient, preview)

    assert preview.context["rows"][0]["is_new"]
    assert set(Ingredient.objects.values_list("key", flat=True)) == {ingredient.key, "new"}


@pytest.mark.parametrize("model", [AreaLimit, Contraindication])
def test_rows_without_a_key_of_their_own_are_found_by_what_they_are_about(administrator, model):
    rows.one(model)
    line = table(exported(administrator, model))[0] | {"note": "Seen"}

    confirm(administrator, model, upload(administrator, model, as_csv([line])))

    assert model.objects.get().note == "Seen"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "The submitted file is empty."),
        ("key\n", "The file has no rows below the column names."),
        ("key,name\nx\n", "These rows have more or fewer columns than the first: 2."),
        ("name\nx\n", "The file has no column “key”."),
        ("key,confidence,sources,wrong\nx,high,,1\n", "There is no column “wrong” in this list."),
        ('key\n"x', "The file is not a CSV file: unexpected end of data."),
        (b"\xff\xfe\x00", "The file is not text in UTF-8. Save it as “CSV UTF-8”."),
        ("key\x00\nx\n", "The file is not a CSV file."),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(administrator, text, problem):
    answer = upload(administrator, Ingredient, text)

    assert answer.status_code == 422
    assert problem in answer.content.decode()


def test_a_large_file_is_refused(administrator):
    answer = upload(administrator, Ingredient, "key\n" + "x" * exchange.MOST_BYTES)

    assert "The file is larger than 1 MB." in answer.content.decode()


def test_what_is_confirmed_must_have_been_previewed(administrator):
    answer = administrator.post(address(Ingredient, "import"), {"confirmed": "made up"})

    assert answer.status_code == 422
    assert not Ingredient.objects.exists()


def test_a_row_that_became_wrong_after_the_preview_is_refused(administrator):
    ingredient = rows.ingredient()
    line = table(exported(administrator, Ingredient))[0] | {"name": "Another name"}
    preview = upload(administrator, Ingredient, as_csv([line]))
    Ingredient.objects.filter(pk=ingredient.pk).delete()
    ingredient.ingredient_class.delete()

    answer = confirm(administrator, Ingredient, preview)

    assert answer.status_code == 422
    assert not Ingredient.objects.exists()


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "'=1", '=HYPERLINK("http://x")'])
def test_no_cell_is_a_formula_and_each_comes_back_as_it_was(administrator, cell):
    ingredient = rows.ingredient()
    Ingredient.objects.filter(pk=ingredient.pk).update(note=cell)

    text = exported(administrator, Ingredient)

    assert table(text)[0]["note"] == f"'{cell}"
    assert upload(administrator, Ingredient, text).context["rows"] == []


def test_clinical_leads_neither_export_nor_import(client, db):
    client.force_login(user(CLINICAL_LEAD))

    assert client.post(address(Ingredient, "export")).status_code == 403
    assert client.get(address(Ingredient, "import")).status_code == 403


def test_an_export_is_never_a_mere_link(administrator):
    assert administrator.get(address(Ingredient, "export")).status_code == 405


def test_people_are_neither_exported_nor_imported(administrator):
    page = administrator.get(address(User, "changelist"))

    assert not page.context.get("may_exchange")


def test_a_key_that_stands_in_two_rows_is_refused(administrator):
    rows.ingredient()
    line = table(exported(administrator, Ingredient))[0]

    answer = upload(administrator, Ingredient, as_csv([line | {"name": "One"}, line | {"name": "Two"}]))

    assert answer.status_code == 422
    assert answer.context["problems"] == [f"More than one row has the key “{line['key']}”."]
