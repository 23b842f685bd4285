"""Earlier course runs as a table: on a learner's page and on My learning."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from learntrace.dashboard.components import labels
from learntrace.dashboard.components.table import Table, timed
from learntrace.progress.assignment_keys import PREFIX
from learntrace.progress.models import EarlierRun


@dataclass(frozen=True)
class EarlierRunLine:
    """The measures of an earlier course run; `url` leads to the attempts, empty for a reader who has no such page."""

    name: str
    run: EarlierRun
    url: str = ""


def earlier_run_lines(
    runs: Iterable[EarlierRun], url_of: Callable[[str], str] = lambda _name: ""
) -> Sequence[EarlierRunLine]:
    """Return a line for each run; `url_of` returns the URL of the attempts at an assignment of that name."""
    names = ((run.assignment.removeprefix(PREFIX), run) for run in runs)
    return [EarlierRunLine(name, run, url_of(name)) for name, run in names]


def earlier_runs_table(runs: Iterable[EarlierRun]) -> Table:
    """Return the runs as the rows of a CSV file."""
    titles = [
        _("Assignment"),
        _("Course"),
        timed(_("Until")),
        _("State"),
        _("Attempts"),
        _("Errors"),
        _("Active time (s)"),
        _("Error Quotient"),
    ]
    return titles, ([line.name, *_cells(line.run)] for line in earlier_run_lines(runs))


def _cells(run: EarlierRun) -> list[object]:
    measures = run.measures
    return [
        run.course or run.get_cause_display(),
        run.until,
        labels.STATES["done"] if run.done else _("Not done"),
        measures.get("attempts"),
        measures.get("errors"),
        measures.get("active_seconds"),
        measures.get("error_quotient"),
    ]
