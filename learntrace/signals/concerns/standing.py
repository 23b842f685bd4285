"""The concerns of learners that are not over, as they follow from signals, raised hands and what staff did.

A concern stands as long as one of its signals does, and the learner has not done the assignment; or as long as the learner's
hand is up there. Nothing of it is stored but its name (`Concern`) and the acts, so that a recomputation of signals gives the
same concerns.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q, QuerySet
from django.utils import timezone

from learntrace.accounts.cohort_limits.limit import seen
from learntrace.accounts.models import Academy
from learntrace.core.sql import fetch, json_rows
from learntrace.signals.class_signals import DONE, not_done
from learntrace.signals.concerns.handling import PAUSE, STANDING, Handling, State, handling_of, is_unbroken, state_of
from learntrace.signals.help_requests.models import HelpRequest
from learntrace.signals.models import Concern, ConcernAct, Signal
from learntrace.signals.queries import UNRESOLVED

# The signals that were over or not, from a moment on, of the subjects asked for.
_TROUBLES = """
SELECT asked.number, s.opened_at, s.resolved_at
  FROM jsonb_to_recordset(%(asked)s::jsonb) AS asked(number bigint, learner bigint, about text, asset text, since timestamptz)
  JOIN signals_signal s
    ON s.user_id = asked.learner AND s.academy_id = %(academy)s AND s.state <> 'withdrawn'
   AND s.assignment IS NOT DISTINCT FROM asked.about AND (asked.about IS NOT NULL OR s.asset_slug = asked.asset)
   AND (s.resolved_at IS NULL OR s.resolved_at >= asked.since)
"""


_COLUMNS = tuple(field.attname for field in Concern._meta.concrete_fields)
_KNOWN = f"""
SELECT {", ".join(_COLUMNS)} FROM signals_concern
 WHERE academy_id = %(academy)s AND user_id = ANY(%(learners)s) AND error_group = ''
   AND (assignment IS NULL OR assignment = ANY(%(assignments)s))
 ORDER BY id
"""  # noqa: S608 (only names of columns)
_NAME = f"""
INSERT INTO signals_concern (academy_id, user_id, assignment, asset_slug)
SELECT %(academy)s, learner, about, asset
  FROM jsonb_to_recordset(%(new)s::jsonb) AS r(learner bigint, about text, asset text)
 ORDER BY learner, about, asset
ON CONFLICT DO NOTHING
RETURNING {", ".join(_COLUMNS)}
"""  # noqa: S608 (only names of columns)


class Subject(NamedTuple):
    """What a learner's concern is about: an assignment, or for signals without one an asset."""

    user_id: int
    assignment: str | None
    asset_slug: str | None


class StandingSignal(NamedTuple):
    """What a concern needs of each of its signals; models would take several times as long for a class."""

    id: int
    user_id: int
    assignment: str | None
    asset_slug: str | None
    kind: str
    severity: int
    state: str
    opened_at: datetime
    last_seen_at: datetime

    @property
    def subject(self) -> Subject:
        return Subject(self.user_id, self.assignment, None if self.assignment else self.asset_slug or "")


# Of the subjects' learners, assignments and assets; what is done needs nobody's help.
_OF_SUBJECTS = f"""
SELECT {", ".join(f"s.{name}" for name in StandingSignal._fields)}
  FROM signals_signal s
 WHERE s.academy_id = %(academy)s AND s.state = ANY(%(states)s) AND s.user_id = ANY(%(learners)s)
   AND (s.assignment = ANY(%(assignments)s) OR (s.assignment IS NULL AND s.asset_slug = ANY(%(assets)s)))
   AND NOT {DONE}
 ORDER BY s.severity DESC, s.opened_at, s.id
"""  # noqa: S608 (only texts of ours)


@dataclass(frozen=True)
class Reasons:
    """The rows that make concerns: signals, and the hands that are up."""

    signals: QuerySet[Signal]
    hands: QuerySet[HelpRequest]

    def filter(self, *conditions: Q, **lookups: Any) -> "Reasons":
        """Return those that match: signals and hands are about the same columns."""
        return Reasons(self.signals.filter(*conditions, **lookups), self.hands.filter(*conditions, **lookups))


@dataclass(frozen=True)
class StandingConcern:
    """A learner's concern that is not over. `signals` are its reasons, the worst first; `hand` is the learner's that is up.

    A hand counts from when it was raised by the server's clock, which is the learners' but in a replay.
    """

    row: Concern
    signals: Sequence[StandingSignal]
    handling: Handling
    state: State
    hand: HelpRequest | None = None

    @property
    def severity(self) -> int:
        return max([*(signal.severity for signal in self.signals), _severity_of(self.hand)])

    @property
    def since(self) -> datetime:
        return min([*(signal.opened_at for signal in self.signals), *([self.hand.raised_at] if self.hand else [])])

    @property
    def last_seen_at(self) -> datetime:
        return max([*(signal.last_seen_at for signal in self.signals), *([self.hand.raised_at] if self.hand else [])])

    @property
    def asset_slug(self) -> str | None:
        """The asset that the concern is about or on."""
        slugs = [*(signal.asset_slug for signal in self.signals), self.hand.asset_slug if self.hand else None]
        return next((slug for slug in slugs if slug), None)

    @property
    def place(self) -> tuple[int, int, datetime, int]:
        """The place in lists, which only changes with the concern itself: open ones first, then the worst, then the oldest."""
        return STANDING.index(self.state), -self.severity, self.since, self.row.pk


def _severity_of(hand: HelpRequest | None) -> int:
    """Return how severe a hand is by itself: one that waits is among what is worst."""
    if hand is None:
        return 0
    return int(Signal.Severity.HIGH if hand.is_waiting else Signal.Severity.LOW)


def reasons_standing(academy_id: int) -> Reasons:
    """Return what makes the concerns of an academy; filters must keep all signals of a learner's assignment."""
    signals = not_done(Signal.objects.filter(academy=academy_id, state__in=UNRESOLVED))
    return Reasons(signals, _hands_up(academy_id))


def _hands_up(academy_id: int) -> QuerySet[HelpRequest]:
    return HelpRequest.objects.filter(academy=academy_id, open__isnull=False).select_related("user", "helped_by")


def reasons_seen(academy: Academy) -> Reasons:
    """Return those of `reasons_standing` whose learners the member sees."""
    return reasons_standing(academy.pk).filter(seen(academy))


def standing_concerns(
    academy_id: int, reasons: Reasons, now: datetime | None = None, hands: Sequence[HelpRequest] | None = None
) -> list[StandingConcern]:
    """Return the concerns of these reasons in the order of lists; five queries, one more for new concerns.

    `now` is the server's clock, by which a snooze ends. `hands` are those of the reasons, where they were read already.
    """
    rows = reasons.signals.order_by("-severity", "opened_at", "pk").values_list(*StandingSignal._fields)
    return _concerns(academy_id, map(StandingSignal._make, rows), reasons.hands if hands is None else hands, now)


def _concerns(
    academy_id: int, signals: Iterable[StandingSignal], hands: Iterable[HelpRequest], now: datetime | None = None
) -> list[StandingConcern]:
    """Return the concerns of standing signals, which come the worst first, and of hands that are up."""
    by_subject: dict[Subject, list[StandingSignal]] = {}
    for signal in signals:
        by_subject.setdefault(signal.subject, []).append(signal)
    up = {subject_of_hand(hand): hand for hand in hands}
    for subject in up:
        by_subject.setdefault(subject, [])
    rows = named(academy_id, by_subject)
    handled = _handled(academy_id, rows, by_subject, up)
    now = now or timezone.now()
    concerns = [
        StandingConcern(
            rows[subject],
            own,
            handled[subject],
            _state(handled[subject], own, up.get(subject), now),
            up.get(subject),
        )
        for subject, own in by_subject.items()
    ]
    return sorted(concerns, key=lambda concern: concern.place)


def of_subjects(academy_id: int, subjects: Collection[Subject]) -> list[StandingConcern]:
    """Return those of these concerns that are not over."""
    wanted = frozenset(subjects)
    learners = sorted({subject.user_id for subject in wanted})
    asked = {
        "academy": academy_id,
        "states": [str(state) for state in UNRESOLVED],
        "learners": learners,
        "assignments": sorted({subject.assignment for subject in wanted if subject.assignment}),
        "assets": sorted({subject.asset_slug or "" for subject in wanted if not subject.assignment}),
    }
    signals = map(StandingSignal._make, fetch(_OF_SUBJECTS, asked))
    hands = _hands_up(academy_id).filter(user__in=learners)
    return _concerns(
        academy_id,
        [signal for signal in signals if signal.subject in wanted],
        [hand for hand in hands if subject_of_hand(hand) in wanted],
    )


def subject_of(row: Concern) -> Subject:
    """Return the subject of a learner's concern."""
    assert row.user_id is not None  # noqa: S101 (the class's concerns have no subject)
    return Subject(row.user_id, row.assignment, row.asset_slug)


def subject_of_hand(hand: HelpRequest) -> Subject:
    """Return the subject of the concern that a raised hand is a reason of."""
    return Subject(hand.user_id, hand.assignment, None if hand.assignment else hand.asset_slug)


def named(academy_id: int, subjects: Collection[Subject]) -> dict[Subject, Concern]:
    """Return the row of each concern; those that nobody has asked for before get theirs now."""
    if not subjects:
        return {}
    rows = subjects_known(academy_id, subjects)
    new = [{"learner": user, "about": assignment, "asset": asset} for user, assignment, asset in subjects - rows.keys()]
    if new:
        rows |= _by_subject(fetch(_NAME, {"academy": academy_id, "new": json_rows(new)}))
        if len(rows) < len(subjects):
            # Others have named them at this moment.
            rows = subjects_known(academy_id, subjects)
    return rows


def subjects_known(academy_id: int, subjects: Collection[Subject]) -> dict[Subject, Concern]:
    """Return the rows of those concerns that have one."""
    if not subjects:
        return {}
    asked = {
        "academy": academy_id,
        "learners": sorted({subject.user_id for subject in subjects}),
        "assignments": sorted({subject.assignment for subject in subjects if subject.assignment}),
    }
    rows = _by_subject(fetch(_KNOWN, asked))
    return {subject: rows[subject] for subject in subjects if subject in rows}


def _by_subject(rows: Iterable[tuple[Any, ...]]) -> dict[Subject, Concern]:
    concerns = [Concern.from_db(DEFAULT_DB_ALIAS, _COLUMNS, row) for row in rows]
    return {subject_of(row): row for row in concerns}


def acts_of(rows: Iterable[Concern]) -> dict[int, list[ConcernAct]]:
    """Return the acts that were not undone of each concern with any, in their order."""
    acts: dict[int, list[ConcernAct]] = {}
    changed = [row.pk for row in rows if row.version]
    if not changed:
        return {}
    stored = ConcernAct.objects.filter(concern__in=changed, undone_at=None).select_related("by", "assignee")
    for act in stored.order_by("concern", "number"):
        acts.setdefault(act.concern_id, []).append(act)
    return acts


def _state(handling: Handling, signals: Sequence[StandingSignal], hand: HelpRequest | None, now: datetime) -> State:
    if hand is not None:
        # Only a snooze takes a hand out of sight, and only one that came after it was raised.
        return "snoozed" if handling.snoozed_after(hand.raised_at, now) else "open"
    unacknowledged = [signal.severity for signal in signals if signal.state == Signal.State.OPEN]
    return state_of(handling, now, open_severity=max(unacknowledged, default=None))


def _handled(
    academy_id: int,
    rows: Mapping[Subject, Concern],
    signals: Mapping[Subject, Sequence[StandingSignal]],
    hands: Mapping[Subject, HelpRequest],
) -> dict[Subject, Handling]:
    """Return the handling of each concern, without acts on trouble, or on a hand, that was over since."""
    acts = acts_of(rows.values())
    handled = {subject: handling_of(acts.get(row.pk, ())) for subject, row in rows.items()}
    for subject, handling in handled.items():
        if not signals[subject] and handling.before(hands[subject].raised_at):
            handled[subject] = handling.without_what_is_over(unbroken=False)
    earlier = {
        subject: handling
        for subject, handling in handled.items()
        if signals[subject]
        and handling.earliest is not None
        and handling.earliest < min(signal.opened_at for signal in signals[subject])
    }
    for subject, unbroken in _unbroken(academy_id, earlier, signals).items():
        handled[subject] = handled[subject].without_what_is_over(unbroken=unbroken)
    return handled


def _unbroken(
    academy_id: int, handled: Mapping[Subject, Handling], signals: Mapping[Subject, Sequence[StandingSignal]]
) -> dict[Subject, bool]:
    """Return whether each concern has stood since the earliest of its acts; their signals opened later."""
    if not handled:
        return {}
    subjects = list(handled)
    asked = json_rows(
        {
            "number": number,
            "learner": subject.user_id,
            "about": subject.assignment,
            "asset": subject.asset_slug,
            "since": _earliest(handled[subject]) - PAUSE,
        }
        for number, subject in enumerate(subjects)
    )
    troubles: dict[int, list[tuple[datetime, datetime]]] = {}
    now = timezone.now()
    for number, opened, resolved in fetch(_TROUBLES, {"asked": asked, "academy": academy_id}):
        troubles.setdefault(number, []).append((opened, resolved or max(now, opened)))
    return {
        subject: is_unbroken(
            _earliest(handled[subject]),
            min(signal.opened_at for signal in signals[subject]),
            troubles.get(number, ()),
        )
        for number, subject in enumerate(subjects)
    }


def _earliest(handling: Handling) -> datetime:
    assert handling.earliest is not None  # noqa: S101 (only such are asked for)
    return handling.earliest
