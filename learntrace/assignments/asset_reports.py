"""Reports on an asset's telemetry: the means over an academy's learners, and each learner's scores."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Avg, Count, Max

from learntrace.accounts.models import Academy
from learntrace.assignments.visibility import telemetry_seen_in

MOST_LEARNERS = 5000
"""How many learners a report on an asset lists at most: those with the latest telemetry."""


@dataclass(frozen=True)
class AssetMeans:
    """The means of an asset over those of its learners who have the score, 0 to 100; None where nobody has it."""

    learners: int
    engagement: float | None
    frustration: float | None
    completion: float | None
    newest: datetime


@dataclass(frozen=True)
class LearnerTelemetry:
    """A learner's scores on an asset, 0 to 100, and the seconds spent on it; None where there is no value."""

    user_id: int
    username: str
    first_name: str
    last_name: str
    engagement: float | None
    frustration: float | None
    completion: float | None
    seconds: float | None
    updated_at: datetime

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.username


def means_of(academy: Academy, slugs: Collection[str]) -> Mapping[str, AssetMeans]:
    """Return the means of assets by canonical slug; assets without telemetry are left out. One query."""
    rows = (
        telemetry_seen_in(academy)
        .filter(asset_slug__in=list(slugs))
        .values_list("asset_slug")
        .annotate(
            Count("pk"), Avg("engagement_score"), Avg("frustration_score"), Avg("completion_rate"), Max("updated_at")
        )
    )
    return {slug: AssetMeans(*means) for slug, *means in rows}


def learners_on(academy: Academy, slug: str) -> list[LearnerTelemetry]:
    """Return the learners with telemetry on the asset with a canonical slug, the latest first, at most MOST_LEARNERS."""
    rows = telemetry_seen_in(academy).filter(asset_slug=slug).order_by("-updated_at", "-pk")
    columns = rows.values_list(
        "user_id",
        "user__username",
        "user__first_name",
        "user__last_name",
        "engagement_score",
        "frustration_score",
        "completion_rate",
        "total_time",
        "updated_at",
    )
    return [
        LearnerTelemetry(learner, username, first, last, engagement, frustration, completion, _seconds(total), at)
        for learner, username, first, last, engagement, frustration, completion, total, at in columns[:MOST_LEARNERS]
    ]


def _seconds(total: timedelta | None) -> float | None:
    return None if total is None else total.total_seconds()
