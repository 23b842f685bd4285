"""The excluded attempts at an assignment, or of a learner, as a card from which they can be counted again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from learntrace.dashboard.layout.page import AcademyPage
from learntrace.progress.assignment_keys import PREFIX
from learntrace.progress.catalogue import titles_of
from learntrace.progress.models import Exclusion
from learntrace.progress.reports.standing_exclusions import StandingExclusion, StandingExclusions

_WHAT: Mapping[str, str | Promise] = {
    "attempt": _("One attempt"),
    "session": _("A session"),
    "span": _("Attempts in a period"),
    "all": _("All attempts"),
}


@dataclass(frozen=True)
class ExclusionLine:
    """What one request excluded. `id` is that of one of its exclusions, `url` leads to the attempts of a single learner.

    `assignment` is a title or a name, empty for all assignments. `whose` is a learner's name, empty for several.
    """

    id: int
    what: str
    assignment: str
    session: str
    attempt_at: datetime | None
    since: datetime | None
    until: datetime | None
    learners: int
    whose: str
    url: str
    reason: str
    who: str
    at: datetime


@dataclass(frozen=True)
class ExcludedAttempts:
    """The context of components/excluded_attempts.html; `more` is the number of requests that it leaves out."""

    lines: Sequence[ExclusionLine]
    more: int
    may_lift: bool


def excluded_attempts(page: AcademyPage, standing: StandingExclusions, key: str = "") -> ExcludedAttempts:
    """Return the card; `key` is the assignment whose page it stands on."""
    keys = [row.assignment for row in standing.rows if row.assignment]
    titles = titles_of(page.academy.pk, keys) if keys else {}
    lines = [_line(page, row, key, titles) for row in standing.rows]
    return ExcludedAttempts(lines, standing.more, page.can("crud_telemetry"))


def _line(page: AcademyPage, row: StandingExclusion, key: str, titles: Mapping[str, str]) -> ExclusionLine:
    exclusion = row.exclusion
    name = (row.assignment or key).removeprefix(PREFIX)
    alone = row.learners == 1
    return ExclusionLine(
        id=exclusion.pk,
        what=str(_WHAT[_kind(exclusion)]),
        assignment=titles.get(row.assignment) or row.assignment.removeprefix(PREFIX),
        session=exclusion.session_id or "",
        attempt_at=row.attempt_at,
        since=exclusion.since,
        until=exclusion.until,
        learners=row.learners,
        whose=exclusion.user.display_name if alone else "",
        url=page.address("assignments-attempts", name, exclusion.user.pk) if alone and name else "",
        reason=exclusion.reason,
        who=exclusion.excluded_by.display_name if exclusion.excluded_by else "",
        at=exclusion.excluded_at,
    )


def _kind(exclusion: Exclusion) -> str:
    if exclusion.activity_id is not None:
        return "attempt"
    if exclusion.session_id is not None:
        return "session"
    return "span" if exclusion.since is not None or exclusion.until is not None else "all"
