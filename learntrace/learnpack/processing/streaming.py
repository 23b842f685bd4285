"""LearnPack's streaming events: where an academy wants them, each becomes an activity before the next batch reports it.

The contract (3.2) implements none of them but `test`. An academy turns them on with `streaming_events` in its
`learnpack_features`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.academy_settings import LEARNPACK, feature_validator
from learntrace.accounts.models import AcademySettings
from learntrace.core.errors import FieldProblem
from learntrace.core.sql import fetch, json_rows
from learntrace.learnpack.academies import Scope, academies_of
from learntrace.learnpack.attempts.document import streamed_entry
from learntrace.learnpack.attempts.run_identity import Subject
from learntrace.learnpack.events import TEST
from learntrace.learnpack.processing import outcomes
from learntrace.learnpack.processing.claims import Claimed
from learntrace.learnpack.processing.dispatch import StreamedEvent
from learntrace.learnpack.processing.outcomes import Outcome, done, failed, not_implemented
from learntrace.progress.recording.activity_store import LearnerActivity
from learntrace.progress.recording.recording import record

FEATURE = "streaming_events"
SOURCE = "learnpack"

_LAST_SESSIONS = """
SELECT t.user_id, t.asset_slug, (t.telemetry -> 'workout_session')::text
  FROM assignments_assignmenttelemetry t
  JOIN jsonb_to_recordset(%s::jsonb) AS asked(user_id bigint, asset_slug text) USING (user_id, asset_slug)
"""


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise FieldProblem(LEARNPACK, _("`%(name)s` must be true or false"), name=FEATURE)
    return value


def register() -> None:
    """Have the feature checked wherever it is stored."""
    feature_validator(FEATURE, _flag, default=False)


def process_streamed(events: Sequence[StreamedEvent]) -> dict[int, Outcome]:
    """Record streaming events as activities in the open transaction; return each webhook's outcome by its id.

    The academy is that of the asset or of the learner (`academies`). Where it doesn't want them, `test` is accepted and
    changes nothing and the others are not implemented, as the contract says.
    """
    academies = _wanting_academies(events)
    _record(
        [
            (event.webhook, event.subject, academies[event.webhook.id])
            for event in events
            if event.subject is not None and event.webhook.id in academies
        ]
    )
    return {event.webhook.id: _outcome(event, event.webhook.id in academies) for event in events}


def _outcome(event: StreamedEvent, wanted: bool) -> Outcome:
    if wanted and event.subject is not None:
        return done(outcomes.TAKEN)
    if event.webhook.event == TEST:
        return done()
    return failed(outcomes.ASSET_NOT_FOUND) if wanted else not_implemented(event.webhook.event)


def _wanting_academies(events: Sequence[StreamedEvent]) -> dict[int, int]:
    """Return the academy of each event whose academy wants streaming events, by the webhook's id."""
    scopes = {
        event.webhook.id: Scope(event.student_id, event.asset.academy_id if event.asset else None)
        for event in events
        if event.student_id is not None
    }
    if not scopes:
        return {}
    academies = academies_of(set(scopes.values()))
    wanting = _wanting({academy for academy in academies.values() if academy is not None})
    return {
        webhook_id: academy
        for webhook_id, scope in scopes.items()
        if (academy := academies[scope]) is not None and academy in wanting
    }


def _wanting(academies: Collection[int]) -> set[int]:
    """Return those of the academies that want streaming events."""
    if not academies:
        return set()
    rows = AcademySettings.objects.filter(academy__in=academies, **{f"{LEARNPACK}__{FEATURE}": True})
    return set(rows.values_list("academy_id", flat=True))


def _record(events: Sequence[tuple[Claimed, Subject, int]]) -> None:
    """Record the activities of events, each with its subject and its academy."""
    if not events:
        return
    sessions = workout_sessions({subject for _webhook, subject, _academy in events})
    record(SOURCE, streamed_activities(events, sessions))


def streamed_activities(
    events: Iterable[tuple[Claimed, Subject, int | None]], sessions: Mapping[Subject, Any]
) -> list[LearnerActivity]:
    """Return the activities of streaming events, each with its subject and its academy; `sessions`: `workout_sessions`.

    Whether or not a document covers their time: documents lack earlier runs, and one that tells the same run tells the
    same activity.
    """
    return [
        LearnerActivity(subject.user_id, academy, entry.activity(webhook.received_at), entry.code())
        for webhook, subject, academy in events
        if (
            entry := streamed_entry(webhook.event, webhook.payload, webhook.received_at, subject, sessions.get(subject))
        )
        is not None
    ]


def workout_sessions(subjects: Collection[Subject]) -> dict[Subject, Any]:
    """Return the workout sessions of each subject's last document; subjects without one are left out."""
    return {
        Subject(user_id, slug): msgspec.json.decode(sessions) if sessions else None
        for user_id, slug, sessions in fetch(_LAST_SESSIONS, [json_rows(subjects)])
    }
