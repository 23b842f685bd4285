"""From stored documents to attempts: what a batch has changed is noted with it and looked at in a turn of its own.

The drain, which clients' batches wait for, only notes; of many batches that came meanwhile the last one is read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from django.db import connection

from learntrace.learnpack import outcomes
from learntrace.learnpack.academies import Scope, academies_of
from learntrace.learnpack.attempts import Subject, Telling, steps, told
from learntrace.learnpack.claims import read_streamed, registry_for
from learntrace.learnpack.dispatch import resolve
from learntrace.learnpack.streaming import NOTHING, SOURCE, newer, told_of
from learntrace.progress import reading
from learntrace.progress.published import Listed, publish_assignments, published
from learntrace.progress.recording import Done, lock_learners, record, replace, tell_also, together
from learntrace.progress.turns import Pair, take_turn
from learntrace.registry.resolution import AssetFacts, load_registry
from learntrace.signals.scores import look_at_scores

TOPIC: Final = "learnpack-attempts"
# Documents may have some 100 KB each, and a turn's learners are in hand until its end.
CLAIM = 25

_DOCUMENTS = """
SELECT t.user_id, t.asset_slug, t.last_interaction_at, t.telemetry::text
  FROM assignments_assignmenttelemetry t
  JOIN jsonb_to_recordset(%s::jsonb) AS asked(user_id bigint, asset_slug text) USING (user_id, asset_slug)
"""
# A learner's documents that came through a source's inbox, but for those that another source made.
_OF_LEARNER = """
SELECT user_id, asset_slug, last_interaction_at, telemetry::text FROM assignments_assignmenttelemetry
 WHERE user_id = %s AND receipt IS NOT NULL AND telemetry ->> 'agent' IS DISTINCT FROM 'jupyter'
"""
# By the step, as a streaming event may name its asset in many ways: who is another asset's is looked at in vain.
_LEARNERS = """
SELECT user_id FROM assignments_assignmenttelemetry
 WHERE receipt IS NOT NULL AND telemetry ->> 'agent' IS DISTINCT FROM 'jupyter'
   AND (%(slug)s::text IS NULL OR asset_slug = %(slug)s)
UNION
SELECT student_id FROM learnpack_webhook
 WHERE reason = %(taken)s AND student_id IS NOT NULL AND (%(step)s::text IS NULL OR payload ->> 'slug' = %(step)s)
 ORDER BY 1
"""
# What is stored of the learners' work on the assets.
_STORED = """
SELECT asked.user_id, asked.asset_slug, a.id::text, a.at
  FROM jsonb_to_recordset(%s::jsonb) AS asked(user_id bigint, asset_slug text)
  JOIN progress_activity a
    ON a.user_id = asked.user_id AND a.source = %s AND starts_with(a.assignment, asked.asset_slug || '/')
"""


@dataclass(frozen=True)
class _Document:
    """A learner's last document on an asset."""

    subject: Subject
    until: datetime | None
    content: Any

    def leaves(self, at: datetime) -> bool:
        """Whether it says nothing of that moment, as what came as a streaming event after it."""
        return self.until is None or at > self.until


def take_attempts(limit: int = CLAIM, older_than: float = 0) -> int:
    """Bring attempts in step with documents that have changed; returns how many of them were taken.

    Raises OperationalError when the database is away: they are taken later.
    """
    return take_turn(SOURCE, _take, limit, older_than)


def _take(pairs: Sequence[Pair]) -> None:
    subjects = [Subject(*pair) for pair in pairs]
    with together():
        # Now, so that no streaming event is recorded between our reading and our replacing.
        lock_learners([subject.user_id for subject in subjects])
        documents = _documents(subjects)
        assets = _assets(subjects)
        academies = _academies(subjects, assets)
        _publish(documents, academies, assets)
        stored = _stored(subjects)
        new: list[Done] = []
        gone: list[tuple[_Document, list[Done]]] = []
        for document in documents:
            held, academy = stored.get(document.subject, {}), academies[document.subject]
            tellings = told(document.content, document.subject)
            ids = {one.id for one in tellings}
            if all(identifier in ids or document.leaves(at) for identifier, at in held.items()):
                # What is known is not read again, of which there is more in every batch.
                new += _done(document, academy, (one for one in tellings if one.id not in held))
            else:
                gone.append((document, _done(document, academy, tellings)))
        # All that only grows, as most documents do, at once.
        record(SOURCE, new)
        _replace(gone, stored)
        tell_also(look_at_scores(_scored(documents, academies)))


def _scored(documents: Iterable[_Document], academies: Mapping[Subject, int | None]) -> dict[Pair, int | None]:
    """Whose scores LearnPack tells: what a notebook tells of the same asset is no batch's."""
    return {
        (one.subject.user_id, one.subject.asset_slug): academies[one.subject]
        for one in documents
        if not (isinstance(one.content, dict) and one.content.get("agent") == "jupyter")
    }


def derive(user_id: int) -> list[Done]:
    """All that a learner did in LearnPack, made again from the stored documents and the streaming events still kept."""
    documents = _read(_OF_LEARNER, user_id)
    webhooks = read_streamed(user_id)
    registry = registry_for(webhooks)
    located = [
        (webhook, Subject(user_id, registry.canonical(resolved.asset).slug))
        for webhook in webhooks
        if (resolved := resolve(webhook, registry)) is not None
    ]
    subjects = {document.subject for document in documents} | {subject for _webhook, subject in located}
    last = told_of(subjects)
    academies = _academies(subjects, _assets(subjects))
    found = [
        one
        for document in documents
        for one in _done(document, academies[document.subject], told(document.content, document.subject))
    ]
    found += [
        Done(user_id, academies[subject], activity)
        for webhook, subject in located
        if (activity := newer(webhook, subject, last.get(subject, NOTHING))) is not None
    ]
    return list({one.activity.id: one for one in found}.values())


def learners(assignment: str | None) -> list[int]:
    """The ids of the learners of whom there is anything, or anything on the asset of that assignment."""
    slug, _slash, step = (assignment or "").partition("/")
    with connection.cursor() as cursor:
        cursor.execute(_LEARNERS, {"slug": slug or None, "step": step or None, "taken": outcomes.TAKEN})
        return [row[0] for row in cursor.fetchall()]


def _documents(subjects: Sequence[Subject]) -> list[_Document]:
    """The subjects' documents, in the order of the subjects; an empty one where there is none any more."""
    found = {document.subject: document for document in _read(_DOCUMENTS, _asked(subjects))}
    return [found.get(subject) or _Document(subject, None, None) for subject in subjects]


def _read(statement: str, parameter: str | int) -> list[_Document]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [parameter])
        return [
            _Document(Subject(row[0], row[1]), row[2], msgspec.json.decode(row[3]) if row[3] else None)
            for row in cursor.fetchall()
        ]


def _done(document: _Document, academy: int | None, tellings: Iterable[Telling]) -> list[Done]:
    return [Done(document.subject.user_id, academy, one.activity()) for one in tellings]


def _assets(subjects: Iterable[Subject]) -> Mapping[str, AssetFacts]:
    """The assets by their slugs themselves: a subject's slug is canonical, and an alias of that name is another's."""
    registry = load_registry(slugs={subject.asset_slug for subject in subjects})
    return {asset.slug: asset for asset in registry.by_id.values()}


def _academies(subjects: Iterable[Subject], assets: Mapping[str, AssetFacts]) -> dict[Subject, int | None]:
    scopes = {
        subject: Scope(subject.user_id, asset.academy_id if (asset := assets.get(subject.asset_slug)) else None)
        for subject in subjects
    }
    academies = academies_of(set(scopes.values()))
    return {subject: academies[scope] for subject, scope in scopes.items()}


def _publish(
    documents: Iterable[_Document], academies: Mapping[Subject, int | None], assets: Mapping[str, AssetFacts]
) -> None:
    """Have each asset's steps be those of the newest of these documents: who works with an older version of a package
    has others, until the next one who has the newer version writes."""
    listed: dict[tuple[int, int], list[Listed]] = {}
    for document in sorted(documents, key=lambda one: (one.until is not None, one.until)):
        asset, academy = assets.get(document.subject.asset_slug), academies[document.subject]
        found = [(step.key, step.title, step.position) for step in steps(document.content, document.subject)]
        if asset is not None and academy is not None and found:
            listed[academy, asset.id] = found
    held = published(listed)
    for (academy, asset_id), wanted in sorted(listed.items()):
        if held[academy, asset_id] != wanted:
            publish_assignments(academy, asset_id, wanted)


def _stored(subjects: Iterable[Subject]) -> dict[Subject, dict[str, datetime]]:
    """The activities that are stored, each one's id and time."""
    found: dict[Subject, dict[str, datetime]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_STORED, [_asked(subjects), SOURCE])
        for user_id, slug, identifier, at in cursor.fetchall():
            found.setdefault(Subject(user_id, slug), {})[identifier] = at
    return found


def _replace(gone: Sequence[tuple[_Document, list[Done]]], stored: Mapping[Subject, Mapping[str, datetime]]) -> None:
    """Where a document no longer tells something: have it be all, but for what was streamed after it."""
    left = [
        identifier
        for document, _done in gone
        for identifier, at in stored[document.subject].items()
        if document.leaves(at)
    ]
    streamed = {one.activity.id: one for one in reading.by_id(left)}
    for document, done in gone:
        subject = document.subject
        mine = [streamed[identifier] for identifier in stored[subject] if identifier in streamed]
        ids = {one.activity.id for one in done}
        wanted = done + [one for one in mine if one.activity.id not in ids]
        replace(SOURCE, subject.user_id, f"{subject.asset_slug}/", wanted)


def _asked(subjects: Iterable[Subject]) -> str:
    rows = [{"user_id": one.user_id, "asset_slug": one.asset_slug} for one in subjects]
    return msgspec.json.encode(rows).decode()
