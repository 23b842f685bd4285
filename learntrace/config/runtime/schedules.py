"""Scheduled jobs. The first worker of each command checks them; the database decides which worker runs a job, once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from django.conf import settings
from django.db import connection

from learntrace.accounts.audit.retention import delete_old_entries
from learntrace.accounts.roster.jobs.running import forget_old_jobs
from learntrace.accounts.signing_in.guesses import forget_old_guesses
from learntrace.accounts.signing_in.sessions import delete_old_sessions
from learntrace.assignments import telemetry_stats
from learntrace.config import environment
from learntrace.core.live_events import forget_old
from learntrace.core.models import Heartbeat, ScheduledRun
from learntrace.core.wakeup import announce
from learntrace.intake.retention import delete_old_refusals
from learntrace.learnpack.webhook_log.retention import delete_old_webhooks
from learntrace.notebooks.rejected.retention import delete_old_rejected
from learntrace.personal.erasing import sweep_recent
from learntrace.personal.pending import erase_due
from learntrace.progress.corrections.attempt_retention import delete_old_attempts
from learntrace.progress.corrections.course_runs import begin_course_runs
from learntrace.progress.recording.code_texts import delete_unused
from learntrace.progress.recording.recomputation import delete_old_recomputations
from learntrace.progress.summaries.mail import send_due
from learntrace.registry.models import Asset
from learntrace.registry.sync import TOPIC as STATS_TOPIC
from learntrace.signals.notifications.retention import delete_old_notifications

log = structlog.get_logger(__name__)

# Far above what a day brings, and low enough for a first clean-up of an old table to end.
_DAILY_DELETIONS = 1_000_000


@dataclass(frozen=True)
class Job:
    """A job that runs every day at a time (UTC)."""

    name: str
    at: tuple[int, int]
    run: Callable[[], object]

    def last_due(self, now: datetime) -> datetime:
        """The latest moment at which it should have run."""
        today = now.replace(hour=self.at[0], minute=self.at[1], second=0, microsecond=0)
        return today if today <= now else today - timedelta(days=1)


@dataclass(frozen=True)
class OftenJob:
    """A job that runs every so many minutes."""

    name: str
    every: timedelta
    run: Callable[[], object]

    def last_due(self, now: datetime) -> datetime:
        """The latest moment at which it should have run."""
        return now - (now - datetime.min.replace(tzinfo=UTC)) % self.every


def queue_stats_sync() -> int:
    """Queue the recomputation of every asset that has telemetry, for all workers to share; return how many."""
    count = Asset.objects.filter(id__in=telemetry_stats.assets_to_sync()).update(sync_status=Asset.SyncStatus.PENDING)
    announce(STATS_TOPIC)
    return count


def clean_up() -> dict[str, int]:
    """Delete rows older than the retention: processed webhooks, refusals, rejected events, notifications, heartbeats.

    Audit entries have a retention of their own. Code is deleted when no learner uses it.
    """
    days = settings.RETENTION_DAYS
    return {
        "webhooks": delete_old_webhooks(days=days, most=_DAILY_DELETIONS),
        "refusals": delete_old_refusals(days=days),
        "rejected events": delete_old_rejected(days=days, most=_DAILY_DELETIONS),
        "attempts": delete_old_attempts(),
        "recomputations": delete_old_recomputations(days=days),
        "notifications": delete_old_notifications(days=days, most=_DAILY_DELETIONS),
        "audit entries": delete_old_entries(days=settings.AUDIT_DAYS),
        "imports": forget_old_jobs(days=days),
        "code": delete_unused(),
        "guesses": forget_old_guesses(),
        "sessions": delete_old_sessions(),
        "heartbeats": Heartbeat.objects.filter(seen_at__lt=datetime.now(UTC) - timedelta(days=1)).delete()[0],
    }


JOBS: tuple[Job | OftenJob, ...] = (
    Job("stats-sync", environment.STATS_SYNC_AT.value(), queue_stats_sync),
    Job("clean-up", environment.CLEAN_UP_AT.value(), clean_up),
    OftenJob("forget-live", timedelta(minutes=5), forget_old),
    OftenJob("sweep-erasures", timedelta(minutes=1), sweep_recent),
    OftenJob("pending-erasures", timedelta(minutes=1), erase_due),
    # A cohort begins at midnight, and tasks are moved to one at any time.
    OftenJob("weekly-summaries", timedelta(minutes=10), send_due),
    OftenJob("course-runs", timedelta(minutes=10), begin_course_runs),
)


@contextmanager
def _job_lock(name: str) -> Iterator[bool]:
    """Hold a job's lock in this session; it ends with the session, so that a killed worker blocks no other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [f"learntrace job {name}"])
        (mine,) = cursor.fetchone()
        try:
            yield mine
        finally:
            if mine:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [f"learntrace job {name}"])


def run_due_jobs(now: datetime | None = None) -> list[str]:
    """Run the jobs that are due; return their names. A new installation waits for the next due time."""
    now = now or datetime.now(UTC)
    ran = []
    last_runs = dict(ScheduledRun.objects.values_list("name", "last_run_at"))
    for job in JOBS:
        # Nearly always: one statement tells that no job is due.
        if job.name in last_runs and last_runs[job.name] >= job.last_due(now):
            continue
        with _job_lock(job.name) as mine:
            if not mine:
                continue
            last, new = ScheduledRun.objects.get_or_create(name=job.name, defaults={"last_run_at": now})
            if new or last.last_run_at >= job.last_due(now):
                continue
            try:
                log.info("job done", job=job.name, result=job.run())
            except Exception:
                log.exception("job failed; it runs again at its next time", job=job.name)
            ScheduledRun.objects.filter(pk=last.pk).update(last_run_at=now)
            ran.append(job.name)
    return ran
