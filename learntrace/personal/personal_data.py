"""Personal datasets of this room: users' earlier erasures, and merges of users (`core.personal_data`)."""

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from learntrace.core.personal_data import PersonalDataset, Rows, register_datasets
from learntrace.personal.models import Erasure, PendingErasure, UserMerge


def _find(user_id: int) -> Rows:
    rows = Erasure.objects.filter(user=user_id).order_by("erased_at", "id")
    return rows.values("erased_at", "counts", "by_operator")


def _of(user_id: int) -> QuerySet[UserMerge]:
    return UserMerge.objects.filter(Q(merged=user_id) | Q(into=user_id))


def _merges(user_id: int) -> Rows:
    columns = ("merged_id", "into_id", "merged_at", "moved", "dropped", "undone_at", "undo")
    rows: Rows = _of(user_id).order_by("id").values(*columns)
    return rows


def _erase_merges(user_id: int) -> int:
    """What an undo would bring back is erased with the rest, so that none is possible."""
    return _of(user_id).delete()[0]


def _find_pending(user_id: int) -> Rows:
    rows: Rows = PendingErasure.objects.filter(user=user_id).values("asked_at", "erases_at")
    return rows


def register() -> None:
    register_datasets(
        PersonalDataset("merges", _("Merged accounts"), _merges, _erase_merges, chunk=2),
        PersonalDataset(
            "erasures",
            _("Earlier erasures"),
            _find,
            stays=_("It proves that data was erased, and contains none of it."),
        ),
        PersonalDataset(
            "pending-erasure",
            _("A pending erasure"),
            _find_pending,
            stays=_("It is carried out when it is due, unless you undo it."),
        ),
    )
