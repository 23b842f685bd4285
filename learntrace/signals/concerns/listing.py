"""The list of an academy's concerns with its filters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from rest_framework.request import Request

from learntrace.accounts.filters import cohorts, learners, one_of
from learntrace.accounts.models import Academy, User
from learntrace.core.http.filters import words
from learntrace.progress.assignment_keys import spellings
from learntrace.progress.models import Assignment
from learntrace.progress.reports.selection import assets_named, learners_of_cohorts, slugs_of
from learntrace.signals.concerns.class_wide import class_concerns
from learntrace.signals.concerns.documents import OF_CLASS, OF_LEARNER
from learntrace.signals.concerns.handling import STANDING
from learntrace.signals.concerns.reading import AnyConcern
from learntrace.signals.concerns.standing import Reasons, reasons_seen, standing_concerns
from learntrace.signals.documents import SEVERITIES
from learntrace.signals.evaluation.clock import now_in

FILTERS: Mapping[str, str] = {
    "state": "one or more of open, snoozed, acknowledged, comma-separated",
    "of": "learner or class; by default both, those of the class first",
    "severity": "one or more of low, medium, high, comma-separated",
    "learner": "one or more user ids or user names, comma-separated; only concerns of learners",
    "assignment": "one or more assignments, with or without their prefix, comma-separated",
    "asset": "one or more assets by id, slug or alias, comma-separated; a translation stands for its asset",
    "cohort": "one or more ids or slugs of cohorts, comma-separated: the learners who have a task of them",
    "assignee": "one or more user ids, comma-separated; `me` for the caller, `none` for those assigned to nobody",
}
SORTABLE: Mapping[str, Callable[[AnyConcern], Any]] = {
    "id": lambda concern: concern.row.pk,
    "severity": lambda concern: concern.severity,
    "since": lambda concern: concern.since,
    "last_seen_at": lambda concern: concern.last_seen_at,
}


def concerns_of(academy: Academy, request: Request, user: User) -> list[AnyConcern]:
    """Return the academy's concerns that match the query string: those of the class, then those of learners, each open ones
    first, then the worst, then the oldest.

    Raises Problem (400, invalid-filter).
    """
    of = one_of(request, "of", (OF_LEARNER, OF_CLASS)) or [OF_CLASS, OF_LEARNER]
    choice = _Choice.of(request, user)
    keys = _assignments(academy, request)
    in_cohorts = _in_cohorts(academy, request)
    found: list[AnyConcern] = []
    if OF_CLASS in of and not words(request, "learner"):
        found += class_concerns(academy, now_in(academy.pk), in_cohorts, keys)
    if OF_LEARNER in of:
        found += standing_concerns(academy.pk, _reasons(academy, request, in_cohorts, keys))
    return [concern for concern in found if choice.has(concern)]


def _assignments(academy: Academy, request: Request) -> list[str] | None:
    """Return the assignments that the filters name, None without any."""
    keys: list[str] | None = None
    if named := words(request, "assignment"):
        keys = list(spellings(named))
    if names := words(request, "asset"):
        assets = assets_named(academy, names)
        own = set(Assignment.objects.filter(academy=academy, asset__in=assets).values_list("key", flat=True))
        keys = sorted(own if keys is None else own.intersection(keys))
    return keys


def _in_cohorts(academy: Academy, request: Request) -> list[int] | None:
    if not words(request, "cohort"):
        return None
    return sorted(learners_of_cohorts(academy, frozenset(cohorts(request, academy))))


def _reasons(
    academy: Academy, request: Request, in_cohorts: Sequence[int] | None, keys: Sequence[str] | None
) -> Reasons:
    rows = reasons_seen(academy)
    if words(request, "learner"):
        rows = rows.filter(user__in=learners(request, academy))
    if in_cohorts is not None:
        rows = rows.filter(user__in=in_cohorts)
    if keys is not None:
        about = Q(assignment__in=keys)
        if names := words(request, "asset"):
            if words(request, "assignment"):
                return rows.filter(about)
            slugs = list(slugs_of(assets_named(academy, names)))
            about |= Q(asset_slug__in=slugs)
        rows = rows.filter(about)
    return rows


@dataclass(frozen=True)
class _Choice:
    """The filters that look at a concern itself; empty ones choose all."""

    states: Sequence[str]
    severities: Sequence[str]
    assignees: frozenset[str]

    @classmethod
    def of(cls, request: Request, user: User) -> "_Choice":
        return cls(
            one_of(request, "state", STANDING),
            one_of(request, "severity", tuple(SEVERITIES.values())),
            frozenset(str(user.pk) if word == "me" else word for word in words(request, "assignee")),
        )

    def has(self, concern: AnyConcern) -> bool:
        assigned = concern.handling.assigned
        assignee = assigned.assignee_id if assigned else None
        return (
            (not self.states or concern.state in self.states)
            and (not self.severities or SEVERITIES[concern.severity] in self.severities)
            and (not self.assignees or ("none" if assignee is None else str(assignee)) in self.assignees)
        )
