"""What this room holds about users: their tasks, and their telemetry on assets (`core.personal`)."""

from collections.abc import Mapping
from typing import Any

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.core.personal import Holding, Rows, hold


def _tasks(user_id: int) -> Rows:
    return Task.objects.filter(user=user_id).order_by("id").values(
        "id", "title", "associated_slug", "task_type", "task_status", "revision_status", "description", "github_url",
        "live_url", "opened_at", "read_at", "reviewed_at", "delivered_at", "created_at", "updated_at",
        cohort_slug=F("cohort__slug"),
    )  # fmt: skip


def _telemetry(user_id: int) -> Rows:
    return AssignmentTelemetry.objects.filter(user=user_id).order_by("id").values(
        "asset_slug", "engagement_score", "frustration_score", "completion_rate", "total_time", "last_interaction_at",
        "created_at", "updated_at", "metrics_algo_version", "metrics", "telemetry",
    )  # fmt: skip


def _with_seconds(row: Mapping[str, Any]) -> Mapping[str, Any]:
    total = row["total_time"]
    return {**row, "total_time": None if total is None else total.total_seconds()}


def _erase_telemetry(user_id: int) -> int:
    return AssignmentTelemetry.objects.filter(user=user_id).delete()[0]


def register() -> None:
    hold(
        Holding(
            "tasks", _("Tasks"), _tasks, table=True,
            stays=_("Your academy has set them, and their state is its record of your course."),
        ),
        Holding(
            "telemetry", _("Telemetry of each asset, as it was sent last, with its scores"), _telemetry, _erase_telemetry,
            shape=_with_seconds, chunk=20,
        ),
    )  # fmt: skip
