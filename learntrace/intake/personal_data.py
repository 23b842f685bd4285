"""Personal dataset of this room: users' refused requests (`core.personal_data`)."""

from django.utils.translation import gettext_lazy as _

from learntrace.core.personal_data import PersonalDataset, Rows, register_datasets
from learntrace.intake.models import Refusal


def _find(user_id: int) -> Rows:
    rows = Refusal.objects.filter(user=user_id).order_by("id")
    return rows.values(
        "created_at", "last_at", "times", "path", "status_code", "reason", "detail", "token_prefix", "asset", "size"
    )


def _erase(user_id: int) -> int:
    return Refusal.objects.filter(user=user_id).delete()[0]


def register() -> None:
    register_datasets(PersonalDataset("refused-requests", _("Requests that were refused"), _find, _erase, table=True))
