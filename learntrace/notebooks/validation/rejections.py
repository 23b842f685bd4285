"""The reasons for which an event is rejected: one list of codes with their sentences.

A rejected event stores its English sentence, and the code and values from which the sentence is translated.
"""

from collections.abc import Mapping
from typing import Any, Final

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from learntrace.core.errors import Problem

NOT_AN_OBJECT: Final = "not-an-object"
INVALID_ID: Final = "invalid-id"
UNKNOWN_VERB: Final = "unknown-verb"
INVALID_TIMESTAMP: Final = "invalid-timestamp"
INVALID_OBJECT: Final = "invalid-object"
INVALID_RESULT: Final = "invalid-result"
INVALID_CONTEXT: Final = "invalid-context"
TOO_LARGE: Final = "too-large"
UNSTORABLE_TEXT: Final = "unstorable-text"
UNKNOWN_ACTOR: Final = "unknown-actor"
TELEMETRY_OF_ANOTHER: Final = "telemetry-of-another-user"
ID_TAKEN: Final = "id-taken"
OPTED_OUT: Final = "opted-out"
ERASED: Final = "erased"

_MUST_BE = _("`%(place)s` must be %(expected)s")
SENTENCES: Mapping[str, Promise] = {
    NOT_AN_OBJECT: _("An event must be a JSON object"),
    INVALID_ID: _("`id` must be a UUID such as 123e4567-e89b-42d3-a456-426614174000, not %(value)s"),
    UNKNOWN_VERB: _("Unknown verb %(value)s; known are %(known)s"),
    INVALID_TIMESTAMP: _("`timestamp` must be a time such as 2026-11-22T10:30:00.123Z, not %(value)s"),
    INVALID_OBJECT: _MUST_BE,
    INVALID_RESULT: _MUST_BE,
    INVALID_CONTEXT: _MUST_BE,
    TOO_LARGE: _("The event has %(size)s bytes; at most %(limit)s are accepted"),
    UNSTORABLE_TEXT: _("The event can't be stored: %(reason)s"),
    UNKNOWN_ACTOR: _("There is no user %(actor)s"),
    TELEMETRY_OF_ANOTHER: _("You (user: %(user)s) can't send events of %(actor)s"),
    ID_TAKEN: _("An event of another user has the id %(id)s"),
    OPTED_OUT: _("This learner's events are not collected, as the learner has asked for"),
    ERASED: _("It happened before the learner's data was erased"),
}
# What a place must hold, by the name that is stored in a rejection's values.
EXPECTED: Mapping[str, Promise] = {
    "object": _("an object"),
    "text": _("a text"),
    "texts": _("a list of texts"),
    "number": _("a number"),
    "whole": _("a whole number"),
    "errors": _("a list of objects with a name"),
    "short": _("shorter"),
    "list": _("a list"),
    "check": _("the assignment that the check cell checks, such as assignment:lesson-03-exercise-1"),
}
_MAX_EXCERPT = 100


class Rejection(Exception):
    """An event is rejected; `values` fill the sentence of the code, and are plain JSON."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.values = values

    def sentence(self) -> str:
        """Return the sentence in the active language."""
        return sentence(self.code, self.values)

    def text(self) -> str:
        """Return the English sentence, as it is stored."""
        with translation.override("en"):
            return self.sentence()


def unstorable(problem: Problem) -> Rejection:
    """Return the rejection of an event whose JSON can't be stored."""
    values = {name: value if isinstance(value, int) else excerpt(str(value)) for name, value in problem.values.items()}
    with translation.override("en"):
        return Rejection(UNSTORABLE_TEXT, template=str(problem.text), **values)


def excerpt(value: object) -> str:
    """Return a client's value as a short text that can be stored and shown in a sentence."""
    text = value if isinstance(value, str) else repr(value)[: 2 * _MAX_EXCERPT]
    return text[:_MAX_EXCERPT].encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")[:_MAX_EXCERPT]


def sentence_for(code: str, values: Mapping[str, Any], stored: str) -> str:
    """Return a rejected event's sentence in the active language; the stored one where code or values don't allow it."""
    try:
        return sentence(code, values) if code in SENTENCES else stored
    except (KeyError, TypeError, ValueError):
        return stored


def sentence(code: str, values: Mapping[str, Any]) -> str:
    """Return a code's sentence in the active language, filled with the values."""
    filled = dict(values)
    if template := values.get("template"):
        filled["reason"] = gettext(template) % values
    if values.get("expected") in EXPECTED:
        filled["expected"] = EXPECTED[values["expected"]]
    return str(SENTENCES[code]) % filled
