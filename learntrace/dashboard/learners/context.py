"""The contexts of the learners' templates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from learntrace.accounts.models import User
from learntrace.assignments.learner_records import LearnerTelemetry
from learntrace.assignments.models import Task
from learntrace.assignments.score_bands import Band
from learntrace.dashboard.components.attempts import attempt_of
from learntrace.dashboard.components.date_range import DateRange
from learntrace.dashboard.components.diagnosis_links import diagnosis_url
from learntrace.dashboard.components.earlier_runs import EarlierRunLine, earlier_run_lines
from learntrace.dashboard.components.excluded_attempts import ExcludedAttempts, excluded_attempts
from learntrace.dashboard.components.filters import Filters
from learntrace.dashboard.components.sentences import ClassStanding, of_learner
from learntrace.dashboard.components.signal_lines import SignalLine
from learntrace.dashboard.components.table import Paging
from learntrace.dashboard.components.timeline import Attempt, Timeline, timeline_of
from learntrace.dashboard.concerns.cards import Cards, cards_of
from learntrace.dashboard.concerns.hands import HandLine, staff_lines
from learntrace.dashboard.layout.page import AcademyPage
from learntrace.dashboard.learners.lines import LearnerLine
from learntrace.dashboard.learners.scores import Score, ScoreChart, score_chart
from learntrace.progress.assignment_keys import PREFIX
from learntrace.progress.models import Activity, EarlierRun
from learntrace.progress.reports.attempts import MOST_RECENT
from learntrace.progress.reports.learner_assignments import LearnerAssignmentRow
from learntrace.progress.reports.learners import LearnerRow
from learntrace.progress.reports.standing_exclusions import StandingExclusions
from learntrace.progress.standings.current_work import CurrentWork
from learntrace.signals.concerns.reading import ToldConcern
from learntrace.signals.help_requests.models import HelpRequest


@dataclass(frozen=True)
class LearnersContext:
    """The context of learners/learners.html; `sentence` tells where the class stands, `standing` has its figures."""

    filters: Filters
    paging: Paging[LearnerLine]
    standing: ClassStanding
    sentence: str
    default_sort: str = "need"


@dataclass(frozen=True)
class AssignmentLine:
    """A learner's measures on an assignment; `url` leads to the attempts, empty where nothing was seen.

    `diagnosis_url` asks why something is missing.
    """

    name: str
    title: str
    asset: str
    measures: LearnerAssignmentRow
    url: str
    diagnosis_url: str


@dataclass(frozen=True)
class LearnerContext:
    """The context of learners/learner.html; `telemetry` has the latest first, `sentence` tells where the learner stands.

    `cards` are concerns, `others` the signals that are no reason of one: most of them are over. `all_excluded` says that
    there are attempts, but none that counts; `earlier_attempts`, that there may be some that aren't drawn.
    """

    learner: User
    learner_name: str
    sentence: str
    row: LearnerRow
    states: Sequence[AssignmentLine]
    earlier_runs: Sequence[EarlierRunLine]
    attempts: Sequence[Attempt]
    earlier_attempts: bool
    timeline: Timeline
    cards: Cards
    hands: Sequence[HandLine]
    others: Sequence[SignalLine]
    has_signals: bool
    telemetry: Sequence[LearnerTelemetry]
    engagement: ScoreChart
    frustration: ScoreChart
    tasks: Sequence[Task]
    excluded: ExcludedAttempts
    all_excluded: bool
    opted_out: bool
    dates: DateRange


@dataclass(frozen=True)
class RawTelemetryContext:
    """The context of learners/raw_telemetry.html; `left_out` is the number of characters that are not shown."""

    learner_name: str
    title: str
    text: str
    left_out: int


def learner_context(
    page: AcademyPage,
    row: LearnerRow,
    work: CurrentWork | None,
    *,
    activities: Sequence[Activity],
    concerns: Sequence[ToldConcern],
    hands: Sequence[HelpRequest],
    signals: Sequence[SignalLine],
    telemetry: Sequence[LearnerTelemetry],
    bands: Mapping[str, Mapping[str, Band]],
    tasks: Sequence[Task],
    runs: Sequence[EarlierRun],
    excluded: StandingExclusions,
    all_excluded: bool,
    opted_out: bool,
    dates: DateRange,
    done_by_now: int,
) -> LearnerContext:
    """Return everything about one learner; `telemetry` with the oldest first, `bands` by score and asset.

    `row` and `activities` are of the `dates`, of which `done_by_now` isn't.
    """
    attempts = [attempt_of(activity) for activity in activities]
    reasons = {signal.pk for entry in concerns for signal in entry.reasons}
    above = [(line.opened_at, line.shape, line.sentence, line.evidence_url) for line in signals]
    return LearnerContext(
        learner=row.learner,
        learner_name=row.learner.display_name,
        sentence=of_learner(work, done_by_now, row.assignments, row.learner.first_name or row.learner.display_name),
        row=row,
        states=_states(page, row),
        earlier_runs=earlier_run_lines(runs, lambda name: page.address("assignments-attempts", name, row.learner.pk)),
        attempts=attempts,
        earlier_attempts=len(attempts) == MOST_RECENT,
        timeline=timeline_of(attempts, _names(page, row, attempts), above, assets=_assets(row)),
        cards=cards_of(page, concerns),
        hands=staff_lines(page.academy, hands),
        others=[line for line in signals if line.id not in reasons],
        has_signals=bool(signals),
        telemetry=telemetry[::-1],
        engagement=_score_chart(telemetry, "engagement", bands),
        frustration=_score_chart(telemetry, "frustration", bands),
        tasks=tasks,
        excluded=excluded_attempts(page, excluded),
        all_excluded=all_excluded,
        opted_out=opted_out,
        dates=dates,
    )


def _score_chart(
    telemetry: Sequence[LearnerTelemetry], score: str, bands: Mapping[str, Mapping[str, Band]]
) -> ScoreChart:
    scores = [Score(row.slug, row.title, getattr(row, score), row.updated_at) for row in telemetry]
    return score_chart(scores, bands.get(score, {}))


def _states(page: AcademyPage, row: LearnerRow) -> list[AssignmentLine]:
    lines = []
    for assignment in row.by_assignment:
        measures = assignment.row
        name = measures.assignment.removeprefix(PREFIX)
        url = page.address("assignments-attempts", name, row.learner.pk) if measures.gap_seconds is not None else ""
        asset = assignment.asset["title"] or assignment.asset["slug"] if assignment.asset else ""
        asking = diagnosis_url(page, row.learner.pk, measures.assignment)
        lines.append(AssignmentLine(name, assignment.title or name, asset, measures, url, asking))
    return lines


def _assets(row: LearnerRow) -> dict[str, str]:
    """Return the titles of the assets of the learner's assignments, by assignment."""
    return {line.row.assignment: line.asset["title"] or line.asset["slug"] for line in row.by_assignment if line.asset}


def _names(page: AcademyPage, row: LearnerRow, attempts: Sequence[Attempt]) -> dict[str, tuple[str, str]]:
    """Return the title, else the name, and the URL of each assignment that was attempted."""
    titles = {line.row.assignment: line.title for line in row.by_assignment}
    names = {key: key.removeprefix(PREFIX) for key in {attempt.key for attempt in attempts}}
    return {
        key: (titles.get(key) or name, page.address("assignments-attempts", name, row.learner.pk))
        for key, name in names.items()
    }
