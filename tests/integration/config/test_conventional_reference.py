"""The view that ingest is compared with: what it does for each request."""

import json
from typing import Any

import pytest
from rest_framework.test import APIRequestFactory

from benchmarks.conventional.processing import process
from benchmarks.conventional.views import STATUS, WebhookView
from learntrace.accounts.models import Token, User
from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.config.demo.replay import recorded_batches
from learntrace.learnpack.models import Webhook
from learntrace.registry.models import Asset

pytestmark = pytest.mark.django_db


def send(payload: dict[str, Any], key: str) -> int:
    request = APIRequestFactory().post(
        "/", json.dumps(payload), content_type="application/json", headers={"Authorization": f"Token {key}"}
    )
    return int(WebhookView.as_view()(request).status_code)


def test_it_stores_what_a_known_key_sends_as_a_row_that_no_worker_takes() -> None:
    user = User.objects.create(username="ada")
    payload = {**recorded_batches()[0], "user_id": user.pk}
    assert send(payload, Token.issue(user)[1]) == 200
    webhook = Webhook.objects.get()
    assert (webhook.payload, webhook.student, webhook.sender) == (payload, user, user)
    assert (webhook.package_slug, webhook.status) == (payload["slug"], STATUS)
    assert STATUS != Webhook.Status.PENDING


def test_it_refuses_a_key_that_nobody_has() -> None:
    assert send({"slug": "loops"}, "0" * 40) == 401
    assert not Webhook.objects.exists()


def test_processing_by_the_orm_writes_the_record_and_marks_the_webhook_as_done() -> None:
    user, payload = User.objects.create(username="ada"), recorded_batches()[0]
    asset = Asset.objects.create(slug=payload["slug"], lang="us", graded=True)
    Task.objects.create(user=user, title="x", associated_slug=asset.slug, task_type="EXERCISE")
    webhook = Webhook.objects.create(
        is_streaming=False, event="batch", payload={**payload, "user_id": user.pk}, student=user, status=STATUS
    )
    process(webhook)
    assert Webhook.objects.get().status == Webhook.Status.DONE
    assert AssignmentTelemetry.objects.get(user=user).asset_slug == asset.slug
