"""What one check finds, and how a check says so."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

OK: Final = "ok"
NO: Final = "no"
WARNING: Final = "warning"
SKIPPED: Final = "skipped"
RESULTS = (OK, NO, WARNING, SKIPPED)

_NOT_ASKED = _("Not asked further")


@dataclass(frozen=True)
class Ending:
    """The verdict with which a check ends the walk; `values` fill its sentences beside those that all have.

    `reason` is the name under which the record that decided has it: of a refusal, a webhook or a rejected event.
    """

    verdict: str
    values: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True)
class Check:
    """One thing looked at. Its sentence is told in the active language; `evidence` is plain JSON, by name."""

    result: str
    text: Promise
    values: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)
    ending: Ending | None = None

    @property
    def detail(self) -> str:
        """The sentence."""
        return str(self.text) % self.values


NOT_ASKED = Check(SKIPPED, _NOT_ASKED)


def ends(
    sentence: Promise, verdict: str, evidence: Mapping[str, Any] | None = None, /, *, reason: str = "", **values: Any
) -> Check:
    """A check that ends the walk; the values fill its own sentence and the verdict's."""
    return Check(NO, sentence, values, evidence or {}, Ending(verdict, values, reason))


def when(moment: datetime | None) -> str:
    """A time inside a sentence, to the minute: the same in every language."""
    return "-" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def written(moment: datetime | None) -> str | None:
    """A time as evidence: ISO 8601."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
