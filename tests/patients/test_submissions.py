import threading
import uuid

import pytest
from django.db import connection
from django.http import QueryDict

from patients import submissions
from patients.models import Submission
from patients.submissions import Sent
from tests.patients import factories

BODY = {"name": "Ada"}


def answers(*words):
    """An action that answers with the next word each time it is done."""
    return iter(words).__next__


@pytest.mark.django_db
def test_answer_is_done_once_for_the_same_key_and_body():
    sent, user, act = Sent(uuid.uuid4(), BODY), factories.user(), answers("first", "second")

    results = [submissions.answer(sent, user=user, verb="add", act=act) for _ in range(2)]

    assert results == ["first", "first"]


@pytest.mark.django_db
@pytest.mark.parametrize("other", ["body", "verb", "user"])
def test_answer_is_refused_when_the_key_said_something_else(other):
    key, user = uuid.uuid4(), factories.user()
    submissions.answer(Sent(key, BODY), user=user, verb="add", act=answers("first"))

    with pytest.raises(submissions.DifferentBody) as refusal:
        submissions.answer(
            Sent(key, {"name": "Eve"} if other == "body" else BODY),
            user=factories.user() if other == "user" else user,
            verb="remove" if other == "verb" else "add",
            act=answers("second"),
        )

    assert refusal.value.status_code == 422
    assert refusal.value.messages == [
        "This form was already sent with other details, and that was saved. Check it before you save again."
    ]


@pytest.mark.django_db
def test_answer_stores_nothing_when_the_action_fails():
    sent = Sent(uuid.uuid4(), BODY)

    with pytest.raises(StopIteration):
        submissions.answer(sent, user=None, verb="add", act=answers())

    assert not Submission.objects.exists()


@pytest.mark.parametrize("other", ["name=Ada&area=2&area=1", "name=Ada&area=1", "name=Eve&area=1&area=2"])
def test_digest_differs_when_something_else_was_typed(other):
    assert submissions.digest(QueryDict(other)) != submissions.digest(QueryDict("name=Ada&area=1&area=2"))


def test_digest_ignores_the_csrf_token_and_the_order_of_fields():
    first = submissions.digest(QueryDict("name=Ada&csrfmiddlewaretoken=x&area=1"))

    assert first == submissions.digest(QueryDict("area=1&name=Ada&csrfmiddlewaretoken=y"))


@pytest.mark.django_db(transaction=True)
def test_answer_is_done_once_when_copies_arrive_together():
    sent, done, results = Sent(uuid.uuid4(), BODY), [], []
    together = threading.Barrier(6)

    def act():
        done.append(1)
        return f"answer {len(done)}"

    def send():
        together.wait()
        try:
            results.append(submissions.answer(sent, user=None, verb="add", act=act))
        finally:
            connection.close()

    copies = [threading.Thread(target=send) for _ in range(6)]
    for copy in copies:
        copy.start()
    for copy in copies:
        copy.join()

    assert (len(done), results) == (1, ["answer 1"] * 6)
