"""/metrics for Prometheus: the counters of the processes and gauges read from the tables."""

import ipaddress
import os
import secrets
import time
from collections.abc import Iterable

from django.conf import settings
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import split_domain_port
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from learntrace.config.operations import health
from learntrace.intake import prometheus as _intake  # noqa: F401 (declares its counters, also where no front door runs)
from learntrace.intake.proxies import CAME_BY_PROXY, FORWARDED
from learntrace.learnpack.models import Webhook
from learntrace.notebooks import prometheus as _notebooks  # noqa: F401
from learntrace.signals import prometheus as _signals  # noqa: F401

_COUNT_SECONDS = 15.0
_LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")


class TableFigures(Collector):
    """Rows by status, queue age, worker. Counting a large table takes a moment, so counts are cached for a while."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._counted_at = -_COUNT_SECONDS

    def collect(self) -> Iterable[Metric]:
        """Yield the gauges."""
        state = health.look()
        if state.database and state.migrations and time.monotonic() - self._counted_at >= _COUNT_SECONDS:
            rows = Webhook.objects.order_by().values_list("status").annotate(Count("id"))
            self._counts, self._counted_at = dict(rows), time.monotonic()
        by_status = GaugeMetricFamily("learntrace_webhooks", "LearnPack webhooks by status", labels=["status"])
        for status in Webhook.Status:
            by_status.add_metric([status.value], self._counts.get(status.value, 0))
        yield by_status
        yield GaugeMetricFamily("learntrace_up", "1 where the database answers", int(state.database))
        yield GaugeMetricFamily(
            "learntrace_queue_age_seconds", "Age of the oldest row that waits", state.oldest_pending_seconds or 0
        )
        yield GaugeMetricFamily(
            "learntrace_workers", "Worker processes that were seen in the last 30 seconds", state.workers
        )
        if state.worker_seen_seconds is not None:
            yield GaugeMetricFamily(
                "learntrace_worker_seen_seconds", "Since a worker was last seen", state.worker_seen_seconds
            )


_tables = TableFigures()


def _allowed(request: HttpRequest) -> bool:
    """Whether the request comes from this machine, not through a proxy, or brings the token.

    A proxy that sends no header is known by the name for which it asks, and behind a proxy only the token opens them.
    """
    given = request.headers.get("Authorization", "").partition(" ")[2].strip()
    if settings.METRICS_TOKEN and secrets.compare_digest(given.encode(), settings.METRICS_TOKEN.encode()):
        return True
    scope = getattr(request, "scope", {})
    named = any(name.decode().title() in request.headers for name in FORWARDED)
    if settings.USE_X_FORWARDED_HOST or named or scope.get(CAME_BY_PROXY):
        return False
    if split_domain_port(request.get_host())[0] not in _LOCAL_NAMES:
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


@require_safe
def figures(request: HttpRequest) -> HttpResponse:
    """Answer with all metrics in Prometheus's text format."""
    if not _allowed(request):
        text = _("Metrics need a local request or LEARNTRACE_METRICS_TOKEN")
        return JsonResponse({"detail": text, "status_code": 403}, status=403)
    registry = CollectorRegistry()
    registry.register(_tables)
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
    return HttpResponse(generate_latest(registry) + generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)
