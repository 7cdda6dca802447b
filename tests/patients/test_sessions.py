"""Who a request is from: read in one statement where the process has seen the session, written in one."""

import pytest
from django.contrib import auth, messages
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.core.signals import request_started
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse

from patients import second_factor, sessions
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


def begin_request():
    """As Django does, but for the connections, which it closes when they are old: this one is the test's."""
    request_started.disconnect(close_old_connections)
    try:
        request_started.send(None)
    finally:
        request_started.connect(close_old_connections)


def who_is_here(session_key):
    """Who Django says a request with this session is from."""
    begin_request()
    request = HttpRequest()
    request.session = SessionStore(session_key)
    return auth.get_user(request)


@pytest.fixture
def session_of():
    def make(person):
        store = SessionStore()
        store[auth.SESSION_KEY] = str(person.pk)
        store[auth.BACKEND_SESSION_KEY] = "patients.sessions.Backend"
        store[auth.HASH_SESSION_KEY] = person.get_session_auth_hash()
        store.create()
        return store.session_key

    sessions._guesses.clear()
    yield make
    sessions._guesses.clear()


def test_who_has_just_signed_in_is_known_by_one_statement(session_of, django_assert_num_queries):
    person = factories.user("reception")
    key = session_of(person)

    with django_assert_num_queries(1):
        assert who_is_here(key) == person


def test_who_is_here_takes_two_statements_once_then_one(session_of, django_assert_num_queries):
    person = factories.user("reception")
    key = session_of(person)
    sessions._guesses.clear()  # as in another process

    for statements in (2, 1, 1):
        with django_assert_num_queries(statements):
            found = who_is_here(key)

            assert found == person
            assert found.role_names == {"reception"}


def test_a_wrong_guess_is_nobody_else(session_of, django_assert_num_queries):
    person, other = factories.user("reception"), factories.user("admin")
    key = session_of(person)
    sessions._guesses[key] = other.pk

    with django_assert_num_queries(2):
        assert who_is_here(key) == person
    with django_assert_num_queries(1):
        assert who_is_here(key) == person


def test_a_session_that_changes_hands_is_of_the_new_person(session_of):
    person, other = factories.user("reception"), factories.user("admin")
    key = session_of(person)
    who_is_here(key)
    store = SessionStore(key)
    store[auth.SESSION_KEY], store[auth.HASH_SESSION_KEY] = str(other.pk), other.get_session_auth_hash()
    store.save()
    sessions._guesses[key] = person.pk  # as another process still thinks

    assert who_is_here(key) == other


def test_who_is_here_is_as_the_database_says_at_each_request(session_of):
    person = factories.user("reception")
    key = session_of(person)
    who_is_here(key)
    person.groups.clear()

    assert who_is_here(key).role_names == frozenset()

    type(person).objects.update(is_active=False)

    assert who_is_here(key).is_anonymous


def test_nobody_who_came_along_with_a_session_is_kept_for_the_next_request(session_of):
    person = factories.user("reception")
    key = session_of(person)
    who_is_here(key)
    assert SessionStore(key)[auth.SESSION_KEY] == str(person.pk)  # loads it, and asks for nobody
    type(person).objects.update(is_active=False)

    begin_request()

    assert Backend().get_user(person.pk) is None


def test_a_session_that_is_over_brings_nobody(session_of):
    key = session_of(factories.user("reception"))
    who_is_here(key)
    Session.objects.update(expire_date=factories.NOW)

    assert who_is_here(key).is_anonymous


def test_guesses_do_not_pile_up(session_of, monkeypatch):
    monkeypatch.setattr(sessions, "_MOST_GUESSES", 3)
    for _number in range(10):
        who_is_here(session_of(factories.user("reception")))

    assert len(sessions._guesses) <= 3


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
