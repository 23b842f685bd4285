"""Reading what is known of one learner in an academy: attempts, telemetry of assets, signals, tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy, User
from learntrace.assignments.models import Task
from learntrace.assignments.reading import telemetry_seen_in
from learntrace.assignments.tasks import tasks_seen_in
from learntrace.core.errors import NotFound
from learntrace.progress.models import Activity
from learntrace.registry.shelves import academy_shelf
from learntrace.signals.models import Signal

MOST_ATTEMPTS = 1000
MOST_ROWS = 100


@dataclass(frozen=True)
class Telemetry:
    """A learner's telemetry on an asset: scores and completion 0 to 100, None where there is none.

    `known`: the academy has such an asset.
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


def recent_attempts(academy: Academy, user: User) -> Sequence[Activity]:
    """The latest attempts at assignments, the oldest first."""
    rows = Activity.objects.filter(academy=academy, user=user, outcome__isnull=False, assignment__isnull=False)
    return list(rows.order_by("-at", "-arrival")[:MOST_ATTEMPTS])[::-1]


def telemetry_of(academy: Academy, user: User, most: int | None = MOST_ROWS) -> list[Telemetry]:
    """What follows from the telemetry of each asset, the oldest first; two queries. `most` of them, the latest."""
    columns = ("asset_slug", "engagement_score", "frustration_score", "completion_rate", "total_time", "updated_at")
    rows = list(telemetry_seen_in(academy).filter(user=user).order_by("-updated_at").values_list(*columns)[:most])[::-1]
    titles = dict(academy_shelf(academy).filter(slug__in=[row[0] for row in rows]).values_list("slug", "title"))
    return [
        Telemetry(
            slug, titles.get(slug) or slug, slug in titles, engagement, frustration, completion, _seconds(total), at
        )
        for slug, engagement, frustration, completion, total, at in rows
    ]


def _seconds(total: Any) -> float | None:
    return None if total is None else total.total_seconds()


def raw_telemetry(academy: Academy, user: User, slug: str) -> Any:
    """The source's last document.

    Raises TelemetryNotFound.
    """
    row = telemetry_seen_in(academy).filter(user=user, asset_slug=slug).values_list("telemetry", flat=True).first()
    if row is None:
        raise TelemetryNotFound(asset=slug)
    return row


def signals_of(academy: Academy, user: User, most: int | None = MOST_ROWS) -> list[Signal]:
    """The learner's signals, those over included, those that are open first."""
    rows = Signal.objects.filter(academy=academy, user=user).exclude(state=Signal.State.WITHDRAWN)
    rows = rows.order_by(F("resolved_at").desc(nulls_first=True), "-last_seen_at")
    return list(rows.select_related("user", "acknowledged_by")[:most])


def tasks_of(academy: Academy, user: User, most: int | None = MOST_ROWS) -> list[Task]:
    return list(tasks_seen_in(academy).filter(user=user).order_by("-id")[:most])
