"""Health of the installation, as /health, `learntrace doctor` and the telemetry health page report it."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db import Error as DatabaseError
from django.db import connection
from django.db.models import Count, Max, Q
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from learntrace.config.runtime.queues import QUEUES
from learntrace.config.upgrade import pending_migrations
from learntrace.core.models import Heartbeat

WORKER_SEEN_SECONDS = 30.0
QUEUE_AGE_SECONDS = 300.0


@dataclass(frozen=True)
class Health:
    """The state of the installation; ages in seconds, None if there is nothing to have an age. `workers`: those seen in the
    last WORKER_SEEN_SECONDS; `worker_seen_seconds` is of the one that was seen last."""

    database: bool
    migrations: bool = False
    oldest_pending_seconds: float | None = None
    worker_seen_seconds: float | None = None
    workers: int = 0

    @property
    def ready(self) -> bool:
        """Whether requests are accepted and processed."""
        waits_long = (self.oldest_pending_seconds or 0) >= QUEUE_AGE_SECONDS
        return self.database and self.migrations and self.workers > 0 and not waits_long


_migrated = False


def _all_migrated() -> bool:
    """Whether every migration has run. Once true it stays true for this process, which knows only its own version's."""
    global _migrated
    _migrated = _migrated or not pending_migrations()
    return _migrated


def _age(moment: datetime | None) -> float | None:
    return None if moment is None else max(round((timezone.now() - moment).total_seconds(), 1), 0.0)


def look() -> Health:
    """Check the installation; a database that is away is a result, not an error."""
    try:
        connection.ensure_connection()
        if not _all_migrated():
            return Health(database=True)
        waiting = [moment for queue in QUEUES.values() if (moment := queue.oldest()) is not None]
        alive = Q(seen_at__gt=timezone.now() - timedelta(seconds=WORKER_SEEN_SECONDS))
        seen = Heartbeat.objects.aggregate(last=Max("seen_at"), alive=Count("id", filter=alive))
        return Health(True, True, _age(min(waiting, default=None)), _age(seen["last"]), seen["alive"])
    except DatabaseError:
        connection.close()
        return Health(database=False)


@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """This process answers."""
    return JsonResponse({"status": "ok"})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Requests are taken and worked on; 503 otherwise, with what is missing."""
    health = look()
    status = "ok" if health.ready else "unavailable"
    return JsonResponse({"status": status, **asdict(health)}, status=200 if health.ready else 503)
