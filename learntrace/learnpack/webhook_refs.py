"""What a webhook's payload refers to, read once into a frozen value (contract, sections 2 and 3.1).

The inbox reads it when a request comes in, processing when it claims a row, and the backfill and the preview of ignore
rules when they load rows. Every rule works on this value and not on the payload.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from learntrace.learnpack.events import PACKAGE_EVENTS, STREAMED
from learntrace.learnpack.payloads import as_text, asset_id_candidates, asset_id_raw, natural_id, package_id
from learntrace.measures.timestamps import interaction_order

_ASSET_KEYS = ("slug", "package_slug", "asset_id", "asset_ids", "package_id")


class WebhookRefs(msgspec.Struct, frozen=True):
    """The learner, the asset and the package that a payload names.

    Fields of type `object` are values as the client sent them, of any JSON type. A Struct, as each request makes one
    and a frozen dataclass takes six times as long to make.
    """

    event: str
    # Whether any key that may name an asset has a value, valid or not.
    names_asset: bool
    # None where the payload names no user: then the sender is meant.
    user: object
    user_id: int | None
    # Ids and slugs that may name the asset, each in the order in which they are tried.
    asset_ids: tuple[int, ...]
    asset_slugs: tuple[str, ...]
    slug: object
    package_slug: object
    package_id: int | None
    # The package in a package event, empty for other events.
    package: Mapping[str, Any]
    # `package_id` as sent, or else the id in `package`.
    package_value: object
    academy: object
    last_interaction_at: datetime | None

    def student_id(self, sender_id: int | None) -> int | None:
        """Return the id of the user that the webhook is about: of the user named, or else of the sender.

        None where the payload names a user by something that is no id.
        """
        return sender_id if self.user is None else self.user_id


def read_refs(event: str, payload: Mapping[str, Any]) -> WebhookRefs:
    """Read what a payload, with or without its long lists, refers to; `event` is the row's. Never raises."""
    user = payload.get("user_id")
    package = _package(payload) if event in PACKAGE_EVENTS else {}
    return WebhookRefs(
        event=event,
        names_asset=bool(package) or _names_asset(payload),
        user=None if user == "" else user,
        user_id=natural_id(user),
        asset_ids=tuple(asset_id_candidates(asset_id_raw(payload))),
        asset_slugs=_asset_slugs(event, payload, package),
        slug=payload.get("slug"),
        package_slug=payload.get("package_slug"),
        package_id=package_id(payload),
        package=package,
        package_value=package.get("id") if payload.get("package_id") is None else payload["package_id"],
        academy=payload.get("academy_id"),
        last_interaction_at=interaction_order(payload.get("last_interaction_at")),
    )


def _names_asset(payload: Mapping[str, Any]) -> bool:
    for key in _ASSET_KEYS:  # noqa: SIM110 (`any` takes twice as long, for each request)
        if payload.get(key) not in (None, ""):
            return True
    return False


def _package(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the package that a package event carries (contract, 3.4), empty where there is none."""
    for holder in (payload.get("payload"), payload):
        if isinstance(holder, Mapping) and isinstance(package := holder.get("package"), dict):
            return package
    return {}


def _asset_slugs(event: str, payload: Mapping[str, Any], package: Mapping[str, Any]) -> tuple[str, ...]:
    # A streaming event's `slug` is a step's, and may be the slug of another asset.
    slug = None if event in STREAMED else payload.get("slug")
    names = (slug, payload.get("package_slug"), package.get("package_slug"))
    return tuple([slug for name in names if (slug := _slug(name))])


def _slug(value: object) -> str:
    if isinstance(value, str):
        return value
    return as_text(value) if isinstance(value, int) and not isinstance(value, bool) else ""
