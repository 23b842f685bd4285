"""What this room holds about users: what LearnPack sent for them (`core.personal`)."""

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from learntrace.core.personal import Holding, Rows, hold
from learntrace.learnpack.models import Webhook

_COLUMNS = (
    "id", "created_at", "event", "is_streaming", "package_slug", "status", "status_text", "updated_at", "payload",
)  # fmt: skip


def about(user_id: int) -> QuerySet[Webhook]:
    """A user's webhooks; of those without a student, as they came before the learner was known, what names the user or
    came from there without a name."""
    named = Q(payload__user_id=user_id) | Q(payload__user_id=str(user_id))
    unnamed = Q(payload__user_id__isnull=True) | Q(payload__user_id=None) | Q(payload__user_id="")
    return Webhook.objects.filter(
        Q(student=user_id) | (Q(student__isnull=True) & (named | (unnamed & Q(sender=user_id))))
    )


def _find(user_id: int) -> Rows:
    rows: Rows = about(user_id).order_by("id").values(*_COLUMNS)
    return rows


def _erase(user_id: int) -> int:
    """Waits for workers that have any of them in hand; these take the learner's lock after that, if at all."""
    return about(user_id).delete()[0]


def register() -> None:
    hold(Holding("learnpack-messages", _("Messages of LearnPack"), _find, _erase, chunk=20, first=True))
