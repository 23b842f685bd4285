"""Prometheus metrics of the front door."""

from functools import cache

from prometheus_client import Counter, Histogram

REQUESTS = Counter("learntrace_intake_requests_total", "Requests at the front door", ["path", "status"])
SECONDS = Histogram(
    "learntrace_intake_seconds",
    "Time from a request's headers to its answer",
    ["path"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
SLOW_BODIES = Counter("learntrace_intake_slow_bodies_total", "Requests whose body came too slowly")
GROUP_SIZE = Histogram(
    "learntrace_intake_group_size", "Requests that shared one commit", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 200)
)


# Finding a child by its labels costs as much as counting.
_requests = cache(REQUESTS.labels)
_seconds = cache(SECONDS.labels)


def note_request(path: str, status: int, seconds: float) -> None:
    """Count a request that was answered; `path` is a source's."""
    _requests(path, status).inc()
    _seconds(path).observe(seconds)
