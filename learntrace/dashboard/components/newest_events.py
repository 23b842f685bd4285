"""Notebook events as lines of a page, in the same form as webhooks."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from learntrace.dashboard.components import labels
from learntrace.dashboard.components.arrivals import Arrival
from learntrace.measures.activity import ABORTED, ERROR
from learntrace.notebooks.newest_events import REJECTED, NewestEvent


def event_lines(events: Iterable[NewestEvent]) -> tuple[Arrival, ...]:
    """Return notebook events as lines of a page."""
    return tuple(
        Arrival(
            id=event.id,
            at=event.at,
            learner=event.learner,
            event=str(labels.VERBS.get(event.event, event.event)),
            subject=event.subject,
            # What arrived has arrived: that the learner's code failed is what it tells.
            status="rejected" if event.outcome == REJECTED else "done",
            sentence=_sentence(event),
        )
        for event in events
    )


def _sentence(event: NewestEvent) -> str:
    """Return why an event was rejected, or how the execution that it tells of ended where it wasn't well."""
    if event.outcome == ERROR:
        return _("The cell ended with %(error)s") % {"error": event.sentence or _("an error")}
    if event.outcome == ABORTED:
        return _("The run was aborted")
    return event.sentence
