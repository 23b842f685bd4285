"""A learner's earlier course runs: the measures until each floor (`corrections.floors`), which stay to be seen."""

from collections.abc import Sequence

from learntrace.accounts.models import Academy, User
from learntrace.progress.models import EarlierRun

MOST = 1000


def earlier_runs(learner: User, academy: Academy | None = None) -> Sequence[EarlierRun]:
    """Return the measures of the learner's earlier course runs, in one academy or in all, the latest run first.

    One query.
    """
    rows = EarlierRun.objects.filter(user=learner)
    if academy is not None:
        rows = rows.filter(academy=academy)
    return list(rows.order_by("-until", "assignment")[:MOST])
