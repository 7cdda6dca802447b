"""The series card's picture of the course, and the map of its areas, say what the list beside them says."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic.models import Appointment, Location
from clinic.views import cards
from patients.models import BodyArea
from tests.clinic.treatment_desk import TODAY, TreatmentDesk
from treatments import sheets
from treatments.marks import Mark
from treatments.models import DepthStep, Phase, SeriesArea, TreatmentSeries, TreatmentSession
from treatments.windows import Window

State = TreatmentSession.State
WINDOW = Window(date(2026, 3, 1), date(2026, 3, 8), date(2026, 3, 15))
DAYS = (WINDOW.earliest, WINDOW.ideal, WINDOW.latest)


@pytest.fixture
def desk(db):
    return TreatmentDesk()


@pytest.fixture
def staff(client, desk):
    client.force_login(desk.by)
    return client


def series_page(series):
    return reverse("series", args=[series.public_id])


@pytest.mark.parametrize(
    ("state", "is_late", "expected"),
    [
        (State.PLANNED, False, "planned"),
        (State.ON_HOLD, False, "planned"),
        (State.PLANNED, True, "late"),
        (State.MISSED, True, "late"),
        (State.MISSED, False, "missed"),
        (State.BOOKED, False, "booked"),
        (State.SKIPPED, False, "off"),
        (State.VOIDED, False, "off"),
    ],
)
def test_a_step_is_pictured_by_its_state(state, is_late, expected):
    step = cards.Step(TreatmentSession(phase=Phase(), number=2, state=state), WINDOW, None, is_late)

    assert step.pictured == Mark(2, "Session 2", expected, None, *DAYS)


def test_a_step_without_good_days_is_pictured_without_them():
    step = cards.Step(TreatmentSession(phase=Phase(), number=2, state=State.SKIPPED), None, None, is_late=False)

    assert step.pictured == Mark(2, "Session 2", "off")


def test_a_done_step_is_pictured_on_the_day_it_was_done():
    done = TreatmentSession(phase=Phase(), number=1, state=State.DONE, done_on=date(2026, 3, 9))

    assert cards.Step(done, WINDOW, None, is_late=False).pictured.on == date(2026, 3, 9)


def test_a_booked_step_is_pictured_on_the_local_day_of_its_visit():
    place = Location(time_zone="Pacific/Auckland")
    visit = Appointment(location=place, starts_at=datetime(2026, 3, 9, 20, tzinfo=UTC))
    booked = TreatmentSession(phase=Phase(), number=1, state=State.BOOKED)

    assert place.zone == ZoneInfo("Pacific/Auckland")
    assert cards.Step(booked, WINDOW, visit, is_late=False).pictured.on == date(2026, 3, 10)


def test_a_card_pictures_every_session_in_its_order(desk):
    series = desk.start()

    card = cards.cards(TreatmentSeries.objects.filter(pk=series.pk), TODAY)[0]

    assert [row.mark.number for row in card.timeline.rows] == [1, 2, 3]
    assert card.timeline.today.text == "today, 2 Mar"


@pytest.mark.usefixtures("stopped_clock")
def test_the_series_page_shows_the_course_and_its_areas(staff, desk):
    html = staff.get(series_page(desk.start())).content.decode()

    assert html.count('class="timeline-row ') == 3
    assert re.findall(r"<span>(Cheek)</span> <strong>(.*?)</strong>", html) == [("Cheek", "0.5–1 mm")]


def test_the_map_of_a_series_shows_its_own_areas_alone(desk):
    nose, chin = (BodyArea.objects.create(key=key, label=key.title(), group="face") for key in ("nose", "chin"))
    step = DepthStep(area=nose, technique=desk.technique, depth_min_mm=Decimal("0.25"), depth_max_mm=Decimal("0.5"))

    shown = sheets.depth_map([*desk.version.depth_steps.select_related("area"), step], [nose, chin])

    assert [(row.zone.area_label, row.zone.figure) for row in shown.rows] == [("Nose", "0.25–0.5 mm"), ("Chin", "")]


@pytest.mark.usefixtures("stopped_clock")
def test_the_series_page_asks_as_often_for_three_areas_as_for_one(staff, desk):
    series = desk.start()
    staff.get(series_page(series))
    counts = []
    for areas in (1, 3):
        while series.series_areas.count() < areas:
            area = BodyArea.objects.create(key=f"more-{series.series_areas.count()}", label="More", group="face")
            SeriesArea.objects.create(series=series, area=area)
        staff.get(series_page(series))  # a new area is a new catalogue, which is read once
        with CaptureQueriesContext(connection) as queries:
            staff.get(series_page(series))
        counts.append(len(queries))

    assert counts[0] == counts[1]


@pytest.mark.usefixtures("stopped_clock")
def test_a_series_is_started_for_the_areas_ticked_beside_the_map(staff, desk):
    person = desk.start().patient
    answer = staff.get(
        reverse("series_new", args=[person.public_id]), {"protocol": str(desk.version.protocol.public_id)}
    )

    html = answer.content.decode()

    assert re.findall(r'<input class="form-check-input".*?name="(\w+)" value="([\w-]+)".*? (checked)?>', html) == [
        ("areas", desk.area.key, "checked")
    ]
