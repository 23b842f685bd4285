"""Former steps of packages, and renames: staff joins the history of a step that is gone with that of the one that replaced it.

A step that a package no longer has is remembered (`FormerStep`, written where the list is published): it is shown with its
attempts, and in no denominator. A rename reads the activities of both steps as one assignment. Each activity keeps as what
it was told, so that undoing is exact; what comes later under the old name is read as the new one too.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.audit.actions import STEP_RENAME_UNDONE, STEP_RENAMED
from learntrace.accounts.audit.recording import record
from learntrace.accounts.cohort_limits.limit import parameter, require_all_cohorts
from learntrace.accounts.models import Academy, User
from learntrace.core.errors import NotFound, Problem
from learntrace.core.sql import execute, fetch, fetch_one
from learntrace.progress.assignment_keys import PREFIX
from learntrace.progress.corrections import exclusions
from learntrace.progress.models import Assignment, FormerStep, StepRename
from learntrace.progress.recording.recording import lock_learners, recount

# Learners whose locks one transaction holds; their new activities wait meanwhile.
_AT_ONCE: Final = 20

# Of each former step of an asset: how many learners have counted activities on it, and how many attempts.
_WORK = """
SELECT p.assignment, count(*), sum(p.attempts)::bigint
  FROM progress_progress p
 WHERE p.academy_id = %(academy)s AND p.assignment = ANY(%(keys)s)
   AND (%(seen)s::bigint[] IS NULL OR p.user_id = ANY(%(seen)s))
 GROUP BY p.assignment
"""
# A learner who went back to the old step after work on the new one has worked on two steps.
_BOTH = """
SELECT u.username
  FROM progress_activity a
  JOIN progress_activity b ON b.user_id = a.user_id AND b.academy_id = a.academy_id AND b.assignment = %(new)s AND b.at < a.at
  JOIN accounts_user u ON u.id = a.user_id
 WHERE a.academy_id = %(academy)s AND a.assignment = %(old)s AND a.outcome IS NOT NULL AND b.outcome IS NOT NULL
 ORDER BY u.username LIMIT 1
"""
_LEARNERS = """
SELECT DISTINCT a.user_id FROM progress_activity a
 WHERE a.academy_id = %(academy)s AND (a.assignment = ANY(%(keys)s) OR a.told_as = ANY(%(keys)s))
 ORDER BY a.user_id
"""
# Reads activities as the standing renames say, from what they were told as: confirming and undoing are the same statement.
_READ_ANEW = """
WITH told AS (
    SELECT a.id, a.assignment AS before, coalesce(a.told_as, a.assignment) AS told_as
      FROM progress_activity a
     WHERE a.user_id = ANY(%(learners)s) AND a.academy_id = %(academy)s AND a.assignment IS NOT NULL
), wanted AS (
    SELECT told.*, coalesce(n.read_as, told.told_as) AS read_as
      FROM told LEFT JOIN progress_steprename n
        ON n.academy_id = %(academy)s AND n.old_key = told.told_as AND n.undone_at IS NULL
)
UPDATE progress_activity a
   SET assignment = wanted.read_as, told_as = nullif(wanted.told_as, wanted.read_as)
  FROM wanted
 WHERE a.id = wanted.id AND a.assignment <> wanted.read_as
RETURNING a.user_id, wanted.before, wanted.read_as
"""


class RenameNotFound(NotFound):
    slug = "rename-not-found"
    text = _("Rename not found")


class RenameRefused(Problem):
    slug = "rename-refused"


@dataclass(frozen=True)
class Step:
    """A step in a package's list: since when it has been published, and its place."""

    key: str
    title: str
    position: int
    published_at: datetime


@dataclass(frozen=True)
class FormerStepRow:
    """A former step with its work; `rename` is the standing one, `proposed` the key of the step that may have replaced it."""

    key: str
    title: str
    left_at: datetime
    learners: int
    attempts: int
    rename: StepRename | None = None
    proposed: str = ""
    proposed_title: str = ""


def proposals(former: Iterable[Step], current: Sequence[Step]) -> dict[str, str]:
    """Return for each former step the current one that may be the same under another name: {former key: current key}.

    It has the same title or else the same position, and was published later; each current step is proposed once.
    """
    proposed: dict[str, str] = {}
    for same in (_same_title, _same_position):
        for step in former:
            free = [
                candidate
                for candidate in current
                if candidate.key not in proposed.values() and candidate.published_at > step.published_at
            ]
            match = next((candidate for candidate in free if same(step, candidate)), None)
            if step.key not in proposed and match is not None:
                proposed[step.key] = match.key
    return proposed


def _same_title(one: Step, other: Step) -> bool:
    return bool(one.title.strip()) and one.title.strip().casefold() == other.title.strip().casefold()


def _same_position(one: Step, other: Step) -> bool:
    return one.position == other.position


def former_steps(academy: Academy, asset_ids: Collection[int]) -> list[FormerStepRow]:
    """Return the former steps of assets on which somebody has worked, with what may have replaced them; four queries."""
    gone = list(FormerStep.objects.filter(academy=academy, asset__in=asset_ids).order_by("position", "key"))
    if not gone:
        return []
    asked = {"academy": academy.pk, "keys": [step.key for step in gone], "seen": parameter(academy)}
    work = {key: (learners, attempts) for key, learners, attempts in fetch(_WORK, asked)}
    renames = {row.old_key: row for row in standing(academy).filter(old_key__in=[step.key for step in gone])}
    current = [
        Step(row.key, row.title, row.position, row.published_at)
        for row in Assignment.objects.filter(academy=academy, asset__in=asset_ids).order_by("position", "pk")
    ]
    titles = {step.key: step.title for step in current}
    taken = {row.new_key for row in renames.values()}
    proposed = proposals(
        [Step(step.key, step.title, step.position, step.published_at) for step in gone if step.key not in renames],
        [step for step in current if step.key not in taken],
    )
    return [
        FormerStepRow(
            step.key,
            step.title,
            step.left_at,
            *work.get(step.key, (0, 0)),
            rename=renames.get(step.key),
            proposed=proposed.get(step.key, "") if step.key in work else "",
            proposed_title=titles.get(proposed.get(step.key, ""), ""),
        )
        for step in gone
        if step.key in work or step.key in renames
    ]


def current_steps(academy: Academy, asset_ids: Collection[int]) -> list[tuple[str, str]]:
    """Return the keys and titles of the steps that assets have, in their order."""
    steps = Assignment.objects.filter(academy=academy, asset__in=asset_ids).exclude(key__startswith=PREFIX)
    return list(steps.order_by("position", "pk").values_list("key", "title"))


def standing(academy: Academy) -> QuerySet[StepRename]:
    """Return the academy's renames that aren't undone."""
    return StepRename.objects.filter(academy=academy, undone_at__isnull=True)


def check(academy: Academy, old_key: str, new_key: str) -> FormerStep:
    """Return the former step, if a rename may join it with the new one.

    Raises RenameRefused, which says why not, and WholeAcademyOnly: it concerns all learners, and may name any of them.
    """
    require_all_cohorts(academy)
    step = FormerStep.objects.filter(academy=academy, key=old_key).first()
    if step is None:
        if Assignment.objects.filter(academy=academy, key=old_key).exists():
            raise RenameRefused(
                _("%(old)s is still a step of the package: only a step that is gone can have been renamed"), old=old_key
            )
        raise RenameRefused(_("%(old)s isn't a former step"), old=old_key[:200])
    new = Assignment.objects.filter(academy=academy, key=new_key).first()
    if new is None or new.asset_id != step.asset_id:
        raise RenameRefused(_("%(new)s isn't a step of the same package"), new=new_key[:200])
    if standing(academy).filter(old_key=old_key).exists():
        raise RenameRefused(_("%(old)s is already joined with another step; undo that first"), old=old_key)
    both = fetch_one(_BOTH, {"academy": academy.pk, "old": old_key, "new": new_key})
    if both is not None:
        raise RenameRefused(
            _(
                "Both steps were worked on: %(learner)s tried %(old)s again after attempts at %(new)s. Nothing was changed"
            ),
            learner=both[0],
            old=old_key,
            new=new_key,
        )
    return step


def rename(academy: Academy, old_key: str, new_key: str, by: User | None) -> StepRename:
    """Join the history of a former step with that of the step that replaced it.

    Raises RenameRefused; then nothing has changed.
    """
    step = check(academy, old_key, new_key)
    try:
        with transaction.atomic():
            row = StepRename.objects.create(
                academy=academy, asset_id=step.asset_id, old_key=old_key, new_key=new_key, read_as=new_key, made_by=by
            )
            record(STEP_RENAMED, academy_id=academy.pk, object_id=row.pk, after={"old": old_key, "new": new_key})
            _resolve(academy)
    except IntegrityError:
        raise RenameRefused(_("%(old)s is already joined with another step; undo that first"), old=old_key) from None
    read_anew(academy, [old_key, new_key])
    return row


# What was excluded of the joined step was meant of both, and stays excluded of the former one.
_KEEP_EXCLUDED = """
INSERT INTO progress_exclusion (academy_id, user_id, made_together, activity_id, session_id, assignment, since, until,
                                reason, excluded_by_id, excluded_at)
SELECT e.academy_id, e.user_id, e.made_together, e.activity_id, e.session_id, %(old)s, e.since, e.until,
       e.reason, e.excluded_by_id, e.excluded_at
  FROM progress_exclusion e
 WHERE e.academy_id = %(academy)s AND e.lifted_at IS NULL AND e.assignment = ANY(%(joined)s)
   AND EXISTS (SELECT FROM progress_activity a
                WHERE a.user_id = e.user_id AND a.academy_id = e.academy_id AND a.told_as = %(old)s
                  AND a.exclusion_id = e.id)
"""


def undo(academy: Academy, rename_id: int, by: User | None) -> StepRename:
    """Separate the histories again, each activity under the name that it was told with.

    Raises RenameNotFound.
    """
    require_all_cohorts(academy)
    with transaction.atomic():
        row = standing(academy).select_for_update().filter(pk=rename_id).first()
        if row is None:
            raise RenameNotFound
        StepRename.objects.filter(pk=row.pk).update(undone_at=Now(), undone_by=by)
        joined = {"old": row.old_key, "new": row.new_key}
        record(STEP_RENAME_UNDONE, academy_id=academy.pk, object_id=row.pk, before=joined)
        execute(_KEEP_EXCLUDED, {"academy": academy.pk, "old": row.old_key, "joined": [row.new_key, row.read_as]})
        _resolve(academy)
    read_anew(academy, [row.old_key, row.new_key])
    row.refresh_from_db()
    return row


def _resolve(academy: Academy) -> None:
    """Store as what each old name is read: a step that was renamed twice is read as the last one."""
    rows = list(standing(academy).select_for_update().order_by("pk"))
    names = {row.old_key: row.new_key for row in rows}
    for row in rows:
        read_as, passed = row.new_key, {row.old_key}
        while read_as in names and read_as not in passed:
            passed.add(read_as)
            read_as = names[read_as]
        if read_as != row.read_as:
            row.read_as = read_as
            row.save(update_fields=["read_as"])


def read_anew(academy: Academy, keys: Sequence[str]) -> None:
    """Bring the activities of all learners who have any under these names in step with the standing renames.

    Twenty learners at a time; doing it again changes nothing, and goes on where it was interrupted.
    """
    read_as = standing(academy).filter(old_key__in=keys).values_list("read_as", flat=True)
    learners = [row[0] for row in fetch(_LEARNERS, {"academy": academy.pk, "keys": [*keys, *read_as]})]
    for start in range(0, len(learners), _AT_ONCE):
        part = learners[start : start + _AT_ONCE]
        with transaction.atomic():
            lock_learners(part)
            parameters: dict[str, Any] = {"academy": academy.pk, "learners": part}
            moved = fetch(_READ_ANEW, parameters)
            recount({(user, academy.pk, key) for user, before, after in moved for key in (before, after)})
            # An exclusion of attempts at one of the names covers those of the other.
            exclusions.apply(academy.pk, {user for user, _before, _after in moved})
