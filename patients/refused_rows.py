"""What a verb, a rule of the data or somebody's faster save refuses, as an error of the form it was typed into."""

from collections.abc import Iterable

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import DataError, Error, IntegrityError, InternalError, models
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from patients.changes import Change
from patients.refusals import Conflict, Refused

OF_THE_DATABASE = (IntegrityError, DataError, InternalError)
# Constraint names are sentences; these are the words of the desk for what stands in them.
WORDS = {
    "contraindication": "reason not to treat",
    "servicesegment": "part of a visit",
    "versionsegment": "part of a visit",
    "modality": "kind of treatment",
    "washout": "wait",
}


def sentence_of(constraint: models.BaseConstraint, model: type[models.Model]) -> str:
    """Say the rule: its own message, or its name, which is a sentence."""
    if getattr(constraint, "violation_error_message", None) not in (None, constraint.default_violation_error_message):
        return str(constraint.violation_error_message)
    return sentence_of_name(constraint.name, model)


def sentence_of_name(name: str, model: type[models.Model] | None = None) -> str:
    if model is not None and name.startswith(f"{model._meta.model_name}_"):
        name = f"{model._meta.verbose_name} {name.removeprefix(f'{model._meta.model_name}_')}"
    said = name.replace("_", " ")
    for word, words in WORDS.items():
        said = said.replace(word, words)
    return _("This breaks a rule: %(rule)s.") % {"rule": said}


def reworded(error: ValidationError, row: models.Model) -> ValidationError:
    """The same error with sentences where the framework would have named a constraint."""
    model = type(row)
    standard = {str(one.get_violation_error_message()): sentence_of(one, model) for one in row._meta.constraints}

    def said(one: ValidationError) -> ValidationError:
        sentence = standard.get(str(one.message))
        return one if sentence is None else ValidationError(sentence)

    if hasattr(error, "error_dict"):
        return ValidationError({name: [said(one) for one in errors] for name, errors in error.error_dict.items()})
    return ValidationError([said(one) for one in error.error_list])


def as_refusal(error: ValidationError | Error, tables: Iterable[type[models.Model]]) -> ValidationError:
    """What a verb raised, unchanged; what the database raised, as a sentence."""
    if isinstance(error, ValidationError):
        return error
    name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
    known = {constraint.name: (constraint, table) for table in tables for constraint in table._meta.constraints}
    if name in known:
        return Refused(sentence_of(*known[name]))
    if name and name.count("_") >= 2:
        return Refused(sentence_of_name(name))
    return Refused(_("The database refuses this and nothing was saved. Check the values and save again."))


def crossed(last: Change | None) -> Conflict:
    """Somebody saved the row while it was open here."""
    lines = [_("Somebody else saved this while you had it open. Nothing of yours is lost: it is still in the form.")]
    if last is not None:
        lines.append(said_of_change(last))
    lines.append(_("Check the fields below against that, then save again: your values then replace theirs."))
    return Conflict(lines)


def said_of_change(change: Change) -> str:
    when = formats.date_format(timezone.localtime(change.at), "j F Y, H:i")
    what = "; ".join(change.lines) or change.title
    return _("%(who)s, %(when)s: %(what)s") % {"who": change.who, "when": when, "what": what}


def refused_form(form: type[forms.ModelForm], refusal: ValidationError) -> type[forms.ModelForm]:
    """A form like this one that is never valid and says why: beside the fields named by the refusal, else on top."""

    class Refusing(form):
        def full_clean(self) -> None:
            super().full_clean()
            if not self.is_bound:
                return
            for name, errors in _by_field(refusal):
                self.add_error(name if name in self.fields else None, errors)

    Refusing.__name__ = form.__name__
    return Refusing


def _by_field(refusal: ValidationError) -> list[tuple[str | None, list]]:
    if hasattr(refusal, "error_dict"):
        return [(None if name == NON_FIELD_ERRORS else name, errors) for name, errors in refusal.error_dict.items()]
    return [(None, refusal.messages)]
