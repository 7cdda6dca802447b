"""What every page shows, and when the database is asked for it."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.urls import reverse

from clinic import context
from tests.factories import location, user


def asked_by(rf, person):
    request = rf.get("/")
    request.user = person
    return request


def test_desk_shows_a_stranger_the_product_without_asking_the_database(rf):
    assert context.desk(asked_by(rf, AnonymousUser()))["clinic_name"] == "Cadence"


def test_desk_shows_the_product_when_nobody_is_known_yet(rf):
    assert context.desk(rf.get("/"))["clinic_name"] == "Cadence"


@pytest.mark.django_db
def test_desk_asks_nothing_until_a_page_shows_the_name(rf, django_assert_num_queries):
    location("Northgate")
    request = asked_by(rf, user())

    with django_assert_num_queries(0):
        shown = context.desk(request)
    with django_assert_num_queries(1):
        names = [str(shown["clinic_name"]), str(shown["clinic_name"])]

    assert names == ["Northgate", "Northgate"]


@pytest.mark.django_db
def test_desk_shows_the_location_that_was_made_first(rf):
    location("Zenith")
    location("Arcade")

    assert context.desk(asked_by(rf, user()))["clinic_name"] == "Zenith"


@pytest.mark.django_db
def test_desk_shows_the_product_before_there_is_a_location(rf):
    assert context.desk(asked_by(rf, user()))["clinic_name"] == "Cadence"


def test_desk_gives_the_address_of_the_site(rf, settings):
    settings.SITE_URL = "https://book.clinic.example"

    shown = context.desk(rf.get("/"))

    assert (shown["site_url"], shown["demo"]) == ("https://book.clinic.example", False)


@pytest.mark.django_db
def test_sign_in_page_asks_the_database_only_whether_anybody_can_sign_in(client, django_assert_num_queries):
    with django_assert_num_queries(1):
        page = client.get(reverse("account_login")).content.decode()

    assert "<title>Sign in · Cadence</title>" in page
