"""The steps of an asset: the published ones in their order, and the learners' counts on each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count

from learntrace.accounts.cohort_limits.limit import cache_name, seen
from learntrace.accounts.models import Academy
from learntrace.assignments.asset_reports import LearnerTelemetry
from learntrace.assignments.step_reports import StepCounts, step_report
from learntrace.progress.assignment_keys import PREFIX
from learntrace.progress.models import Assignment, Progress
from learntrace.progress.reports.joined_steps import joined_counts, new_names
from learntrace.registry.translated_assets import TranslatedAsset


@dataclass(frozen=True)
class Step:
    """A published step with its counts. `key` is its assignment's key; `stopped` counts the learners who got no further.

    `done` counts the learners whose state is done; the other counts are from their latest telemetry.
    """

    slug: str
    title: str
    key: str
    counts: StepCounts
    unread: int
    stopped: int
    done: int


@dataclass(frozen=True)
class Steps:
    """The published steps in their order; `learners` counts those with scored steps."""

    rows: tuple[Step, ...]
    learners: int

    @property
    def most_stopped(self) -> int:
        return max((row.stopped for row in self.rows), default=0)


def steps_of(academy: Academy, translated: TranslatedAsset, learners: Sequence[LearnerTelemetry]) -> Steps:
    """Return an asset's steps with the counts of learners, who come with the latest first; six queries at most.

    What learners tell of a renamed step under its old name is counted of the step that replaced it.
    """
    report = step_report(cache_name(academy), translated.slug, learners)
    names = new_names(academy, translated)
    joined_steps = joined_counts(translated.slug, names, learners)
    stopped_at = _renamed(report.stopped, names)
    published = _published_steps(academy, translated)
    done = _done(academy, [assignment.key for assignment in published.values()])
    rows = []
    for slug, assignment in published.items():
        counts = joined_steps.get(slug) or report.counts.get(slug, StepCounts())
        unread, stopped = max(report.learners - counts.opened, 0), stopped_at.get(slug, 0)
        rows.append(Step(slug, assignment.title, assignment.key, counts, unread, stopped, done.get(assignment.key, 0)))
    return Steps(tuple(rows), report.learners)


def _renamed(stopped: Mapping[str | None, int], names: Mapping[str, str]) -> dict[str, int]:
    """Return how many learners stopped at each step, by the names that the steps have now."""
    renamed: dict[str, int] = {}
    for told, learners in stopped.items():
        if told is not None:
            slug = names.get(told, told)
            renamed[slug] = renamed.get(slug, 0) + learners
    return renamed


def _done(academy: Academy, keys: Sequence[str]) -> dict[str, int]:
    """Return how many learners have done each assignment; those that nobody has are left out."""
    rows = Progress.objects.filter(seen(academy), academy=academy, assignment__in=keys, done_at__isnull=False)
    return dict(
        rows.order_by().values("assignment").annotate(learners=Count("pk")).values_list("assignment", "learners")
    )


def _published_steps(academy: Academy, translated: TranslatedAsset) -> dict[str, Assignment]:
    """Return the published steps in their order, by the slugs that telemetry documents use."""
    rows = Assignment.objects.filter(academy=academy, asset__in=translated.ids).order_by("asset_id", "position", "pk")
    return {row.key.removeprefix(PREFIX).removeprefix(f"{translated.slug}/"): row for row in rows}
