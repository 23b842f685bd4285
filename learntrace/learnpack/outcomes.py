"""What can become of a webhook, and the sentence that says it (contract, section 3): one list.

A row keeps its English sentence (clients and staff know these texts), and reason and values, from which the sentence
is told in other languages and causes are counted.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from learntrace.learnpack import ignore
from learntrace.learnpack.models import Webhook

DONE: Final = "done"
TAKEN: Final = "taken"  # a streaming event that became activity
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
INVALID_SHAPE: Final = "invalid-shape"
INVALID_PACKAGE_ID: Final = "invalid-package-id"
INVALID_CONFIG: Final = "invalid-config"
NO_MANIFEST: Final = "no-manifest"
FAULT: Final = "fault"

SENTENCES: Mapping[str, str | Promise] = {
    DONE: _("OK"),
    TAKEN: _("OK"),
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
    INVALID_SHAPE: _("The telemetry was saved, but its indicators can't be computed: %(place)s must be %(expected)s"),
    INVALID_PACKAGE_ID: _("Invalid package_id in %(event)s payload: %(value)s"),
    INVALID_CONFIG: _("Invalid package.config JSON in package_published payload: %(fault)s"),
    NO_MANIFEST: _("Impossible to retrieve learnpack manifest from package_manifest_updated payload"),
    FAULT: _("This telemetry could not be processed by a fault of the server; it is kept and can be processed again"),
}
# The same reason where it was a list outside of any rule, the older form.
_IGNORED_BY_LIST = _("Ignored by academy learnpack_features.telemetry_webhook_ignore (%(fields)s).")
# What `metrics.indicators` expects, in its words.
_EXPECTED: Mapping[str, Promise] = {"a list": _("a list"), "an object": _("an object")}


@dataclass(frozen=True)
class Outcome:
    """The end of one webhook: a status, the reason for it and what fills the reason's sentence."""

    status: str
    reason: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def sentence(self) -> str:
        """The sentence in the active language."""
        return sentence(self.reason, self.values)

    def text(self) -> str:
        """The English sentence, as it is stored."""
        with translation.override("en"):
            return self.sentence()


def done(reason: str = DONE) -> Outcome:
    return Outcome(Webhook.Status.DONE, reason)


def failed(reason: str, **values: Any) -> Outcome:
    return Outcome(Webhook.Status.ERROR, reason, values)


def ignored(match: ignore.Match) -> Outcome:
    return Outcome(Webhook.Status.IGNORED, IGNORED_BY_RULE, asdict(match))


def sentence(reason: str, values: Mapping[str, Any]) -> str:
    """Fill a reason's sentence in the active language.

    Raises KeyError where a value is missing.
    """
    by_list = reason == IGNORED_BY_RULE and values.get("form") == ignore.LIST
    template = str(_IGNORED_BY_LIST if by_list else SENTENCES[reason])
    if reason == INVALID_SHAPE:
        values = {**values, "expected": _EXPECTED.get(values["expected"], values["expected"])}
    return template % values if values else template


def told(row: Webhook) -> str | None:
    """A row's status text in the active language; rows from elsewhere, without a reason or its values, as they are."""
    if row.reason in SENTENCES:
        try:
            return sentence(row.reason, row.reason_values)
        except (KeyError, TypeError, ValueError):
            return row.status_text
    return row.status_text
