"""Deciding what is done with each webhook: pure checks, then its learner and asset (contract, 3.1 and 3.2)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

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
from learntrace.learnpack.attempts.run_identity import Subject
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
class _Told:
    """Whom and what a webhook is about; `translations` are those of the asset, the canonical one first."""

    learner_id: int
    resolved: ResolvedAsset
    translations: tuple[AssetFacts, ...]


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


def dispatch(webhooks: Iterable[Claimed], registry: Registry) -> Dispatched:
    """Check webhooks and sort them by their action; `registry`: `registry_for`."""
    dispatched = Dispatched()
    for webhook in webhooks:
        if refusal := _refusal(webhook):
            dispatched.refused[webhook.id] = refusal
        elif webhook.event in PACKAGE_EVENTS:
            dispatched.package_events.append(webhook)
        elif webhook.event == BATCH:
            batch = batch_of(webhook, registry)
            if isinstance(batch, Outcome):
                dispatched.refused[webhook.id] = batch
            else:
                dispatched.batches.append(batch)
        else:
            dispatched.streamed.append(streamed_event(webhook, registry))
    return dispatched


def _refusal(webhook: Claimed) -> Outcome | None:
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
    if refs.user is not None and webhook.student_id is None:
        return failed(outcomes.UNKNOWN_STUDENT, user_id=outcomes.shown(refs.user))
    if refs.event not in _KNOWN_EVENTS:
        return not_implemented(refs.event)
    return None


def batch_of(webhook: Claimed, registry: Registry) -> Batch | Outcome:
    """Return the batch, or the outcome of one that nothing is done with (`_told_of`)."""
    told = _told_of(webhook, registry)
    if isinstance(told, Outcome):
        return told
    sender, learner, asset = webhook.sender, webhook.learner, told.resolved.asset
    readers = owners(learner.academies, asset.academy_id)
    teaches = told.resolved.by_id and asset.learnpack_id is None and may_describe(sender, asset.academy_id)
    return Batch(
        webhook,
        told.learner_id,
        asset,
        told.translations,
        tuple(sorted(other.slug for other in told.translations if other == asset or sees(readers, other.home))),
        webhook.refs.package_id if teaches else None,
        closed_to(sender, learner),
    )


def _told_of(webhook: Claimed, registry: Registry) -> _Told | Outcome:
    """Return whom and what a webhook is about, or the outcome of one whose learner or asset is unknown or that its sender
    may not send.

    What the front door has let in is checked again: a role may have been taken away since.
    """
    sender, learner = webhook.sender, webhook.learner
    if learner.user_id is not None and not may_write(sender, learner, None):
        return failed(outcomes.NOT_THE_SENDERS)
    resolved = resolve(webhook.refs, registry, naming(sender, learner))
    if resolved is None:
        return failed(outcomes.ASSET_NOT_FOUND)
    if learner.user_id is None:
        return failed(outcomes.NO_STUDENT)
    translations = registry.translations(resolved.asset)
    if not may_write(sender, learner, translations[0].academy_id):
        return failed(outcomes.NOT_THE_SENDERS)
    return _Told(learner.user_id, resolved, translations)


def naming(sender: Sender, learner: Learner) -> MayName:
    """Return which assets a sender may name in what it tells of a learner."""
    return lambda asset: may_name(sender, learner, asset.home)


def streamed_event(webhook: Claimed, registry: Registry) -> StreamedEvent:
    """Return the streaming event; it has no subject where the learner or the asset is unknown or its sender may not tell
    anything of the two."""
    told = _told_of(webhook, registry)
    if isinstance(told, Outcome):
        return StreamedEvent(webhook, webhook.student_id, None, None)
    subject = Subject(told.learner_id, told.translations[0].slug)
    return StreamedEvent(webhook, told.learner_id, told.resolved.asset, subject)


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
