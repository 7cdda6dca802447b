"""A running series goes over to a newer version: what that changes in the diary is listed before and told after."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clinic import booking, reviews, upgrades
from clinic.models import Appointment, Location, Reminder, Task
from patients.refusals import Busy, Conflict, Refused
from patients.roles import ALL
from tests import factories_treatments
from tests.clinic.newer_versions import newer, newer_draft
from tests.clinic.treatment_desk import TODAY, TreatmentDesk
from tests.factories import NOW, patient, user
from treatments import series as treatment_series
from treatments.models import (
    AreaLimit,
    FollowUpRule,
    PhotoPoint,
    ProtocolVersion,
    SeriesUpgrade,
    Technique,
    TreatmentSeries,
    TreatmentSession,
    VersionSegment,
)

NINE = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
AFTER = NINE + timedelta(hours=1)
IN_A_MONTH = NINE + timedelta(days=30)  # session 2 on its ideal day


@pytest.fixture
def desk(db):
    return ready_desk()


def ready_desk():
    """Whoever has consented may be treated; the version in use is the second."""
    desk = TreatmentDesk()
    desk.version = newer(desk.version, requires_consultation=False)
    return desk


@pytest.fixture
def lead(db):
    return user("clinical lead", name="Dr Lead")


def under_way(desk, who=None):
    """Session 1 is done, 2 is booked, 3 is open."""
    series = desk.start(who)
    factories_treatments.consented(series.patient, "microneedling")
    first = desk.book_session(series, 1, NINE)
    for step in (booking.check_in, booking.start, booking.complete):
        first = step(first, version=first.version, by=desk.by, now=NINE)
    return series, desk.book_session(series, 2, IN_A_MONTH)


def look(version, now=AFTER):
    return upgrades.looked_ahead(upgrades.behind(version), version, now=now, today=now.date())


def go_over(version, lead, *series, now=AFTER, **details):
    chosen = {each.pk: TreatmentSeries.objects.get(pk=each.pk).version for each in series}
    typed = {"reason": "Better results.", "by": lead, **details}
    return upgrades.upgrade(chosen, version, **typed, now=now, today=now.date())


def phases(series):
    return dict(series.sessions.values_list("number", "phase__version__number"))


# -- Before -----------------------------------------------------------------------------------------------------------


def test_a_booked_visit_that_would_be_too_soon_is_named_before(desk):
    under_way(desk)

    (course,) = look(newer(desk.version, interval=(35, 40, 60)))

    assert [each.notes for each in course.visits] == [("Sooner than the days between sessions then allow.",)]
    assert not course.is_quiet


def test_a_booked_visit_too_soon_after_a_done_one_is_stopped_on_its_day(desk):
    under_way(desk)

    (course,) = look(newer(desk.version, interval=(35, 40, 60)))

    (visit,) = course.visits
    assert visit.is_stopped
    assert [each.code for each in course.outlook.findings] == ["minimum_gap"]


def test_a_booked_visit_that_would_be_late_is_named_before(desk):
    under_way(desk)

    (course,) = look(newer(desk.version, interval=(7, 14, 21)))

    assert [each.notes for each in course.visits] == [("Later than is then best.",)]


def test_a_visit_that_would_take_longer_is_named_before(desk):
    under_way(desk)

    (course,) = look(newer(desk.version, minutes=60))

    assert [each.notes for each in course.visits] == [("It needs 60 minutes, and 45 are kept until it is moved.",)]


def test_a_visit_that_would_need_another_device_is_named_before(desk):
    under_way(desk)
    draft = newer_draft(desk.version)
    VersionSegment.objects.filter(version=draft).update(device_kind="needling_pen")

    (course,) = look(draft)

    assert [each.notes for each in course.visits] == [
        ("Nothing is kept for it yet of what it then needs: needling pen.",)
    ]


def test_a_visit_with_somebody_who_may_not_do_it_then_is_named_before(desk):
    under_way(desk)
    other = Technique.objects.create(key="deep", label="Deep", modality="microneedling", confidence="proposed")
    draft = newer_draft(desk.version)
    draft.depth_steps.update(technique=other)

    (course,) = look(draft)

    assert [each.notes for each in course.visits] == [("Dr Needle is not qualified for this treatment.",)]


def test_nothing_is_named_for_a_version_that_changes_texts_alone(desk):
    under_way(desk)

    (course,) = look(newer(desk.version, endpoint="Even redness"))

    assert course.is_quiet
    assert all(change.is_same for change in course.outlook.changes)


def test_the_best_days_of_open_sessions_are_named_as_they_are_and_as_they_would_be(desk):
    under_way(desk)

    (course,) = look(newer(desk.version, interval=(20, 25, 35)))

    booked_on = IN_A_MONTH.date()
    assert [(each.session.number, each.becomes.ideal - booked_on) for each in course.outlook.changes] == [
        (2, NINE.date() + timedelta(days=25) - booked_on),
        (3, timedelta(days=25)),
    ]
    assert course.outlook.changes[1].was.ideal == booked_on + timedelta(days=30)


def missed_and_used_up(desk, number=1, at=NINE):
    """A series whose session was missed, which uses it up."""
    Location.objects.update(no_show_counts=True)
    series = desk.start()
    visit = desk.book_session(series, number, at)
    booking.no_show(visit, version=visit.version, by=desk.by, now=at + timedelta(hours=1))
    return series


def test_a_session_that_is_used_up_is_not_open(desk):
    missed_and_used_up(desk)

    (course,) = look(newer_draft(desk.version, interval=(7, 14, 21)))

    assert [change.session.number for change in course.outlook.changes] == [2, 3]


def test_the_days_after_a_session_that_is_used_up_are_counted_without_it(desk):
    series = missed_and_used_up(desk)

    (course,) = look(newer_draft(desk.version, interval=(7, 14, 21)))

    days = treatment_series.windows(series, today=AFTER.date(), used_up={1})
    assert [change.was for change in course.outlook.changes] == [days[2], days[3]]


def test_a_session_that_is_used_up_stays_in_its_phase(desk, lead):
    series = missed_and_used_up(desk)
    version = newer(desk.version, interval=(7, 14, 21))

    go_over(version, lead, series)

    assert phases(series) == {1: desk.version.number, 2: version.number, 3: version.number}


def test_only_checks_that_the_newer_version_brings_are_named(desk):
    series, _visit = under_way(desk)
    series.patient.birth_date = date(2007, 1, 1)
    series.patient.save()

    (course,) = look(newer(desk.version, min_age_years=21))

    assert [each.code for each in course.outlook.findings] == ["min_age"]
    assert course.may_go_over


def test_looking_ahead_asks_the_same_queries_however_many_series(desk):
    draft = newer_draft(desk.version, interval=(35, 40, 60))
    asked = []
    for hour in (0, 2, 4):
        series = desk.start(patient())
        desk.book_session(series, 1, NINE + timedelta(hours=hour))
        look(draft)
        with CaptureQueriesContext(connection) as queries:
            assert len(look(draft)) == 1 + hour // 2
        asked.append(len(queries))

    assert asked[0] == asked[1] == asked[2] <= 18


def test_series_on_the_newest_version_and_ended_ones_are_not_looked_at(desk, lead):
    series, _visit = under_way(desk)
    ended = desk.start(patient())
    TreatmentSeries.objects.filter(pk=ended.pk).update(state="stopped", state_reason="moved away")
    version = newer(desk.version)

    assert [each.series for each in look(version)] == [series]
    go_over(version, lead, series)
    assert look(version) == []


# -- Doing it ---------------------------------------------------------------------------------------------------------


def test_upgrade_touches_open_sessions_only_and_keeps_the_reason(desk, lead):
    series, visit = under_way(desk)
    done = TreatmentSession.objects.filter(series=series, number=1).values().get()
    version = newer(desk.version, interval=(20, 25, 35))

    go_over(version, lead, series)

    row, fresh = SeriesUpgrade.objects.get(), TreatmentSeries.objects.get(pk=series.pk)
    assert (row.from_version, row.to_version, row.reason, row.by) == (desk.version, version, "Better results.", lead)
    assert (fresh.protocol_version, fresh.version) == (version, series.version + 1)
    assert phases(series) == {1: 2, 2: 3, 3: 3}
    assert TreatmentSession.objects.filter(series=series, number=1).values().get() == done
    assert Appointment.objects.get(pk=visit.pk).starts_at == visit.starts_at


def test_upgrade_opens_a_task_for_a_visit_that_no_longer_fits_and_one_for_a_stop(desk, lead):
    series, visit = under_way(desk)

    go_over(newer(desk.version, interval=(35, 40, 60)), lead, series)

    tasks = Task.objects.filter(appointment=visit, done_at=None)
    assert set(tasks.values_list("kind", "for_role")) == {("call", "reception"), ("safety_changed", "reception")}


def test_upgrade_opens_no_task_for_a_visit_that_fits(desk, lead):
    series, _visit = under_way(desk)

    go_over(newer(desk.version, interval=(20, 30, 45)), lead, series)

    assert not Task.objects.exists()


def test_upgrade_assesses_booked_visits_at_the_revision_of_now(desk, lead):
    series, visit = under_way(desk)
    version = newer(desk.version)
    assert list(reviews.stale(AFTER)) == [visit]

    go_over(version, lead, series)

    assert not reviews.stale(AFTER).exists()


def test_upgrade_of_many_is_all_or_none(desk, lead):
    series, _visit = under_way(desk)
    begun = desk.start(patient())
    visit = desk.book_session(begun, 1, NINE + timedelta(hours=3))
    booking.check_in(visit, version=visit.version, by=desk.by, now=visit.starts_at)
    version = newer(desk.version)

    with pytest.raises(Refused, match="Ada Quill: Session 1 has begun: say first how it ended"):
        go_over(version, lead, series, begun)

    assert not SeriesUpgrade.objects.exists()
    assert phases(series) == {1: 2, 2: 2, 3: 2}


def test_upgrade_of_many_takes_them_all(desk, lead):
    found = [under_way(desk)[0], desk.start(patient())]

    courses = go_over(newer(desk.version), lead, *found)

    assert [course.series for course in courses] == found
    assert [phases(each) for each in found] == [{1: 2, 2: 3, 3: 3}, {1: 3, 2: 3, 3: 3}]


def test_upgrade_is_refused_while_a_past_visit_is_not_closed(desk, lead):
    series = desk.start()
    desk.book_session(series, 1, NINE)
    version = newer(desk.version)

    with pytest.raises(Refused, match="Session 1 has begun"):
        go_over(version, lead, series, now=NINE + timedelta(days=1))


def test_upgrade_is_refused_when_somebody_saved_the_series_in_between(desk, lead):
    series = desk.start()
    version = newer(desk.version)
    TreatmentSeries.objects.filter(pk=series.pk).update(version=7)

    with pytest.raises(Conflict, match="Somebody else changed one of these series"):
        upgrades.upgrade({series.pk: 2}, version, reason="Better", by=lead, now=NOW, today=TODAY)


@pytest.mark.parametrize("role", ["reception", "practitioner", "administrator"])
def test_upgrade_is_for_the_clinical_lead(desk, role):
    series = desk.start()

    with pytest.raises(Refused, match="Only a clinical lead"):
        go_over(newer(desk.version), user(role), series)


def test_upgrade_needs_a_reason(desk, lead):
    series = desk.start()

    with pytest.raises(Refused) as refused:
        go_over(newer(desk.version), lead, series, reason="  ")

    assert refused.value.message_dict == {"reason": ["Say why: the reason is kept with the series."]}


def test_upgrade_needs_a_series(lead, desk):
    with pytest.raises(Refused, match="Choose at least one series"):
        go_over(newer(desk.version), lead)


def test_upgrade_to_a_draft_is_refused(desk, lead):
    series = desk.start()

    with pytest.raises(Refused, match="Only a newer version that is in use"):
        go_over(newer_draft(desk.version), lead, series)


def test_upgrade_to_an_older_or_foreign_version_is_refused(desk, lead):
    series = desk.start()
    newer(desk.version)

    for version in (ProtocolVersion.objects.get(pk=desk.version.pk), ready_desk().version):
        with pytest.raises(Refused, match="Only a newer version that is in use"):
            go_over(version, lead, series)


def test_upgrade_of_an_ended_series_is_refused(desk, lead):
    series = desk.start()
    TreatmentSeries.objects.filter(pk=series.pk).update(state="stopped", state_reason="moved away")

    with pytest.raises(Refused, match="This series has ended"):
        go_over(newer(desk.version), lead, series)


def test_upgrade_is_refused_where_nothing_is_open(desk, lead):
    series = desk.start()
    series.sessions.update(state="skipped", skip_reason="enough")

    with pytest.raises(Refused, match="nothing would change"):
        go_over(newer(desk.version), lead, series)


def test_upgrade_to_a_version_without_an_area_of_the_course_is_refused(desk, lead):
    series = desk.start()
    draft = newer_draft(desk.version)
    other = factories_treatments.area("nose")
    AreaLimit.objects.create(
        area=other, technique=desk.technique, depth_min_mm="0.5", depth_max_mm="1.5", depth_cap_mm="2.0",
        confidence="proposed",
    )  # fmt: skip
    draft.depth_steps.update(area=other)

    with pytest.raises(Refused, match="The protocol does not treat: Cheek"):
        go_over(factories_treatments.protocols.publish(draft, by=user("clinical lead"), now=NOW), lead, series)


def test_upgrade_to_a_plan_that_is_never_allowed_is_refused(desk, lead):
    """A cap of the catalogue was lowered after the newer version was published."""
    series = desk.start()
    draft = newer_draft(desk.version)
    draft.depth_steps.update(depth_max_mm="1.8", reason="scars")
    version = factories_treatments.protocols.publish(draft, by=user("clinical lead"), now=NOW)
    AreaLimit.objects.filter(area=desk.area).update(depth_cap_mm="1.6")

    with pytest.raises(Refused, match="Not with this version: A clinician can explain why"):
        go_over(version, lead, series)


def test_a_course_longer_or_shorter_than_the_version_allows_keeps_its_sessions_and_says_so(desk, lead):
    series = desk.start()
    draft = newer_draft(desk.version, sessions_min=1, sessions_typical=2, sessions_max=2)
    draft.phases.update(sessions=2)
    version = factories_treatments.protocols.publish(draft, by=user("clinical lead"), now=NOW)

    (course,) = look(version, NOW)
    go_over(version, lead, series, now=NOW)

    assert course.outlook.notes == ("The series has 3 sessions and keeps them; the version allows between 1 and 2.",)
    assert phases(series) == {1: 3, 2: 3, 3: 3}


def test_upgrade_says_busy_while_somebody_else_writes_about_the_patient(transactional_db):
    Group.objects.bulk_create((Group(name=role) for role in ALL), ignore_conflicts=True)  # an earlier test emptied it
    desk = ready_desk()
    series, version = desk.start(), newer(desk.version)
    held = connection.copy()
    with held.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [2**62 + series.patient_id])

        with pytest.raises(Busy):
            go_over(version, user("clinical lead"), series)
    held.close()


# -- What the patient is sent -----------------------------------------------------------------------------------------


def told(series):
    rows = Reminder.objects.filter(appointment__session__series=series, state="scheduled")
    rows = rows.exclude(template_key__startswith="visit_").order_by("due_at")
    return list(rows.values_list("appointment__session__number", "rule_key"))


def test_messages_after_a_done_visit_stay_and_those_of_open_ones_follow_the_newer_version(desk, lead):
    first = newer_draft(desk.version)
    FollowUpRule.objects.create(version=first, key="check_72h", offset_hours=72, purpose="How is it?")
    FollowUpRule.objects.create(version=first, key="early", offset_hours=48, purpose="How is it?")
    desk.version = factories_treatments.protocols.publish(first, by=user("clinical lead"), now=NOW)
    series, _visit = under_way(desk)
    assert told(series) == [(1, "early"), (1, "check_72h"), (2, "early"), (2, "check_72h")]
    draft = newer_draft(desk.version)
    draft.follow_up_rules.filter(key="early").delete()
    PhotoPoint.objects.create(version=draft, when="final")
    version = factories_treatments.protocols.publish(draft, by=user("clinical lead"), now=NOW)

    go_over(version, lead, series)

    assert told(series) == [(1, "early"), (1, "check_72h"), (2, "check_72h")]


def test_messages_that_no_session_knows_any_more_are_taken_back(desk, lead):
    first = newer_draft(desk.version)
    FollowUpRule.objects.create(version=first, key="early", offset_hours=48, purpose="How is it?")
    desk.version = factories_treatments.protocols.publish(first, by=user("clinical lead"), now=NOW)
    series = desk.start()
    desk.book_session(series, 1, NINE)
    draft = newer_draft(desk.version)
    draft.follow_up_rules.all().delete()

    go_over(factories_treatments.protocols.publish(draft, by=user("clinical lead"), now=NOW), lead, series, now=NOW)

    assert told(series) == []
