"""What is stored of one learner in an academy: telemetry on assets, and tasks."""

from dataclasses import dataclass
from datetime import datetime

import msgspec
from django.db.models import Count, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.academy_settings import collects_source
from learntrace.accounts.models import Academy, User
from learntrace.assignments.models import Task
from learntrace.assignments.tasks import tasks_seen_in
from learntrace.assignments.visibility import telemetry_seen_in
from learntrace.core.errors import NotFound
from learntrace.core.http.hidden_source import without_source
from learntrace.registry.visibility import academy_assets


@dataclass(frozen=True)
class LearnerTelemetry:
    """A learner's telemetry on an asset: scores and completion 0 to 100, None where there is none.

    `known` says whether the academy has such an asset.
    """

    slug: str
    title: str
    known: bool
    engagement: float | None
    frustration: float | None
    completion: float | None
    seconds: float | None
    updated_at: datetime


class TelemetryNotFound(NotFound):
    slug = "telemetry-not-found"
    text = _("There is no telemetry of this learner on %(asset)s")


def learners_with_missing_attempts(academy: Academy) -> int:
    """Count the learners of whom a latest document tells fewer attempts than earlier ones did; one query."""
    rows = telemetry_seen_in(academy).filter(untold_attempts__gt=0)
    return rows.aggregate(learners=Count("user_id", distinct=True))["learners"] or 0


def learner_telemetry(academy: Academy, user: User, most: int | None = None) -> list[LearnerTelemetry]:
    """Return the measures of the telemetry on each asset, the oldest first; only the latest `most`. Two queries."""
    columns = ("asset_slug", "engagement_score", "frustration_score", "completion_rate", "total_time", "updated_at")
    rows = telemetry_seen_in(academy).filter(user=user).order_by("-updated_at").values_list(*columns)
    latest = list(rows[:most])[::-1]
    titles = dict(academy_assets(academy).filter(slug__in=[row[0] for row in latest]).values_list("slug", "title"))
    return [
        LearnerTelemetry(
            slug,
            title=titles.get(slug) or slug,
            known=slug in titles,
            engagement=engagement,
            frustration=frustration,
            completion=completion,
            seconds=None if total is None else total.total_seconds(),
            updated_at=at,
        )
        for slug, engagement, frustration, completion, total, at in latest
    ]


def raw_telemetry(academy: Academy, user: User, slug: str) -> msgspec.Raw:
    """Return the last document that the source sent of an asset, as it is stored; without code where the academy doesn't
    collect source.

    Raises TelemetryNotFound.
    """
    rows = telemetry_seen_in(academy).filter(user=user, asset_slug=slug)
    text = rows.values_list(Cast("telemetry", TextField()), flat=True).first()
    if text is None:
        raise TelemetryNotFound(asset=slug)
    document = msgspec.Raw(text.encode())
    return document if collects_source(academy) else without_source(document)


def learner_tasks(academy: Academy, user: User, most: int | None = None) -> list[Task]:
    """Return the learner's tasks that the academy sees, the newest first; only the first `most`."""
    return list(tasks_seen_in(academy).filter(user=user).order_by("-id")[:most])
