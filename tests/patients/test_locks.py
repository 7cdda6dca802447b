import threading

import pghistory
import pghistory.models
import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from patients import history, locks
from patients.models import Medication
from patients.refusals import Busy
from tests.patients import factories


def held():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (classid::bigint << 32) + objid::bigint FROM pg_locks"
            " WHERE locktype = 'advisory' AND pid = pg_backend_pid() ORDER BY 1"
        )
        return [row[0] for row in cursor.fetchall()]


@pytest.mark.django_db
def test_take_locks_resources_and_patients_apart():
    with transaction.atomic():
        locks.take(resources=[7, 3], patients=[3])

        assert held() == [3, 7, 2**62 + 3]


@pytest.mark.django_db
def test_take_uses_one_locking_statement_however_many():
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        locks.take(resources=range(50, 0, -1), patients=[1, 1, 2])

    assert sum("EXECUTE take_locks" in query["sql"] for query in queries) == 1


@pytest.mark.django_db
def test_take_waits_no_longer_than_three_seconds():
    with transaction.atomic():
        locks.take(resources=[1])

        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            assert cursor.fetchone()[0] == "3s"


@pytest.mark.django_db(transaction=True)
def test_take_is_refused_outside_a_transaction():
    with pytest.raises(transaction.TransactionManagementError, match="there is none"):
        locks.take(resources=[1])


@pytest.mark.django_db(transaction=True)
def test_verb_is_refused_as_busy_when_the_lock_is_not_given_in_time(monkeypatch):
    monkeypatch.setattr(locks, "WAIT", "100ms")
    patient, by, held_now, done = factories.patient(), factories.user(), threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            locks.take(patients=[patient.pk])
            held_now.set()
            done.wait(10)
        connection.close()

    other = threading.Thread(target=hold)
    other.start()
    held_now.wait(10)
    try:
        with pytest.raises(Busy) as refusal:
            history.add_medication(patient, name="Warfarin", by=by)
    finally:
        done.set()
        other.join()

    assert refusal.value.status_code == 503
    assert refusal.value.messages == [
        "Somebody else is saving this at the moment and nothing was saved. Please try again."
    ]
    assert not Medication.objects.exists()


def test_other_troubles_of_the_database_stay_what_they_are():
    with pytest.raises(OperationalError, match="gone"), locks.or_busy():
        raise OperationalError("gone")


@pytest.mark.django_db(transaction=True)
def test_writing_says_once_who_acts_and_the_history_of_every_change_knows_it():
    patient = factories.patient()
    with pghistory.context(user=7, url="/caf%C3%A9/"), CaptureQueriesContext(connection) as queries, locks.writing():
        type(patient).objects.filter(pk=patient.pk).update(phone="+41441234567")
        type(patient).objects.filter(pk=patient.pk).update(phone="+41441234568")

    contexts = pghistory.models.Context.objects.filter(metadata__url="/caf%C3%A9/")
    assert [each.metadata["user"] for each in contexts] == [7]
    events = pghistory.models.Events.objects.tracks(patient)
    assert [each.pgh_context["url"] for each in events if each.pgh_context] == ["/caf%C3%A9/"] * 2
    assert sum("pghistory.context_id" in query["sql"] for query in queries) == 1


@pytest.mark.django_db(transaction=True)
def test_writing_waits_no_longer_than_three_seconds_for_a_lock():
    with locks.writing(), connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone()[0] == "3s"
