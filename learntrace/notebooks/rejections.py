"""Why an event can't be taken, and the sentence that says it: one list.

A rejected event keeps its English sentence, and code and values, from which it is told in other languages.
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
    TOO_LARGE: _("The event has %(size)s bytes; at most %(limit)s are taken"),
    UNSTORABLE_TEXT: _("The event can't be stored: %(reason)s"),
    UNKNOWN_ACTOR: _("There is no user %(actor)s"),
    TELEMETRY_OF_ANOTHER: _("You (user: %(user)s) can't send events of %(actor)s"),
    ID_TAKEN: _("An event of another user has the id %(id)s"),
    OPTED_OUT: _("This learner's events are not collected, as the learner has asked for"),
    ERASED: _("The learner has had everything erased that had happened by then"),
}
# What a place can be expected to hold, by the name under which it is stored.
EXPECTED: Mapping[str, Promise] = {
    "object": _("an object"),
    "text": _("a text"),
    "texts": _("a list of texts"),
    "number": _("a number"),
    "whole": _("a whole number"),
    "errors": _("a list of objects with a name"),
    "short": _("shorter"),
}
_SHOWN = 100


class Rejection(Exception):
    """One event can't be taken; `values` fill the code's sentence, and are plain JSON."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.values = values

    def sentence(self) -> str:
        """The sentence in the active language."""
        return sentence(self.code, self.values)

    def text(self) -> str:
        """The English sentence, as it is stored."""
        with translation.override("en"):
            return self.sentence()


def unstorable(problem: Problem) -> Rejection:
    """The rejection of an event whose JSON can't be stored."""
    values = {name: value if isinstance(value, int) else shown(str(value)) for name, value in problem.values.items()}
    with translation.override("en"):
        return Rejection(UNSTORABLE_TEXT, template=str(problem.text), **values)


def shown(value: object) -> str:
    """A value from a client as it may stand in a sentence: short, and storable."""
    text = value if isinstance(value, str) else repr(value)[: 2 * _SHOWN]
    return text[:_SHOWN].encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")[:_SHOWN]


def told(code: str, values: Mapping[str, Any], stored: str) -> str:
    """A rejected event's sentence in the active language; of a row from elsewhere the one that is stored."""
    try:
        return sentence(code, values) if code in SENTENCES else stored
    except (KeyError, TypeError, ValueError):
        return stored


def sentence(code: str, values: Mapping[str, Any]) -> str:
    """Fill a code's sentence in the active language."""
    filled = dict(values)
    if template := values.get("template"):
        filled["reason"] = gettext(template) % values
    if values.get("expected") in EXPECTED:
        filled["expected"] = EXPECTED[values["expected"]]
    return str(SENTENCES[code]) % filled
