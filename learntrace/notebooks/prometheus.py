"""Prometheus counters of the inbox of events."""

from prometheus_client import Counter

EVENTS = Counter("learntrace_events_total", "Notebook events by what became of them", ["outcome"])
REJECTED = Counter("learntrace_events_rejected_total", "Rejected notebook events by their code", ["code"])
DROPPED = Counter(
    "learntrace_event_keys_dropped_total", "Keys that a notebook event may not carry, and that were dropped"
)
