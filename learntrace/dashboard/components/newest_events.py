"""Notebook events as lines of a page, in the same form as webhooks."""

from collections.abc import Iterable, Mapping

from learntrace.dashboard.components.arrivals import Arrival
from learntrace.measures.activity import ABORTED, ERROR, OK
from learntrace.notebooks.newest_events import REJECTED, NewestEvent

# The outcome of an execution as the status of a webhook; an event without an outcome counts as done.
_STATUSES: Mapping[str | None, str] = {OK: "done", ERROR: "error", ABORTED: "ignored", REJECTED: "rejected"}


def event_lines(events: Iterable[NewestEvent]) -> tuple[Arrival, ...]:
    """Return notebook events as lines of a page."""
    return tuple(
        Arrival(
            id=event.id,
            at=event.at,
            learner=event.learner,
            event=event.event,
            subject=event.subject,
            status=_STATUSES.get(event.outcome, "done"),
            sentence=event.sentence,
        )
        for event in events
    )
