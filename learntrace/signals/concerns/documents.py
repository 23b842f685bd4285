"""A concern as plain JSON: whole in the API, and in short on the live stream."""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.utils import translation

from learntrace.accounts.models import User
from learntrace.progress.catalogue import shown_keys
from learntrace.signals.concerns.class_wide import SEVERITY, ClassConcern
from learntrace.signals.concerns.handling import Handling, What, handling_of
from learntrace.signals.concerns.reading import AnyConcern, ToldConcern
from learntrace.signals.concerns.standing import StandingConcern
from learntrace.signals.documents import SEVERITIES, kind_name, person, sentence_of
from learntrace.signals.help_requests.models import HelpRequest
from learntrace.signals.models import Concern, ConcernAct, Signal

OF_LEARNER, OF_CLASS = "learner", "class"
# What stands for a raised hand among the kinds of signals.
HAND = "help_request"


def concern_document(entry: ToldConcern) -> dict[str, Any]:
    """Return a concern as plain JSON, its texts in the active language."""
    concern = entry.concern
    return {
        "id": concern.row.pk,
        "of": OF_CLASS if isinstance(concern, ClassConcern) else OF_LEARNER,
        "state": concern.state,
        "severity": SEVERITIES[concern.severity],
        "learner": person(entry.learner) if entry.learner else None,
        "met_by": len(concern.met.learners) if isinstance(concern, ClassConcern) else None,
        "assignment": entry.assignment,
        "asset": entry.asset,
        "since": _time(concern.since),
        "last_seen_at": _time(concern.last_seen_at),
        "attempts": entry.figures.attempts,
        "last_error": _last_error(entry),
        "summary": entry.summary,
        "summaries": _in_all_languages(entry),
        "reasons": [_reason(signal) for signal in entry.reasons],
        "hand": _hand(entry.hand) if entry.hand else None,
        **handling_document(concern.handling),
        "version": concern.row.version,
    }


def handling_document(handling: Handling) -> dict[str, Any]:
    """Return what staff did with a concern and what still counts of it."""
    act, assigned = handling.attention, handling.assigned
    acknowledged = act if act is not None and act.what == What.ACKNOWLEDGED else None
    snoozed = act if act is not None and act.what == What.SNOOZED else None
    return {
        "acknowledged_at": _time(acknowledged.at) if acknowledged else None,
        "acknowledged_by": _person(acknowledged.by) if acknowledged else None,
        "snoozed_until": _time(snoozed.until) if snoozed and snoozed.until else None,
        "snoozed_by": _person(snoozed.by) if snoozed else None,
        "assignee": _person(assigned.assignee) if assigned else None,
        "notes": [
            {"act": note.pk, "at": _time(note.at), "by": _person(note.by), "note": note.note} for note in handling.notes
        ],
    }


def act_document(act: ConcernAct) -> dict[str, Any]:
    """Return one act as plain JSON."""
    return {
        "id": act.pk,
        "what": act.what,
        "by": _person(act.by),
        "at": _time(act.at),
        "until": _time(act.until) if act.until else None,
        "assignee": _person(act.assignee),
        "note": act.note or None,
        "undone_at": _time(act.undone_at) if act.undone_at else None,
        "undone_by": _person(act.undone_by),
    }


def over_document(row: Concern, acts: Iterable[ConcernAct]) -> dict[str, Any]:
    """Return a concern that is over: what it was about, and the notes on it."""
    shown = shown_keys(row.academy_id, [row.assignment] if row.assignment else [])
    return {
        "id": row.pk,
        "of": OF_LEARNER if row.user_id else OF_CLASS,
        "state": "over",
        "severity": None,
        "learner": _person(row.user),
        "met_by": None,
        "assignment": row.assignment if row.assignment in shown else None,
        "asset": row.asset_slug,
        "since": None,
        "last_seen_at": None,
        "attempts": None,
        "last_error": None,
        "summary": "",
        "summaries": {language: "" for language, _name in settings.LANGUAGES},
        "reasons": [],
        "hand": None,
        **handling_document(Handling(notes=handling_of(acts).notes)),
        "version": row.version,
    }


def brief(concern: AnyConcern, shown: Collection[str]) -> dict[str, Any]:
    """Return what the live stream says of a concern that stands; `shown` are the assignments that it may name."""
    act = concern.handling.attention
    assigned = concern.handling.assigned
    return {
        **_subject(concern.row, shown),
        "state": concern.state,
        "severity": SEVERITIES[concern.severity],
        "since": _time(concern.since),
        "reasons": _kinds(concern) if isinstance(concern, StandingConcern) else [],
        "met_by": len(concern.met.learners) if isinstance(concern, ClassConcern) else None,
        "snoozed_until": _time(act.until) if act and act.until else None,
        "assignee": assigned.assignee_id if assigned else None,
    }


def brief_over(row: Concern, shown: Collection[str]) -> dict[str, Any]:
    """Return what the live stream says of a concern that is over."""
    return {**_subject(row, shown), "state": "over", "severity": None if row.user_id else SEVERITIES[SEVERITY]}


def over(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the live stream says of a concern of the class, for whom it is over while it stands for others."""
    subject = {name: told[name] for name in ("id", "version", "learner", "assignment", "asset")}
    return {**subject, "state": "over", "severity": told["severity"]}


def _subject(row: Concern, shown: Collection[str]) -> dict[str, Any]:
    return {
        "id": row.pk,
        "version": row.version,
        "learner": row.user_id,
        "assignment": row.assignment if row.assignment is not None and row.assignment in shown else None,
        "asset": row.asset_slug,
    }


def _last_error(entry: ToldConcern) -> dict[str, str] | None:
    if isinstance(entry.concern, ClassConcern):
        return {"name": entry.concern.met.text.partition(": ")[0], "message": entry.concern.met.text}
    if entry.figures.name is None:
        return None
    return {"name": entry.figures.name, "message": entry.figures.message}


def _in_all_languages(entry: ToldConcern) -> dict[str, str]:
    summaries = {}
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            summaries[language] = entry.summary
    return summaries


def _reason(signal: Signal) -> dict[str, Any]:
    return {
        "signal": signal.pk,
        "kind": signal.kind,
        "name": kind_name(signal.kind),
        "severity": SEVERITIES.get(signal.severity, SEVERITIES[Signal.Severity.MEDIUM]),
        "state": signal.state,
        "opened_at": _time(signal.opened_at),
        "sentence": sentence_of(signal, signal.user),
    }


def _kinds(concern: StandingConcern) -> list[str]:
    return [*([HAND] if concern.hand else []), *(signal.kind for signal in concern.signals)]


def _hand(hand: HelpRequest) -> dict[str, Any]:
    return {
        "id": hand.pk,
        "state": hand.state,
        "text": hand.text,
        "raised_at": _time(hand.raised_at),
        "helped_by": _person(hand.helped_by),
        "help_began_at": _time(hand.help_began_at) if hand.help_began_at else None,
    }


def _person(user: User | None) -> dict[str, Any] | None:
    return person(user) if user else None


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
