"""A signal as plain JSON, the same in the API, the live stream and webhooks."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext, ngettext

from learntrace.accounts.models import User
from learntrace.core.words import counted
from learntrace.measures.failures import NO_NAMES
from learntrace.progress.assignment_keys import PREFIX
from learntrace.signals.detectors import KINDS
from learntrace.signals.detectors.base import UNKNOWN_ERROR
from learntrace.signals.models import Signal

SEVERITIES: Mapping[int, str] = {
    Signal.Severity.LOW: "low",
    Signal.Severity.MEDIUM: "medium",
    Signal.Severity.HIGH: "high",
}
_UNKNOWN = "?"


_NOUNS: Final[Mapping[str, Callable[[Any], str]]] = {
    "attempts": counted.attempts,
    "failed_attempts": counted.failed_attempts,
    "minutes": counted.minutes_or_longer,
    "successes": counted.successes_in_a_row,
}


class _Values(dict[str, Any]):
    """The values of a sentence's placeholders, "?" for an unknown one."""

    def __missing__(self, name: str) -> str:
        return _UNKNOWN


def signal_document(signal: Signal, learner: User, language: str | None = None) -> dict[str, Any]:
    """Return a signal as plain JSON; name and sentence are in `language`, else in the active one."""
    language = language or _active_language()
    by_language = sentences(signal, learner)
    name = _in(language, KINDS[signal.kind].name) if signal.kind in KINDS else signal.kind
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
        "sentence": by_language.get(language) or _filled(_sentence(signal), signal, learner, language),
        "sentences": by_language,
        "evidence": list(signal.evidence),
        "created_at": _time(signal.created_at),
        "updated_at": _time(signal.updated_at),
    }


def person(user: User) -> dict[str, Any]:
    """Return what an academy's staff sees of a user in signals."""
    return {
        "id": user.pk,
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
    }


def kind_name(kind: str) -> str:
    """Return a kind's name in the active language; the bare word for a kind that no longer exists."""
    return gettext(KINDS[kind].name) if kind in KINDS else kind


def sentences(signal: Signal, learner: User) -> dict[str, str]:
    """Return the signal's sentence in every language."""
    sentence = _sentence(signal)
    return {language: _filled(sentence, signal, learner, language) for language, _name in settings.LANGUAGES}


def sentence_of(signal: Signal, learner: User, about: str = "") -> str:
    """Return the signal's sentence in the active language, whatever facts it has.

    `about` is what the page calls its assignment, which without it is called by its name.
    """
    return fill_sentence(_sentence(signal), signal, learner, about)


def fill_sentence(sentence: str, signal: Signal, learner: User, about: str = "") -> str:
    """Return a sentence in the active language, its placeholders filled with the signal's facts."""
    return _filled(sentence, signal, learner, _active_language(), about)


def _sentence(signal: Signal) -> str:
    facts = signal.facts if isinstance(signal.facts, dict) else {}
    return KINDS[signal.kind].sentence_for(facts) if signal.kind in KINDS else "%(learner)s: %(count)s"


def _filled(sentence: str, signal: Signal, learner: User, language: str, about: str = "") -> str:
    values = _Values(
        {"error": _in(language, UNKNOWN_ERROR), **(signal.facts if isinstance(signal.facts, dict) else {})}
    )
    # What failed without saying more has one of the names of `measures.failures`, which is no word for people.
    if values["error"] in NO_NAMES:
        values["error"] = _in(language, UNKNOWN_ERROR)
    values |= {"count": signal.count, "learner": learner.display_name, **_with_nouns(signal, values, language)}
    values["assignment"] = about or _subject(signal, values)
    try:
        filled = _in(language, sentence) % values
    except (TypeError, ValueError):  # a fact of another type than the sentence wants
        name = _in(language, KINDS[signal.kind].name) if signal.kind in KINDS else signal.kind
        return f"{name}: {values['learner']}, {values['assignment']} ({signal.count})"
    asked, end = _asked(values.get("asked"), language), "." if filled.endswith(".") else ""
    return filled.removesuffix(end) + asked + end


def _with_nouns(signal: Signal, facts: Mapping[str, Any], language: str) -> dict[str, str]:
    """Return the numbers that sentences tell with their nouns: "1 minute", "12 minutes"."""
    numbers = {
        "attempts": signal.count,
        "failed_attempts": signal.count,
        "minutes": facts.get("minutes"),
        "successes": facts.get("successes"),
    }
    return {
        noun: _counted(language, noun, number) for noun, number in numbers.items() if isinstance(number, int | float)
    }


@lru_cache(maxsize=1024)
def _counted(language: str, noun: str, number: float) -> str:
    with translation.override(language):
        return _NOUNS[noun](number)


def _asked(times: object, language: str) -> str:
    """Return what a sentence adds where the learner asked the assistant, empty where not."""
    if not isinstance(times, int) or times < 1:
        return ""
    with translation.override(language):
        asked = ngettext("; asked the assistant %(times)s time", "; asked the assistant %(times)s times", times)
    return asked % {"times": times}


def _active_language() -> str:
    return translation.get_language() or settings.LANGUAGE_CODE


# Changing the language for each of a batch's signals costs more than all else of their documents. A process reads its
# catalogues once, and the texts are those of the kinds.
@lru_cache(maxsize=1024)
def _in(language: str, text: str) -> str:
    with translation.override(language):
        return gettext(text)


def _subject(signal: Signal, facts: Mapping[str, Any]) -> str:
    """Return the name in the sentence: the assignment's, or the title of a whole asset."""
    if signal.assignment:
        return signal.assignment.removeprefix(PREFIX)
    title = facts.get("title")
    return title if isinstance(title, str) and title else signal.asset_slug or _UNKNOWN


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
