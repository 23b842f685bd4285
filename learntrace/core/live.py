"""The channel that says what changed: rows for an hour, and a NOTIFY that has whoever watches look at them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import msgspec
from django.db import connection
from django.db.models import Exists, OuterRef
from django.utils import timezone

from learntrace.core.deletion import delete_in_batches
from learntrace.core.models import LiveEvent

CHANNEL = "learntrace_live"
SIGNAL: Final = "signal"
PROGRESS: Final = "progress"
WEBHOOK: Final = "webhook"
KEPT = timedelta(hours=1)

# Ids come from a sequence before the commit. Whoever reads what is above the last id it has seen would miss a lower one
# that is committed later; so those who write for an academy take turns, from here to the end of their transaction.
_TURN = "SELECT pg_advisory_xact_lock(hashtextextended('learntrace live ' || academy, 0)) FROM unnest(%s::text[]) AS academy"
_SAY = """
INSERT INTO core_liveevent (academy_id, kind, data)
SELECT academy_id, kind, data FROM jsonb_to_recordset(%s::jsonb) AS r(academy_id bigint, kind text, data jsonb)
"""
_NOTIFY = "SELECT pg_notify(%s, academy) FROM unnest(%s::text[]) AS academy"


@dataclass(frozen=True)
class Change:
    """Something that changed in an academy: what kind, and what those who watch get to see of it (plain JSON)."""

    academy_id: int
    kind: str
    data: Mapping[str, Any]


def say(changes: Sequence[Change]) -> None:
    """Tell those who watch the academies, once the open transaction commits. Call it last in the transaction."""
    if not changes:
        return
    academies = [str(academy) for academy in sorted({change.academy_id for change in changes})]
    rows = [{"academy_id": one.academy_id, "kind": one.kind, "data": one.data} for one in changes]
    with connection.cursor() as cursor:
        cursor.execute(_TURN, [academies])
        cursor.execute(_SAY, [msgspec.json.encode(rows).decode()])
        cursor.execute(_NOTIFY, [CHANNEL, academies])


def forget_old() -> int:
    """Delete what is older than anybody resumes from; how many.

    Within an academy the oldest ids go first, whatever their times: whoever finds the row that it has seen last finds all
    that came after it. The newest stays, so that one can resume after hours in which nothing happened.
    """
    until = timezone.now() - KEPT
    newer = LiveEvent.objects.filter(academy_id=OuterRef("academy_id"), pk__gt=OuterRef("pk"))
    old = LiveEvent.objects.filter(Exists(newer), created_at__lt=until).order_by("pk")
    first_young = LiveEvent.objects.filter(created_at__gte=until).order_by("pk").values_list("pk", flat=True).first()
    return delete_in_batches(old if first_young is None else old.filter(pk__lt=first_young))
