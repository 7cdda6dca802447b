import pytest
from django.urls import reverse

from tests import factories
from tests.factories_treatments import clinical_lead, draft, ingredient, published
from treatments import drafting, sheets
from treatments.models import AreaLimit, ProtocolVersion, VersionAftercare

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_lead(client):
    client.force_login(clinical_lead())
    return client


@pytest.fixture
def at_desk(client):
    client.force_login(factories.user("reception"))
    return client


def page(version):
    return reverse("protocol", args=[version.protocol.public_id])


def publish_page(version):
    return reverse("protocol_publish", args=[version.protocol.public_id])


def tick(version, **details):
    return {"version": str(version.public_id), "is_checked": "on", **details}


def test_protocols_lists_them_with_their_state(at_desk):
    published()
    draft("mesotherapy")

    text = at_desk.get(reverse("protocols")).content.decode()

    assert ("In use" in text, "Draft, not checked yet" in text, "promise no results" in text) == (True, True, True)


def test_protocols_says_what_to_do_when_there_are_none(at_desk):
    assert "No protocols yet" in at_desk.get(reverse("protocols")).content.decode()


def test_protocols_lists_one_without_a_version(at_desk):
    version = draft()
    name = version.protocol.name
    for rows in (version.phases, version.depth_steps):
        rows.all().delete()
    version.delete()

    assert name in at_desk.get(reverse("protocols")).content.decode()


@pytest.mark.parametrize("count", [1, 3])
def test_protocols_asks_the_same_queries_however_many(at_desk, count, django_assert_max_num_queries):
    for _each in range(count):
        draft()

    with django_assert_max_num_queries(6):
        at_desk.get(reverse("protocols"))


def test_protocol_shows_figures_next_to_their_limits(at_desk):
    version = draft("mesotherapy", areas=(("cheek", "1", "2"),), mix=((ingredient(), "20", "2"),), max_total_ml="5")
    VersionAftercare.objects.create(
        version=version, key="care", kind="do", title="Keep it clean", text="Wash your hands.",
        starts_after_hours=0, ends_after_hours=72, send_after_hours=0,
    )  # fmt: skip

    text = at_desk.get(page(version)).content.decode()

    for words in (
        "1–2 mm",
        "20 mg",
        "64 mg",
        "5 ml",
        "best 28 days after the session before, between 14 and 42 days",
        "right after the session until after 3 days",
        "promise no results",
    ):
        assert words in text


def test_protocol_shows_the_usual_range_and_the_cap_of_an_area(at_desk):
    text = at_desk.get(page(draft())).content.decode()

    assert ("0.5–1 mm" in text, "0.25–1.5 mm" in text, "2 mm" in text) == (True, True, True)


def test_protocol_shows_an_area_without_a_limit(at_desk):
    version = draft()
    AreaLimit.objects.all().delete()

    assert "Cheek" in at_desk.get(page(version)).content.decode()


def test_protocol_says_one_exact_interval_in_plain_words(at_desk):
    text = at_desk.get(page(draft(phases=((2, 7, 7, 7),)))).content.decode()

    assert "exactly 7 days after the session before" in text


def test_protocol_says_that_the_lines_own_amount_counts_without_a_maximum(at_desk):
    unlimited = ingredient("caffeine", most=None, clinician_must_set_max=True)

    text = at_desk.get(
        page(draft("mesotherapy", areas=(("cheek", "1", "2"),), mix=((unlimited, "500", "2"),)))
    ).content.decode()

    assert "500 mg, until a clinician sets a maximum" in text


def test_protocol_shows_the_version_in_use_first_and_another_by_number(at_desk):
    older = published()
    draft(protocol=older.protocol, endpoint="even redness")

    first = at_desk.get(page(older)).content.decode()
    second = at_desk.get(page(older), {"version": "2"}).content.decode()

    assert ("even redness" in first, "even redness" in second) == (False, True)


@pytest.mark.parametrize("number", ["9", "-1", "x", "1'--", "٣"])
def test_protocol_of_an_unknown_version_is_not_found(at_desk, number):
    assert at_desk.get(page(draft()), {"version": number}).status_code == 404


def test_protocol_that_is_unknown_is_not_found(at_desk):
    assert at_desk.get(reverse("protocol", args=[draft().public_id])).status_code == 404


def test_protocol_offers_the_clinical_lead_to_publish_a_draft(as_lead):
    text = as_lead.get(page(draft())).content.decode()

    assert "I have checked every value" in text


def test_protocol_does_not_offer_reception_to_publish(at_desk):
    assert "I have checked every value" not in at_desk.get(page(draft())).content.decode()


@pytest.mark.parametrize("count", [1, 3])
def test_protocol_asks_the_same_queries_however_many_areas(at_desk, count, django_assert_max_num_queries):
    names = ("cheek", "nose", "chin")[:count]
    version = draft(areas=tuple((name, "0.5", "1") for name in names))

    with django_assert_max_num_queries(20):
        at_desk.get(page(version))


def test_protocol_publish_puts_the_version_into_use(as_lead):
    version = draft()

    answer = as_lead.post(publish_page(version), tick(version))

    version.refresh_from_db()
    assert (answer.status_code, answer.url, version.state) == (302, page(version), "published")


def test_protocol_publish_wants_the_tick(as_lead):
    version = draft()

    answer = as_lead.post(publish_page(version), {"version": str(version.public_id)})

    version.refresh_from_db()
    assert (answer.status_code, version.state) == (422, "draft")
    assert "Check every value first, then tick the box." in answer.content.decode()


def test_protocol_publish_shows_why_it_was_refused(as_lead):
    version = draft(sessions_typical=5)

    answer = as_lead.post(publish_page(version), tick(version))

    assert answer.status_code == 422
    assert "do not add up to the usual number of sessions" in answer.content.decode()


def test_protocol_publish_is_closed_to_reception(at_desk):
    version = draft()

    assert at_desk.post(publish_page(version), tick(version)).status_code == 403


def test_protocol_publish_acts_on_post_only(as_lead):
    assert as_lead.get(publish_page(draft())).status_code == 405


def test_protocol_publish_of_another_protocols_version_is_not_found(as_lead):
    assert as_lead.post(publish_page(draft()), tick(draft())).status_code == 404


def test_protocol_publish_with_a_broken_version_shows_the_one_in_use(as_lead):
    version = draft()

    assert as_lead.post(publish_page(version), {"version": "nonsense", "is_checked": "on"}).status_code == 422


def test_protocol_publish_without_any_version_is_not_found(as_lead):
    version = draft()
    ProtocolVersion.objects.filter(pk=version.pk).delete()

    assert as_lead.post(publish_page(version), {"version": "nonsense"}).status_code == 404


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (0, "right after the session"),
        (1, "after 1 hour"),
        (24, "after 24 hours"),
        (36, "after 36 hours"),
        (48, "after 2 days"),
        (720, "after 30 days"),
    ],
)
def test_hours_after_a_session_read_as_days_where_they_are_whole_days(hours, words):
    assert sheets.hours_words(hours) == words


def test_protocol_shows_what_a_draft_changes(at_desk):
    version = drafting.new_draft(published(), by=clinical_lead())
    version.depth_steps.update(depth_max_mm="1.5")

    text = at_desk.get(page(version), {"version": "2"}).content.decode()

    assert ("Different from version 1, which is in use" in text, "Cheek: depth 0.5–1 → 0.5–1.5 mm" in text) == (
        True,
        True,
    )


def test_protocol_shows_no_difference_for_the_version_in_use(at_desk):
    assert "Different from version" not in at_desk.get(page(published())).content.decode()


def test_protocol_shows_the_doses_together_and_the_parts_of_a_visit(at_desk):
    mix = ((ingredient(), "20", "2"), (ingredient("caffeine"), "5.5", "1"))
    version = draft("mesotherapy", areas=(("cheek", "1", "2"),), mix=mix)
    version.segments.update(minutes_per_area=10, needs_assistant=True, device_kind="mesotherapy_injector")

    shown = at_desk.get(page(version)).context

    assert (shown["doses"], shown["volume"]) == ("25.5 mg", "3 ml")
    assert [(part["minutes"], part["there"]) for part in shown["segments"]] == [
        (
            "30 minutes, 10 minutes for each area",
            "the practitioner, an assistant, treatment room, mesotherapy injector",
        )
    ]
    assert [sum_.figure for sum_ in shown["visit_sums"]] == ["40 minutes"]
    assert [sum_.figure for sum_ in shown["course_sums"]] == ["4", "12 weeks"]


def test_protocol_without_parts_shows_no_visit(at_desk):
    assert at_desk.get(page(draft(has_visit=False))).context["segments"] == []
