import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests import factories
from tests.administration_forms import filled
from tests.factories_treatments import NOW, clinical_lead, draft, indication, ingredient, published, series
from tests.factories_treatments import treatment_service as visit
from treatments import contents, drafting, protocols
from treatments.models import (
    FollowUpRule,
    FollowUpRuleQuestion,
    IncompatiblePair,
    Protocol,
    ProtocolVersion,
    VersionAftercare,
    VersionSegment,
)

pytestmark = pytest.mark.django_db
LIST = "admin:treatments_protocol_changelist"


@pytest.fixture
def as_lead(client):
    client.force_login(clinical_lead())
    return client


@pytest.fixture
def as_administrator(client):
    client.force_login(factories.user("administrator"))
    return client


def page(version, act="change"):
    return reverse(f"admin:treatments_protocolversion_{act}", args=[version.pk])


def protocol_page(version):
    return reverse("admin:treatments_protocol_change", args=[version.protocol_id])


def plain(value):
    if value is None or value is False:
        return []
    if isinstance(value, (list, tuple)):
        return [str(getattr(each, "pk", each)) for each in value]
    return ["on" if value is True else str(getattr(value, "pk", value))]


def typed(answer, **changes):
    """All that the page would send, as it stands, with changes."""
    found = {"_seen": [answer.context["seen"]]}
    formsets = [section.formset for section in answer.context["sections"].values() if section.formset]
    every = [answer.context["form"], *(formset.management_form for formset in formsets)]
    for form in [*every, *(row for formset in formsets for row in formset.forms)]:
        for bound in form:
            found[bound.html_name] = plain(bound.value())
    return {**found, **changes}


def send(client, version, button="_save", **changes):
    answer = client.get(page(version))
    return client.post(page(version), typed(answer, **{button: "1", **changes}))


def errors_of(answer):
    return [(problem.target, problem.message) for problem in answer.context["problems"]]


def full_draft(**details):
    """A needling draft with a row of each kind that a draft needs."""
    version = draft(has_visit=False, **details)
    VersionSegment.objects.create(
        version=version, position=1, kind="hands_on", base_minutes=20, holds_practitioner=True
    )
    VersionAftercare.objects.create(
        version=version, key="sun", kind="avoid", title="No sun", text="Stay inside.",
        starts_after_hours=0, ends_after_hours=72, send_after_hours=0,
    )  # fmt: skip
    rule = FollowUpRule.objects.create(version=version, key="check_24h", offset_hours=24, purpose="How is it?")
    FollowUpRuleQuestion.objects.create(rule=rule, position=1, text="Any pain?")
    return version


# -- The list and the page of a protocol -------------------------------------------------------------------------------


def test_the_list_tells_what_is_in_use_and_what_is_running(as_administrator):
    version = published()
    series(version=version)
    drafting.new_draft(version, by=factories.user("administrator"))

    row = as_administrator.get(reverse(LIST)).context["cl"].result_list[0]

    assert (row.number_in_use, row.number_of_draft, row.many_running) == (1, 2, 1)


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_asks_the_same_queries_however_many(as_administrator, count, django_assert_max_num_queries):
    for _each in range(count):
        published()
    as_administrator.get(reverse(LIST))

    with django_assert_max_num_queries(14):
        as_administrator.get(reverse(LIST))


def test_a_protocol_lists_its_versions(as_administrator):
    version = published()
    series(version=version)
    newer = drafting.new_draft(version, by=factories.user("administrator"))

    answer = as_administrator.get(protocol_page(version))

    assert answer.context["versions"] == [(newer, 0), (version, 1)]
    assert "Edit the draft" in answer.content.decode()


def test_a_new_protocol_leads_to_its_first_draft(as_administrator):
    about = {
        "name": "Glow", "modality": "microneedling", "indication": indication().pk, "service": visit().pk,
    }  # fmt: skip

    answer = as_administrator.post(reverse("admin:treatments_protocol_add"), about)

    version = ProtocolVersion.objects.get(protocol__name="Glow")
    assert (answer.status_code, answer.url) == (302, page(version))
    assert as_administrator.get(page(version)).status_code == 200


def test_a_new_protocol_needs_a_visit_of_its_own_kind(as_administrator):
    about = {
        "name": "Glow", "modality": "microneedling", "indication": indication().pk,
        "service": visit("mesotherapy").pk,
    }  # fmt: skip

    answer = as_administrator.post(reverse("admin:treatments_protocol_add"), about)

    assert "Choose a visit for this kind of treatment: Microneedling." in answer.content.decode()
    assert Protocol.objects.count() == 0


def test_the_visit_of_a_protocol_stays_what_its_series_book(as_administrator):
    version, other, skin = published(), visit(), indication("another")
    shown = filled(as_administrator.get(protocol_page(version)))

    wanted = {"name": "Glow", "service": other.pk, "indication": skin.pk}
    as_administrator.post(protocol_page(version), shown | wanted)

    found, before = Protocol.objects.get(pk=version.protocol_id), version.protocol
    assert (found.name, found.service, found.indication) == ("Glow", before.service, before.indication)


def test_the_visit_of_a_protocol_may_change_until_a_version_is_in_use(as_administrator):
    version, other = full_draft(), visit()
    shown = filled(as_administrator.get(protocol_page(version)))

    as_administrator.post(protocol_page(version), shown | {"name": "Glow", "service": other.pk})

    assert Protocol.objects.get(pk=version.protocol_id).service == other


def test_a_draft_is_made_by_one_button(as_administrator):
    version = published()

    answer = as_administrator.post(page(version, "draft"))

    assert answer.url == page(version.protocol.versions.get(state="draft"))


def test_a_second_draft_is_refused_in_words(as_administrator):
    version = published()
    as_administrator.post(page(version, "draft"))

    answer = as_administrator.post(page(version, "draft"), follow=True)

    assert "Version 2 is a draft already." in answer.content.decode()
    assert version.protocol.versions.count() == 2


@pytest.mark.parametrize("act", ["draft", "check"])
def test_nothing_is_done_by_opening_an_address(as_administrator, act):
    version = draft()

    assert as_administrator.get(page(version, act)).status_code == 403
    assert version.protocol.versions.count() == 1


@pytest.mark.parametrize("act", ["change", "compare", "retire", "history"])
def test_a_version_that_does_not_exist_is_not_found(as_lead, act):
    address = reverse(f"admin:treatments_protocolversion_{act}", args=[0])

    assert as_lead.get(address, follow=True).status_code in (200, 404)


def test_versions_have_no_list_of_their_own(as_lead):
    assert as_lead.get(reverse("admin:treatments_protocolversion_changelist")).url == reverse(LIST)


# -- Editing -----------------------------------------------------------------------------------------------------------


def test_a_draft_saves_what_is_typed(as_administrator):
    version = full_draft()
    step = {"depth_steps-0-depth_max_mm": "1.25", "phases-0-interval_ideal_days": "21", "sessions_max": "12"}

    answer = send(as_administrator, version, **step)

    version.refresh_from_db()
    assert (answer.status_code, answer.url) == (302, page(version))
    assert (str(version.depth_steps.get().depth_max_mm), version.phases.get().interval_ideal_days) == ("1.25", 21)
    assert version.sessions_max == 12


def test_saving_a_draft_as_it_stands_changes_nothing(as_administrator):
    version = full_draft()
    before = [list(model.objects.filter(version=version).values()) for model in drafting.PARTS]

    send(as_administrator, version)

    assert [list(model.objects.filter(version=version).values()) for model in drafting.PARTS] == before
    assert list(FollowUpRuleQuestion.objects.values_list("position", "text")) == [(1, "Any pain?")]


def test_a_draft_may_be_saved_while_it_is_not_fit_to_be_published(as_administrator):
    version = full_draft()

    assert send(as_administrator, version, **{"depth_steps-0-depth_max_mm": "9"}).status_code == 302
    assert protocols.complaints(version)[0].message == "Cheek: 9 mm is deeper than the limit of 2 mm."


def test_questions_are_typed_one_on_each_line(as_administrator):
    version = full_draft()

    send(as_administrator, version, **{"follow_up_rules-0-questions": "Any pain?\r\n\r\n Any fever? \r\n"})

    asked = FollowUpRuleQuestion.objects.order_by("position").values_list("text", flat=True)
    assert list(asked) == ["Any pain?", "Any fever?"]


def test_photos_scales_checks_and_sources_are_ticked(as_administrator):
    version = full_draft()

    send(as_administrator, version, photos=["baseline", "final"])
    send(as_administrator, version, photos=["final"])

    assert list(version.photo_points.values_list("when", flat=True)) == ["final"]


def test_a_new_row_gets_a_key_of_its_own(as_administrator):
    version = full_draft()
    new = {
        "aftercare-TOTAL_FORMS": "2", "aftercare-1-title": "No sun", "aftercare-1-kind": "do",
        "aftercare-1-text": "Rest.",
        "aftercare-1-starts_after_hours": "0", "aftercare-1-ends_after_hours": "24",
        "aftercare-1-send_after_hours": "0", "aftercare-1-place": "2", "aftercare-1-id": "",
    }  # fmt: skip

    send(as_administrator, version, **new)
    send(as_administrator, version)

    assert sorted(version.aftercare.values_list("key", flat=True)) == ["no_sun", "sun"]


def test_an_empty_new_row_is_left_out(as_administrator):
    version = full_draft()
    empty = {"phases-TOTAL_FORMS": "2", "phases-1-id": "", "phases-1-place": "2"}

    assert send(as_administrator, version, **empty).status_code == 302
    assert version.phases.count() == 1


def test_a_removed_row_is_gone(as_administrator):
    version = full_draft(areas=(("cheek", "0.5", "1"), ("chin", "0.5", "1")))

    send(as_administrator, version, **{"depth_steps-1-DELETE": "on"})

    assert version.depth_steps.count() == 1


def test_a_message_that_sends_the_aftercare_is_there_once(as_administrator):
    version = full_draft()
    FollowUpRule.objects.create(version=version, key="aftercare_sent", offset_hours=0, purpose="Aftercare")

    answer = send(as_administrator, version, **{"follow_up_rules-1-sort": "aftercare_sent"})

    assert "Another message does this already." in str(errors_of(answer))


@pytest.mark.parametrize(
    ("typed_values", "target", "message"),
    [
        (
            {"phases-0-interval_min_days": "30"}, "id_phases-0-interval_ideal_days",
            "Phases 1 · Ideally, days: This must not be less than 30, which is “At least, days”.",
        ),
        (
            {"phases-0-interval_max_days": "20"}, "id_phases-0-interval_max_days",
            "Phases 1 · At most, days: This must not be less than 28, which is “Ideally, days”.",
        ),
        (
            {"phases-0-sessions": "0"}, "id_phases-0-sessions",
            "Phases 1 · Sessions: Ensure this value is greater than or equal to 1.",
        ),
        (
            {"depth_steps-0-depth_min_mm": "1.5"}, "id_depth_steps-0-depth_max_mm",
            "Depths 1 · Greatest depth, mm: This must not be less than 1.5, which is “Least depth, mm”.",
        ),
        (
            {"depth_steps-0-depth_max_mm": ""}, "id_depth_steps-0-depth_max_mm",
            "Depths 1 · Greatest depth, mm: This field is required.",
        ),
        (
            {"depth_steps-0-points_min": "9", "depth_steps-0-points_max": "8"}, "id_depth_steps-0-points_max",
            "Depths 1 · Most points: This must not be less than 9, which is “Fewest points”.",
        ),
        (
            {"segments-0-base_minutes": "0"}, "id_segments-0-base_minutes",
            "Visit 1 · Minutes: Give it some minutes, here or for each area.",
        ),
        (
            {"segments-0-holds_practitioner": []}, "id_segments-0-holds_practitioner",
            "Visit 1 · Needs the practitioner: Tick this: the practitioner is needed here.",
        ),
        (
            {"aftercare-0-send_after_hours": "99"}, "id_aftercare-0-ends_after_hours",
            "Aftercare 1 · Until, hours after: This must not be less than 99, which is “Sent, hours after”.",
        ),
        (
            {"sessions_min": "9"}, "id_sessions_typical",
            "Usual number of sessions: This must not be less than 9, which is “Fewest sessions”.",
        ),
        (
            {"soft_max_depth_mm": "2", "max_depth_mm": "1"}, "id_max_depth_mm",
            "Never deeper than, mm: This must not be less than 2, which is “A clinician is asked above, mm”.",
        ),
        (
            {"follow_up_rules-0-questions": "x" * 251}, "id_follow_up_rules-0-questions",
            "Messages 1 · Questions, one on each line: A question may have 250 characters at most.",
        ),
    ],
)  # fmt: skip
def test_a_broken_rule_of_the_data_is_told_at_its_field(as_administrator, typed_values, target, message):
    version = full_draft()

    answer = send(as_administrator, version, **typed_values)

    assert (answer.status_code, errors_of(answer)) == (422, [(target, message)])
    assert protocols.complaints(version) == []


def test_an_amount_of_nothing_is_told_at_its_field(as_administrator):
    version = draft("mesotherapy", areas=(), mix=((ingredient(), "20", "2"),))

    answer = send(as_administrator, version, **{"cocktail_lines-0-amount": "0"})

    assert errors_of(answer) == [
        ("id_cocktail_lines-0-amount", "Mix 1 · Amount: Give an amount above 0, or remove the line.")
    ]


def test_an_area_that_is_there_twice_is_told_at_its_field(as_administrator):
    version = draft(areas=(("cheek", "0.5", "1"), ("chin", "0.5", "1")))
    cheek = version.depth_steps.get(area__key="cheek").area_id

    answer = send(as_administrator, version, **{"depth_steps-0-area": str(cheek), "depth_steps-1-area": str(cheek)})

    assert errors_of(answer) == [("id_depth_steps-1-area", "Depths 2 · Area: Cheek is there twice.")]


def test_everything_that_is_wrong_is_told_at_once(as_administrator):
    version = full_draft()
    wrong = {"phases-0-interval_min_days": "30", "sessions_min": "9", "depth_steps-0-depth_min_mm": "1.5"}

    assert len(errors_of(send(as_administrator, version, **wrong))) == 3


def test_areas_of_two_rows_can_be_exchanged(as_administrator):
    version = draft(areas=(("cheek", "0.5", "1"), ("chin", "0.25", "0.5")))
    first, second = [row.area_id for row in version.depth_steps.order_by("area__label")]

    answer = send(as_administrator, version, **{"depth_steps-0-area": str(second), "depth_steps-1-area": str(first)})

    assert answer.status_code == 302
    assert str(version.depth_steps.get(area_id=first).depth_max_mm) == "0.50"


# -- The order of rows -------------------------------------------------------------------------------------------------


def rows_shown(answer, key="phases"):
    return [row["name"].value() for row in answer.context["sections"][key].rows]


def test_the_buttons_move_a_row_and_keep_what_was_typed(as_administrator):
    version = draft(phases=((1, 7, 7, 7), (2, 7, 7, 7), (3, 7, 7, 7)))
    answer = as_administrator.get(page(version))

    moved = as_administrator.post(
        page(version), typed(answer, _move="phases-2:up", endpoint="Even redness", **{"phases-2-name": "Last"})
    )

    assert (moved.status_code, rows_shown(moved)) == (200, ["Phase 1", "Last", "Phase 2"])
    assert (moved.context["form"]["endpoint"].value(), version.phases.get(position=3).name) == (
        "Even redness",
        "Phase 3",
    )
    saved = as_administrator.post(page(version), typed(moved, _save="1"))
    assert saved.status_code == 302
    assert list(version.phases.order_by("position").values_list("name", flat=True)) == ["Phase 1", "Last", "Phase 2"]


@pytest.mark.parametrize(
    "wish", ["phases-0:up", "phases-1:down", "phases-7:up", "nonsense", "phases-x:up", "phases-0:"]
)
def test_a_row_at_the_end_or_a_button_that_is_not_there_changes_no_order(as_administrator, wish):
    version = draft(phases=((1, 7, 7, 7), (2, 7, 7, 7)))
    answer = as_administrator.get(page(version))

    moved = as_administrator.post(page(version), typed(answer, _move=wish))

    assert (moved.status_code, rows_shown(moved)) == (200, ["Phase 1", "Phase 2"])


def test_the_button_adds_an_empty_row_and_keeps_what_was_typed(as_administrator):
    version = draft()
    answer = as_administrator.get(page(version))

    grown = as_administrator.post(page(version), typed(answer, _add="phases", **{"phases-0-name": "First"}))

    assert (grown.status_code, rows_shown(grown), errors_of(grown)) == (200, ["First", None], [])
    assert version.phases.get().name == "Phase 1"


# -- What is worked out ------------------------------------------------------------------------------------------------


def test_check_tells_sums_complaints_and_differences_of_what_is_typed_and_saves_nothing(as_administrator):
    version = drafting.new_draft(published(), by=factories.user("administrator"))
    answer = as_administrator.get(page(version))
    wrong = {"depth_steps-0-depth_max_mm": "9", "phases-0-interval_ideal_days": "21"}

    text = as_administrator.post(page(version, "check"), typed(answer, **wrong)).content.decode()

    for words in (
        "0.5–9 mm",
        "never deeper than 2 mm",
        'href="#id_depth_steps-0-depth_max_mm">Cheek: 9 mm is deeper than the limit of 2 mm.',
        "Phase 1: ideally 28 → 21 days",
        "Cheek: depth 0.5–1 → 0.5–9 mm",
        "9 weeks",
    ):
        assert words in text
    assert str(version.depth_steps.get().depth_max_mm) == "1.00"


def drawn(answer):
    """The pictures of the page, or those that come anew while somebody types."""
    text = answer.content.decode()
    return {key: text.partition(f'id="drawn-{key}"')[2].partition("</section>")[0] for key in ("phases", "depth_steps")}


def test_the_phases_are_drawn_over_time_and_the_depths_on_the_body(as_administrator):
    version = draft(areas=(("cheek", "0.5", "1"),))

    pictures = drawn(as_administrator.get(page(version)))

    assert "The course, counted from its first session" in pictures["phases"]
    assert pictures["phases"].count("timeline-row") == 4
    assert 'data-area="cheek"' in pictures["depth_steps"]
    assert "<strong>0.5–1 mm</strong>" in pictures["depth_steps"]


def test_the_pictures_follow_what_is_typed(as_administrator):
    version = draft(areas=(("cheek", "0.5", "1"),))
    answer = as_administrator.get(page(version))
    changes = {"phases-0-sessions": "2", "depth_steps-0-depth_max_mm": "1.25"}

    pictures = drawn(as_administrator.post(page(version, "check"), typed(answer, **changes)))

    assert pictures["phases"].startswith(' hx-swap-oob="true"')
    assert pictures["phases"].count("timeline-row") == 2
    assert "<strong>0.5–1.25 mm</strong>" in pictures["depth_steps"]


@pytest.mark.parametrize(
    "changes", [{"phases-0-sessions": "30000"}, {"phases-0-interval_max_days": "32000"}, {"phases-0-DELETE": "on"}]
)
def test_a_course_beyond_all_measure_is_not_drawn(as_administrator, changes):
    version = draft()
    answer = as_administrator.get(page(version))

    checked = as_administrator.post(page(version, "check"), typed(answer, **changes))

    assert (checked.status_code, "timeline-row" in drawn(checked)["phases"]) == (200, False)


def test_a_published_version_is_drawn_too(as_administrator):
    pictures = drawn(as_administrator.get(page(published())))

    assert all("<svg" in picture for picture in pictures.values())


def test_check_leaves_out_a_row_that_is_half_typed(as_administrator):
    version = draft(areas=(("cheek", "0.5", "1"), ("chin", "0.5", "1")))
    answer = as_administrator.get(page(version))

    checked = as_administrator.post(page(version, "check"), typed(answer, **{"depth_steps-0-depth_max_mm": "1."}))
    text = as_administrator.post(
        page(version, "check"), typed(answer, **{"depth_steps-0-depth_max_mm": "x"})
    ).content.decode()

    assert (checked.status_code, "Chin" in text, "<span>Cheek</span>" in text) == (200, True, False)


def test_the_button_checks_without_scripts_and_saves_nothing(as_administrator):
    version = draft()

    answer = send(as_administrator, version, "_check", sessions_typical="5")

    assert (answer.status_code, [each.message for each in answer.context["complaints"]]) == (
        200, ["The sessions of the phases do not add up to the usual number of sessions."],
    )  # fmt: skip
    assert ProtocolVersion.objects.get(pk=version.pk).sessions_typical == 4


def test_what_is_worked_out_is_what_publishing_says():
    version = draft(areas=(("cheek", "0.5", "9"),), sessions_typical=2)

    assert protocols.complaints(version) == protocols.complaints_about(contents.of(version))


@pytest.mark.parametrize("many", [0, 3])
def test_the_page_of_a_draft_asks_the_same_queries_however_many_protocols(
    as_administrator, many, django_assert_max_num_queries
):
    version = full_draft()
    for _each in range(many):
        published()
    as_administrator.get(page(version))

    with django_assert_max_num_queries(66):
        as_administrator.get(page(version))


def test_the_page_of_a_draft_asks_the_same_queries_however_many_rows(as_administrator):
    few, many = draft(), draft(areas=tuple((key, "0.5", "1") for key in ("cheek", "chin", "nose", "neck")))
    counts = []
    for version in (few, few, many):
        with CaptureQueriesContext(connection) as queries:
            as_administrator.get(page(version))
        counts.append(len(queries))

    assert counts[1] == counts[2]


# -- Publishing, retiring, deleting ------------------------------------------------------------------------------------


def test_publish_saves_what_is_typed_and_puts_it_into_use(as_lead):
    old = published()
    version = drafting.new_draft(old, by=clinical_lead())

    answer = send(as_lead, version, "_publish", is_checked="on", **{"depth_steps-0-depth_max_mm": "1.25"})

    version.refresh_from_db()
    old.refresh_from_db()
    assert (answer.url, version.state, old.state) == (protocol_page(version), "published", "retired")
    assert str(version.depth_steps.get().depth_max_mm) == "1.25"


def test_publish_asks_for_the_tick(as_lead):
    version = draft()

    answer = send(as_lead, version, "_publish")

    assert errors_of(answer) == [
        ("id_is_checked", "I have checked every value: Check every value first, then tick the box.")
    ]
    assert ProtocolVersion.objects.get(pk=version.pk).state == "draft"


def test_publish_is_refused_at_the_very_field_and_keeps_what_was_typed(as_lead):
    version = full_draft()
    wrong = {"depth_steps-0-depth_max_mm": "9", "depth_steps-0-reason": "Scars.", "sessions_max": "11"}

    answer = send(as_lead, version, "_publish", is_checked="on", **wrong)

    row = answer.context["sections"]["depth_steps"].rows[0]
    assert answer.status_code == 422
    assert errors_of(answer) == [
        (
            "id_depth_steps-0-depth_max_mm",
            "Depths 1 · Greatest depth, mm: Cheek: 9 mm is deeper than the limit of 2 mm.",
        )
    ]
    assert row["depth_max_mm"].errors == ["Cheek: 9 mm is deeper than the limit of 2 mm."]
    assert (row["depth_max_mm"].value(), answer.context["form"]["sessions_max"].value()) == ("9", "11")
    version.refresh_from_db()
    assert (version.state, version.sessions_max, str(version.depth_steps.get().depth_max_mm)) == ("draft", 10, "1.00")


def test_publish_names_dose_pair_volume_and_phases_at_their_fields(as_lead):
    first, second = ingredient(), ingredient("hyaluronidase")
    IncompatiblePair.objects.create(first=first, second=second, reason="It dissolves it.")
    version = draft("mesotherapy", areas=(("cheek", "1", "2"),), mix=((first, "65", "2"), (second, "20", "1")))

    answer = send(as_lead, version, "_publish", is_checked="on", total_volume_ml="4", **{"phases-0-DELETE": "on"})

    assert errors_of(answer) == [
        ("id_total_volume_ml", "Volume of the mix, ml: The volumes add up to 3 ml, not to 4 ml."),
        ("section-phases", "A protocol needs at least one phase."),
        (
            "id_cocktail_lines-0-amount",
            "Mix 1 · Amount: hyaluronic acid: 65 mg is more than the maximum of 64 mg.",
        ),
        (
            "id_cocktail_lines-1-ingredient",
            "Mix 2 · Ingredient: hyaluronic acid and hyaluronidase must not be mixed. It dissolves it.",
        ),
    ]


def test_publish_is_refused_for_a_blocked_ingredient_at_its_row(as_lead):
    blocked = ingredient("glutathione", is_blocked=True, block_reason="Not approved.")
    version = draft("mesotherapy", areas=(("cheek", "1", "2"),), mix=((blocked, "20", "2"),))

    answer = send(as_lead, version, "_publish", is_checked="on")

    assert errors_of(answer) == [
        ("id_cocktail_lines-0-ingredient", "Mix 1 · Ingredient: glutathione is not used: Not approved.")
    ]


def test_publish_is_refused_to_an_administrator(as_administrator):
    version = draft()

    answer = send(as_administrator, version, "_publish", is_checked="on")

    assert answer.status_code == 422
    assert "Only a clinical lead publishes a protocol." in answer.content.decode()
    assert ProtocolVersion.objects.get(pk=version.pk).state == "draft"


def test_the_page_says_how_many_series_keep_the_version_they_began_with(as_lead):
    old = published()
    series(version=old)
    version = drafting.new_draft(old, by=clinical_lead())

    text = as_lead.get(page(version)).content.decode()

    assert "1 series is running on an older version. It keeps the version it began with." in text


def test_a_published_version_shows_texts_and_refuses_to_be_changed(as_lead):
    version = published("mesotherapy")

    answer = as_lead.get(page(version))

    text = answer.content.decode()
    assert ("hyaluronic acid 20 mg" in text, 'name="cocktail_lines' in text, "Make a draft" in text) == (
        True,
        False,
        True,
    )
    assert as_lead.post(page(version), {"sessions_max": "99"}).status_code == 403
    assert ProtocolVersion.objects.get(pk=version.pk).sessions_max == version.sessions_max


def test_retire_asks_first_and_then_takes_out_of_use(as_lead):
    version = published()
    series(version=version)

    asked = as_lead.get(page(version, "retire")).content.decode()
    as_lead.post(page(version, "retire"))

    version.refresh_from_db()
    assert ("1 series runs on it and goes on as planned." in asked, version.state) == (True, "retired")


def test_retire_of_a_draft_is_refused_in_words(as_lead):
    answer = as_lead.post(page(draft(), "retire"), follow=True)

    assert "Only a published version can be retired." in answer.content.decode()


def test_retire_is_for_the_clinical_lead(as_administrator):
    assert as_administrator.get(page(published(), "retire")).status_code == 403


def test_a_draft_is_deleted_after_asking(as_administrator):
    version = draft()

    asked = as_administrator.get(page(version, "delete")).content.decode()
    answer = as_administrator.post(page(version, "delete"), {"post": "yes"})

    assert ("Delete this draft?" in asked, answer.url) == (True, reverse(LIST))
    assert ProtocolVersion.objects.count() == 0


def test_a_published_version_is_never_deleted(as_lead):
    version = published()

    assert as_lead.post(page(version, "delete"), {"post": "yes"}).status_code == 403
    assert ProtocolVersion.objects.get() == version


# -- Comparing, history, crossed saves ---------------------------------------------------------------------------------


def test_compare_tells_the_difference_to_the_version_before(as_administrator):
    version = drafting.new_draft(published(), by=factories.user("administrator"))
    version.depth_steps.update(depth_max_mm="1.5")

    assert "Cheek: depth 0.5–1 → 0.5–1.5 mm" in as_administrator.get(page(version, "compare")).content.decode()


def test_compare_takes_any_other_version(as_administrator):
    first = published()
    second = protocols.publish(drafting.new_draft(first, by=clinical_lead()), by=clinical_lead(), now=NOW)
    third = drafting.new_draft(second, by=clinical_lead())

    answer = as_administrator.get(page(third, "compare"), {"with": "1"})

    assert (answer.context["other"], "They are the same." in answer.content.decode()) == (first, True)
    assert as_administrator.get(page(third, "compare"), {"with": "9"}).status_code == 404


def test_compare_says_when_there_is_nothing_to_compare_with(as_administrator):
    text = as_administrator.get(page(draft(), "compare")).content.decode()

    assert "This is the only version of the protocol." in text


def test_history_tells_who_changed_a_row(as_administrator):
    version = full_draft()
    send(as_administrator, version, **{"phases-0-interval_ideal_days": "21"})

    text = as_administrator.get(page(version, "history")).content.decode()

    assert "28 → 21" in text


def test_a_crossed_save_keeps_everything_typed_in_all_sections(as_administrator):
    version = full_draft()
    mine = as_administrator.get(page(version))
    version.phases.update(interval_ideal_days=25)
    wishes = {
        "sessions_max": "13", "phases-0-interval_ideal_days": "21", "follow_up_rules-0-questions": "Any fever?",
    }  # fmt: skip

    answer = as_administrator.post(page(version), typed(mine, _save="1", **wishes))

    found = answer.context["sections"]
    assert answer.status_code == 409
    assert "Somebody else saved this in between" in answer.content.decode()
    assert (
        answer.context["form"]["sessions_max"].value(),
        found["phases"].rows[0]["interval_ideal_days"].value(),
        found["follow_up_rules"].rows[0]["questions"].value(),
    ) == ("13", "21", "Any fever?")
    assert version.phases.get().interval_ideal_days == 25
    assert as_administrator.post(page(version), typed(answer, _save="1")).status_code == 302
    assert version.phases.get().interval_ideal_days == 21


def test_a_question_changed_by_somebody_else_is_a_crossed_save(as_administrator):
    version = full_draft()
    mine = as_administrator.get(page(version))
    FollowUpRuleQuestion.objects.update(text="Any fever?")

    assert as_administrator.post(page(version), typed(mine, _save="1")).status_code == 409


def test_a_row_that_somebody_else_removed_is_still_in_the_form(as_administrator):
    version = draft(phases=((1, 7, 7, 7), (3, 7, 7, 7)))
    mine = as_administrator.get(page(version))
    version.phases.get(position=1).delete()

    answer = as_administrator.post(page(version), typed(mine, _save="1", **{"phases-0-name": "Mine"}))

    assert (answer.status_code, rows_shown(answer)) == (409, ["Mine", "Phase 2"])
    assert as_administrator.post(page(version), typed(answer, _save="1")).status_code == 302
    assert list(version.phases.order_by("position").values_list("name", flat=True)) == ["Mine", "Phase 2"]


def test_a_draft_published_by_somebody_else_meanwhile_is_refused(as_administrator):
    version = draft()
    mine = as_administrator.get(page(version))
    protocols.publish(version, by=clinical_lead(), now=NOW)

    answer = as_administrator.post(page(version), typed(mine, _save="1", sessions_max="13"))

    assert answer.status_code in (403, 409)
    assert ProtocolVersion.objects.get(pk=version.pk).sessions_max == 10


@pytest.mark.parametrize("role", ["reception", "practitioner"])
def test_the_desk_and_the_treatment_room_do_not_enter(client, role):
    client.force_login(factories.user(role))

    assert client.get(page(draft())).status_code == 403


def test_the_targets_of_complaints_are_on_the_page(as_lead):
    version = draft(areas=(("cheek", "0.5", "9"),), sessions_typical=2)

    answer = as_lead.get(page(version))

    text = answer.content.decode()
    targets = [problem.target for problem in answer.context["complaints"]]
    assert targets == ["id_depth_steps-0-depth_max_mm", "id_sessions_typical", "id_depth_steps-0-reason"]
    assert all(f'id="{target}"' in text for target in targets)
