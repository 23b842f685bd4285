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
    due = any(learner.timeliness for learner in snapshot.learners)
    late_titles = [_("Late"), _("Extended")] if due else []
    titles = [_("Learner"), _("User name"), timed(_("Last seen")), _("Open signals"), *late_titles, *names]

    def row(learner: Learner) -> list[object]:
        cells = [learner.cells.get(column.key) for column in snapshot.columns]
        states = [labels.standing_word(cell.standing if cell else NOT_STARTED) for cell in cells]
        late = [learner.late, learner.extended] if due else []
        return [learner.name, learner.username, learner.last_seen_at, learner.open_signals, *late, *states]

    return titles, map(row, snapshot.learners)
