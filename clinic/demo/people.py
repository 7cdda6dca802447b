"""The demo's patients: names, contact details, and a medical history without surprises but for a few."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from django.db.models import Max

from patients import consents, history, registration
from patients.history import Given
from patients.models import Condition, Consent, ConsentText, HistoryAnswer, Measurement, Patient, SubstanceTag, User
from treatments.models import Contraindication

GIVEN = (
    "Ada", "Amélie", "Anouk", "Beatriz", "Carys", "Chiara", "Dilys", "Edie", "Elif", "Esme", "Farah", "Freya",
    "Grace", "Hana", "Ines", "Isla", "Jürgen", "Kasia", "Leon", "Lotte", "Mateo", "Mila", "Nadia", "Noor",
    "Olu", "Pascal", "Renée", "Saskia", "Theo", "Yuki",
)  # fmt: skip
FAMILY = (
    "Abara", "Almeida", "Baxter", "Brandt", "Castell", "Çelik", "Dwyer", "Engel", "Fontaine", "Greene", "Haas", "Ito",
    "Jansen", "Kowalski", "Löwe", "Marchetti", "Novák", "O’Hara", "Pereira", "Quill", "Roth", "Søndergaard",
    "Thorne", "Vogel", "Whitfield",
)  # fmt: skip
NEEDS_A_CLINICIAN = (7, 31, 58, 83)
ALLERGIC = (12, 47, 90)
WITHOUT_EMAIL_EVERY = 15
# Number 28 has the surname of number 3, and here the mailbox, too.
COUPLE = (3, 28)
IN_USE_SINCE = timedelta(days=365)


@dataclass(frozen=True)
class Forms:
    """What every patient is asked and signs; read once."""

    asked: list[Condition]
    reviewed: Condition | None
    texts: list[ConsentText]
    allergen: SubstanceTag | None


def read_forms(now: datetime) -> Forms:
    """The questions of the intake form and the consent wordings, which come into use."""
    ConsentText.objects.filter(published_at=None).update(published_at=now - IN_USE_SINCE)
    asked = list(Condition.objects.filter(is_active=True, answered_by=Condition.AnsweredBy.QUESTION))
    reviewing = Contraindication.objects.filter(action="clinician_review", condition__in=asked, ingredient=None)
    rows = reviewing.values("condition").annotate(worst=Max("severity")).order_by("condition__position")
    only_reviewed = next((row["condition"] for row in rows if not _is_ever_a_stop(row["condition"])), None)
    return Forms(
        asked,
        next((condition for condition in asked if condition.pk == only_reviewed), None),
        list(ConsentText.objects.exclude(published_at=None).filter(language="en")),
        SubstanceTag.objects.order_by("key").first(),
    )


def _is_ever_a_stop(condition_id: int) -> bool:
    mild = ("clinician_review", "advise")
    return Contraindication.objects.filter(condition=condition_id).exclude(action__in=mild).exists()


def register(number: int, on: date) -> Patient:
    """Patient number 0 to 119, always the same person; the age counts from `on`."""
    rng = Random(f"patient {number}")  # noqa: S311 - invented people, not secrets
    given, family = GIVEN[number % len(GIVEN)], FAMILY[number * 7 % len(FAMILY)]
    reachable = number % WITHOUT_EMAIL_EVERY != WITHOUT_EMAIL_EVERY - 1
    mailbox = COUPLE[0] if number in COUPLE else number
    return registration.register(
        given_name=given,
        family_name=family,
        on=on,
        birth_date=on - timedelta(days=365 * rng.randint(26, 62) + rng.randrange(365)),
        email=f"patient{mailbox + 1:03}@mail.example" if reachable else "",
        # Numbers that the regulator keeps free for fiction.
        phone=f"+447700900{number:03}",
    )


def take_history(number: int, patient: Patient, forms: Forms, *, on: date, by: User) -> None:
    """Ask everything and note what a few patients have."""
    rng = Random(f"history {number}")  # noqa: S311 (invented people, not secrets)
    answer = HistoryAnswer.Answer
    has = {forms.reviewed} if number in NEEDS_A_CLINICIAN else set()
    answers = [Given(each, answer.YES if each in has else answer.NO) for each in forms.asked]
    history.record_review(patient, answers, on=on, by=by)
    skin_type, weight_kg = Decimal(rng.choice([1, 2, 2, 3, 3])), Decimal(rng.randint(52, 96))
    history.add_measurement(patient, kind=Measurement.Kind.SKIN_TYPE, value=skin_type, on=on, by=by)
    history.add_measurement(patient, kind=Measurement.Kind.WEIGHT_KG, value=weight_kg, on=on, by=by)


def note_allergy(patient: Patient, forms: Forms, *, at: datetime, by: User) -> None:
    """The patient told of an allergy."""
    tags = [forms.allergen] if forms.allergen else []
    history.add_allergy(patient, tags=tags, by=by, at=at, substance="Swelling after it, some years ago")


def sign(patient: Patient, forms: Forms, scope: str, *, at: datetime, by: User) -> None:
    """Sign the wordings of a scope on screen, not before they came into use."""
    for text in forms.texts:
        if text.scope == scope:
            signed_at = max(at, text.published_at)
            consents.sign(patient, text, method=Consent.Method.SCREEN, at=signed_at, by=by)
