"""Excluded attempts: staff says that some activities count for nothing, and may take that back.

What is excluded stays stored and is shown struck out. Which activities an exclusion covers is one SQL expression
(`counting.exclusion_of`); a row's own column names the exclusion, so that whoever reads activities filters by one column.
Measures, states and signals of a learner follow in the transaction that excludes.
"""

import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.audit.actions import ATTEMPTS_EXCLUDED, EXCLUSION_LIFTED
from learntrace.accounts.audit.recording import record
from learntrace.accounts.cohort_limits.limit import seen
from learntrace.accounts.models import Academy, User
from learntrace.core.errors import NotFound, Problem
from learntrace.core.sql import fetch, fetch_one
from learntrace.core.words import counted
from learntrace.progress.counting import counts, exclusion_of
from learntrace.progress.models import Exclusion
from learntrace.progress.recording.activity_store import AssignmentKey
from learntrace.progress.recording.recording import lock_learners, recount
from learntrace.progress.stale_queue import mark_assignments

# More learners than these are a class: staff has to confirm the number of attempts.
HANDFUL: Final = 5
MAX_REASON: Final = 500
# Learners whose locks one transaction holds; their new activities wait meanwhile.
_AT_ONCE = 20

# Marks what the standing exclusions cover, and nothing else: excluding, lifting and recomputing are the same statement.
_MARK = f"""
WITH covered AS (
    SELECT a.id, {exclusion_of("a")} AS exclusion_id
      FROM progress_activity a
     WHERE a.user_id = ANY(%(learners)s) AND a.academy_id = %(academy)s
)
UPDATE progress_activity a SET exclusion_id = covered.exclusion_id
  FROM covered
 WHERE a.id = covered.id AND a.exclusion_id IS DISTINCT FROM covered.exclusion_id
RETURNING a.user_id, a.academy_id, a.assignment, a.source
"""  # noqa: S608 (no text from outside)
# What is asked for stands in a row like one of `Exclusion`.
_MEANT = f"""
 a.academy_id = %(academy)s AND a.outcome IS NOT NULL AND {counts("a")}
   AND (%(assignment)s::text IS NULL OR a.assignment = %(assignment)s)
"""
_COUNT = f"""
SELECT count(*), count(DISTINCT a.user_id)
  FROM progress_activity a
 WHERE a.user_id = ANY(%(learners)s) AND {_MEANT}
   AND (%(activity)s::uuid IS NULL OR a.id = %(activity)s) AND (%(session)s::text IS NULL OR a.session_id = %(session)s)
   AND (%(since)s::timestamptz IS NULL OR %(since)s <= a.at) AND (%(until)s::timestamptz IS NULL OR a.at <= %(until)s)
"""  # noqa: S608 (no text from outside)
_OTHERS_LEFT = f"""
SELECT EXISTS (SELECT FROM progress_activity a WHERE a.user_id <> ALL(%(learners)s) AND {_MEANT})
"""  # noqa: S608 (no text from outside)


class ExclusionNotFound(NotFound):
    slug = "exclusion-not-found"
    text = _("Exclusion not found")


class NothingToExclude(NotFound):
    slug = "nothing-to-exclude"
    text = _("None of these learners has an attempt there that counts")


class InvalidExclusion(Problem):
    slug = "invalid-exclusion"


class NotConfirmed(Problem):
    """Many attempts are meant, and the number that was confirmed isn't theirs. Nothing has changed."""

    slug = "confirm-exclusion"

    def __init__(self, count: "Count") -> None:
        super().__init__(
            _(
                "This would exclude %(attempts)s of %(learners)s. Nothing was changed. "
                "If you mean all of them, confirm the number of attempts, %(number)s"
            ),
            attempts=counted.attempts(count.attempts),
            learners=counted.learners(count.learners),
            number=count.attempts,
        )
        self.count = count

    def body(self) -> dict[str, Any]:
        return {**super().body(), "attempts": self.count.attempts, "learners": self.count.learners}


@dataclass(frozen=True)
class Meant:
    """Which activities of learners are meant: those for which all holds that is set; `since` and `until` are included."""

    learners: frozenset[int]
    activity_id: uuid.UUID | None = None
    session_id: str | None = None
    assignment: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def check(self) -> None:
        """Raise InvalidExclusion where a span ends before it begins."""
        if self.since is not None and self.until is not None and self.until < self.since:
            raise InvalidExclusion(_("The period ends before it begins"))

    def parameters(self, academy: Academy) -> dict[str, Any]:
        return {
            "academy": academy.pk,
            "learners": sorted(self.learners),
            "activity": self.activity_id,
            "session": self.session_id,
            "assignment": self.assignment,
            "since": self.since,
            "until": self.until,
        }


@dataclass(frozen=True)
class Count:
    """How many attempts would be excluded, of how many learners; `asks`: whether staff has to confirm it."""

    attempts: int
    learners: int
    asks: bool


def count(academy: Academy, meant: Meant) -> Count:
    """Count the attempts that an exclusion would change; two queries.

    It asks where they are of more than a handful of learners, or all that several learners have, and nobody else is left.
    """
    meant.check()
    parameters = meant.parameters(academy)
    attempts, learners = fetch_one(_COUNT, parameters) or (0, 0)
    asks = learners > HANDFUL
    if not asks and learners > 1:
        [(others_left,)] = fetch(_OTHERS_LEFT, parameters)
        asks = not others_left
    return Count(attempts, learners, asks)


def exclude(academy: Academy, meant: Meant, reason: str, by: User | None, confirm: int | None) -> list[Exclusion]:
    """Exclude activities, with measures, states and signals at once; return the exclusions, one for each learner.

    Raises InvalidExclusion; NothingToExclude; NotConfirmed where many are meant and `confirm` isn't their number.
    """
    reason = reason.strip()
    if not 0 < len(reason) <= MAX_REASON:
        raise InvalidExclusion(_("A reason of 1 to %(most)s characters is required"), most=MAX_REASON)
    counted = count(academy, meant)
    if not counted.attempts and not _may_precede_attempts(meant):
        raise NothingToExclude
    if counted.asks and confirm != counted.attempts:
        raise NotConfirmed(counted)
    together = uuid.uuid4()
    made: list[Exclusion] = []
    for learners in _parts(meant.learners):
        rows = [
            Exclusion(
                academy=academy,
                user_id=learner,
                made_together=together,
                activity_id=meant.activity_id,
                session_id=meant.session_id,
                assignment=meant.assignment,
                since=meant.since,
                until=meant.until,
                reason=reason,
                excluded_by=by,
            )
            for learner in learners
        ]
        with transaction.atomic():
            lock_learners(learners)
            created = Exclusion.objects.bulk_create(rows)
            if not made:
                _record_excluded(academy, meant, counted, created[0])
            made += created
            apply(academy.pk, learners)
    return made


def _record_excluded(academy: Academy, meant: Meant, counted: Count, first: Exclusion) -> None:
    """Record an exclusion once, with the first of its parts. A reason is told of a single learner only, as it may name one."""
    learners = sorted(meant.learners)
    one = len(learners) == 1
    told = {name: value for name, value in vars(meant).items() if value is not None}
    told |= {"learners": learners, "attempts": counted.attempts, "made_together": first.made_together}
    record(
        ATTEMPTS_EXCLUDED,
        academy_id=academy.pk,
        object_id=first.pk,
        subject_id=learners[0] if one else None,
        after=told | ({"reason": first.reason} if one else {}),
    )


def _parts(learners: Collection[int]) -> Iterator[Sequence[int]]:
    ordered = sorted(learners)
    return (ordered[start : start + _AT_ONCE] for start in range(0, len(ordered), _AT_ONCE))


def _may_precede_attempts(meant: Meant) -> bool:
    """Whether nothing needs to be there yet: a session or a span of one learner may go on."""
    return len(meant.learners) == 1 and meant.activity_id is None


def lift(academy: Academy, exclusions: Collection[Exclusion], by: User | None) -> int:
    """Have what these exclusions covered count again, unless another one covers it; return how many were lifted."""
    standing = [row for row in exclusions if row.lifted_at is None]
    lifted = 0
    for learners in _parts({row.user_id for row in standing}):
        own = [row.pk for row in standing if row.user_id in learners]
        with transaction.atomic():
            lock_learners(learners)
            rows = Exclusion.objects.filter(pk__in=own, academy=academy, lifted_at__isnull=True)
            changed = rows.update(lifted_at=Now(), lifted_by=by)
            if changed and not lifted:
                _record_lifted(academy, standing)
            lifted += changed
            apply(academy.pk, learners)
    return lifted


def _record_lifted(academy: Academy, exclusions: Sequence[Exclusion]) -> None:
    learners = {row.user_id for row in exclusions}
    record(
        EXCLUSION_LIFTED,
        academy_id=academy.pk,
        object_id=exclusions[0].pk,
        subject_id=learners.pop() if len(learners) == 1 else None,
        before={"standing": [row.pk for row in exclusions]},
        after={"standing": []},
    )


def apply(academy_id: int, learners: Iterable[int]) -> None:
    """Mark what the standing exclusions cover; what follows is made again where that changed something.

    In the open transaction, which holds the learners' locks.
    """
    changed = fetch(_MARK, {"learners": list(learners), "academy": academy_id})
    recount({(user, academy, assignment) for user, academy, assignment, _source in changed})
    documents: dict[str, set[AssignmentKey]] = {}
    for user, academy, assignment, source in changed:
        if assignment is not None:
            documents.setdefault(source, set()).add(AssignmentKey(user, academy, assignment))
    for source, keys in documents.items():
        mark_assignments(source, keys)


def exclusions_of(academy: Academy) -> QuerySet[Exclusion]:
    """Return the academy's exclusions with their learners and those who made and lifted them, the newest first."""
    rows = Exclusion.objects.filter(seen(academy), academy=academy)
    return rows.select_related("user", "excluded_by", "lifted_by").order_by("-pk")


def exclusion_in(academy: Academy, exclusion_id: int) -> Exclusion:
    """Return one of the academy's exclusions.

    Raises ExclusionNotFound.
    """
    row = exclusions_of(academy).filter(pk=exclusion_id).first()
    if row is None:
        raise ExclusionNotFound
    return row


def made_together_with(academy: Academy, exclusion: Exclusion) -> list[Exclusion]:
    """Return the exclusions that were made by the same request."""
    return list(exclusions_of(academy).filter(made_together=exclusion.made_together))


def named(academy: Academy, ids: Iterable[int | None]) -> dict[int, Exclusion]:
    """Return exclusions by their ids, for the attempts that they cover."""
    wanted: Sequence[int] = sorted({pk for pk in ids if pk is not None})
    return {row.pk: row for row in exclusions_of(academy).filter(pk__in=wanted)} if wanted else {}
