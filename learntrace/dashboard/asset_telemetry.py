"""What an academy's learners did on its assets, as their telemetry says."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Avg, Count, Exists, Max, OuterRef

from learntrace.accounts.models import Academy, User
from learntrace.assignments.models import AssignmentTelemetry
from learntrace.assignments.reading import telemetry_seen_in
from learntrace.dashboard.asset_shelf import Shelved
from learntrace.progress.classes import tasks_on
from learntrace.progress.selection import Selection

# As many learners are looked at one by one, those of whom something came last.
MOST_LEARNERS = 5000


@dataclass(frozen=True)
class Measures:
    """The means of an asset over those of its learners who have a score, 0 to 100; None where nobody has."""

    learners: int
    engagement: float | None
    frustration: float | None
    completion: float | None
    newest: datetime


@dataclass(frozen=True)
class LearnerTelemetry:
    """A learner's scores on an asset, 0 to 100, and seconds on it; None where there is none."""

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


def measures_of(academy: Academy, slugs: Collection[str]) -> Mapping[str, Measures]:
    """The measures of the assets with these canonical slugs; those without telemetry are missing. One query."""
    rows = telemetry_seen_in(academy).filter(asset_slug__in=list(slugs)).values_list("asset_slug").annotate(
        Count("pk"), Avg("engagement_score"), Avg("frustration_score"), Avg("completion_rate"), Max("updated_at")
    )  # fmt: skip
    return {slug: Measures(*measures) for slug, *measures in rows}


def learners_on(academy: Academy, slug: str) -> list[LearnerTelemetry]:
    """The learners with telemetry on the asset with this canonical slug, the latest first, at most MOST_LEARNERS."""
    rows = telemetry_seen_in(academy).filter(asset_slug=slug).order_by("-updated_at", "-pk")
    found = rows.values_list(
        "user_id", "user__username", "user__first_name", "user__last_name", "engagement_score", "frustration_score",
        "completion_rate", "total_time", "updated_at",
    )[:MOST_LEARNERS]  # fmt: skip
    return [
        LearnerTelemetry(learner, username, first, last, engagement, frustration, completion, _seconds(total), at)
        for learner, username, first, last, engagement, frustration, completion, total, at in found
    ]


def _seconds(total: timedelta | None) -> float | None:
    return None if total is None else total.total_seconds()


def learners_without(academy: Academy, shelved: Shelved) -> list[User]:
    """Who has a task on the asset, and of whom there is no telemetry on it; in the order of their names."""
    learners = {user_id for user_id, _asset in tasks_on(Selection(academy), shelved.ids)}
    told = AssignmentTelemetry.objects.filter(user=OuterRef("pk"), asset_slug=shelved.slug)
    rows = User.objects.filter(pk__in=learners).exclude(Exists(told)).only("id", "username", "first_name", "last_name")
    return list(rows.order_by("last_name", "first_name", "username"))
