import re
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from django.template.loader import render_to_string
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from treatments import timelines
from treatments.marks import STATES, Mark
from treatments.timelines import NARROW_PX, WIDE_PX, taken, timeline

TODAY = date(2026, 11, 21)


def day(offset):
    return TODAY + timedelta(days=offset)


def mark(number=1, state="planned", on=None, between=None):
    earliest, ideal, latest = (day(offset) for offset in between) if between else (None, None, None)
    return Mark(number, f"Session {number}", state, None if on is None else day(on), earliest, ideal, latest)


def phase(sessions=1, days=(14, 28, 42), *, is_maintenance=False):
    least, ideal, most = days
    return SimpleNamespace(
        sessions=sessions, is_maintenance=is_maintenance, interval_min_days=least, interval_ideal_days=ideal,
        interval_max_days=most,
    )  # fmt: skip


def share(text):
    return float(text.removesuffix("%"))


def page(shown):
    return render_to_string("treatments/_timeline.html", {"timeline": shown})


def texts(ticks):
    return [tick.text for tick in ticks]


@st.composite
def courses(draw):
    """One to twenty sessions, in any state, over anything from a day to years, with any of their days missing."""
    marks, start = [], draw(st.integers(-900, 60))
    for number in range(1, draw(st.integers(1, 20)) + 1):
        start += draw(st.integers(0, 200))
        offsets = sorted(draw(st.lists(st.integers(start, start + 120), min_size=3, max_size=3)))
        between = draw(st.sampled_from([offsets, None]))
        on = draw(st.none() | st.integers(start - 30, start + 150))
        marks.append(mark(number, draw(st.sampled_from(STATES)), on, between))
    return marks


@given(courses(), st.none() | st.just(TODAY))
def test_everything_is_inside_the_picture(marks, today):
    shown = timeline(marks, today)

    for row in shown.rows:
        for bar in filter(None, (row.bar, row.overdue)):
            assert 0 <= share(bar.x) <= share(bar.x) + share(bar.width) <= 100
        for place in filter(None, (row.ideal_x, row.shape_x)):
            assert 0 <= share(place) <= 100
        for words, width in ((row.full, WIDE_PX), (row.short, NARROW_PX)):
            room = taken(words.text, width)
            begin = share(words.x) - (room if words.anchor == "end" else 0)
            assert begin >= -0.01
            assert begin + room <= 100.01
        assert 0 < row.text_y < row.bar_y < row.y + 8 <= shown.bottom
    for ticks, width in ((shown.ticks, WIDE_PX), (shown.few_ticks, NARROW_PX)):
        assert all(0 <= share(tick.x) <= share(tick.x) + taken(tick.text, width) <= 100.01 for tick in ticks)
    assert shown.today is None or 0 <= share(shown.today.x) <= 100
    assert shown.bottom <= shown.height


@given(courses())
def test_names_along_the_axis_never_touch(marks):
    shown = timeline(marks, TODAY)

    for ticks, width in ((shown.ticks, WIDE_PX), (shown.few_ticks, NARROW_PX)):
        ends = [share(tick.x) + taken(tick.text, width) for tick in ticks]
        assert all(end < share(tick.x) for end, tick in zip(ends, ticks[1:], strict=False))


@given(courses())
def test_days_keep_their_order_and_rows_theirs(marks):
    shown = timeline(marks, TODAY)

    assert [row.mark for row in shown.rows] == marks
    assert [row.y for row in shown.rows] == sorted({row.y for row in shown.rows})
    places = sorted((row.mark.earliest, share(row.bar.x)) for row in shown.rows if row.bar)
    assert [place for _day, place in places] == sorted(place for _day, place in places)


@given(courses())
def test_the_table_says_what_the_picture_shows(marks):
    for row in timeline(marks, TODAY).rows:
        has_span = row.mark.earliest is not None and row.mark.state != "off"
        assert bool(row.between) == has_span
        assert bool(row.bar) == (has_span and row.mark.earliest < row.mark.latest)
        assert bool(row.on) == (row.mark.on is not None)
        assert row.state


def test_a_span_reaches_from_its_first_to_its_last_day():
    row = timeline([mark(1, "planned", between=(0, 50, 100))], TODAY).rows[0]

    assert (row.bar.x, row.bar.width, row.ideal_x) == ("3.00%", "94.00%", "50.00%")


def test_a_session_that_may_be_on_one_day_only_has_a_line_and_no_bar():
    row = timeline([mark(1, "planned", between=(0, 0, 0))], TODAY).rows[0]

    assert (row.bar, row.ideal_x) == (None, "3.00%")


@pytest.mark.parametrize(
    ("state", "on", "place"),
    [
        ("done", 0, "3.00%"),
        ("booked", 100, "97.00%"),
        ("booked", None, ""),
        ("missed", None, "50.00%"),
        ("late", None, "97.00%"),
        ("planned", 0, ""),
        ("off", 0, ""),
    ],
)
def test_a_shape_stands_on_its_day(state, on, place):
    today = day(100)

    row = timeline([mark(1, state, on, between=(0, 50, 90)), mark(2, "done", 100)], today).rows[0]

    assert row.shape_x == place


def test_a_session_that_is_overdue_stands_on_its_last_day_when_today_is_not_known():
    row = timeline([mark(1, "late", between=(0, 50, 100))], None).rows[0]

    assert (row.shape_x, row.overdue) == ("97.00%", None)


@pytest.mark.parametrize(("latest", "is_drawn"), [(-1, True), (0, False)])
def test_the_time_since_the_last_good_day_is_drawn(latest, is_drawn):
    row = timeline([mark(1, "late", between=(-40, -20, latest))], TODAY).rows[0]

    assert (row.overdue is not None) == is_drawn


@pytest.mark.parametrize(
    ("state", "ended", "is_shown"),
    [("done", -60, True), ("done", -61, False), ("planned", 60, True), ("planned", 61, False), ("late", -400, True)],
)
def test_today_is_shown_when_it_is_near_or_something_is_overdue(state, ended, is_shown):
    shown = timeline([mark(1, state, between=(ended, ended, ended))], TODAY)

    assert (shown.today is not None) == is_shown


def test_today_is_named_on_the_side_where_there_is_room():
    early = timeline([mark(1, between=(0, 50, 100))], TODAY)
    late = timeline([mark(1, "done", -100, between=(-100, -50, 0))], TODAY)

    assert (early.today.text, early.is_today_late, late.is_today_late) == ("today, 21 Nov", False, True)


def test_a_course_without_days_has_rows_and_no_axis():
    shown = timeline([mark(1), mark(2)], TODAY)

    assert (shown.ticks, shown.few_ticks, shown.today, shown.has_bars) == ([], [], None, False)
    assert [row.full.text for row in shown.rows] == ["Session 1", "Session 2"]


@pytest.mark.parametrize(
    ("last", "wide", "narrow"),
    [
        (20, ["23 Nov", "30 Nov", "7 Dec", "14 Dec"], ["23 Nov", "30 Nov", "7 Dec", "14 Dec"]),
        (70, ["23 Nov", "7 Dec", "21 Dec", "4 Jan", "18 Jan"], ["23 Nov", "21 Dec", "18 Jan"]),
        (71, ["Dec 2026", "Jan 2027"], ["Dec 2026", "Jan 2027"]),
        (540, ["Jan 2027", "Apr", "Jul", "Oct", "Jan 2028", "Apr"], ["Jan 2027", "Jul", "Jan 2028"]),
    ],
)
def test_the_axis_names_weeks_then_months(last, wide, narrow):
    shown = timeline([mark(1, between=(0, 0, last))], TODAY)

    assert (texts(shown.ticks), texts(shown.few_ticks)) == (wide, narrow)


def test_the_axis_stays_bare_when_no_name_fits():
    shown = timeline([mark(1, "late", between=(-400000, -400000, -400000))], TODAY)

    assert shown.few_ticks == []


def test_words_too_long_for_the_picture_are_cut():
    long = Mark(1, "A session with a name that nobody would give it, " * 3, "planned", None, TODAY, TODAY, TODAY)

    row = timeline([long], TODAY).rows[0]

    assert row.full.text.endswith("…")
    assert taken(row.full.text, WIDE_PX) <= 100


def test_words_end_with_their_bar_where_they_have_no_room_to_begin_with_it():
    row = timeline([mark(1, "done", 0), mark(2, between=(90, 95, 100))], TODAY).rows[1]

    assert (row.full.anchor, row.full.x, row.short.anchor, row.short.x) == ("end", "97.00%", "end", "97.00%")


def test_the_legend_explains_only_the_shapes_there_are():
    shown = timeline([mark(1, "late", between=(-9, -8, -7)), mark(2, "done", -20), mark(3, "off"), mark(4)], TODAY)

    assert shown.states == [("done", "Done"), ("late", "Overdue")]


def test_of_phases_counts_each_session_from_the_best_day_of_the_one_before():
    marks = timelines.of_phases([phase(2), phase(1, (60, 90, 120), is_maintenance=True)], TODAY)

    assert [(each.label, each.state, each.on) for each in marks] == [
        ("Session 1", "planned", None),
        ("Session 2", "planned", None),
        ("Maintenance", "planned", None),
    ]
    assert [(each.earliest, each.ideal, each.latest) for each in marks] == [
        (TODAY, TODAY, TODAY),
        (day(14), day(28), day(42)),
        (day(88), day(118), day(148)),
    ]


def test_of_phases_has_nothing_to_say_without_phases():
    assert timelines.of_phases([], TODAY) == []


def test_preview_counts_days_and_names_no_date():
    shown = timelines.preview([phase(3)])

    assert texts(shown.few_ticks) == ["start", "week 4", "week 8"]
    assert [(row.on, row.between) for row in shown.rows] == [
        ("day 0", "day 0"),
        ("day 28", "day 14 and day 42"),
        ("day 56", "day 42 and day 70"),
    ]
    assert not re.search(r"\b20\d\d\b", page(shown))


@pytest.mark.parametrize("is_preview", [True, False])
def test_the_page_has_the_picture_and_the_same_in_a_table(is_preview):
    marks = [mark(1, "done", -30, (-35, -30, -20)), mark(2, "booked", 4, (-2, 5, 12)), mark(3, between=(18, 32, 46))]
    shown = timelines.preview([phase(3)]) if is_preview else timeline(marks, TODAY)

    html = page(shown)

    rows = re.findall(r'<th scope="row">(.*?)</th>', html)
    assert rows == ["Session 1", "Session 2", "Session 3"]
    assert html.count('class="timeline-row ') == len(rows)
    assert ('role="img"' in html, "<title>" in html, shown.summary in html) == (True, True, True)
    assert [row.between in html for row in shown.rows] == [True] * 3
    assert ("window" in html.lower(), "style=" in html, " on" in re.sub(r">[^<]*<", "><", html)) == (False,) * 3


def test_the_page_draws_the_same_in_a_language_that_writes_numbers_with_a_comma():
    with translation.override("de"):
        html = page(timeline([mark(1, between=(0, 33, 100))], TODAY))

    assert 'x1="34.02%"' in html


def test_the_table_is_headed_by_the_word_of_the_page_it_is_on():
    shown = {"timeline": timeline([mark(1)], TODAY)}

    headings = [
        re.search(r'<th scope="col">(.*?)</th>', render_to_string("treatments/_timeline.html", shown | more))[1]
        for more in ({}, {"heading": "Visit"})
    ]

    assert headings == ["Session", "Visit"]
