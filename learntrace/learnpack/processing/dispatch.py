"""Deciding what is done with each webhook: pure checks, then its learner and asset (contract, 3.1 and 3.2)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from learntrace.accounts.write_facts import People
from learntrace.accounts.write_scope import (
    NOWHERE,
    Learner,
    Sender,
    closed_to,
    may_describe,
    may_name,
    may_write,
    owners,
    sees,
)
from learntrace.learnpack.attempts.document import Subject
from learntrace.learnpack.events import BATCH, IMPLEMENTED, PACKAGE_EVENTS, STREAMED
from learntrace.learnpack.payloads import choose_asset
from learntrace.learnpack.processing import outcomes
from learntrace.learnpack.processing.claims import Claimed
from learntrace.learnpack.processing.outcomes import Outcome, failed, not_implemented
from learntrace.learnpack.webhook_refs import WebhookRefs
from learntrace.registry.resolution import AssetFacts, MayName, Registry

_KNOWN_EVENTS = IMPLEMENTED | STREAMED


@dataclass(frozen=True, slots=True)
class ResolvedAsset:
    """The asset that a webhook is about; `by_id`: the payload names it by its id."""

    asset: AssetFacts
    by_id: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of a known learner, whose sender may write the learner's record on its asset.

    `translations` are those of the asset, the canonical one first; `shown_slugs` those that everybody who sees the webhook
    may know. `new_package_id` is the payload's package id if the asset has none yet and the sender may say so. `closed` are
    the academies whose tasks it leaves alone.
    """

    webhook: Claimed
    student_id: int
    asset: AssetFacts
    translations: tuple[AssetFacts, ...]
    shown_slugs: tuple[str, ...] = ()
    new_package_id: int | None = None
    closed: frozenset[int] = NOWHERE

    @property
    def key(self) -> tuple[int, str]:
        """The learner and the canonical asset: of batches with equal keys, the newest counts."""
        return self.student_id, self.translations[0].slug

    @property
    def slugs(self) -> tuple[str, ...]:
        return tuple(sorted(asset.slug for asset in self.translations))


@dataclass(frozen=True, slots=True)
class StreamedEvent:
    """A streaming event; what is unknown is None, and `subject` is None if the learner or the asset is."""

    webhook: Claimed
    student_id: int | None
    asset: AssetFacts | None
    subject: Subject | None


@dataclass
class Dispatched:
    """Webhooks by what is done with them; `refused` has the outcome of those for which nothing is done."""

    refused: dict[int, Outcome] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    package_events: list[Claimed] = field(default_factory=list)
    streamed: list[StreamedEvent] = field(default_factory=list)


def dispatch(webhooks: Iterable[Claimed], registry: Registry, people: People) -> Dispatched:
    """Check webhooks and sort them by their action; `people`: their learners and senders."""
    dispatched = Dispatched()
    for webhook in webhooks:
        if refusal := _refusal(webhook, people):
            dispatched.refused[webhook.id] = refusal
        elif webhook.event in PACKAGE_EVENTS:
            dispatched.package_events.append(webhook)
        elif webhook.event == BATCH:
            batch = batch_of(webhook, registry, people)
            if isinstance(batch, Outcome):
                dispatched.refused[webhook.id] = batch
            else:
                dispatched.batches.append(batch)
        else:
            dispatched.streamed.append(_streamed_event(webhook, registry, people))
    return dispatched


def _refusal(webhook: Claimed, people: People) -> Outcome | None:
    """Return the outcome of the first check that fails, None where the webhook's action may run.

    Streaming events pass: whether they have an action depends on an academy's settings (`streaming`).
    """
    refs = webhook.refs
    if not refs.event.strip():
        return failed(outcomes.NO_EVENT)
    if not webhook.payload:
        return failed(outcomes.NO_PAYLOAD)
    if not refs.names_asset:
        return failed(outcomes.NO_SLUG)
    if refs.user is not None and refs.user_id not in people:
        return failed(outcomes.UNKNOWN_STUDENT, user_id=outcomes.shown(refs.user))
    if refs.event not in _KNOWN_EVENTS:
        return not_implemented(refs.event)
    return None


def batch_of(webhook: Claimed, registry: Registry, people: People) -> Batch | Outcome:
    """Return the batch, or the outcome of one whose learner or asset is unknown or that its sender may not send.

    What the front door has let in is checked again: a role may have been taken away since.
    """
    sender, learner = _parties(webhook, people)
    known = webhook.student_id is not None and webhook.student_id in people
    if known and not may_write(sender, learner, None):
        return failed(outcomes.NOT_THE_SENDERS)
    resolved = resolve(webhook.refs, registry, naming(sender, learner))
    if resolved is None:
        return failed(outcomes.ASSET_NOT_FOUND)
    if webhook.student_id is None or not known:
        return failed(outcomes.NO_STUDENT)
    asset = resolved.asset
    translations = registry.translations(asset)
    if not may_write(sender, learner, translations[0].academy_id):
        return failed(outcomes.NOT_THE_SENDERS)
    readers = owners(learner.academies, asset.academy_id)
    teaches = resolved.by_id and asset.learnpack_id is None and may_describe(sender, asset.academy_id)
    return Batch(
        webhook,
        webhook.student_id,
        asset,
        translations,
        tuple(sorted(other.slug for other in translations if other == asset or sees(readers, other.home))),
        webhook.refs.package_id if teaches else None,
        closed_to(sender, learner),
    )


def _parties(webhook: Claimed, people: People) -> tuple[Sender, Learner]:
    return people.sender(webhook.sender_id, webhook.student_id), people.learner(webhook.student_id)


def naming(sender: Sender, learner: Learner) -> MayName:
    """Return which assets a sender may name in what it tells of a learner."""
    return lambda asset: may_name(sender, learner, asset.home)


def _streamed_event(webhook: Claimed, registry: Registry, people: People) -> StreamedEvent:
    student = webhook.student_id if webhook.student_id in people else None
    asset = streamed_asset(webhook, registry, people)
    if asset is None or student is None:
        return StreamedEvent(webhook, student, asset, None)
    return StreamedEvent(webhook, student, asset, Subject(student, registry.canonical(asset).slug))


def streamed_asset(webhook: Claimed, registry: Registry, people: People) -> AssetFacts | None:
    """Return the asset of a streaming event, None for one on which its sender may not tell anything of the learner."""
    sender, learner = _parties(webhook, people)
    resolved = resolve(webhook.refs, registry, naming(sender, learner))
    if resolved is None or not may_write(sender, learner, registry.canonical(resolved.asset).academy_id):
        return None
    return resolved.asset


def resolve(refs: WebhookRefs, registry: Registry, may_name: MayName) -> ResolvedAsset | None:
    """Return the asset that a batch or a streaming event is about (contract, 3.1), None if none.

    An asset that may not be named is passed over as if it didn't exist.
    """
    languages = {
        asset_id: registry.by_id[asset_id].lang
        for asset_id in refs.asset_ids
        if asset_id in registry.by_id and may_name(registry.by_id[asset_id])
    }
    chosen = choose_asset(languages, languages)
    if chosen is not None:
        return ResolvedAsset(registry.by_id[chosen], by_id=True)
    for slug in refs.asset_slugs:
        if named := registry.by_slug(slug, may_name):
            return ResolvedAsset(named)
    packaged = registry.by_package(refs.package_id, may_name) if refs.package_id is not None else None
    return ResolvedAsset(packaged) if packaged else None
