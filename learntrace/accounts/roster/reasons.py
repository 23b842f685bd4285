"""Sentences about a roster that are stored, and worded anew for each reader.

An import is checked by a worker, in the language of whoever has uploaded it; a colleague reads it in another one. So a sentence
keeps the text that is translated and the values that fill it.
"""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from learntrace.core.errors import Problem

# What Django's validators say of a column. It is here for our catalogue: Django's own Spanish says "usted", ours says "tú".
_OF_VALIDATORS = (
    _("Enter a valid email address."),
    _("Enter a valid URL."),
    _("Enter a valid “slug” consisting of letters, numbers, underscores or hyphens."),
)


class Reason(str):
    """A sentence in the language that is active when it is made; `stored` and `of_stored` carry it into another one.

    `%` fills it with values, as a text. `before` is told before the sentence: the name of a list, which isn't translated.
    """

    template: str
    values: Mapping[str, object]
    before: str

    def __new__(cls, template: str, values: Mapping[str, object] | None = None, before: str = "") -> "Reason":
        text = gettext(template) if template else ""
        if values:
            text %= values
        reason = super().__new__(cls, f"{before}: {text}" if before else text)
        reason.template, reason.values, reason.before = template, values or {}, before
        return reason

    def __mod__(self, values: Any) -> "Reason":
        return Reason(self.template, values, self.before)

    def within(self, name: str) -> "Reason":
        """Return the sentence with a name before it."""
        return Reason(self.template, self.values, name)

    def stored(self) -> dict[str, Any]:
        """Return the sentence as JSON."""
        return {
            "text": self.template,
            "values": {name: _stored(value) for name, value in self.values.items()},
            "before": self.before,
        }


def stored(sentence: str) -> Any:
    """Return a sentence as JSON; one that is no Reason stays the text that it is."""
    return sentence.stored() if isinstance(sentence, Reason) else str(sentence)


def of_stored(told: Any) -> str:
    """Return a stored sentence in the active language."""
    if not isinstance(told, dict):
        return str(told)
    values = {name: of_stored(value) if isinstance(value, dict) else value for name, value in told["values"].items()}
    return Reason(told["text"], values, told["before"])


def of_problem(problem: Problem) -> Reason:
    """Return a refusal as a sentence that can be stored."""
    return Reason(_untranslated(problem.text), problem.values)


def of_validation(error: ValidationError) -> Reason | str:
    """Return what Django's validators say of a value: one sentence can be stored, several stay as they are."""
    first, *more = error.error_list
    # Its texts with a plural are in Django's catalogue by number: they stay in the language of whoever asked.
    if more or first.code in ("max_length", "min_length", "max_digits", "max_decimal_places", "max_whole_digits"):
        return " ".join(error.messages)
    return Reason(_untranslated(first.message), first.params or {})


def _untranslated(text: object) -> str:
    with translation.override(None):
        return str(text)


def _stored(value: object) -> Any:
    if isinstance(value, Reason):
        return value.stored()
    return value if isinstance(value, int | float) and type(value) in (int, float) else str(value)
