"""Personal data in this room: the webhooks that LearnPack sent for users (`core.personal_data`)."""

import msgspec
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from learntrace.core.personal_data import PersonalDataset, Row, Rows, register_datasets
from learntrace.learnpack.models import ReadingPosition, UnreadDocument, Webhook
from learntrace.progress.recording.recording import lock_learners

_COLUMNS = (
    "id", "created_at", "event", "is_streaming", "package_slug", "status", "status_text", "replaced",
    "updated_at",
)  # fmt: skip


def about(user_id: int) -> QuerySet[Webhook]:
    """Return a user's webhooks.

    Among webhooks without a student, which came before the learner was known, those that name the user, and those that
    name no user and were sent by this one.
    """
    named = Q(payload__user_id=user_id) | Q(payload__user_id=str(user_id))
    unnamed = Q(payload__user_id__isnull=True) | Q(payload__user_id=None) | Q(payload__user_id="")
    return Webhook.objects.filter(
        Q(student=user_id) | (Q(student__isnull=True) & (named | (unnamed & Q(sender=user_id))))
    )


def _find(user_id: int) -> Rows:
    rows: Rows = about(user_id).order_by("id").values(*_COLUMNS, text=Cast("payload", TextField()))
    return rows


def _with_payload(row: Row) -> Row:
    """Put the payload as it is stored into the row: decoded, 5 MiB would take 130 MiB."""
    return {**{name: row[name] for name in _COLUMNS}, "payload": msgspec.Raw(row["text"].encode())}


def _erase(user_id: int) -> int:
    """Wait for workers that have locked any of the webhooks; a worker locks the learner after webhooks, if at all."""
    return about(user_id).delete()[0]


def _unread(user_id: int) -> Rows:
    rows = UnreadDocument.objects.filter(user=user_id).order_by("id")
    return rows.values("id", "asset_slug", "receipt", "until", text=Cast("document", TextField()))


def _with_document(row: Row) -> Row:
    kept = ("id", "asset_slug", "receipt", "until")
    return {**{name: row[name] for name in kept}, "document": msgspec.Raw(row["text"].encode())}


def _erase_unread(user_id: int) -> int:
    """Under the learner's lock: who is reading one records it before, and its activities go after this."""
    lock_learners([user_id])
    return UnreadDocument.objects.filter(user=user_id).delete()[0]


def _positions(user_id: int) -> Rows:
    return ReadingPosition.objects.filter(user=user_id).order_by("id").values("id", "asset_slug", "state")


def _with_position(row: Row) -> Row:
    """Put the position in a readable form into the row; it consists of steps, times, and digests of runs."""
    return {"id": row["id"], "asset_slug": row["asset_slug"], "position": msgspec.msgpack.decode(row["state"])}


def _erase_positions(user_id: int) -> int:
    """Under the learner's lock, as those who read documents hold it."""
    lock_learners([user_id])
    return ReadingPosition.objects.filter(user=user_id).delete()[0]


def register() -> None:
    register_datasets(
        PersonalDataset(
            "learnpack-unread",
            _("Messages of LearnPack whose attempts are still to be counted"),
            _unread,
            _erase_unread,
            shape=_with_document,
            chunk=2,
        ),
        PersonalDataset(
            "learnpack-positions",
            _("How far the messages of LearnPack were read"),
            _positions,
            _erase_positions,
            shape=_with_position,
        ),
        PersonalDataset(
            "learnpack-messages", _("Messages of LearnPack"), _find, _erase, shape=_with_payload, chunk=2, first=True
        ),
    )
