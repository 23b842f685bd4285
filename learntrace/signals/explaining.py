"""Why a signal was seen (`?explain=1`): its kind's thresholds, as they hold, and the activities that are its evidence."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext

from learntrace.progress import reading
from learntrace.progress.explaining import attempts_address
from learntrace.progress.reading import Done
from learntrace.signals.detectors import KINDS
from learntrace.signals.documents import kind_name
from learntrace.signals.models import Signal
from learntrace.signals.thresholds import ENABLED, load


def explanation(signal: Signal) -> dict[str, Any]:
    """The definition of the signal's kind and its evidence; two queries."""
    limits = load([signal.academy_id])[signal.academy_id].get(signal.kind, {})
    thresholds = _thresholds(signal.kind, limits)
    about = [f"{one['purpose']}: {one['value']:g}" for one in thresholds]
    told: dict[str, Any] = {
        "definition": f"{kind_name(signal.kind)}. {'; '.join(about)}" if about else kind_name(signal.kind),
        "enabled": limits.get(ENABLED, False),
        "thresholds": thresholds,
        "evidence": _activities(signal),
    }
    if signal.assignment:
        told["details"] = attempts_address(signal.assignment, signal.user_id)
    return told


def _thresholds(kind: str, limits: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"name": name, "value": limits[name], "default": one.default, "purpose": gettext(one.purpose)}
        for name, one in (KINDS[kind].thresholds.items() if kind in KINDS else ())
    ]


def _activities(signal: Signal) -> list[dict[str, Any]]:
    """The evidence in the learner's order; an event that is no longer kept is missing."""
    found = reading.by_id([one for one in signal.evidence if _is_id(one)])
    return [_shown(one) for one in _own(found, signal)]


def _own(found: Iterable[Done], signal: Signal) -> list[Done]:
    return [one for one in found if one.user_id == signal.user_id]


def _is_id(value: object) -> bool:
    try:
        uuid.UUID(str(value))
    except ValueError:
        return False
    return True


def _shown(done: Done) -> dict[str, Any]:
    one = done.activity
    return {
        "id": one.id, "at": one.at, "verb": one.verb, "assignment": one.assignment, "outcome": one.outcome,
        "failures": [{"name": failure.name, "message": failure.message} for failure in one.failures],
        "session_id": one.session_id, "object_id": one.object_id, "code_hash": one.code_hash,
    }  # fmt: skip
