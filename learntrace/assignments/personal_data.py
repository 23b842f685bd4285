"""Personal data in this room: users' tasks, and their telemetry on assets (`core.personal_data`)."""

from collections.abc import Mapping
from typing import Any

import msgspec
from django.db.models import F, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from learntrace.assignments.due_dates.models import Extension
from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.core.personal_data import PersonalDataset, Rows, register_datasets

_TASK_COLUMNS = (
    "id", "title", "associated_slug", "task_type", "task_status", "revision_status", "description", "github_url",
    "live_url", "opened_at", "read_at", "reviewed_at", "delivered_at", "created_at", "updated_at",
)  # fmt: skip
_TELEMETRY_COLUMNS = (
    "asset_slug", "engagement_score", "frustration_score", "completion_rate", "total_time", "last_interaction_at",
    "created_at", "updated_at", "metrics_algo_version", "metrics",
)  # fmt: skip


def _tasks(user_id: int) -> Rows:
    tasks = Task.objects.filter(user=user_id).order_by("id")
    rows: Rows = tasks.values(*_TASK_COLUMNS, cohort_slug=F("cohort__slug"))
    return rows


def _extensions(user_id: int) -> Rows:
    rows = Extension.objects.filter(user=user_id).order_by("id")
    about = {"asset_slug": F("due_date__asset__slug"), "cohort_slug": F("due_date__cohort__slug")}
    return rows.values("due_at", "reason", "created_at", **about)


def _telemetry(user_id: int) -> Rows:
    rows: Rows = (
        AssignmentTelemetry.objects.filter(user=user_id)
        .order_by("id")
        .values(*_TELEMETRY_COLUMNS, text=Cast("telemetry", TextField()))
    )
    return rows


def _shaped(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the row with its duration in seconds, and with the telemetry as it is stored, never decoded."""
    total, text = row["total_time"], row["text"]
    return {
        **{name: row[name] for name in _TELEMETRY_COLUMNS},
        "total_time": None if total is None else total.total_seconds(),
        "telemetry": None if text is None else msgspec.Raw(text.encode()),
    }


def _erase_telemetry(user_id: int) -> int:
    return AssignmentTelemetry.objects.filter(user=user_id).delete()[0]


def register() -> None:
    register_datasets(
        PersonalDataset(
            "tasks",
            _("Tasks"),
            _tasks,
            table=True,
            stays=_("Your academy has set them, and their state is its record of your course."),
        ),
        PersonalDataset(
            "extensions",
            _("Extensions of due dates"),
            _extensions,
            table=True,
            stays=_("Your academy has given them to you."),
        ),
        PersonalDataset(
            "telemetry",
            _("Telemetry of each asset, as it was sent last, with its scores"),
            _telemetry,
            _erase_telemetry,
            shape=_shaped,
            chunk=2,
        ),
    )
