"""Stored activities as the attempts that pages list and draw."""

from learntrace.dashboard.components.labels import error_words
from learntrace.dashboard.components.timeline import Attempt
from learntrace.measures.error_groups import one_line
from learntrace.progress.models import Activity


def attempt_of(activity: Activity) -> Attempt:
    """Return an activity with an outcome as an attempt."""
    return Attempt(
        str(activity.pk),
        activity.at,
        activity.assignment or "",
        activity.outcome or "",
        errors=failure_texts(activity.failures),
        session=activity.session_id or "",
        code=activity.code_hash or "",
        part=activity.part or "",
    )


def failure_texts(failures: list[list[str]]) -> tuple[str, ...]:
    """Return stored failures ([[name, message], ...]) as "name: message", in words where it has none."""
    return tuple(error_words(one_line(*pair)) for pair in failures)
