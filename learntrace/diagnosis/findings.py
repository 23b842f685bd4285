"""The result of a check."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from learntrace.core.time_zones import day_and_time

OK: Final = "ok"
NO: Final = "no"
WARNING: Final = "warning"
SKIPPED: Final = "skipped"
RESULTS = (OK, NO, WARNING, SKIPPED)

_NOT_ASKED = _("Not checked")


@dataclass(frozen=True)
class Ending:
    """The verdict with which a check ends the walk; `values` fill its sentences, besides the values that all have.

    `reason` is the reason or code of the refusal, webhook or rejected event that decided.
    """

    verdict: str
    values: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True)
class Check:
    """One check. Its sentence is in the active language; `evidence` is plain JSON by name."""

    result: str
    text: Promise
    values: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)
    ending: Ending | None = None

    @property
    def detail(self) -> str:
        """The sentence, filled with its values."""
        return str(self.text) % self.values


NOT_ASKED = Check(SKIPPED, _NOT_ASKED)


def ends(
    sentence: Promise, verdict: str, evidence: Mapping[str, Any] | None = None, /, *, reason: str = "", **values: Any
) -> Check:
    """Return a check that ends the walk; the values fill its own sentence and the verdict's sentences."""
    return Check(NO, sentence, values, evidence or {}, Ending(verdict, values, reason))


def time_text(moment: datetime | None) -> str:
    """Return a time for a sentence, to the minute, as the active language writes it; in the page's time zone, else UTC."""
    if moment is None:
        return "-"
    local = timezone.localtime(moment)
    return f"{day_and_time(local)} {local:%Z}"


def iso_time(moment: datetime | None) -> str | None:
    """Return a time as evidence, in ISO 8601."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
