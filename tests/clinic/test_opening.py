"""Opening a clinic: hours and holidays, just me or a team, rooms and devices."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.core.exceptions import ValidationError

from clinic import availability, booking, opening, setup
from clinic.models import Closure, Device, Installation, Location, Practitioner, Resource, Room, SetupProgress
from clinic.opening import Colleague, Premises
from patients.models import User
from patients.refusals import Refused
from patients.roles import ADMINISTRATOR, ALL, CLINICAL_LEAD, PRACTITIONER, RECEPTION
from tests.factories import NOW, patient, service, user
from treatments.models import ServiceSegment

pytestmark = pytest.mark.django_db
HOURS = {day: (time(9), time(18)) for day in range(1, 6)}


@pytest.fixture
def me():
    return setup.create_first_administrator(name="Ada Solo", email="ada@clinic.example", password="four quiet words")


def save(me, **changes):
    details = {
        "name": "Solo Skin", "phone": "020 7946 0018", "address": "", "country": "GB", "region": "",
        "time_zone": "Europe/London", "currency": "GBP", "hours": HOURS, "closes_on_holidays": True,
    }  # fmt: skip
    return opening.save_clinic(**(details | changes), by=me, now=NOW)


def hours_of(person):
    return {(row.weekday, row.starts, row.ends) for row in person.working_hours.all()}


def test_save_clinic_makes_the_location_with_hours_quiet_hours_and_the_pair_of_reminders(me):
    place = save(me)

    assert {row.weekday: (row.opens, row.closes) for row in place.opening_hours.all()} == HOURS
    assert (place.quiet_from, place.quiet_until) == (time(21), time(8))
    assert sorted(row.minutes_before for row in place.reminder_rules.all()) == [1440, 4320]
    assert Installation.objects.get().country == "GB"


def test_save_clinic_closes_on_the_public_holidays_of_this_year_and_the_next(me):
    place = save(me)

    christmas = place.closures.get(starts_at=datetime(2026, 12, 25, tzinfo=UTC))
    assert christmas.reason == "Christmas Day"
    assert christmas.ends_at - christmas.starts_at == timedelta(days=1)
    assert place.closures.filter(starts_at__year=2027).exists()


def test_save_clinic_again_corrects_the_one_location_and_doubles_nothing(me):
    save(me)
    before = Closure.objects.count()
    save(me)
    place = save(me, name="Clear Skin", hours={6: (time(10), time(14))})

    assert Location.objects.get().name == "Clear Skin"
    assert [row.weekday for row in place.opening_hours.all()] == [6]
    assert Closure.objects.count() == before
    assert place.reminder_rules.count() == 2


def test_save_clinic_for_another_country_replaces_its_holidays_and_keeps_other_closures(me):
    place = save(me)
    own = Closure.objects.create(location=place, starts_at=NOW, ends_at=NOW + timedelta(days=3), reason="Decorators")

    save(me, country="DE", region="BY", time_zone="Europe/Berlin", currency="EUR")

    reasons = set(place.closures.values_list("reason", flat=True))
    assert "Boxing Day" not in reasons
    assert "Epiphany" in reasons
    assert own in place.closures.all()
    save(me, country="DE", region="BY", time_zone="Europe/Berlin", currency="EUR", closes_on_holidays=False)
    assert list(place.closures.all()) == [own]


def test_save_clinic_is_refused_without_any_hours(me):
    with pytest.raises(ValidationError, match="one day of the week"):
        save(me, hours={})


def test_save_clinic_takes_along_who_works_as_long_as_it_is_open(me):
    save(me)
    person = opening.work_alone(by=me, now=NOW)
    other = Practitioner.objects.create(
        resource=Resource.objects.create(type="practitioner", name="Bo"), user=user(PRACTITIONER)
    )
    other.working_hours.create(
        location=Location.objects.get(), weekday=2, starts=time(10), ends=time(12), valid_from=NOW.date()
    )

    save(me, hours={6: (time(10), time(14))})

    assert hours_of(person) == {(6, time(10), time(14))}
    assert hours_of(other) == {(2, time(10), time(12))}


def test_save_clinic_keeps_the_zone_once_there_are_visits(me):
    place = save(me)
    opening.work_alone(by=me, now=NOW)
    offer = service()
    booking.book(
        patient=patient(), service=offer, location=place, starts_at=datetime(2026, 3, 2, 10, tzinfo=UTC), by=me, now=NOW
    )

    with pytest.raises(Refused, match="visits in the diary"):
        save(me, time_zone="Europe/Paris")


def test_just_me_is_everything_in_one_room(me):
    place = save(me)

    person = opening.work_alone(by=me, now=NOW)
    opening.work_alone(by=me, now=NOW)

    assert me.role_names == set(ALL)
    assert hours_of(person) == {(day, *span) for day, span in HOURS.items()}
    assert Practitioner.objects.count() == Room.objects.count() == 1
    assert Room.objects.get().serves_all
    assert Room.objects.get().resource.location == place
    assert SetupProgress.objects.get().is_solo is True


def test_the_one_room_holds_a_consultation_and_a_treatment_but_never_both_at_once(me):
    place = save(me)
    opening.work_alone(by=me, now=NOW)
    second = Practitioner.objects.create(
        resource=Resource.objects.create(type="practitioner", name="Bo"), user=user(PRACTITIONER)
    )
    for row in Practitioner.objects.first().working_hours.all():
        second.working_hours.create(
            location=place, weekday=row.weekday, starts=row.starts, ends=row.ends, valid_from=row.valid_from
        )
    talk, treat = service(minutes=60), service(minutes=60, room_kind="treatment", kind="review")
    at_ten = datetime(2026, 3, 2, 10, tzinfo=UTC)
    booking.book(patient=patient(), service=talk, location=place, starts_at=at_ten, by=me, now=NOW)

    asked = availability.request_for(location=place, service=treat)
    starts = [offer.starts_at.hour for offer in availability.free_starts(asked, NOW.date(), NOW.date(), NOW)]

    assert [reason.code for reason in availability.explain(asked, at_ten, NOW)] == ["no_room"]
    assert 9 in starts
    assert 10 not in starts
    assert 11 in starts


def test_a_visit_with_two_kinds_of_rooms_takes_the_one_room_without_claiming_a_minute_twice(me):
    place = save(me)
    opening.work_alone(by=me, now=NOW)
    Resource.objects.filter(type="room").update(turnaround_minutes=10)
    offer = service(minutes=30, room_kind="treatment")
    ServiceSegment.objects.create(service=offer, position=0, kind="numbing", base_minutes=20, room_kind="numbing")
    at_ten = datetime(2026, 3, 2, 10, tzinfo=UTC)

    visit = booking.book(patient=patient(), service=offer, location=place, starts_at=at_ten, by=me, now=NOW)

    claims = visit.claims.filter(resource__type="room")
    assert [(row.starts_at, row.ends_at) for row in claims] == [(at_ten, at_ten + timedelta(minutes=60))]


def team(me, **changes):
    details = {"treats": False, "leads": False, "colleagues": [], "rooms": [Premises("Room 1", "any")], "devices": []}
    opening.work_as_team(**(details | changes), by=me, now=NOW)


BO = Colleague("Bo Lead", "bo@clinic.example", (PRACTITIONER, CLINICAL_LEAD))
CY = Colleague("Cy Desk", "cy@clinic.example", (RECEPTION,))


def test_a_team_gets_sign_ins_with_their_roles_and_hours(me, mailoutbox):
    save(me)

    team(me, colleagues=[BO, CY])

    bo, cy = (User.objects.get(email=one.email) for one in (BO, CY))
    assert bo.role_names == set(BO.roles)
    assert cy.role_names == {RECEPTION}
    assert not bo.has_usable_password()
    assert [person.user for person in Practitioner.objects.all()] == [bo]
    assert hours_of(bo.practitioner) == {(day, *span) for day, span in HOURS.items()}
    assert me.role_names == {ADMINISTRATOR}
    assert mailoutbox == []


def test_a_team_sent_twice_is_made_once(me):
    save(me)
    details = {"treats": True, "colleagues": [BO], "devices": [Premises("Pen", "needling_pen")]}

    team(me, **details)
    team(me, **details)

    assert User.objects.count() == Practitioner.objects.count() == 2
    assert Room.objects.count() == Device.objects.count() == 1
    assert me.role_names == {ADMINISTRATOR, PRACTITIONER}


def test_a_colleague_who_comes_after_mail_works_is_invited_at_once(me, mailoutbox):
    save(me)
    SetupProgress.objects.update(mail="now")

    team(me, colleagues=[CY])

    assert [mail.to for mail in mailoutbox] == [["cy@clinic.example"]]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rooms": []}, "at least one room"),
        ({"rooms": [Premises("Attic", "attic")]}, "Choose what"),
        ({"devices": [Premises("Laser", "laser")]}, "what kind of device"),
        ({"colleagues": [Colleague("Ada", "ADA@clinic.example", (RECEPTION,))]}, "your own address"),
    ],
)
def test_a_team_is_refused_with_a_reason_and_nothing_is_kept(me, changes, words):
    save(me)

    with pytest.raises(Refused, match=words):
        team(me, **{"colleagues": [BO], **changes})

    assert User.objects.count() == 1
    assert Room.objects.count() == 0


def test_nobody_works_before_there_is_a_clinic(me):
    with pytest.raises(Refused, match="where the clinic is"):
        opening.work_alone(by=me, now=NOW)


def test_a_room_of_one_kind_is_not_used_for_another(me):
    save(me)
    team(me, treats=True, rooms=[Premises("Room 1", "treatment")])
    asked = availability.request_for(location=Location.objects.get(), service=service())

    assert availability.free_starts(asked, date(2026, 3, 3), date(2026, 3, 3), NOW) == []
