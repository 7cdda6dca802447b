"""The pages of a new clinic: who sees them, what they refuse, and how they lead on."""

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import call_command
from django.urls import reverse

from clinic import setup
from clinic.models import Device, Installation, Location, Room, SetupProgress, Task
from patients.models import User
from patients.roles import ADMINISTRATOR, CLINICAL_LEAD, RECEPTION
from tests.factories import location, user
from treatments.models import ProtocolVersion, Service

pytestmark = pytest.mark.django_db
PASSWORD = "four quiet words here"
YOU = {"name": "Ada Solo", "email": "ada@clinic.example", "password": PASSWORD}


@pytest.fixture(autouse=True)
def _factor_is_optional(settings):
    settings.STAFF_MFA = "optional"


def page_of(name=""):
    return reverse(f"setup_{name}" if name else "setup")


@pytest.fixture
def begun(client):
    """Signed in as the first administrator, with the second step put off."""
    client.post(page_of(), YOU)
    client.post(page_of(setup.FACTOR))
    return client


def hours(**changes):
    days = {f"open_{day}": "on" for day in range(1, 6)}
    times = {f"{part}_{day}": clock for day in range(1, 8) for part, clock in (("from", "09:00"), ("until", "18:00"))}
    return {**days, **times, **changes}


def clinic(**changes):
    where = {"country": "GB", "region": "", "time_zone": "Europe/London", "currency": "GBP"}
    return {"name": "Solo Skin", "phone": "020 7946 0018", "closes_on_holidays": "on", **where, **hours(), **changes}


@pytest.fixture
def opened(begun):
    """With the clinic saved."""
    begun.post(page_of(setup.CLINIC), clinic())
    return begun


def test_home_of_a_new_clinic_leads_to_setting_it_up(client):
    assert client.get("/").url == page_of()
    assert "Set up this clinic" in client.get(reverse("account_login")).content.decode()


def test_sign_in_page_says_nothing_of_it_once_somebody_has_a_sign_in(client):
    user(RECEPTION)

    assert client.get("/").url.startswith(reverse("account_login"))
    assert "Set up this clinic" not in client.get(reverse("account_login")).content.decode()


def test_the_first_sign_in_is_signed_in_and_led_to_the_second_step(client):
    answer = client.post(page_of(), YOU, follow=True)

    assert answer.redirect_chain[-1][0] == page_of(setup.FACTOR)
    assert answer.context["user"].email == YOU["email"]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"password": "short"}, "too short"),
        ({"password": "ada@clinic.example"}, "too similar"),
        ({"name": ""}, "required"),
        ({"email": "ada"}, "valid email"),
    ],
)
def test_what_is_wrong_about_you_is_said_and_nothing_typed_is_lost(client, typed, words):
    answer = client.post(page_of(), {**YOU, **typed})

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert ("Ada Solo" in answer.content.decode()) == ("name" not in typed)
    assert not User.objects.exists()


def test_production_asks_a_stranger_for_the_setup_code(client, settings):
    settings.IS_PRODUCTION = True
    code = setup.new_code()

    refused = client.post(page_of(), {**YOU, "code": "guessed"})
    shown = client.get(page_of(), {"code": code}).content.decode()

    assert refused.status_code == 422
    assert "not the setup code" in refused.content.decode()
    assert f'value="{code}"' in shown
    assert client.post(page_of(), {**YOU, "code": code}).status_code == 302
    assert User.objects.get().role_names == {ADMINISTRATOR}


def test_whoever_comes_second_is_told_and_sent_to_the_sign_in(client, monkeypatch):
    monkeypatch.setattr(setup, "has_staff", iter([False, True]).__next__)

    answer = client.post(page_of(), YOU, follow=False)

    assert answer.url == reverse("account_login")
    assert not User.objects.exists()


def test_strangers_are_asked_to_sign_in_while_it_goes_on(client):
    user(ADMINISTRATOR)

    for name in ("", setup.CLINIC, setup.MAIL):
        assert client.get(page_of(name)).url.startswith(reverse("account_login"))


def test_strangers_find_nothing_once_it_is_finished(client):
    user(ADMINISTRATOR)
    location()

    assert client.get(page_of()).status_code == 404


def test_colleagues_without_the_role_find_nothing(client):
    client.force_login(user(RECEPTION))

    assert client.get(page_of()).status_code == 404
    assert client.get(page_of(setup.CLINIC)).status_code == 403


def test_administrators_of_a_finished_clinic_are_sent_home(client):
    location()
    client.force_login(user(ADMINISTRATOR))

    for name in ("", *setup.STEPS[1:]):
        assert client.get(page_of(name)).url == reverse("home")
    assert client.post(page_of(setup.CLINIC), clinic()).url == reverse("home")


def test_signing_in_again_goes_on_where_it_was_left(opened, client):
    client.logout()
    client.force_login(User.objects.get())

    assert client.get("/", follow=True).redirect_chain[-1][0] == page_of(setup.PEOPLE)


def test_a_step_whose_turn_has_not_come_leads_to_the_next_one(begun):
    assert begun.get(page_of(setup.OFFERS), follow=True).redirect_chain[-1][0] == page_of(setup.CLINIC)


def test_the_second_step_has_no_later_where_it_is_required(client, settings):
    client.post(page_of(), YOU)
    settings.STAFF_MFA = "required"

    shown = client.get(page_of(setup.FACTOR))
    refused = client.post(page_of(setup.FACTOR))

    assert "Later" not in shown.content.decode()
    assert f"{reverse('second_step')}?next={page_of()}" in shown.content.decode()
    assert refused.status_code == 422
    assert client.get(page_of(setup.CLINIC)).status_code == 302


def test_the_second_step_is_done_with_an_authenticator(client):
    client.post(page_of(), YOU)
    Authenticator.objects.create(user=User.objects.get(), type=Authenticator.Type.TOTP, data={})

    assert "Yours is set up" in client.get(page_of(setup.FACTOR)).content.decode()
    assert client.get(page_of(), follow=True).redirect_chain[-1][0] == page_of(setup.CLINIC)


def test_the_clinic_is_guessed_from_the_browser(begun):
    form = begun.get(page_of(setup.CLINIC), headers={"accept-language": "de-AT,de;q=0.9"}).context["form"]

    assert form["country"].value() == "AT"
    assert form["time_zone"].value() == "Europe/Vienna"
    assert next(iter(form.fields["currency"].choices))[0] == "EUR"
    assert [bool(field.value()) for field, _, _ in form.days] == [True] * 5 + [False] * 2


def test_another_country_brings_its_zone_and_holidays_and_keeps_what_was_typed(begun):
    answer = begun.post(page_of(setup.CLINIC), clinic(country="DE", open_6="on", look="1"))

    form = answer.context["form"]
    assert answer.status_code == 200
    assert form["name"].value() == "Solo Skin"
    assert form["open_6"].value()
    assert form["time_zone"].field.choices[0][0] == "Europe/Berlin"
    assert "German Unity Day" in answer.content.decode()
    assert not Location.objects.exists()


def test_another_country_that_is_sent_without_looking_is_shown_before_anything_is_saved(begun):
    answer = begun.post(page_of(setup.CLINIC), clinic(country="DE", shown_country="GB"))

    assert answer.status_code == 200
    assert answer.context["form"]["time_zone"].value() is None
    assert answer.context["form"].fields["time_zone"].choices[0][0] == "Europe/Berlin"
    assert not Location.objects.exists()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"name": ""}, "required"),
        ({"country": "AU"}, "valid choice"),
        ({"country": "ZZ"}, "valid choice"),
        ({"until_1": "08:00"}, "Monday: closing comes after opening"),
        ({"from_2": ""}, "Tuesday: closing"),
        ({f"open_{day}": "" for day in range(1, 6)}, "one day of the week"),
    ],
)
def test_what_is_wrong_about_the_clinic_is_said(begun, typed, words):
    answer = begun.post(page_of(setup.CLINIC), clinic(**typed))

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Location.objects.exists()


def test_the_clinic_is_shown_again_as_it_was_saved(begun):
    begun.post(
        page_of(setup.CLINIC), clinic(country="DE", time_zone="Europe/Berlin", region="BY", closes_on_holidays="")
    )

    form = begun.get(page_of(setup.CLINIC)).context["form"]

    assert [form[name].value() for name in ("name", "country", "region")] == ["Solo Skin", "DE", "BY"]
    assert not form["closes_on_holidays"].value()
    assert Installation.objects.get().country == "DE"


def test_just_me_is_one_button(opened):
    answer = opened.post(page_of(setup.PEOPLE), {"who": "me"})

    assert answer.url == page_of()
    assert SetupProgress.objects.get().is_solo


def team(**changes):
    blank = {f"{name}-{key}": value for name in ("colleagues", "rooms", "devices")
             for key, value in (("TOTAL_FORMS", "2"), ("INITIAL_FORMS", "0"))}  # fmt: skip
    bo = {"colleagues-0-name": "Bo", "colleagues-0-email": "bo@clinic.example", "colleagues-0-roles": [CLINICAL_LEAD]}
    room = {"rooms-0-name": "Room 1", "rooms-0-kind": "any", "devices-0-kind": "needling_pen"}
    room |= {"rooms-1-kind": "any", "devices-1-kind": "needling_pen"}
    return {"who": "team", **blank, **bo, **room, **changes}


def test_a_team_is_saved_and_listed_when_one_comes_back(opened):
    answer = opened.post(page_of(setup.PEOPLE), team(**{"devices-0-name": "Pen"}))

    shown = opened.get(page_of(setup.PEOPLE), {"team": "1"}).content.decode()

    assert answer.url == page_of()
    assert all(word in shown for word in ("bo@clinic.example", "Room 1", "Pen"))
    assert Device.objects.get().kind == "needling_pen"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"colleagues-0-roles": []}, "Tick what this person does"),
        ({"colleagues-0-email": "bo"}, "valid email"),
        ({"rooms-0-name": ""}, "at least one room"),
    ],
)
def test_what_is_wrong_about_a_team_is_said_and_nothing_typed_is_lost(opened, typed, words):
    answer = opened.post(page_of(setup.PEOPLE), team(**typed))

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert 'value="Bo"' in answer.content.decode()
    assert User.objects.count() == 1


def test_more_rows_keep_what_was_typed(opened):
    answer = opened.post(page_of(setup.PEOPLE), team(more="rooms"))

    assert answer.status_code == 200
    assert len(answer.context["rooms"].forms) == 4
    assert 'value="Room 1"' in answer.content.decode()
    assert not Room.objects.exists()


@pytest.fixture
def alone(opened):
    call_command("load_catalogue", verbosity=0)
    opened.post(page_of(setup.PEOPLE), {"who": "me"})
    return opened


def draft(key="mn_face_cit"):
    return ProtocolVersion.objects.get(protocol__key=key)


def test_a_tick_puts_a_treatment_in_use(alone):
    visits = [str(one.public_id) for one in Service.objects.exclude(kind="treatment")]

    answer = alone.post(page_of(setup.OFFERS), {"services": visits, "checked": [str(draft().public_id)]})

    assert answer.url == page_of()
    assert draft().checked_by == User.objects.get()
    assert alone.get(page_of(setup.OFFERS)).content.decode().count("In use") == 1


def test_a_refused_treatment_is_named_and_the_ticks_stay(alone):
    draft("meso_melasma_txa").cocktail_lines.all().delete()
    ticked = [str(draft(key).public_id) for key in ("mn_face_cit", "meso_melasma_txa")]

    answer = alone.post(page_of(setup.OFFERS), {"checked": ticked})

    assert answer.status_code == 422
    assert "Melasma: intradermal tranexamic acid" in " ".join(answer.context["refusals"])
    assert all(f'value="{each}" checked' in answer.content.decode() for each in ticked)
    assert draft().state == "draft"


def test_without_a_clinical_role_treatments_are_wished_for(opened):
    call_command("load_catalogue", verbosity=0)
    opened.post(page_of(setup.PEOPLE), team())

    shown = opened.get(page_of(setup.OFFERS)).content.decode()
    opened.post(page_of(setup.OFFERS), {"wanted": [str(draft().public_id)]})

    assert "until it is checked by: Bo" in shown
    assert 'name="checked"' not in shown
    assert draft().state == "draft"
    assert Task.objects.get().for_role == CLINICAL_LEAD


@pytest.fixture
def offering(alone):
    alone.post(page_of(setup.OFFERS), {"checked": [str(draft().public_id)]})
    return alone


def test_mail_that_does_not_answer_is_said_and_later_is_fine(offering, settings):
    settings.SMTP = {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": 1, "EMAIL_HOST_USER": "", "EMAIL_HOST_PASSWORD": ""}

    shown = offering.get(page_of(setup.MAIL))
    refused = [offering.post(page_of(setup.MAIL), {"mail": wish}) for wish in ("now", "test")]

    assert "127.0.0.1:1" in shown.content.decode()
    assert [answer.status_code for answer in refused] == [422, 422]
    assert "does not answer" in refused[0].content.decode()
    assert offering.post(page_of(setup.MAIL), {"mail": "later"}).url == page_of()
    assert SetupProgress.objects.get().mail == "later"


def test_mail_that_answers_is_tried_and_used(offering, monkeypatch, mailoutbox):
    monkeypatch.setattr(setup, "why_no_mail", lambda: "")

    tried = offering.post(page_of(setup.MAIL), {"mail": "test"}, follow=True)
    used = offering.post(page_of(setup.MAIL), {"mail": "now"})

    assert "on its way to ada@clinic.example" in tried.content.decode()
    assert [mail.to for mail in mailoutbox] == [["ada@clinic.example"]]
    assert used.url == page_of()
    assert SetupProgress.objects.get().mail == "now"


@pytest.mark.parametrize(("button", "where"), [("patient", "patient_new"), ("diary", "diary")])
def test_the_last_step_leads_to_the_first_patient_or_the_diary(offering, button, where):
    offering.post(page_of(setup.MAIL), {"mail": "later"})

    answer = offering.post(page_of(setup.FIRST), {button: "1"})

    assert answer.url == reverse(where)
    assert offering.get("/").url == reverse("diary")
    assert offering.get(page_of()).url == reverse("home")
