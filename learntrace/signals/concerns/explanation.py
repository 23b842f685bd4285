"""The explanation of a concern (`?explain=1`): the rules by which it stands, and what it follows from."""

from typing import Any

from django.utils.translation import gettext as _

from learntrace.progress.explain.explanation import attempts_url
from learntrace.signals.concerns.class_wide import LEAST_LEARNERS, LEAST_SHARE, WINDOW, ClassConcern
from learntrace.signals.concerns.handling import PAUSE
from learntrace.signals.concerns.reading import ToldConcern
from learntrace.signals.explanation import explanation as signal_explanation


def definition() -> str:
    """Return what a learner's concern is, in the active language."""
    return _(
        "One entry for a learner and an assignment that isn't done, while a signal about it is open. Its severity is that "
        "of the worst signal; attempts count from the first one in a signal. An acknowledgement lasts until the trouble "
        "has been over for %(minutes)s minutes or gets worse."
    ) % {"minutes": int(PAUSE.total_seconds() // 60)}


def hand_definition() -> str:
    """Return what a raised hand is among the concerns, in the active language."""
    return _(
        "The learner has asked for help, in the notebook or on My learning. A hand that waits counts as high severity from "
        "the moment it was raised, until somebody helps or the learner takes it back. Acknowledging doesn't take it away."
    )


def class_definition() -> str:
    """Return what a concern of the class is, in the active language."""
    return _(
        "One entry for the class while at least %(learners)s learners, and at least %(share)s%% of those active, have had "
        "the same error on one assignment within %(minutes)s minutes, and not all of them have completed it."
    ) % {
        "learners": LEAST_LEARNERS,
        "share": round(100 * LEAST_SHARE),
        "minutes": int(WINDOW.total_seconds() // 60),
    }


def explanation_of(entry: ToldConcern) -> dict[str, Any]:
    """Return what a concern follows from: its signals with their evidence, or who met the error."""
    concern = entry.concern
    if isinstance(concern, ClassConcern):
        return {
            "definition": class_definition(),
            "error": concern.met.text,
            "times": concern.met.times,
            "learners": sorted(concern.met.learners),
            "window_seconds": int(WINDOW.total_seconds()),
        }
    document: dict[str, Any] = {
        "definition": definition(),
        "signals": [{"id": signal.pk, **signal_explanation(signal)} for signal in entry.reasons],
    }
    if entry.hand is not None:
        document["hand"] = {
            "definition": hand_definition(),
            "text": entry.hand.text,
            "raised_at": entry.hand.raised_at.isoformat(),
        }
    if concern.row.assignment and concern.row.user_id:
        document["details"] = attempts_url(concern.row.assignment, concern.row.user_id)
    return document
