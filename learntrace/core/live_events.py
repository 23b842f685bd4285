"""Live events: changes in an academy as rows that are kept for an hour, and a NOTIFY that makes streams read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from learntrace.core.deletion import delete_in_batches
from learntrace.core.models import LiveEvent
from learntrace.core.personal_data import PersonalDataset, Rows, register_datasets
from learntrace.core.sql import fetch, json_rows

CHANNEL = "learntrace_live"
SIGNAL: Final = "signal"
CONCERN: Final = "concern"
HELP_REQUEST: Final = "help_request"
PROGRESS: Final = "progress"
WEBHOOK: Final = "webhook"
# The part of the data that streams don't send: an Audience.
AUDIENCE: Final = "audience"
KEPT = timedelta(hours=1)

# Ids are drawn from a sequence before the commit. A reader that continues after the last id it has seen would miss a
# lower id that is committed later, so the writers of an academy take turns: from this lock to the end of the transaction.
# All of it is one statement: no row is inserted, and so no id drawn, before `turn` has been counted, which waits for the locks.
_SAY = """
WITH turn AS MATERIALIZED (
    SELECT pg_advisory_xact_lock(hashtextextended('learntrace live ' || academy, 0))
      FROM unnest(%(academies)s::text[]) AS academy
), said AS (
    INSERT INTO core_liveevent (academy_id, kind, data)
    SELECT academy_id, kind, data
      FROM jsonb_to_recordset(%(changes)s::jsonb) AS r(academy_id bigint, kind text, data jsonb)
     WHERE (SELECT count(*) FROM turn) > 0
    RETURNING id
)
SELECT pg_notify(%(channel)s, academy) FROM unnest(%(academies)s::text[]) AS academy WHERE (SELECT count(*) FROM said) > 0
"""


class Audience(NamedTuple):
    """Which members who are limited to cohorts get a change that is about several learners, by ids of cohorts.

    Those of `cohorts` get it, with the number of the `learners` whom they see; for those of `left` what it is about is over.
    """

    cohorts: Sequence[int] = ()
    left: Sequence[int] = ()
    learners: Sequence[int] = ()


@dataclass(frozen=True)
class Change:
    """A change in an academy: its kind, and the data (plain JSON) that streams send of it, besides its AUDIENCE."""

    academy_id: int
    kind: str
    data: Mapping[str, Any]


def say(changes: Sequence[Change]) -> None:
    """Publish changes to the streams of their academies when the open transaction commits. Call it last in the transaction."""
    if not changes:
        return
    academies = [str(academy) for academy in sorted({change.academy_id for change in changes})]
    fetch(_SAY, {"academies": academies, "changes": json_rows(changes), "channel": CHANNEL})


def forget_old() -> int:
    """Delete events older than KEPT, and return how many.

    An academy's events are deleted in the order of their ids, whatever their times: a stream that still finds the row that
    it has seen last finds all later rows too. The newest row stays, so that a stream can resume after quiet hours.
    """
    until = timezone.now() - KEPT
    newer = LiveEvent.objects.filter(academy_id=OuterRef("academy_id"), pk__gt=OuterRef("pk"))
    old = LiveEvent.objects.filter(Exists(newer), created_at__lt=until).order_by("pk")
    first_young = LiveEvent.objects.filter(created_at__gte=until).order_by("pk").values_list("pk", flat=True).first()
    return delete_in_batches(old if first_young is None else old.filter(pk__lt=first_young))


def events_about(user_id: int) -> QuerySet[LiveEvent]:
    """Return the events about a learner: a progress event holds the id, a signal a document of the person, a concern of the
    class the ids of several."""
    several = Q(**{f"data__{AUDIENCE}__learners__contains": user_id})
    return LiveEvent.objects.filter(Q(data__learner=user_id) | Q(data__learner__id=user_id) | several)


def _find(user_id: int) -> Rows:
    return events_about(user_id).order_by("id").values("academy_id", "kind", "data", "created_at")


def _erase(user_id: int) -> int:
    # A stream that resumes after one of these reloads everything, as after any event that is deleted.
    return events_about(user_id).delete()[0]


def register_personal_data() -> None:
    register_datasets(
        PersonalDataset(
            "live-messages", _("Live updates that were sent to open pages, kept for an hour"), _find, _erase
        )
    )
