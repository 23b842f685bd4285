"""A learner's earlier course runs: the measures until each floor (`corrections.floors`), which stay to be seen."""

from collections.abc import Sequence

from learntrace.accounts.models import Academy, User
from learntrace.progress.models import EarlierRun

MOST = 1000


def earlier_runs(academy: Academy, learner: User) -> Sequence[EarlierRun]:
    """Return the measures of the learner's earlier course runs in the academy, the latest run first; one query."""
    return list(EarlierRun.objects.filter(academy=academy, user=learner).order_by("-until", "assignment")[:MOST])
