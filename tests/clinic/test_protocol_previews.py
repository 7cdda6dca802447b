"""The preview of a version: its course, and every message as a patient would get it."""

import pytest
from django.urls import reverse

from clinic import letters
from clinic.models import MessageTemplate
from tests import factories
from tests.factories_treatments import draft, published
from treatments.models import FollowUpRule, FollowUpRuleQuestion, VersionAftercare

pytestmark = pytest.mark.django_db


@pytest.fixture
def at_desk(client):
    client.force_login(factories.user("reception"))
    return client


def address(version, /, **query):
    return reverse("protocol_preview", args=[version.protocol.public_id], query=query)


def talking(version):
    """The version with an advice, a message that sends it and one that asks."""
    VersionAftercare.objects.create(
        version=version, key="sun", kind="avoid", title="No sun", text="Stay inside for three days.",
        starts_after_hours=0, ends_after_hours=72, send_after_hours=0,
    )  # fmt: skip
    FollowUpRule.objects.create(version=version, key="aftercare_sent", offset_hours=0, purpose="Aftercare")
    rule = FollowUpRule.objects.create(
        version=version, key="check_24h", offset_hours=24, purpose="The day after", asks_photo=True
    )
    FollowUpRuleQuestion.objects.create(rule=rule, position=1, text="Any pain?")
    return version


def test_preview_reads_as_the_patient_would_get_it(at_desk):
    factories.location(name="Harley House", address="1 Street", phone="020 1")
    version = talking(draft())

    shown = at_desk.get(address(version)).context["letters"]

    assert [(row["when"], row["letter"].subject) for row in shown] == [
        ("right after the session", "After your visit"),
        ("after 24 hours", "How are you?"),
    ]
    assert "Hello Alex," in shown[0]["letter"].text
    assert "- No sun: Stay inside for three days." in shown[0]["letter"].text
    assert "- Any pain?" in shown[1]["letter"].text
    assert "Please have a photo ready" in shown[1]["letter"].text
    assert "Harley House\n1 Street" in shown[1]["letter"].text


def test_preview_holds_no_health_detail_in_a_subject(at_desk):
    factories.location()

    shown = at_desk.get(address(talking(draft()))).context["letters"]

    subjects = [row["letter"].subject.lower() for row in shown]
    assert [subject for subject in subjects if "pain" in subject or "sun" in subject] == []


def test_preview_is_of_the_version_asked_for(at_desk):
    factories.location()
    first = published()
    second = talking(draft(protocol=first.protocol))

    assert at_desk.get(address(first)).context["letters"] == []
    assert len(at_desk.get(address(first, version=2)).context["letters"]) == 2
    assert at_desk.get(address(second, version=9)).status_code == 404


def test_preview_shows_the_course(at_desk):
    factories.location()

    assert len(at_desk.get(address(published())).context["timeline"].rows) == 4


def test_preview_without_phases_says_so(at_desk):
    factories.location()

    assert "There are no phases yet." in at_desk.get(address(draft(phases=(), sessions_typical=1))).content.decode()


def test_preview_without_a_location_says_what_is_missing(at_desk):
    assert "Add a location first" in at_desk.get(address(talking(draft()))).content.decode()


def test_preview_tells_of_a_wording_that_asks_for_something_unknown(at_desk):
    factories.location()
    MessageTemplate.objects.update_or_create(
        key="check_in", language="en", defaults={"subject": "How are you?", "body": "{wishes}"}
    )

    assert "The wording asks for “wishes”" in at_desk.get(address(talking(draft()))).content.decode()


def test_a_letter_of_a_preview_falls_back_to_the_language_of_the_software():
    version, place = talking(draft()), factories.location()

    found = letters.previews(version, place, first_name="Alex", visit_at=factories.NOW, language="xx")

    assert [each.subject for each in found] == ["After your visit", "How are you?"]


@pytest.mark.parametrize("many", [1, 3])
def test_preview_asks_the_same_queries_however_many_messages(at_desk, many, django_assert_max_num_queries):
    factories.location()
    version = draft()
    for number in range(many):
        FollowUpRule.objects.create(version=version, key=f"check_{number}", offset_hours=24, purpose="Check")
    at_desk.get(address(version))

    with django_assert_max_num_queries(13):
        at_desk.get(address(version))
