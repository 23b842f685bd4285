"""Other thresholds, other signals: when an academy changes its own, what its learners have done is looked at again."""

from django.db import transaction

from learntrace.core.wakeup import announce
from learntrace.progress import recomputation
from learntrace.progress.models import Progress
from learntrace.signals.models import Watch


def look_at_academy_again(academy_id: int) -> None:
    """Have workers recompute all of whom the academy has measures or signals, once the open transaction commits."""
    learners = set(Progress.objects.filter(academy=academy_id).values_list("user_id", flat=True))
    learners.update(Watch.objects.filter(academy=academy_id).values_list("user_id", flat=True))
    if learners:
        recomputation.enqueue(sorted(learners))
        transaction.on_commit(lambda: announce(recomputation.TOPIC))
