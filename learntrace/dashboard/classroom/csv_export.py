"""The grid of Class now as a CSV file."""

from django.utils.translation import gettext as _

from learntrace.dashboard.classroom.grid import Learner
from learntrace.dashboard.classroom.snapshot import ClassSnapshot
from learntrace.dashboard.components import labels
from learntrace.dashboard.components.table import Table, timed
from learntrace.measures.learner_state import NOT_STARTED


def class_table(snapshot: ClassSnapshot) -> Table:
    """Return all learners of the class, with their state on each of the assignments shown."""
    names = [column.name for column in snapshot.columns]
    titles = [_("Learner"), _("User name"), timed(_("Last seen")), _("Open signals"), *names]

    def row(learner: Learner) -> list[object]:
        cells = [learner.cells.get(column.key) for column in snapshot.columns]
        states = [labels.standing_word(cell.standing if cell else NOT_STARTED) for cell in cells]
        return [learner.name, learner.username, learner.last_seen_at, learner.open_signals, *states]

    return titles, map(row, snapshot.learners)
