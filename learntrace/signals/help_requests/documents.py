"""A raised hand as plain JSON: for its learner, for staff, and in short on the live stream."""

from datetime import UTC, datetime
from typing import Any

from learntrace.progress.catalogue import shown_keys
from learntrace.signals.documents import person
from learntrace.signals.help_requests.models import HelpRequest
from learntrace.signals.help_requests.queue import Queued


def own_document(entry: Queued | None, *, allowed: bool, academy: int | None) -> dict[str, Any]:
    """Return what a learner is told: whether a hand can be raised, and the one that is up."""
    return {"allowed": allowed, "academy": academy, "hand": _own(entry) if entry else None}


def _own(entry: Queued) -> dict[str, Any]:
    hand = entry.hand
    return {
        "id": hand.pk,
        "state": hand.state,
        "assignment": hand.assignment,
        "asset": hand.asset_slug or None,
        "text": hand.text,
        "raised_at": _time(hand.raised_at),
        "before": entry.before,
        "helper": hand.helped_by.display_name if hand.helped_by else None,
    }


def hand_document(entry: Queued, shown: set[str]) -> dict[str, Any]:
    """Return a hand as staff is told; `shown` are the assignments that may be named."""
    hand = entry.hand
    return {
        "id": hand.pk,
        "state": hand.state,
        "learner": person(hand.user),
        "cohort": hand.cohort_id,
        "assignment": hand.assignment if hand.assignment in shown else None,
        "asset": hand.asset_slug or None,
        "text": hand.text,
        "raised_at": _time(hand.raised_at),
        "before": entry.before,
        "taken_back_at": _time(hand.taken_back_at),
        "helped_by": person(hand.helped_by) if hand.helped_by else None,
        "help_began_at": _time(hand.help_began_at),
        "ended_at": _time(hand.ended_at),
        "waited_seconds": hand.waited.total_seconds() if hand.waited is not None else None,
        "took_seconds": hand.took.total_seconds() if hand.took is not None else None,
    }


def hand_documents(academy_id: int, entries: list[Queued]) -> list[dict[str, Any]]:
    """Return hands as staff is told; one query for the assignments."""
    shown = shown_keys(academy_id, {entry.hand.assignment for entry in entries if entry.hand.assignment})
    return [hand_document(entry, shown) for entry in entries]


def brief(hand: HelpRequest, shown: set[str]) -> dict[str, Any]:
    """Return what the live stream says of a hand: without its text, which is read where it is asked for."""
    return {
        "id": hand.pk,
        "learner": hand.user_id,
        "state": hand.state,
        "assignment": hand.assignment if hand.assignment in shown else None,
        "asset": hand.asset_slug or None,
        "raised_at": _time(hand.raised_at),
        "helped_by": hand.helped_by_id,
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
