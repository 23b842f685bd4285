"""LearnPack's streaming events, where an academy takes them: each is activity at once, before the next batch tells it.

The contract (3.2) has none of them but `test` implemented; an academy that sets `streaming_events` in its
`learnpack_features` has.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.academy_settings import LEARNPACK, feature_validator
from learntrace.accounts.models import AcademySettings
from learntrace.core.errors import FieldProblem
from learntrace.learnpack import outcomes
from learntrace.learnpack.academies import Scope, academies_of
from learntrace.learnpack.attempts import Subject, streamed
from learntrace.learnpack.dispatch import TEST, Claimed, not_implemented, resolve
from learntrace.learnpack.outcomes import Outcome, done, failed
from learntrace.metrics.attempts import Activity
from learntrace.progress.recording import Done, record
from learntrace.registry.resolution import AssetFacts, Registry

FEATURE = "streaming_events"
SOURCE = "learnpack"

_TOLD = """
SELECT t.user_id, t.asset_slug, t.last_interaction_at, (t.telemetry -> 'workout_session')::text
  FROM assignments_assignmenttelemetry t
  JOIN jsonb_to_recordset(%s::jsonb) AS asked(user_id bigint, asset_slug text) USING (user_id, asset_slug)
"""


@dataclass(frozen=True)
class Told:
    """What a learner's last document says of when: its last interaction, and its workout sessions."""

    until: datetime | None = None
    workout: Any = None


NOTHING = Told()


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise FieldProblem(LEARNPACK, _("`%(name)s` must be true or false"), name=FEATURE)
    return value


def register() -> None:
    """Have the feature checked wherever it is stored."""
    feature_validator(FEATURE, _flag)


def process_streamed(
    webhooks: Sequence[Claimed], registry: Registry, known_users: Collection[int]
) -> dict[int, Outcome]:
    """Take streaming events in the open transaction; return each webhook's outcome by its id.

    The academy is that of the asset or of the learner (`academies`). Where it doesn't take them, `test` is accepted and
    changes nothing and the others are not implemented, as the contract says.
    """
    assets = {webhook.id: _asset(webhook, registry) for webhook in webhooks}
    scopes = {
        webhook.id: Scope(student, asset.academy_id if (asset := assets[webhook.id]) else None)
        for webhook in webhooks
        if (student := webhook.student()) in known_users and student is not None
    }
    academies = academies_of(set(scopes.values())) if scopes else {}
    taking = _taking({academy for academy in academies.values() if academy is not None})
    results: dict[int, Outcome] = {}
    subjects: list[tuple[Claimed, Subject, int]] = []
    for webhook in webhooks:
        academy = academies[scopes[webhook.id]] if webhook.id in scopes else None
        asset = assets[webhook.id]
        if academy not in taking or academy is None:
            results[webhook.id] = done() if webhook.event == TEST else not_implemented(webhook)
        elif asset is None:
            results[webhook.id] = done() if webhook.event == TEST else failed(outcomes.ASSET_NOT_FOUND)
        else:
            results[webhook.id] = done(outcomes.TAKEN)
            slug = registry.canonical(asset).slug
            subjects.append((webhook, Subject(scopes[webhook.id].user_id, slug), academy))
    _record(subjects)
    return results


def newer(webhook: Claimed, subject: Subject, told: Told) -> Activity | None:
    """What a streaming event tells beyond the learner's last document, which is the better witness of what it covers."""
    if webhook.received_at is None:
        return None
    activity = streamed(webhook.event, webhook.head, webhook.received_at, subject, told.workout)
    return None if activity is None or (told.until is not None and activity.at <= told.until) else activity


def told_of(subjects: Collection[Subject]) -> Mapping[Subject, Told]:
    """What the last documents on these say; those without a document are left out."""
    asked = msgspec.json.encode([{"user_id": one.user_id, "asset_slug": one.asset_slug} for one in subjects])
    with connection.cursor() as cursor:
        cursor.execute(_TOLD, [asked.decode()])
        return {
            Subject(row[0], row[1]): Told(row[2], msgspec.json.decode(row[3]) if row[3] else None)
            for row in cursor.fetchall()
        }


def _asset(webhook: Claimed, registry: Registry) -> AssetFacts | None:
    resolved = resolve(webhook, registry)
    return resolved.asset if resolved else None


def _taking(academies: Collection[int]) -> set[int]:
    """Those of the academies that take streaming events."""
    if not academies:
        return set()
    on = AcademySettings.objects.filter(academy__in=academies, **{f"{LEARNPACK}__{FEATURE}": True})
    return set(on.values_list("academy_id", flat=True))


def _record(subjects: Sequence[tuple[Claimed, Subject, int]]) -> None:
    if not subjects:
        return
    told = told_of({subject for _webhook, subject, _academy in subjects})
    record(
        SOURCE,
        [
            Done(subject.user_id, academy, activity)
            for webhook, subject, academy in subjects
            if (activity := newer(webhook, subject, told.get(subject, NOTHING))) is not None
        ],
    )
