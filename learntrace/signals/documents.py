"""A signal as plain JSON: what the API, the live stream and a webhook tell of it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext

from learntrace.accounts.models import User
from learntrace.progress.keys import PREFIX
from learntrace.signals.detection import UNKNOWN_ERROR
from learntrace.signals.detectors import KINDS
from learntrace.signals.models import Signal

SEVERITIES: Mapping[int, str] = {
    Signal.Severity.LOW: "low", Signal.Severity.MEDIUM: "medium", Signal.Severity.HIGH: "high",
}  # fmt: skip
_UNKNOWN = "?"


class _Words(dict[str, Any]):
    """What fills a sentence; what isn't known is told as such."""

    def __missing__(self, name: str) -> str:
        return _UNKNOWN


def signal_document(signal: Signal, learner: User, language: str | None = None) -> dict[str, Any]:
    """All that is told of a signal, as plain JSON; name and sentence in `language`, else in the active one."""
    with translation.override(language or translation.get_language() or settings.LANGUAGE_CODE):
        name, sentence = kind_name(signal.kind), sentence_of(signal, learner)
    return {
        "id": signal.pk,
        "kind": signal.kind,
        "name": name,
        "severity": SEVERITIES.get(signal.severity, SEVERITIES[Signal.Severity.MEDIUM]),
        "state": signal.state,
        "learner": person(learner),
        "assignment": signal.assignment,
        "asset": signal.asset_slug,
        "count": signal.count,
        "opened_at": _time(signal.opened_at),
        "last_seen_at": _time(signal.last_seen_at),
        "resolved_at": _time(signal.resolved_at),
        "resolved_by": signal.resolved_by or None,
        "acknowledged_at": _time(signal.acknowledged_at),
        "acknowledged_by": person(signal.acknowledged_by) if signal.acknowledged_by else None,
        "sentence": sentence,
        "sentences": sentences(signal, learner),
        "evidence": list(signal.evidence),
        "created_at": _time(signal.created_at),
        "updated_at": _time(signal.updated_at),
    }


def person(user: User) -> dict[str, Any]:
    """A user, as far as an academy's staff sees one in signals."""
    return {
        "id": user.pk, "username": user.username, "first_name": user.first_name, "last_name": user.last_name,
    }  # fmt: skip


def kind_name(kind: str) -> str:
    """What a kind is called in the active language; one that exists no more by its bare word."""
    return gettext(KINDS[kind].name) if kind in KINDS else kind


def sentences(signal: Signal, learner: User) -> dict[str, str]:
    """The signal's sentence in every language."""
    told = {}
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            told[language] = sentence_of(signal, learner)
    return told


def sentence_of(signal: Signal, learner: User) -> str:
    """What was seen, as a sentence in the active language; it can always be told, whatever facts there are."""
    return told_by(KINDS[signal.kind].sentence if signal.kind in KINDS else "%(learner)s: %(count)s", signal, learner)


def told_by(sentence: str, signal: Signal, learner: User) -> str:
    """The same in other words: a sentence with places for the signal's facts, in the active language."""
    words = _Words({"error": gettext(UNKNOWN_ERROR), **(signal.facts if isinstance(signal.facts, dict) else {})})
    words |= {"count": signal.count, "learner": learner.get_full_name() or learner.username}
    words["assignment"] = _about(signal, words)
    try:
        return gettext(sentence) % words
    except (TypeError, ValueError):  # a fact of another type than the sentence wants
        return f"{kind_name(signal.kind)}: {words['learner']}, {words['assignment']} ({signal.count})"


def _about(signal: Signal, facts: Mapping[str, Any]) -> str:
    """What the sentence names: the assignment, or of a whole asset the title."""
    if signal.assignment:
        return signal.assignment.removeprefix(PREFIX)
    title = facts.get("title")
    return title if isinstance(title, str) and title else signal.asset_slug or _UNKNOWN


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
