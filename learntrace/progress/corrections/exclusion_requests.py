"""What staff asks to exclude, by names: the API, a page and a command give the same fields."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.cohort_limits.limit import cohorts_of, seen
from learntrace.accounts.models import Academy
from learntrace.accounts.people.naming import ids_by_name, unambiguous
from learntrace.accounts.scope import learners_of
from learntrace.core.http.filters import natural
from learntrace.measures import timestamps
from learntrace.progress.assignment_keys import key_of
from learntrace.progress.corrections.exclusions import InvalidExclusion, Meant, NothingToExclude
from learntrace.progress.models import Activity, Progress
from learntrace.progress.reports.selection import learners_of_cohorts

FIELDS: Mapping[str, str] = {
    "learner": "one or more learners, by id or user name; `id:101` and `name:101` say which",
    "cohort": "or all learners who have a task of this cohort, by id or slug",
    "everyone": "or all learners who were seen, on the assignment if one is given: true",
    "attempt": "or one attempt, by its id",
    "session": "only what has this session's id",
    "assignment": "only what was done on this assignment, with or without its prefix",
    "since": "only from this time on, by the learner's clock, ISO 8601; the time itself is included",
    "until": "only up to this time; the time itself is included",
}


# No session's id and no assignment's name is longer.
MAX_TEXT: Final = 200
MAX_ASSIGNMENT: Final = 420


@dataclass(frozen=True)
class _Request:
    academy: Academy
    values: Mapping[str, object]

    def text(self, name: str, most: int = MAX_TEXT) -> str | None:
        value = self.values.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise InvalidExclusion(_("`%(name)s` must be a text"), name=name)
        text = value.strip()
        if len(text) > most or "\0" in text:
            raise InvalidExclusion(_("`%(name)s` must have at most %(most)s characters"), name=name, most=most)
        return text or None

    def names(self, name: str, number: Callable[[int], str] = str) -> list[str]:
        value = self.values.get(name)
        listed = value if isinstance(value, list) else [] if value in (None, "") else [value]
        if any(isinstance(value, bool) or not isinstance(value, str | int) for value in listed):
            raise InvalidExclusion(_("`%(name)s` must be an id, a name, or a list of these"), name=name)
        texts = [number(value) if isinstance(value, int) else str(value).strip() for value in listed]
        return list(dict.fromkeys(filter(None, texts)))

    def moment(self, name: str) -> datetime | None:
        text = self.text(name)
        if text is None:
            return None
        moment = timestamps.parse(text) if text[4:5] == "-" else None
        if moment is None:
            raise InvalidExclusion(_("`%(name)s` must be a date and time such as 2027-01-31T12:00:00Z"), name=name)
        return moment

    def attempt(self) -> uuid.UUID | None:
        text = self.text("attempt")
        try:
            return None if text is None else uuid.UUID(text)
        except ValueError:
            raise InvalidExclusion(_("`attempt` must be the id of an attempt")) from None


def meant_by(academy: Academy, values: Mapping[str, object]) -> Meant:
    """Return which activities are meant; learners, cohorts and attempts of other academies are unknown here.

    Raises InvalidExclusion, NothingToExclude, and AssignmentNotFound.
    """
    request = _Request(academy, values)
    attempt = request.attempt()
    learners = _learners(request, attempt)
    name = request.text("assignment", MAX_ASSIGNMENT)
    only = next(iter(learners)) if len(learners) == 1 else None
    meant = Meant(
        learners,
        activity_id=attempt,
        session_id=request.text("session"),
        assignment=None if name is None else key_of(academy, name, only),
        since=request.moment("since"),
        until=request.moment("until"),
    )
    meant.check()
    if meant.learners:
        return meant
    raise NothingToExclude


def _learners(request: _Request, attempt: uuid.UUID | None) -> frozenset[int]:
    # A number of JSON is an id, never a user name.
    named, cohorts = request.names("learner", number=unambiguous), request.names("cohort")
    everyone = request.values.get("everyone") is True
    given = bool(named) + bool(cohorts) + everyone + (attempt is not None)
    if given != 1:
        raise InvalidExclusion(
            _("Say whose attempts are meant, by one of these: `learner`, `cohort`, `everyone` or `attempt`")
        )
    if attempt is not None:
        # Not the academy's: no learner, and so nothing to exclude.
        rows = Activity.objects.filter(
            seen(request.academy), pk=attempt, academy=request.academy, outcome__isnull=False
        )
        return frozenset(rows.values_list("user_id", flat=True))
    if everyone:
        worked = Progress.objects.filter(seen(request.academy), academy=request.academy)
        if (name := request.text("assignment", MAX_ASSIGNMENT)) is not None:
            worked = worked.filter(assignment=key_of(request.academy, name))
        return frozenset(worked.values_list("user_id", flat=True).distinct())
    if cohorts:
        return _of_cohorts(request.academy, cohorts)
    found = ids_by_name(named, learners_of(request.academy))
    if unknown := [name for name in named if name not in found]:
        raise InvalidExclusion(_("Unknown learner: %(name)s"), name=unknown[0][:80])
    return frozenset(found.values())


def _of_cohorts(academy: Academy, named: list[str]) -> frozenset[int]:
    numbers = [number for name in named if (number := natural(name)) is not None]
    meant = Q(slug__in=named) | Q(pk__in=numbers)
    cohorts = dict(cohorts_of(academy).filter(meant).values_list("pk", "slug"))
    known = {*cohorts.values(), *map(str, cohorts)}
    if unknown := [name for name in named if name not in known]:
        raise InvalidExclusion(_("Unknown cohort: %(name)s"), name=unknown[0][:80])
    return learners_of_cohorts(academy, frozenset(cohorts))
