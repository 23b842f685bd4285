"""Telemetry that has arrived and that no worker has dealt with yet."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from learntrace.diagnosis.facts import Facts
from learntrace.diagnosis.findings import Check, ends, when, written

# As /health/ready has it: a worker tells every few seconds that it lives.
WORKER_ALIVE = timedelta(seconds=30)


def waits(facts: Facts, since: datetime, evidence: Mapping[str, Any]) -> Check:
    """The check that found something waiting, since when it came."""
    seen = facts.worker_seen_at
    age = max((facts.now - since).total_seconds(), 0.0)
    told = {**evidence, "since": written(since), "age_seconds": round(age, 1), "worker_seen_at": written(seen)}
    if seen is None or facts.now - seen > WORKER_ALIVE:
        return ends(_("It waits, and no worker is alive"), "waiting-no-worker", told, last=when(since))
    return ends(_("It waits, and a worker is alive"), "waiting-in-queue", told, last=when(since))
