"""Words: nothing that a user reads is out of a translator's reach, and no word of the code is shown."""

import json

import pytest

from clinic import wordings
from tests import texts, words

# Sources are titles of other people's works; record fields are shipped and not shown yet.
NOT_OURS = {"sources.json", "record_fields.json"}
STARTER = [
    path
    for path in sorted((texts.settings.BASE_DIR / "treatments" / "starter").glob("*.json"))
    if path.name not in NOT_OURS
]
SHOWN_KEYS = {"label", "name", "title", "body", "question", "text", "summary", "instructions", "help", "message"}


def shown_texts(value, key=""):
    """The texts of starter data under the names that pages show."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from shown_texts(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from shown_texts(part, key)
    elif isinstance(value, str) and key in SHOWN_KEYS:
        yield value


def said_in(found):
    return [f"{word} in {text[:80]!r}" for text in found for word in words.internal_words(text)]


@pytest.mark.parametrize("path", texts.TEMPLATES, ids=texts.relative)
def test_every_text_of_a_template_goes_through_gettext(path):
    assert texts.untranslated_in_template(path.read_text(), is_markup=path.suffix == ".html") == []


@pytest.mark.parametrize("path", texts.MODULES, ids=texts.relative)
def test_every_text_of_a_module_goes_through_gettext(path):
    assert texts.untranslated_in_python(path.read_text()) == []


def test_no_text_that_is_translated_shows_a_word_of_the_code(counted):
    found = {text for path in texts.TEMPLATES for text in texts.translated_in_template(path.read_text())}
    found |= {text for path in texts.MODULES for text in texts.translated_in_python(path.read_text())}
    counted(f"Words: {len(found)} texts of {len(texts.TEMPLATES)} templates and {len(texts.MODULES)} modules")

    assert said_in(sorted(found)) == []


def test_no_wording_of_a_message_shows_a_word_of_the_code():
    said = [str(part) for subject, body in wordings.DEFAULTS.values() for part in (subject, *body)]
    bare = [words.re.sub(r"\{\w+\}", "", text) for text in [*said, *map(str, wordings.LABELS.values())]]

    assert said_in(bare) == []


@pytest.mark.parametrize("path", STARTER, ids=lambda path: path.name)
def test_no_starter_text_shows_a_word_of_the_code(path):
    assert said_in(shown_texts(json.loads(path.read_text()))) == []


@pytest.mark.parametrize(("source", "missed"), [
    ("<p>Hello there</p>", ["Hello there"]),
    ("<p>{% if a %}Hello {{ b }}{% endif %}</p>", ["Hello"]),
    ('<a title="Open it" href="/">{{ name }}</a>', ["Open it"]),
    ('<input type="submit" value="Save">', ["Save"]),
    ('<img alt="A face">', ["A face"]),
    ('<td data-label="Due">', ["Due"]),
    ('{% include "x.html" with title="Not now" only %}', ["Not now"]),
    ('{{ who|default:"Nobody" }}', ["Nobody"]),
    ("{% translate 'Save' %} now", ["now"]),
])  # fmt: skip
def test_a_text_out_of_reach_in_a_template_is_found(source, missed):
    assert texts.untranslated_in_template(source) == missed


@pytest.mark.parametrize("source", [
    '{% translate "Save" %}',
    "<p>{% blocktranslate with a=b %}Hello {{ a }}{% endblocktranslate %}</p>",
    "{# a note of ours #}{% comment %}and another{% endcomment %}",
    '<input type="text" value="typed" name="first_name">',
    '{{ who|default:_("Nobody") }}',
    '<p class="quiet">{{ name }} · 3</p>',
])  # fmt: skip
def test_a_text_within_reach_in_a_template_is_left_alone(source):
    assert texts.untranslated_in_template(source) == []


@pytest.mark.parametrize("source", [
    'raise ValidationError("Not a date.")',
    'raise Refused([f"Not before {day}."])',
    'messages.success(request, "It is saved.")',
    'form.add_error("day", "This is over.")',
    'name = CharField(label="Name")',
    'name = CharField("x", verbose_name="name")',
    'kind = CharField(choices=[("a", "Arm")])',
    'class Kind(TextChoices):\n    ARM = "arm", "Arm"',
    'class Kind(TextChoices):\n    ARM = "arm"',
    'class Meta:\n    verbose_name = "visit"',
    'title = "Nothing to do"',
    'context["hint"] = "Call the patient first"',
    '_(f"Hello {name}")',
])  # fmt: skip
def test_a_text_out_of_reach_in_a_module_is_found(source):
    assert texts.untranslated_in_python(source) != []


@pytest.mark.parametrize("source", [
    '"""What this module owns."""',
    'raise ValidationError(_("Not a date."))',
    'raise ValueError("A programmer reads this one.")',
    'name = CharField(_("name"), max_length=3, label=_("Name"))',
    'class Kind(TextChoices):\n    ARM = "arm", _("Arm")',
    'logger.exception("Could not send it")',
    'field = Encrypted(label="clinic_visit.note")',
])  # fmt: skip
def test_a_text_within_reach_in_a_module_is_left_alone(source):
    assert texts.untranslated_in_python(source) == []


@pytest.mark.parametrize("text", [
    "The claim is stale", "2 segments", "Modality", "Override this", "overridden by", "Findings", "Contraindicated",
    "wash-out of 14 days", "Washout", "outside the window", "The series will re-flow", "a hold until 10:05", "doubtful",
    "Entered in error", "Needs outcome", "null", "no_show", "in_treatment", "Traceback", "Practitioner object (3)",
    "stop", "Warn", "None", "Room: None", "True", "0f8fad5b-d9cb-469f-a165-70867728950e",
])  # fmt: skip
def test_a_word_of_the_code_is_found(text):
    assert words.internal_words(text) != []


@pytest.mark.parametrize("text", [
    "None of these", "None is known.", "Stop using retinoids", "Hold the area still", "On hold", "no-show", "overview",
    "Not now", "a clinician decides", "best between 12 and 26 November", "Ada_Quill@mail.example", "True to size",
])  # fmt: skip
def test_a_word_of_the_trade_is_left_alone(text):
    assert words.internal_words(text) == []
