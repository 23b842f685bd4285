"""Concerns of the class: errors that many of its learners met on one assignment within a quarter of an hour.

They are over before that once everybody who met them has done the assignment.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from learntrace.accounts.cohort_limits.limit import is_limited, within
from learntrace.accounts.models import Academy
from learntrace.accounts.people.cohort_learners import COHORT_LEARNERS
from learntrace.core.sql import fetch, json_rows
from learntrace.progress.class_window import ClassWindow
from learntrace.progress.counting import counts
from learntrace.signals.concerns.class_errors import Met, errors_met
from learntrace.signals.concerns.error_group import group_of
from learntrace.signals.concerns.handling import STANDING, Handling, State, handling_of, is_unbroken, state_of
from learntrace.signals.concerns.kept_errors import ErrorOn
from learntrace.signals.concerns.standing import acts_of
from learntrace.signals.models import Concern, Signal

WINDOW: Final = timedelta(minutes=15)
LEAST_LEARNERS: Final = 5
LEAST_SHARE: Final = 0.2
SEVERITY: Final = Signal.Severity.HIGH
# How far back it is read whether an error that staff has acknowledged was met all the time since.
_LOOKED_BACK: Final = timedelta(hours=6)

# By the learner's state: done earlier, and failed again since, is not solved.
_UNSOLVED = """
SELECT met.assignment, met.user_id
  FROM jsonb_to_recordset(%(met)s::jsonb) AS met(assignment text, user_id bigint)
 WHERE NOT EXISTS (SELECT FROM progress_progress p
                    WHERE p.user_id = met.user_id AND p.academy_id = %(academy)s AND p.assignment = met.assignment
                      AND p.done_at IS NOT NULL AND p.failed_again_at IS NULL)
"""
_COHORTS = f"""
SELECT t.cohort_id, array_agg(DISTINCT t.user_id)
  FROM {COHORT_LEARNERS} t JOIN accounts_cohort c ON c.id = t.cohort_id
 WHERE c.academy_id = %(academy)s AND t.user_id = ANY(%(active)s)
   AND (%(cohorts)s::bigint[] IS NULL OR c.id = ANY(%(cohorts)s))
 GROUP BY t.cohort_id
"""  # noqa: S608 (no text from outside)
_FAILED_SINCE = f"""
SELECT DISTINCT a.at, failure->>0, failure->>1
  FROM progress_activity a CROSS JOIN LATERAL jsonb_array_elements(a.failures) AS failure
 WHERE a.academy_id = %(academy)s AND a.assignment = %(about)s AND a.at >= %(since)s AND a.at <= %(now)s
   AND a.outcome = 'error' AND a.part IS DISTINCT FROM 'check' AND {counts("a")}
"""  # noqa: S608 (no text from outside)


@dataclass(frozen=True)
class ClassConcern:
    """A concern of the class that is not over; `cohorts` are those of which so many met the error that it is theirs too."""

    row: Concern
    met: Met
    handling: Handling
    state: State
    cohorts: frozenset[int] = frozenset()
    severity: int = SEVERITY

    @property
    def since(self) -> datetime:
        return self.met.first_at

    @property
    def last_seen_at(self) -> datetime:
        return self.met.last_at

    @property
    def place(self) -> tuple[int, int, int]:
        """The place in lists: open ones first, then what most met."""
        return STANDING.index(self.state), -len(self.met.learners), self.row.pk


def is_many(met: Collection[int], active: Collection[int]) -> bool:
    """Whether so many of the active learners met an error that it is the class's concern."""
    return len(met) >= LEAST_LEARNERS and len(met) >= LEAST_SHARE * len(active)


def class_concerns(
    academy: Academy,
    now: datetime,
    learners: Collection[int] | None = None,
    keys: Collection[str] | None = None,
) -> list[ClassConcern]:
    """Return the concerns of the class at a moment of the learners' clock, in the order of lists.

    What everybody who met it has solved since is none any longer. Whether they have is told as it is now.

    `learners` are those of the class, and `keys` the assignments to look at; None means all. Of a whole academy, what many
    of one of its cohorts met is a concern too. A member who is limited to cohorts gets the concerns of each of them, with the
    figures of the learners seen: never one that others don't get.
    """
    asked = ClassWindow(academy.pk, now - WINDOW, now, within(academy, learners), keys)
    met, active = errors_met(asked, LEAST_LEARNERS)
    if not met:
        return []
    by_cohort = _cohorts(academy, active) if learners is None or is_limited(academy) else {}
    classes = [] if is_limited(academy) else [active]
    many = {
        place: one
        for place, one in met.items()
        if any(is_many(one.learners & whole, whole) for whole in (*classes, *by_cohort.values()))
    }
    return _handled(academy.pk, _unsolved(academy.pk, many), by_cohort, now)


def _unsolved(academy_id: int, met: Mapping[ErrorOn, Met]) -> dict[ErrorOn, Met]:
    """Leave out the errors whose assignment is done by everybody who met them."""
    if not met:
        return {}
    who = {(place.assignment, user_id) for place, one in met.items() for user_id in one.learners}
    asked = json_rows({"assignment": about, "user_id": user_id} for about, user_id in sorted(who))
    unsolved: dict[str, set[int]] = {}
    for about, user_id in fetch(_UNSOLVED, {"met": asked, "academy": academy_id}):
        unsolved.setdefault(about, set()).add(user_id)
    return {place: one for place, one in met.items() if one.learners & unsolved.get(place.assignment, set())}


def _cohorts(academy: Academy, active: Collection[int]) -> dict[int, set[int]]:
    """Return the active learners of each cohort that the member sees."""
    own = academy.seen_cohorts
    asked = {"academy": academy.pk, "active": sorted(active), "cohorts": None if own is None else sorted(own)}
    return {cohort: set(learners) for cohort, learners in fetch(_COHORTS, asked)}


def _handled(
    academy_id: int, met: Mapping[ErrorOn, Met], by_cohort: Mapping[int, set[int]], now: datetime
) -> list[ClassConcern]:
    rows = _named(academy_id, met)
    acts = acts_of(rows.values())
    wall = timezone.now()
    concerns = []
    for place, row in rows.items():
        handling = handling_of(acts.get(row.pk, ()))
        if handling.earliest is not None and handling.earliest < met[place].first_at:
            unbroken = _met_all_the_time(academy_id, place, handling.earliest, now)
            handling = handling.without_what_is_over(unbroken=unbroken)
        state = state_of(handling, wall, open_severity=SEVERITY)
        learners = met[place].learners
        cohorts = frozenset(cohort for cohort, whole in by_cohort.items() if is_many(learners & whole, whole))
        concerns.append(ClassConcern(row, met[place], handling, state, cohorts))
    return sorted(concerns, key=lambda concern: concern.place)


def _met_all_the_time(academy_id: int, place: ErrorOn, since: datetime, now: datetime) -> bool:
    """Whether an error was met since a moment without a long pause."""
    if since < now - _LOOKED_BACK:
        return False
    asked = {"academy": academy_id, "about": place.assignment, "since": since, "now": now}
    moments = [at for at, name, message in fetch(_FAILED_SINCE, asked) if group_of(name, message) == place.group]
    return is_unbroken(since, now, [(at, at) for at in moments])


def _named(academy_id: int, places: Iterable[ErrorOn]) -> dict[ErrorOn, Concern]:
    """Return the row of each concern; new ones get theirs now."""
    places = set(places)
    rows = _rows(academy_id, places)
    new = [
        Concern(academy_id=academy_id, assignment=place.assignment, error_group=place.group)
        for place in sorted(places - rows.keys())
    ]
    if new:
        Concern.objects.bulk_create(new, ignore_conflicts=True)
        rows = _rows(academy_id, places)
    return rows


def _rows(academy_id: int, places: Collection[ErrorOn]) -> dict[ErrorOn, Concern]:
    if not places:
        return {}
    stored = Concern.objects.filter(
        academy=academy_id, user=None, assignment__in={place.assignment for place in places}
    ).order_by("pk")
    rows = {ErrorOn(row.assignment or "", row.error_group): row for row in stored}
    return {place: rows[place] for place in places if place in rows}
