"""Package events: LearnPack tells that a package was published or its manifest changed (contract, 3.4)."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from learntrace.accounts.identity import academies_served_by
from learntrace.accounts.models import User
from learntrace.learnpack import outcomes
from learntrace.learnpack.dispatch import MANIFEST_UPDATED, Claimed, package_of, shown
from learntrace.learnpack.outcomes import Outcome, done, failed
from learntrace.learnpack.payloads import BIGINT, asset_id_candidates, asset_id_raw, package_id
from learntrace.registry.models import Asset
from learntrace.registry.resolution import Registry

_LONGEST_URL = 2000


def lock_assets(asset_ids: Collection[int]) -> None:
    """Lock assets in the order of their ids, in the open transaction, before anything else is written.

    Package events write theirs one by one in the order in which they came: without this, two workers could wait for
    each other's.
    """
    rows = Asset.objects.select_for_update(of=("self",), no_key=True).filter(id__in=asset_ids)
    list(rows.order_by("id").values_list("id", flat=True))


class _Refused(Exception):
    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


def named_package_id(webhook: Claimed) -> int | None:
    """The package id of a package event: the root's, else the package's.

    Raises _Refused where it is no int.
    """
    value = webhook.head.get("package_id")
    if value is None:
        value = package_of(webhook.head).get("id")
    if value is None:
        return None
    number = package_id({"package_id": value})
    if number is None or number not in BIGINT:
        raise _Refused(failed(outcomes.INVALID_PACKAGE_ID, event=webhook.event, value=shown(value)))
    return number


def process_package_event(webhook: Claimed, registry: Registry) -> Outcome:
    """Write what a package event says onto its assets, in the open transaction."""
    try:
        package = named_package_id(webhook)
        assets = _assets(webhook, registry, package)
        changes = _manifest(webhook) if webhook.event == MANIFEST_UPDATED else _published(webhook)
    except _Refused as refused:
        return refused.outcome
    assets = _within_reach(assets, webhook, registry)
    if not assets:
        return failed(outcomes.PACKAGE_ASSET_NOT_FOUND, event=webhook.event)
    for asset in Asset.objects.filter(id__in=assets).order_by("id"):
        fields = dict(changes)
        if webhook.event != MANIFEST_UPDATED and asset.learnpack_id is None and package is not None:
            fields["learnpack_id"] = package
        changed = [name for name, value in fields.items() if getattr(asset, name) != value]
        for name in changed:
            setattr(asset, name, fields[name])
        if changed:
            asset.save(update_fields=[*changed, "updated_at"])
    return done()


def _assets(webhook: Claimed, registry: Registry, package: int | None) -> list[int]:
    """All assets that the event names: every existing candidate, else the one of a slug, else of the package."""
    named = [one for one in asset_id_candidates(asset_id_raw(webhook.head)) if one in registry.by_id]
    if named:
        return named
    # The first slug given is the one that counts, whether or not it exists.
    found = registry.by_slug(webhook.slugs()[0]) if webhook.slugs() else None
    if found is None and package is not None:
        found = registry.by_package(package)
    if found is None:
        raise _Refused(failed(outcomes.PACKAGE_ASSET_NOT_FOUND, event=webhook.event))
    return [found.id]


def _within_reach(assets: list[int], webhook: Claimed, registry: Registry) -> list[int]:
    """Of assets, those that the sender may change: of no academy, or of one that it serves."""
    sender = User.objects.filter(pk=webhook.sender_id or 0).first()
    serves = academies_served_by(sender) if sender else frozenset()
    return [one for one in assets if serves is None or registry.by_id[one].academy_id in {None, *serves}]


def _inner(webhook: Claimed) -> Mapping[str, Any]:
    inner = webhook.head.get("payload")
    return inner if isinstance(inner, dict) else {}


def _manifest(webhook: Claimed) -> dict[str, Any]:
    manifest = _inner(webhook).get("manifest")
    if not isinstance(manifest, dict):
        raise _Refused(failed(outcomes.NO_MANIFEST))
    return {"manifest": manifest}


def _published(webhook: Claimed) -> dict[str, Any]:
    package = package_of(webhook.head)
    changes: dict[str, Any] = {}
    address = package.get("custom_deployment_url") or package.get("deployment_url")
    if isinstance(address, str) and address:
        changes["learnpack_deploy_url"] = address[:_LONGEST_URL]
    manifest = _inner(webhook).get("manifest")
    if isinstance(manifest, dict):
        changes["manifest"] = manifest
    config = _config(package.get("config"))
    if config is not None:
        changes["config"] = config
    return changes


def _config(given: object) -> dict[str, Any] | None:
    """The package's configuration: an object, or JSON text of one.

    Raises _Refused for text that is no JSON.
    """
    if isinstance(given, str) and given.strip():
        try:
            given = json.loads(given, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise _Refused(failed(outcomes.INVALID_CONFIG, fault=str(error))) from error
    return given if isinstance(given, dict) else None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
