"""What is to be done with a webhook: the checks that come before any action (contract, 3.1 and 3.2), on plain values."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from learntrace.learnpack import outcomes
from learntrace.learnpack.attempts import STREAMED
from learntrace.learnpack.outcomes import Outcome, failed
from learntrace.learnpack.payloads import asset_id_candidates, asset_id_raw, choose_asset, natural_id, package_id
from learntrace.metrics.timestamps import interaction_order
from learntrace.registry.resolution import AssetFacts, Registry

BATCH, TEST = "batch", "test"
PUBLISHED, MANIFEST_UPDATED = "package_published", "package_manifest_updated"
PACKAGE_EVENTS = frozenset({PUBLISHED, MANIFEST_UPDATED})
ACTIONS = frozenset({BATCH, TEST}) | PACKAGE_EVENTS

_NAMES = ("slug", "package_slug", "asset_id", "asset_ids", "package_id")
_LONGEST_SHOWN = 200


@dataclass(frozen=True)
class Claimed:
    """A webhook in a worker's hand. `head` is its payload without the long lists, `id` its place among the received."""

    id: int
    event: str
    head: Mapping[str, Any]
    student_id: int | None
    sender_id: int | None = None
    received_at: datetime | None = None

    def named_user(self) -> object:
        """The user that the payload names: any JSON value, None if none."""
        value = self.head.get("user_id")
        return None if value == "" else value

    def student(self) -> int | None:
        """The id of the user that this is about."""
        named = self.named_user()
        return self.student_id if named is None else natural_id(named)

    def slugs(self) -> list[str]:
        """The slugs that may name the asset, in the order in which they are tried."""
        # A streaming event's `slug` is a step's, which may be called as another asset is.
        streamed = self.event in STREAMED
        named = [None if streamed else self.head.get("slug"), self.head.get("package_slug")]
        if self.event in PACKAGE_EVENTS:
            named.append(package_of(self.head).get("package_slug"))
        return [
            str(name) for name in named if isinstance(name, str | int) and not isinstance(name, bool) and name != ""
        ]

    def order(self) -> tuple[bool, datetime | None, int]:
        """The sort key of "newer" (contract, 3.3): last interaction, a missing one first; then receipt."""
        moment = interaction_order(self.head.get("last_interaction_at"))
        return (moment is not None, moment, self.id)


def package_of(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The package that a package event carries (contract, 3.4); empty where there is none."""
    inner = payload.get("payload")
    for holder in (inner, payload):
        if isinstance(holder, dict) and isinstance(holder.get("package"), dict):
            package: dict[str, Any] = holder["package"]
            return package
    return {}


def shown(value: object) -> str:
    """A client's value inside a sentence: as JSON writes it, shortened."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


def refuse(webhook: Claimed, known_users: Collection[int]) -> Outcome | None:
    """The first check that fails, None where the webhook's action may run.

    Streaming events pass: whether they have an action is their academy's to say (`streaming`).
    """
    if not webhook.event.strip():
        return failed(outcomes.NO_EVENT)
    if not webhook.head:
        return failed(outcomes.NO_PAYLOAD)
    nested = package_of(webhook.head) if webhook.event in PACKAGE_EVENTS else {}
    if all(webhook.head.get(name) in (None, "") for name in _NAMES) and not nested:
        return failed(outcomes.NO_SLUG)
    named = webhook.named_user()
    if named is not None and natural_id(named) not in known_users:
        return failed(outcomes.UNKNOWN_STUDENT, user_id=shown(named))
    if webhook.event not in ACTIONS | STREAMED:
        return not_implemented(webhook)
    return None


def not_implemented(webhook: Claimed) -> Outcome:
    return failed(outcomes.NOT_IMPLEMENTED, event=webhook.event)


@dataclass(frozen=True)
class Resolved:
    """The asset of a batch; `learn` is the package id that the asset doesn't know yet."""

    asset: AssetFacts
    learn: int | None = None


def resolve(webhook: Claimed, registry: Registry) -> Resolved | None:
    """The asset that a batch or a streaming event is about (contract, 3.1), None if none."""
    package = package_id(webhook.head)
    candidates = [one for one in asset_id_candidates(asset_id_raw(webhook.head)) if one in registry.by_id]
    chosen = choose_asset(candidates, {one: registry.by_id[one].lang for one in candidates})
    if chosen is not None:
        asset = registry.by_id[chosen]
        return Resolved(asset, package if asset.learnpack_id is None else None)
    for slug in webhook.slugs():
        if found := registry.by_slug(slug):
            return Resolved(found)
    found = registry.by_package(package) if package is not None else None
    return Resolved(found) if found else None
