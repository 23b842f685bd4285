"""Making a learner's activities from LearnPack's documents: the union of what all of them told.

1. Processing stores a batch's document, as the record or to be read, and marks its (learner, asset) as stale in the same
   transaction. The next steps don't delay it.
2. A turn (`take_attempts`) claims stale pairs, reads their records and unread documents, and records the entries that no
   stored activity is. A document that no longer tells something removes nothing. Long documents take several turns
   (`long_documents`), and so do many.
3. `derive` makes the activities of a learner that the records and the streaming events that are still kept tell, so that
   a recomputation can add what is missing.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from learntrace.accounts.write_facts import read_people
from learntrace.accounts.write_scope import may_describe
from learntrace.assignments.telemetry_documents import from_client
from learntrace.core.sql import fetch
from learntrace.core.stopwatch import Pace, Stopwatch
from learntrace.learnpack.academies import Scope, academies_of
from learntrace.learnpack.attempts.clocks_ahead import count_by_receipt
from learntrace.learnpack.attempts.content import steps, testable_steps
from learntrace.learnpack.attempts.document import entries
from learntrace.learnpack.attempts.earlier_ids import change_earlier_ids
from learntrace.learnpack.attempts.long_documents import LONG, LongDocuments
from learntrace.learnpack.attempts.run_identity import Subject
from learntrace.learnpack.attempts.short_documents import record_short
from learntrace.learnpack.attempts.stored_activities import Standing, standings
from learntrace.learnpack.attempts.stored_documents import (
    MOST_UNREAD,
    StoredDocument,
    activities_of,
    document_heads,
    documents_of,
    forget_read,
    put_aside,
    read_contents,
    unread_heads,
)
from learntrace.learnpack.processing import outcomes
from learntrace.learnpack.processing.claims import read_streamed, registry_for
from learntrace.learnpack.processing.dispatch import streamed_event
from learntrace.learnpack.processing.streaming import SOURCE, streamed_activities, workout_sessions
from learntrace.learnpack.processing.unread_documents import TOPIC
from learntrace.measures.activity import TEST
from learntrace.progress import checks
from learntrace.progress.checks import Checked
from learntrace.progress.recording.activity_store import LearnerActivity
from learntrace.progress.recording.recording import tell_also, together
from learntrace.progress.stale_queue import Pair, take_turn
from learntrace.progress.step_lists import ToldList, tell
from learntrace.registry.resolution import AssetFacts, load_registry
from learntrace.signals.frustration import evaluate_scores

__all__ = ["CLAIM", "TOPIC", "derive", "learners", "take_attempts"]

# Documents may have some 100 KB each, and a turn's learners are locked until its end. So a turn claims as many as such turns
# have finished in so many seconds lately: what it claims and can't finish has been read for nothing.
CLAIM, FEWEST = 100, 50
TURN_SECONDS = 0.6
# For how long a turn reads documents, and then for how long it compares what they tell with what is stored.
READING_SECONDS = 0.4

# Streaming events are found by their step, as they may name their asset in many ways. A learner of another asset with
# such a step is selected too; nothing changes for that learner.
_LEARNERS = f"""
SELECT t.user_id FROM assignments_assignmenttelemetry t
 WHERE {from_client("t")}
   AND (%(slug)s::text IS NULL OR t.asset_slug = %(slug)s)
UNION
SELECT student_id FROM learnpack_webhook
 WHERE reason = %(taken)s AND student_id IS NOT NULL AND (%(step)s::text IS NULL OR payload ->> 'slug' = %(step)s)
 ORDER BY 1
"""  # noqa: S608 (only texts of ours)


def take_attempts(limit: int = CLAIM, older_than: float = 0) -> int:
    """Bring activities in step with documents that have changed; return how many documents were taken.

    Raises OperationalError when the database is away: they are taken later.
    """
    return take_turn(SOURCE, _update, min(limit, _pace.most), older_than, _put_aside)


def _put_aside(pair: Pair, error: Exception) -> None:
    put_aside(unread_heads([Subject(*pair)]), f"{type(error).__name__}: {error}")


_long_documents = LongDocuments()
_pace = Pace(TURN_SECONDS, least=FEWEST, most=CLAIM)


def _update(pairs: Sequence[Pair]) -> dict[Pair, float]:
    """Do the work of one turn; return the pairs whose work goes on in another one.

    The claim has locked the learners, so that what is stored stays as it is read here.
    """
    stopwatch = Stopwatch()
    with together():
        ready = change_earlier_ids({user_id for user_id, _slug in pairs})
        subjects = [Subject(*pair) for pair in pairs if pair[0] in ready]
        unread = unread_heads(subjects)
        heads = unread + document_heads(subjects)
        begun = next((head for head in heads if _long_documents.goes_on_with(head)), None)
        documents = read_contents([head for head in heads if head is not begun], READING_SECONDS)
        standing = standings({document.subject for document in documents}, LONG)
        short, long = _by_length(documents, standing)
        assets = _assets(subjects)
        academies = _academies(subjects, assets)
        _tell_steps([document for document in documents if document.is_record], academies, assets)
        checks.tell(_checked(documents, academies))
        done = record_short(short, academies, standing, READING_SECONDS)
        if begun is not None and _long_documents.take_part(begun):
            if _long_documents.has_failed(begun):
                put_aside([begun], "its work has failed before")
            done.append(begun)
        elif begun is None and long:
            # Reading it was this turn's part. Records come again as long as there are unread documents beside them.
            first = min(long, key=lambda document: document.is_record)
            _long_documents.begin(first, academies[first.subject])
        forget_read(document for document in done if not _long_documents.has_failed(document))
        tell_also(evaluate_scores(_scored([document for document in done if document.is_record], academies)))
    unfinished = _unfinished(heads, done)
    if len(pairs) >= FEWEST:
        _pace.note(max(len(pairs) - len(unfinished), FEWEST), stopwatch.seconds)
    return {pair: 0.0 for pair in pairs if pair[0] not in ready or Subject(*pair) in unfinished}


def _unfinished(heads: Collection[StoredDocument], done: Iterable[StoredDocument]) -> set[Subject]:
    """Return the subjects not all of whose documents are done: with as many unread ones as a turn reads, there may be more."""
    numbers = Counter(head.subject for head in heads)
    finished = {document.place for document in done}
    left = {head.subject for head in heads if head.place not in finished}
    return left | {subject for subject, number in numbers.items() if number > MOST_UNREAD}


def _by_length(
    documents: Sequence[StoredDocument], standing: Mapping[Subject, Standing]
) -> tuple[list[StoredDocument], list[StoredDocument]]:
    """Part documents into short and long ones."""
    short: list[StoredDocument] = []
    long: list[StoredDocument] = []
    for document in documents:
        is_long = standing[document.subject].number > LONG or document.has_more_runs(LONG)
        (long if is_long else short).append(document)
    return short, long


def _scored(documents: Iterable[StoredDocument], academies: Mapping[Subject, int | None]) -> dict[Pair, int | None]:
    """Return the learners' assets whose scores come from LearnPack, with the academy."""
    return {
        (document.subject.user_id, document.subject.asset_slug): academies[document.subject] for document in documents
    }


def derive(user_id: int) -> list[LearnerActivity]:
    """Return the activities of a learner, whose lock is held, that records and kept streaming events tell.

    Those that are stored with ids of the earlier form get today's before, and those of a clock ahead their receipt.
    """
    while user_id not in change_earlier_ids([user_id]):
        pass
    count_by_receipt(user_id)
    documents = documents_of(user_id)
    webhooks = read_streamed(user_id)
    registry = registry_for(webhooks)
    streamed = [
        (webhook, subject) for webhook in webhooks if (subject := streamed_event(webhook, registry).subject) is not None
    ]
    subjects = {document.subject for document in documents} | {subject for _webhook, subject in streamed}
    academies = _academies(subjects, _assets(subjects))
    derived: list[LearnerActivity] = []
    for document in documents:
        read = entries(document.content, document.subject)
        derived += activities_of(document, academies[document.subject], read)
    told = [(webhook, subject, academies[subject]) for webhook, subject in streamed]
    derived += streamed_activities(told, workout_sessions(subjects))
    # What a document tells has more of it than a streaming event.
    return list({row.activity.id: row for row in reversed(derived)}.values())


def learners(assignment: str | None) -> list[int]:
    """Return the ids of the learners with documents or streamed activities, of all or of the assignment's asset."""
    slug, _slash, step = (assignment or "").partition("/")
    rows = fetch(_LEARNERS, {"slug": slug or None, "step": step or None, "taken": outcomes.TAKEN})
    return [user_id for (user_id,) in rows]


def _assets(subjects: Iterable[Subject]) -> Mapping[str, AssetFacts]:
    """Return the assets by their own slugs: a subject's slug is canonical, an alias is another asset's."""
    registry = load_registry(slugs={subject.asset_slug for subject in subjects})
    return {asset.slug: asset for asset in registry.by_id.values()}


def _academies(subjects: Iterable[Subject], assets: Mapping[str, AssetFacts]) -> dict[Subject, int | None]:
    scopes = {
        subject: Scope(subject.user_id, asset.academy_id if (asset := assets.get(subject.asset_slug)) else None)
        for subject in subjects
    }
    academies = academies_of(set(scopes.values()))
    return {subject: academies[scope] for subject, scope in scopes.items()}


def _tell_steps(
    documents: Iterable[StoredDocument], academies: Mapping[Subject, int | None], assets: Mapping[str, AssetFacts]
) -> None:
    """Store the list of steps that each document has: as its learner's, or as that of a service (`step_lists`)."""
    documents = list(documents)
    senders = read_people(document.sender_id for document in documents)
    told: dict[tuple[int, int, int | None], ToldList] = {}
    for document in sorted(documents, key=lambda document: (document.until is not None, document.until)):
        subject = document.subject
        asset, academy = assets.get(subject.asset_slug), academies[subject]
        listed = steps(document.shown)
        if asset is None or academy is None or not listed:
            continue
        sender = senders.sender(document.sender_id, None)
        describes = sender.speaks_for(academy) and may_describe(sender, asset.academy_id)
        learner = None if describes else subject.user_id
        told[academy, asset.id, learner] = ToldList(
            academy, asset.id, learner, tuple((step.slug, step.title) for step in listed)
        )
    tell(told.values())


def _checked(documents: Iterable[StoredDocument], academies: Mapping[Subject, int | None]) -> set[Checked]:
    """Return the steps that have a test, as documents say."""
    return {
        Checked(academies[document.subject], f"{document.subject.asset_slug}/{slug}", TEST)
        for document in documents
        for slug in testable_steps(document.shown)
    }
