"""The explanation of a signal (`?explain=1`): its kind's present thresholds, and the activities that are its evidence."""

import uuid
from typing import Any

from django.utils.translation import gettext

from learntrace.core.words import counted
from learntrace.measures.activity import Activity
from learntrace.progress.explain.explanation import attempts_url
from learntrace.progress.recording import activity_store
from learntrace.signals.detectors import KINDS
from learntrace.signals.documents import kind_name
from learntrace.signals.models import Signal
from learntrace.signals.thresholds import ENABLED, load


def explanation(signal: Signal) -> dict[str, Any]:
    """Return the definition of the signal's kind and its evidence; two queries."""
    limits = load([signal.academy_id])[signal.academy_id].get(signal.kind, {})
    thresholds = _thresholds(signal.kind, limits)
    name = kind_name(signal.kind)
    purposes = "; ".join(f"{threshold['purpose']}: {counted.number(threshold['value'])}" for threshold in thresholds)
    document: dict[str, Any] = {
        "definition": f"{name}. {purposes}" if purposes else name,
        "enabled": limits.get(ENABLED, False),
        "thresholds": thresholds,
        "evidence": _activities(signal),
    }
    if signal.assignment:
        document["details"] = attempts_url(signal.assignment, signal.user_id)
    return document


def _thresholds(kind: str, limits: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "value": limits[name],
            "default": threshold.default,
            "purpose": gettext(threshold.purpose),
        }
        for name, threshold in (KINDS[kind].thresholds.items() if kind in KINDS else ())
    ]


def _activities(signal: Signal) -> list[dict[str, Any]]:
    """Return the evidence in the learner's order, without events that are no longer kept."""
    stored = activity_store.by_id([event_id for event_id in signal.evidence if _is_id(event_id)])
    return [_document(done.activity) for done in stored if done.user_id == signal.user_id]


def _is_id(value: object) -> bool:
    try:
        uuid.UUID(str(value))
    except ValueError:
        return False
    return True


def _document(activity: Activity) -> dict[str, Any]:
    return {
        "id": activity.id,
        "at": activity.at,
        "verb": activity.verb,
        "assignment": activity.assignment,
        "outcome": activity.outcome,
        "failures": [{"name": failure.name, "message": failure.message} for failure in activity.failures],
        "session_id": activity.session_id,
        "object_id": activity.object_id,
        "code_hash": activity.code_hash,
    }
