"""The administration's door and first page, and a crossed save of a row with rows of parts."""

import threading

import pytest
from django.contrib import admin
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.urls import reverse

from clinic.models import Location, OpeningHours
from patients.roles import ADMINISTRATOR, CLINICAL_LEAD, RECEPTION
from tests.administration_forms import address, filled
from tests.factories import location, user
from tests.patients import factories


@pytest.fixture
def administrator(client, db):
    client.force_login(user(ADMINISTRATOR, name="Alex Marsh"))
    return client


def test_the_first_page_lists_every_table_with_what_it_is_for(administrator):
    answer = administrator.get(reverse("admin:index"))

    listed = [table for place in answer.context["places"] for table in place["tables"]]
    shown = [page for page in admin.site._registry.values() if page.has_module_permission(answer.wsgi_request)]
    assert len(listed) == len(shown) > 20
    assert all(str(table["purpose"]) for table in listed)


def test_tables_of_other_packages_stay_out():
    labels = {model._meta.app_label for model in admin.site._registry}

    assert labels == {"clinic", "patients", "treatments"}
    assert not admin.site.is_registered(Session)


def test_a_lead_does_not_see_what_only_the_administrator_may(client, db):
    client.force_login(user(CLINICAL_LEAD))

    answer = client.get(reverse("admin:patients_portalaccess_changelist"))

    assert answer.status_code == 403


@pytest.mark.parametrize("role", [ADMINISTRATOR, CLINICAL_LEAD])
def test_the_menu_leads_to_the_administration_for_those_who_may(client, db, role):
    location()
    client.force_login(user(role))

    assert 'href="/admin/"' in client.get(reverse("diary")).content.decode()


def test_the_menu_of_reception_does_not_lead_there(client, db):
    location()
    client.force_login(user(RECEPTION))

    assert 'href="/admin/"' not in client.get(reverse("diary")).content.decode()


def test_a_crossed_save_of_a_part_keeps_what_was_typed_in_the_parts_too(administrator):
    place = location()
    path = address(Location, "change", place.pk)
    opened = filled(administrator.get(path))
    OpeningHours.objects.filter(location=place, weekday=1).update(closes="12:00")

    answer = administrator.post(path, {**opened, "phone": "020 1", "opening_hours-1-opens": "09:17"})

    place.refresh_from_db()
    text = answer.content.decode()
    assert answer.status_code == 409
    assert place.phone == ""
    assert 'value="020 1"' in text
    assert 'value="09:17"' in text
    assert "Somebody was faster" in text


def test_a_crossed_save_is_seen_when_a_part_was_added(administrator):
    place = location()
    path = address(Location, "change", place.pk)
    opened = filled(administrator.get(path))
    OpeningHours.objects.create(location=place, weekday=1, opens="19:00", closes="20:00")

    assert administrator.post(path, opened).status_code == 409


def test_two_rows_of_parts_that_break_a_rule_are_refused_beside_the_row(administrator):
    place = location()
    path = address(Location, "change", place.pk)

    answer = administrator.post(path, {**filled(administrator.get(path)), "opening_hours-0-closes": "07:00"})

    parts = answer.context["inline_admin_formsets"][0].formset
    assert answer.status_code == 200
    assert parts.errors[0]["__all__"] == ["This breaks a rule: opening hours close after opening."]


def test_the_form_of_a_row_with_parts_takes_as_many_queries_for_ten_parts_as_for_seven(
    administrator, django_assert_num_queries, django_assert_max_num_queries
):
    place = location()
    path = address(Location, "change", place.pk)
    administrator.get(path)
    with django_assert_max_num_queries(40) as seven:
        administrator.get(path)
    OpeningHours.objects.bulk_create(
        OpeningHours(location=place, weekday=day, opens="19:00", closes="20:00") for day in (1, 2, 3)
    )

    with django_assert_num_queries(len(seven)):
        administrator.get(path)


@pytest.mark.django_db(transaction=True)
def test_a_save_and_a_booking_of_the_same_place_do_not_wait_for_each_other(client):
    client.force_login(factories.user(ADMINISTRATOR))
    place = location()
    typed = filled(client.get(address(Location, "change", place.pk)))
    booked, saved = threading.Event(), threading.Event()

    def book():
        """As a visit that points to the location, in a transaction that is not over yet."""
        with transaction.atomic():
            list(Location.objects.raw("SELECT * FROM clinic_location WHERE id = %s FOR KEY SHARE", [place.pk]))
            booked.set()
            saved.wait(10)
        connection.close()

    thread = threading.Thread(target=book)
    thread.start()
    booked.wait(10)
    answer = client.post(address(Location, "change", place.pk), typed | {"phone": "020 7946 0018"})
    saved.set()
    thread.join()

    assert answer.status_code == 302
    assert Location.objects.get().phone == "020 7946 0018"
