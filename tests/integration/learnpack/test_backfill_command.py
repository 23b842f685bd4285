"""backfill_learnpack_webhook_payload_fields: columns from payloads, by the front door's rules."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from learntrace.accounts.models import Membership
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.webhook_log import backfill
from learntrace.registry.models import Asset
from tests.support.builders import make_academy, make_asset, make_user

pytestmark = pytest.mark.django_db


def webhook(payload: Any, **columns: Any) -> Webhook:
    return Webhook.objects.create(is_streaming=False, event="batch", payload=payload, **columns)


def columns(row: Webhook) -> tuple[Any, ...]:
    row.refresh_from_db()
    return row.package_slug, row.asset_id, row.learnpack_package_id


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("backfill_learnpack_webhook_payload_fields", *arguments, stdout=out)
    return out.getvalue().strip()


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"package_slug": "a", "slug": "b", "asset_id": 301, "package_id": 555}, ("a", 301, 555)),
        ({"package_slug": "", "slug": "b", "asset_id": "302, 301", "package_id": "555"}, ("b", 301, 555)),
        ({"slug": 7, "asset_ids": [302], "package_id": 5.9}, ("7", 302, 5)),
        ({"package": {"asset_id": 302}}, (None, 302, None)),
        ({"asset_id": 999, "package_id": True, "slug": ["x"]}, (None, None, None)),
        ({"slug": "x" * 201, "package_id": 10**30}, (None, None, None)),
        ({"asset_id": 301, "steps": [{"slug": "s"}]}, (None, 301, None)),
        ([{"slug": "a"}], (None, None, None)),
        ("text", (None, None, None)),
    ],
)
def test_empty_columns_are_filled(payload: Any, expected: tuple[Any, ...]) -> None:
    Asset.objects.create(pk=301, slug="intro", lang="us")
    Asset.objects.create(pk=302, slug="intro-es", lang="es")
    row = webhook(payload)
    run()
    assert columns(row) == expected


def test_filled_columns_stay() -> None:
    asset = Asset.objects.create(slug="intro")
    row = webhook({"slug": "new", "package_id": 2}, package_slug="old", asset=asset)
    assert run() == "Changed 1 of 1 webhooks looked at."
    assert columns(row) == ("old", asset.pk, 2)


def test_overwrite_replaces_what_the_payload_says_and_empties_nothing() -> None:
    asset = Asset.objects.create(slug="intro")
    row = webhook({"slug": "new"}, package_slug="old", asset=asset, learnpack_package_id=3)
    assert run("--overwrite") == "Changed 1 of 1 webhooks looked at."
    assert columns(row) == ("new", asset.pk, 3)


def test_again_changes_nothing() -> None:
    row = webhook({"slug": "new"})
    run()
    updated_at = Webhook.objects.get().updated_at
    assert run() == "Changed 0 of 1 webhooks looked at."
    assert run("--overwrite") == "Changed 0 of 1 webhooks looked at."
    row.refresh_from_db()
    assert row.updated_at == updated_at


def test_dry_run_counts_and_changes_nothing() -> None:
    row = webhook({"slug": "new"})
    assert run("--dry-run") == "Would change 1 of 1 webhooks looked at."
    assert columns(row) == (None, None, None)


def test_many_batches_reach_every_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "BATCH_SIZE", 2)
    for number in range(7):
        webhook({"slug": str(number)} if number % 2 else {})
    assert run() == "Changed 3 of 7 webhooks looked at."
    assert set(Webhook.objects.values_list("package_slug", flat=True)) == {None, "1", "3", "5"}


def test_status_and_payload_are_left_alone() -> None:
    row = webhook({"slug": "new"}, status="ERROR", status_text="why")
    run()
    row.refresh_from_db()
    assert (row.status, row.status_text, row.payload) == ("ERROR", "why", {"slug": "new"})


def test_an_asset_that_the_sender_may_not_name_is_none() -> None:
    ours, theirs = make_academy(), make_academy()
    ada = make_user("", "student", ours)
    hidden = make_asset(academy=theirs, visibility="PRIVATE")
    row = webhook({"slug": "x", "asset_id": hidden.pk}, student=ada, sender=ada)
    run()
    assert columns(row)[1] is None
    Membership.objects.create(user=ada, academy=theirs, role="student")
    run()
    assert columns(row)[1] == hidden.pk
