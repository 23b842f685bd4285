"""The signals and concerns of attempts that an academy no longer keeps."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Exists, OuterRef

from learntrace.progress.corrections.floors import Learner
from learntrace.signals.models import Concern, Signal


def delete_old_signals(learner: Learner, assignments: Collection[str], until: datetime) -> None:
    """Delete a learner's signals on assignments that were last seen before a time, and concerns of which none is left."""
    of_learner = {"user": learner.user_id, "academy": learner.academy_id, "assignment__in": assignments}
    Signal.objects.filter(last_seen_at__lt=until, **of_learner).delete()
    left = Signal.objects.filter(user=OuterRef("user"), academy=OuterRef("academy"), assignment=OuterRef("assignment"))
    Concern.objects.filter(~Exists(left), created_at__lt=until, **of_learner).delete()
