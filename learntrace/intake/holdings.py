"""What this room holds about users: requests of theirs that were refused (`core.personal`)."""

from django.utils.translation import gettext_lazy as _

from learntrace.core.personal import Holding, Rows, hold
from learntrace.intake.models import Refusal


def _find(user_id: int) -> Rows:
    return Refusal.objects.filter(user=user_id).order_by("id").values(
        "created_at", "path", "status_code", "reason", "detail", "token_prefix", "asset", "size"
    )  # fmt: skip


def _erase(user_id: int) -> int:
    return Refusal.objects.filter(user=user_id).delete()[0]


def register() -> None:
    hold(Holding("refused-requests", _("Requests that were refused"), _find, _erase, table=True))
