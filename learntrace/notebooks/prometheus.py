"""Prometheus counters of the inbox of events."""

from prometheus_client import Counter

EVENTS = Counter("learntrace_events_total", "Notebook events by what became of them", ["outcome"])
REJECTED = Counter("learntrace_events_rejected_total", "Rejected notebook events by their code", ["code"])
