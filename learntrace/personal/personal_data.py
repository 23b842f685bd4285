"""Personal dataset of this room: users' earlier erasures (`core.personal_data`)."""

from django.utils.translation import gettext_lazy as _

from learntrace.core.personal_data import PersonalDataset, Rows, register_datasets
from learntrace.personal.models import Erasure


def _find(user_id: int) -> Rows:
    rows = Erasure.objects.filter(user=user_id).order_by("erased_at", "id")
    return rows.values("erased_at", "counts", "by_operator")


def register() -> None:
    register_datasets(
        PersonalDataset(
            "erasures",
            _("Earlier erasures"),
            _find,
            stays=_("It proves that it was done, and holds nothing of what was."),
        )
    )
