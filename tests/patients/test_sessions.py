"""Who a request is from: read in two statements, written in one."""

import pytest
from django.contrib import messages
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.http import HttpResponse

from patients import second_factor
from patients.sessions import Backend, NewestMessages, SessionStore
from tests import factories, sign_in

pytestmark = pytest.mark.django_db


def test_get_user_brings_roles_and_second_step_in_one_statement(django_assert_num_queries):
    person = factories.user("reception", "practitioner")
    sign_in.with_app(person)

    with django_assert_num_queries(1):
        found = Backend().get_user(person.pk)

        assert found == person
        assert found.role_names == {"reception", "practitioner"}
        assert second_factor.held_on_arrival(found)


def test_get_user_without_roles_or_second_step_has_none():
    found = Backend().get_user(factories.user().pk)

    assert found.role_names == frozenset()
    assert not second_factor.held_on_arrival(found)


def test_get_user_finds_nobody_who_may_not_sign_in():
    person = factories.user("reception")
    type(person).objects.update(is_active=False)

    assert Backend().get_user(person.pk) is None
    assert Backend().get_user(0) is None


def test_a_second_step_that_was_not_brought_along_is_looked_up():
    person = factories.user("reception")
    sign_in.with_app(person)

    assert second_factor.held_on_arrival(person)


def test_a_session_that_exists_is_saved_with_one_statement(django_assert_num_queries):
    store = SessionStore()
    store["who"] = "Ada"
    store.save()
    store["who"] = "Eve"

    with django_assert_num_queries(1):
        store.save()

    assert SessionStore(store.session_key)["who"] == "Eve"


def test_a_session_that_has_ended_meanwhile_is_not_brought_back():
    store = SessionStore()
    store.create()
    Session.objects.all().delete()
    store["who"] = "Ada"

    with pytest.raises(UpdateError):
        store.save()

    assert not Session.objects.exists()


def test_of_messages_that_no_page_has_shown_the_newest_are_kept(rf):
    request = rf.get("/")
    request.session = SessionStore()
    for number in range(NewestMessages.MOST + 3):
        storage = NewestMessages(request)
        storage.add(messages.INFO, f"{number}")
        storage.update(HttpResponse())

    assert [str(message) for message in NewestMessages(request)] == ["3", "4", "5", "6", "7"]
