"""Package events: LearnPack says that a package was published or that its manifest changed (contract, 3.4)."""

import json
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

from django.db import transaction

from learntrace.accounts.write_scope import may_describe
from learntrace.learnpack.events import MANIFEST_UPDATED
from learntrace.learnpack.payloads import bigint
from learntrace.learnpack.processing import outcomes
from learntrace.learnpack.processing.claims import Claimed
from learntrace.learnpack.processing.outcomes import Outcome, done, failed
from learntrace.learnpack.webhook_refs import WebhookRefs
from learntrace.progress.step_lists import publish_manifests
from learntrace.registry.models import Asset
from learntrace.registry.resolution import AssetFacts, Registry

_LONGEST_URL = 2000


class _Refused(Exception):
    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


def lock_assets(asset_ids: Collection[int]) -> None:
    """Lock assets in the order of their ids, in the open transaction, before anything else is written.

    Package events write their assets one by one in the order in which the events came: without this, two workers could
    wait for each other.
    """
    rows = Asset.objects.select_for_update(of=("self",), no_key=True).filter(id__in=asset_ids)
    list(rows.order_by("id").values_list("id", flat=True))


def process_package_events(webhooks: Sequence[Claimed], registry: Registry) -> dict[int, Outcome]:
    """Write package events to their assets in the open transaction; return each webhook's outcome by its id."""
    return {webhook.id: _process(webhook, registry) for webhook in webhooks}


def _process(webhook: Claimed, registry: Registry) -> Outcome:
    try:
        package_id = _package_id(webhook.refs)
        assets = _assets(webhook, registry, package_id)
        changes = _manifest(webhook) if webhook.event == MANIFEST_UPDATED else _published(webhook)
    except _Refused as refused:
        return refused.outcome
    new_id = None if webhook.event == MANIFEST_UPDATED else package_id
    for asset in Asset.objects.filter(id__in=assets).order_by("id"):
        _write(
            asset, changes if asset.learnpack_id is not None or new_id is None else {**changes, "learnpack_id": new_id}
        )
    if "manifest" in changes:
        # Not in this transaction, which waits for learners' locks after this; who records them waits for the asset's.
        transaction.on_commit(partial(_publish, tuple(assets)), robust=True)
    return done()


def _publish(asset_ids: Sequence[int]) -> None:
    with transaction.atomic():
        publish_manifests(asset_ids)


def _package_id(refs: WebhookRefs) -> int | None:
    """Return the package id of a package event.

    Raises _Refused where it is no int.
    """
    if refs.package_value is None:
        return None
    number = bigint(refs.package_value)
    if number is None:
        value = outcomes.shown(refs.package_value)
        raise _Refused(failed(outcomes.INVALID_PACKAGE_ID, event=refs.event, value=value))
    return number


def _assets(webhook: Claimed, registry: Registry, package_id: int | None) -> list[int]:
    """Return all assets that the event names: every existing candidate, else that of a slug, else of the package.

    Assets that the sender may not describe are passed over as if they didn't exist. Raises _Refused where none is left.
    """
    refs = webhook.refs

    def may_change(asset: AssetFacts) -> bool:
        return may_describe(webhook.sender, asset.academy_id)

    existing = [asset_id for asset_id in refs.asset_ids if asset_id in registry.by_id]
    if candidates := [asset_id for asset_id in existing if may_change(registry.by_id[asset_id])]:
        return candidates
    # The first slug given is the one that counts, whether or not it exists.
    asset = registry.by_slug(refs.asset_slugs[0], may_change) if refs.asset_slugs else None
    if asset is None and package_id is not None:
        asset = registry.by_package(package_id, may_change)
    if asset is None:
        raise _Refused(failed(outcomes.PACKAGE_ASSET_NOT_FOUND, event=refs.event))
    return [asset.id]


def _write(asset: Asset, fields: Mapping[str, Any]) -> None:
    changed = [name for name, value in fields.items() if getattr(asset, name) != value]
    for name in changed:
        setattr(asset, name, fields[name])
    if changed:
        asset.save(update_fields=[*changed, "updated_at"])


def _manifest(webhook: Claimed) -> dict[str, Any]:
    manifest = _sent_manifest(webhook)
    if manifest is None:
        raise _Refused(failed(outcomes.NO_MANIFEST))
    return {"manifest": manifest}


def _published(webhook: Claimed) -> dict[str, Any]:
    package = webhook.refs.package
    changes: dict[str, Any] = {}
    url = package.get("custom_deployment_url") or package.get("deployment_url")
    if isinstance(url, str) and url:
        changes["learnpack_deploy_url"] = url[:_LONGEST_URL]
    manifest = _sent_manifest(webhook)
    if manifest is not None:
        changes["manifest"] = manifest
    config = _config(package.get("config"))
    if config is not None:
        changes["config"] = config
    return changes


def _sent_manifest(webhook: Claimed) -> dict[str, Any] | None:
    inner = webhook.payload.get("payload")
    manifest = inner.get("manifest") if isinstance(inner, dict) else None
    return manifest if isinstance(manifest, dict) else None


def _config(value: object) -> dict[str, Any] | None:
    """Return the package's configuration: an object, or JSON text of one.

    Raises _Refused for text that is no JSON.
    """
    if isinstance(value, str) and value.strip():
        try:
            value = json.loads(value, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise _Refused(failed(outcomes.INVALID_CONFIG, fault=str(error))) from error
    return value if isinstance(value, dict) else None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
