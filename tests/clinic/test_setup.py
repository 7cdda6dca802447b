"""Setting up a new clinic: the first sign-in, its code, the steps, mail and the end."""

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection

from clinic import setup
from clinic.models import SetupProgress, Task
from patients.models import User
from patients.refusals import Refused
from patients.roles import ADMINISTRATOR, ALL, CLINICAL_LEAD, RECEPTION
from tests.factories import NOW, location, user

PASSWORD = "four quiet words here"


def first(**details):
    return setup.create_first_administrator(
        **{"name": "Ada Solo", "email": "ada@clinic.example", "password": PASSWORD, **details}
    )


@pytest.mark.django_db
def test_first_sign_in_is_an_administrators():
    person = first()

    assert person.role_names == {ADMINISTRATOR}
    assert person.check_password(PASSWORD)
    assert SetupProgress.objects.get().finished_at is None


@pytest.mark.django_db
@pytest.mark.parametrize("role", ALL)
def test_first_sign_in_is_refused_once_anybody_of_the_staff_has_one(role):
    user(role)

    with pytest.raises(setup.AlreadySetUp):
        first()


@pytest.mark.django_db
def test_first_sign_in_is_refused_even_when_the_only_one_was_closed():
    closed = user(ADMINISTRATOR)
    User.objects.filter(pk=closed.pk).update(is_active=False)

    with pytest.raises(setup.AlreadySetUp):
        first()


@pytest.mark.django_db
def test_first_sign_in_is_refused_for_the_address_of_somebody_who_signs_in_already():
    user(email="ada@clinic.example")

    with pytest.raises(ValidationError, match="Somebody already signs in"):
        first()


@pytest.mark.django_db(transaction=True)
def test_of_many_who_make_the_first_sign_in_at_once_exactly_one_gets_it():
    Group.objects.bulk_create([Group(name=name) for name in ALL], ignore_conflicts=True)  # a flush takes them away
    ready, answers = threading.Barrier(8), []

    def race(number):
        try:
            ready.wait(timeout=10)
            first(email=f"racer{number}@clinic.example")
            answers.append("made")
        except setup.AlreadySetUp:
            answers.append("told")
        finally:
            connection.close()

    threads = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert sorted(answers) == ["made", *["told"] * 7]
    assert User.objects.filter(groups__name=ADMINISTRATOR).count() == 1


@pytest.mark.django_db
def test_production_asks_for_the_code(settings):
    settings.IS_PRODUCTION = True
    code = setup.new_code()

    for wrong in ("", "setup", code[:-1], f"x{code}"):
        with pytest.raises(Refused, match="not the setup code"):
            first(code=wrong)

    assert first(code=f" {code}\n").role_names == {ADMINISTRATOR}


@pytest.mark.django_db
def test_code_is_good_for_a_day(monkeypatch):
    code = setup.new_code()
    day = timedelta(days=1).total_seconds()
    real = signing.time.time

    monkeypatch.setattr(signing.time, "time", lambda: real() + day - 60)
    assert setup.is_code(code)
    monkeypatch.setattr(signing.time, "time", lambda: real() + day + 60)
    assert not setup.is_code(code)


@pytest.mark.django_db
def test_code_of_another_database_or_another_key_is_none(settings):
    code = setup.new_code()
    installation = setup.Installation.objects.get()

    setup.Installation.objects.update(installed_at=installation.installed_at + timedelta(seconds=1))
    assert not setup.is_code(code)
    setup.Installation.objects.update(installed_at=installation.installed_at)
    assert setup.is_code(code)
    settings.SECRET_KEY = "another"
    assert not setup.is_code(code)


@pytest.mark.django_db
def test_code_is_not_made_once_somebody_has_a_sign_in():
    first()

    with pytest.raises(CommandError, match="already"):
        call_command("setup_code")


@pytest.mark.django_db
def test_setup_code_prints_an_address_that_carries_the_code(capsys):
    call_command("setup_code")

    printed = capsys.readouterr().out
    code = next(line.split()[1] for line in printed.splitlines() if line.startswith("code"))
    assert "/setup/?code=" in printed
    assert setup.is_code(code)


@pytest.mark.django_db
def test_state_leads_from_step_to_step(settings):
    settings.STAFF_MFA = "optional"
    person = first()
    progress = SetupProgress.objects.get()
    seen = []

    def look():
        seen.append(setup.state(person).step)

    look()
    setup.put_off_second_step(by=person)
    look()
    location()
    look()
    for change in ({"is_solo": True}, {"has_chosen_offer": True}, {"mail": "later"}):
        SetupProgress.objects.update(**change)
        look()
    setup.finish(by=person, now=NOW)

    assert seen == [setup.FACTOR, setup.CLINIC, setup.PEOPLE, setup.OFFERS, setup.MAIL, setup.FIRST]
    assert setup.state(person).is_finished
    progress.refresh_from_db()
    assert progress.finished_at == NOW


@pytest.mark.django_db
def test_a_clinic_that_was_not_set_up_here_is_finished():
    location()

    assert setup.state(user(ADMINISTRATOR)).is_finished


@pytest.mark.django_db
def test_second_step_is_put_off_only_where_that_is_allowed(settings):
    person = first()

    settings.STAFF_MFA = "required"
    with pytest.raises(Refused, match="second step"):
        setup.put_off_second_step(by=person)
    settings.STAFF_MFA = "optional"
    setup.put_off_second_step(by=person)
    assert setup.FACTOR in setup.state(person).done
    settings.STAFF_MFA = "required"
    assert setup.FACTOR not in setup.state(person).done


@pytest.mark.django_db
def test_only_an_administrator_goes_on():
    first()

    with pytest.raises(Refused, match="Only an administrator"):
        setup.use_mail(by=user(RECEPTION, CLINICAL_LEAD))


@pytest.mark.django_db
def test_finish_is_refused_while_a_step_is_open():
    person = first()

    with pytest.raises(Refused, match="still open"):
        setup.finish(by=person, now=NOW)


@pytest.mark.django_db
def test_nothing_is_set_up_after_the_end_and_finishing_twice_changes_nothing():
    person = first()
    SetupProgress.objects.update(finished_at=NOW)

    setup.finish(by=person, now=NOW + timedelta(days=1))
    with pytest.raises(Refused, match="set up already"):
        setup.use_mail(by=person)

    assert SetupProgress.objects.get().finished_at == NOW


@pytest.mark.django_db
def test_mail_later_leaves_one_task_that_using_it_takes_away():
    person = first()
    colleague = User.objects.create_user("bo@clinic.example", None, name="Bo")
    colleague.groups.set(person.groups.all())

    setup.mail_later(by=person, now=NOW)
    setup.mail_later(by=person, now=NOW)
    task = Task.objects.get()
    setup.use_mail(by=person)

    assert task.for_role == ADMINISTRATOR
    assert "EMAIL_URL" in task.text
    assert "colleagues" in task.text
    assert not Task.objects.exists()


@pytest.mark.django_db
def test_using_mail_invites_each_colleague_without_a_password_once(mailoutbox):
    person = first()
    for name in ("bo", "cy"):
        User.objects.create_user(f"{name}@clinic.example", None, name=name).groups.set(person.groups.all())
    user(RECEPTION, password=PASSWORD)
    User.objects.create_user("patient@mail.example", None, name="No staff")

    assert [str(colleague) for colleague in setup.uninvited()] == ["bo", "cy"]
    setup.use_mail(by=person)
    setup.use_mail(by=person)

    assert setup.uninvited() == []
    assert sorted(mail.to[0] for mail in mailoutbox) == ["bo@clinic.example", "cy@clinic.example"]


@pytest.mark.django_db
def test_test_message_goes_to_the_person(mailoutbox):
    person = first()

    setup.send_test(by=person)

    assert [mail.to for mail in mailoutbox] == [["ada@clinic.example"]]


def smtp(host, **details):
    return {"EMAIL_HOST": host, "EMAIL_PORT": 25, "EMAIL_HOST_USER": "", "EMAIL_HOST_PASSWORD": "", **details}


@pytest.mark.parametrize(
    ("config", "is_production", "gaps"),
    [
        (smtp("localhost"), False, 0),
        (smtp("localhost"), True, 1),
        (smtp("mail.example"), True, 2),
        (smtp("mail.example", EMAIL_USE_TLS=True), True, 1),
        (smtp("mail.example", EMAIL_USE_SSL=True, EMAIL_HOST_USER="clinic"), True, 0),
    ],
)
def test_mail_gaps_say_what_the_settings_lack(settings, config, is_production, gaps):
    settings.SMTP, settings.IS_PRODUCTION = config, is_production

    assert len(setup.mail_gaps()) == gaps


def test_why_no_mail_is_what_the_server_said(settings):
    settings.SMTP = smtp("127.0.0.1", EMAIL_PORT=1)

    assert "refused" in setup.why_no_mail()
