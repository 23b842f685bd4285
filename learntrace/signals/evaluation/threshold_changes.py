"""Reevaluate an academy's learners when it changes its thresholds."""

from django.db import transaction

from learntrace.core.wakeup import announce
from learntrace.progress.models import Progress
from learntrace.progress.recording import recomputation
from learntrace.signals.models import Watch


def reevaluate_academy(academy_id: int) -> None:
    """Have workers recompute all learners with measures or signals in the academy, after the open transaction commits."""
    learners = set(Progress.objects.filter(academy=academy_id).values_list("user_id", flat=True))
    learners.update(Watch.objects.filter(academy=academy_id).values_list("user_id", flat=True))
    if learners:
        recomputation.enqueue(sorted(learners))
        transaction.on_commit(lambda: announce(recomputation.TOPIC))
