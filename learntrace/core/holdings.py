"""What this room holds about users: what was told live, for an hour (`core.personal`)."""

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from learntrace.core.models import LiveEvent
from learntrace.core.personal import Holding, Rows, hold


def about(user_id: int) -> QuerySet[LiveEvent]:
    """What was told of a learner: progress by the id, a signal with a document of the person."""
    return LiveEvent.objects.filter(Q(data__learner=user_id) | Q(data__learner__id=user_id))


def _find(user_id: int) -> Rows:
    return about(user_id).order_by("id").values("academy_id", "kind", "data", "created_at")


def _erase(user_id: int) -> int:
    # Whoever resumes after one of these is told to load everything anew, as after any that is forgotten.
    return about(user_id).delete()[0]


def register() -> None:
    hold(Holding("live-messages", _("Messages to pages that were open, kept for an hour"), _find, _erase))
