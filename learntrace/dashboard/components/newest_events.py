"""Notebook events as lines of a page, in the same form as webhooks."""

from collections.abc import Iterable, Mapping

from django.utils.translation import gettext as _

from learntrace.dashboard.components import labels
from learntrace.dashboard.components.arrivals import Arrival
from learntrace.measures.activity import ABORTED, ERROR
from learntrace.notebooks.newest_events import REJECTED, NewestEvent
from learntrace.progress.assignment_keys import PREFIX


def event_lines(events: Iterable[NewestEvent], titles: Mapping[str, str]) -> tuple[Arrival, ...]:
    """Return notebook events as lines of a page; `titles` are those of assignments, by key."""
    return tuple(
        Arrival(
            id=event.id,
            at=event.at,
            learner=event.learner,
            event=str(labels.VERBS.get(event.event, event.event)),
            subject=titles.get(event.subject, event.subject.removeprefix(PREFIX)),
            # What arrived has arrived: that the learner's code failed is what it tells.
            status="rejected" if event.outcome == REJECTED else "done",
            sentence=_sentence(event),
            name=event.subject,
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
