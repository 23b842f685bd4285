"""Personal datasets of this room: users' earlier erasures (`core.personal_data`)."""

from django.utils.translation import gettext_lazy as _

from learntrace.core.personal_data import PersonalDataset, Rows, register_datasets
from learntrace.personal.models import Erasure, PendingErasure


def _find(user_id: int) -> Rows:
    rows = Erasure.objects.filter(user=user_id).order_by("erased_at", "id")
    return rows.values("erased_at", "counts", "by_operator")


def _find_pending(user_id: int) -> Rows:
    rows: Rows = PendingErasure.objects.filter(user=user_id).values("asked_at", "erases_at")
    return rows


def register() -> None:
    register_datasets(
        PersonalDataset(
            "erasures",
            _("Earlier erasures"),
            _find,
            stays=_("It proves that it was done, and holds nothing of what was."),
        ),
        PersonalDataset(
            "pending-erasure",
            _("An erasure to come"),
            _find_pending,
            stays=_("It is done when its time has come, unless you undo it."),
        ),
    )
