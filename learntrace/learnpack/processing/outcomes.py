"""The outcomes of webhooks and their sentences (contract, section 3).

A row stores its English sentence (clients and staff know these texts), and the reason and its values, from which the
sentence is translated and causes are counted.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

import msgspec
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from learntrace.core.time_zones import largest_unit
from learntrace.learnpack.ignore import rules
from learntrace.learnpack.models import Webhook

DONE: Final = "done"
TAKEN: Final = "taken"  # a streaming event that became activity
DEFERRED: Final = "deferred"  # still pending
SUPERSEDED: Final = "superseded"
IGNORED_BY_RULE: Final = "ignored-by-rule"
DEDUPLICATED: Final = "deduplicated"
NO_EVENT: Final = "no-event"
NO_PAYLOAD: Final = "no-payload"
NO_SLUG: Final = "no-slug"
UNKNOWN_STUDENT: Final = "unknown-student"
NOT_IMPLEMENTED: Final = "not-implemented"
ASSET_NOT_FOUND: Final = "asset-not-found"
PACKAGE_ASSET_NOT_FOUND: Final = "package-asset-not-found"
NO_TASKS: Final = "no-tasks"
NO_STUDENT: Final = "no-student"
NOT_THE_SENDERS: Final = "not-the-senders"
INVALID_SHAPE: Final = "invalid-shape"
INVALID_PACKAGE_ID: Final = "invalid-package-id"
INVALID_CONFIG: Final = "invalid-config"
NO_MANIFEST: Final = "no-manifest"
FAULT: Final = "fault"

SENTENCES: Mapping[str, str | Promise] = {
    DONE: _("OK"),
    TAKEN: _("OK"),
    DEFERRED: _("Deferred by %(seconds)s seconds: this account sends more than its share"),
    SUPERSEDED: _("OK (superseded by a newer batch)"),
    IGNORED_BY_RULE: _("Ignored by academy learnpack_features.telemetry_webhook_ignore rule (%(fields)s)."),
    DEDUPLICATED: _("Ignored because a more recent telemetry batch was obtained."),
    NO_EVENT: _("Impossible to determine learnpack event"),
    NO_PAYLOAD: _("Impossible to retrive webhook payload"),
    NO_SLUG: _("Impossible to retrive learnpack exercise slug"),
    UNKNOWN_STUDENT: _("Learnpack student with user id %(user_id)s not found"),
    NOT_IMPLEMENTED: _("Learnpack telemetry event `%(event)s` is not implemented"),
    ASSET_NOT_FOUND: _(
        "Asset specified by learnpack telemetry was not found using either the payload 'asset_id' or 'slug'"
    ),
    PACKAGE_ASSET_NOT_FOUND: _(
        "Asset specified by learnpack %(event)s was not found using either the payload 'asset_id' or 'slug'"
    ),
    NO_TASKS: _(
        "Student with id %(student)s has not tasks with associated slug in any of the asset translations: %(slugs)s"
    ),
    NO_STUDENT: _("The telemetry names no user, and the one who sent it no longer exists"),
    NOT_THE_SENDERS: _("Its sender may not send telemetry of this learner on this asset"),
    INVALID_SHAPE: _("The telemetry was saved, but its indicators can't be computed: %(place)s must be %(expected)s"),
    INVALID_PACKAGE_ID: _("Invalid package_id in %(event)s payload: %(value)s"),
    INVALID_CONFIG: _("Invalid package.config JSON in package_published payload: %(fault)s"),
    NO_MANIFEST: _("Impossible to retrieve learnpack manifest from package_manifest_updated payload"),
    FAULT: _("This telemetry could not be processed by a fault of the server; it is kept and can be processed again"),
}
# IGNORED_BY_RULE where a list outside of any rule matched (the older form).
_IGNORED_BY_LIST = _("Ignored by academy learnpack_features.telemetry_webhook_ignore (%(fields)s).")
# The shapes that `measures.indicators` expects, in its words.
_EXPECTED: Mapping[str, Promise] = {"a list": _("a list"), "an object": _("an object")}
_CLOCK_AHEAD = _(
    "The client's clock is ahead: the time of the last interaction lies %(ahead)s after the receipt. The time of the"
    " receipt counts instead"
)
_REPLACED = _("Characters that can't be stored were replaced by \ufffd at %(places)s")
# The value of an outcome's reason that says by how many seconds.
SECONDS_AHEAD: Final = "seconds_ahead"
_LONGEST_SHOWN = 200


@dataclass(frozen=True)
class Outcome:
    """The outcome of a webhook: its status, the reason, and the values in the reason's sentence."""

    status: str
    reason: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def sentence(self) -> str:
        """Return the sentence in the active language."""
        return sentence(self.reason, self.values)

    def text(self) -> str:
        """Return the English sentence, as it is stored."""
        with translation.override("en"):
            return self.sentence()


def done(reason: str = DONE) -> Outcome:
    return Outcome(Webhook.Status.DONE, reason)


def failed(reason: str, **values: Any) -> Outcome:
    return Outcome(Webhook.Status.ERROR, reason, values)


def from_clock_ahead(outcome: Outcome, seconds: int) -> Outcome:
    """Return the outcome with the note that the client's clock is ahead; its text stays as clients know it."""
    return replace(outcome, values={**outcome.values, SECONDS_AHEAD: seconds})


def not_implemented(event: str) -> Outcome:
    return failed(NOT_IMPLEMENTED, event=event)


def ignored(match: rules.Match) -> Outcome:
    return Outcome(Webhook.Status.IGNORED, IGNORED_BY_RULE, asdict(match))


def shown(value: object) -> str:
    """Return a client's value for use in a sentence: text as it is, anything else as JSON, shortened."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


def sentence(reason: str, values: Mapping[str, Any]) -> str:
    """Fill a reason's sentence in the active language.

    Raises KeyError where a value is missing.
    """
    by_list = reason == IGNORED_BY_RULE and values.get("form") == rules.LIST
    template = str(_IGNORED_BY_LIST if by_list else SENTENCES[reason])
    if reason == INVALID_SHAPE:
        values = {**values, "expected": _EXPECTED.get(values["expected"], values["expected"])}
    return template % values if values else template


def status_text(row: Webhook) -> str | None:
    """Return a row's status text in the active language; as stored for imported rows without a reason or its values."""
    if row.reason in SENTENCES:
        try:
            return sentence(row.reason, row.reason_values)
        except (KeyError, TypeError, ValueError):
            return row.status_text
    return row.status_text


def note(row: Webhook) -> str:
    """Return what staff should know of a row besides its status text, in the active language; empty where nothing."""
    seconds = row.reason_values.get(SECONDS_AHEAD) if isinstance(row.reason_values, dict) else None
    notes = [_CLOCK_AHEAD % {"ahead": largest_unit(timedelta(seconds=seconds))}] if isinstance(seconds, int) else []
    if row.replaced:
        notes.append(_REPLACED % {"places": ", ".join(map(str, row.replaced))})
    return ". ".join(notes)


def staff_text(row: Webhook) -> str:
    """Return a row's status text for staff's pages, with the note."""
    return ". ".join(text for text in (status_text(row), note(row)) if text)
