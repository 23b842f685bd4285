"""The check of telemetry that has arrived and waits for a worker."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from learntrace.diagnosis.facts import Facts
from learntrace.diagnosis.findings import Check, ends, iso_time, time_text

# As in /health/ready: a worker sends a heartbeat every few seconds.
WORKER_ALIVE = timedelta(seconds=30)


def waits(facts: Facts, since: datetime, evidence: Mapping[str, Any]) -> Check:
    """Return the check for telemetry that has been waiting since a time."""
    seen = facts.worker_seen_at
    age = max((facts.now - since).total_seconds(), 0.0)
    wait = {"since": iso_time(since), "age_seconds": round(age, 1), "worker_seen_at": iso_time(seen)}
    evidence = {**evidence, **wait}
    if seen is None or facts.now - seen > WORKER_ALIVE:
        return ends(_("It is waiting, and no worker is running"), "waiting-no-worker", evidence, last=time_text(since))
    return ends(_("It is waiting, and a worker is running"), "waiting-in-queue", evidence, last=time_text(since))
