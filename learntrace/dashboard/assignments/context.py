"""The contexts of the assignments' templates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from learntrace.accounts.models import Academy, User
from learntrace.dashboard.assignments.lines import (
    Bar,
    Comparison,
    LearnerLine,
    Step,
    bars_of,
    comparisons,
    counts_of,
    steps_of,
)
from learntrace.dashboard.assignments.shown_code import why_no_code
from learntrace.dashboard.components.attempts import attempt_of
from learntrace.dashboard.components.date_range import DateRange
from learntrace.dashboard.components.diagnosis_links import diagnosis_url
from learntrace.dashboard.components.excluded_attempts import ExcludedAttempts, excluded_attempts
from learntrace.dashboard.components.filters import Filters
from learntrace.dashboard.components.sentences import of_assignment
from learntrace.dashboard.components.signal_lines import SignalLine, lines_of
from learntrace.dashboard.components.table import Paging
from learntrace.dashboard.components.timeline import Attempt, Timeline, timeline_of
from learntrace.dashboard.concerns.cards import Cards, cards_of
from learntrace.dashboard.layout.page import AcademyPage
from learntrace.progress.assignment_keys import PREFIX
from learntrace.progress.corrections import exclusions
from learntrace.progress.models import Activity
from learntrace.progress.recording.code_texts import texts_of
from learntrace.progress.reports.assignments import AssignmentRow
from learntrace.progress.reports.errors import ErrorRow
from learntrace.progress.reports.learner_assignments import LearnerAssignmentRow
from learntrace.progress.reports.standing_exclusions import StandingExclusions
from learntrace.progress.standings.common_error import CommonError
from learntrace.signals.concerns.reading import ToldConcern
from learntrace.signals.models import Signal


@dataclass(frozen=True)
class AssignmentsContext:
    """The context of assignments/assignments.html; `rows` are assignments, each with its share of failed attempts."""

    filters: Filters
    paging: Paging[AssignmentRow]
    rows: Sequence[tuple[AssignmentRow, float | None]]
    default_sort: str = "place"


@dataclass(frozen=True)
class AssignmentContext:
    """The context of assignments/assignment.html; `mine` is the assignment's row, `cards` its concerns.

    `title` is the assignment's, else its name; `sentence` tells where the class stands.
    """

    name: str
    title: str
    sentence: str
    filters: Filters
    mine: AssignmentRow | None
    counts: Mapping[str, int]
    bars: Sequence[Bar]
    strips: Sequence[Comparison]
    errors: Sequence[ErrorRow]
    cards: Cards
    paging: Paging[LearnerLine]
    excluded: ExcludedAttempts
    may_exclude: bool
    exclude: str
    default_sort: str = "need"


@dataclass(frozen=True)
class AttemptsContext:
    """The context of assignments/attempts.html; `evidence` are the ids of the attempts to point out.

    `cards` is the concern on the assignment, `others` are the signals that are no reason of it: most of them are over.
    """

    name: str
    title: str
    learner: User
    learner_name: str
    measures: LearnerAssignmentRow
    paging: Paging[Activity]
    attempts: Sequence[Step]
    timeline: Timeline
    cards: Cards
    others: Sequence[SignalLine]
    evidence: frozenset[str]
    first_evidence: str
    dates: DateRange
    may_exclude: bool
    exclude: str
    diagnosis_url: str


def assignment_context(
    page: AcademyPage,
    key: str,
    filters: Filters,
    lines: Sequence[LearnerLine],
    rows: Sequence[AssignmentRow],
    *,
    errors: Sequence[ErrorRow],
    concerns: Cards,
    paging: Paging[LearnerLine],
    excluded: StandingExclusions,
    stopped_by: CommonError | None,
) -> AssignmentContext:
    """Return an assignment beside the others that somebody was seen on; `lines` are its learners, `rows` all assignments."""
    compared = [row for row in rows if row.learners_seen or row.assignment == key]
    counts = counts_of(lines)
    name, mine = key.removeprefix(PREFIX), next((row for row in compared if row.assignment == key), None)
    return AssignmentContext(
        name=name,
        title=(mine.title if mine else "") or name,
        sentence=of_assignment(counts, stopped_by),
        filters=filters,
        mine=mine,
        counts=counts,
        bars=bars_of(counts),
        strips=comparisons(compared, key),
        errors=errors,
        cards=concerns,
        paging=paging,
        excluded=excluded_attempts(page, excluded, key),
        may_exclude=page.can("crud_telemetry"),
        exclude=page.address("assignments-exclude-class", name),
    )


def attempts_context(
    page: AcademyPage,
    measures: LearnerAssignmentRow,
    paging: Paging[Activity],
    signals: Sequence[Signal],
    concerns: Sequence[ToldConcern],
    *,
    title: str,
    now: datetime,
    signal_id: str,
    dates: DateRange,
) -> AttemptsContext:
    """Return a learner's attempts at an assignment; the evidence of the signal with that id is pointed out."""
    pointed_out = next((signal for signal in signals if str(signal.pk) == signal_id), None)
    evidence = frozenset(str(pk) for pk in pointed_out.evidence) if pointed_out else frozenset()
    name = measures.assignment.removeprefix(PREFIX)
    attempts = [attempt_of(activity) for activity in paging.rows]
    named = exclusions.named(page.academy, [activity.exclusion_id for activity in paging.rows])
    excluded = {str(row.pk): named[row.exclusion_id] for row in paging.rows if row.exclusion_id in named}
    earlier = {str(row.pk) for row in paging.rows if row.before_floor}
    lines = lines_of(page, signals, now)
    above = [(line.opened_at, line.shape, line.sentence, "") for line in lines]
    reasons = {signal.pk for entry in concerns for signal in entry.reasons}
    return AttemptsContext(
        name=name,
        title=title or name,
        learner=measures.learner,
        learner_name=measures.learner.display_name,
        measures=measures,
        paging=paging,
        attempts=steps_of(attempts, _code_of(page.academy, measures, attempts), excluded, earlier),
        timeline=timeline_of(
            [attempt for attempt in attempts if attempt.id not in {*excluded, *earlier}],
            {measures.assignment: (title or name, "")},
            above,
            evidence,
            {measures.assignment: ""},  # one line alone needs no heading
        ),
        cards=cards_of(page, concerns),
        others=[line for line in lines if line.id not in reasons],
        evidence=evidence,
        first_evidence=next((attempt.id for attempt in attempts if attempt.id in evidence), ""),
        dates=dates,
        may_exclude=page.can("crud_telemetry"),
        exclude=page.address("assignments-exclude", name, measures.learner.pk),
        diagnosis_url=diagnosis_url(page, measures.learner.pk, measures.assignment),
    )


def _code_of(academy: Academy, measures: LearnerAssignmentRow, attempts: Sequence[Attempt]) -> Mapping[str, str]:
    """Return the code of attempts by its hash; none where it isn't shown."""
    if why_no_code(academy, measures.learner, measures.assignment):
        return {}
    return texts_of(academy.pk, {attempt.code for attempt in attempts})
