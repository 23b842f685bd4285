"""How far the sample data is processed, and what goes with it: its messages wait in queues like any academy's."""

from dataclasses import dataclass

from learntrace.accounts.first_setup.models import SampleData
from learntrace.accounts.models import Academy, User
from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.learnpack.models import Webhook
from learntrace.notebooks.newest_events import count_since as events_since
from learntrace.notebooks.newest_events import count_waiting
from learntrace.registry.models import Asset


@dataclass(frozen=True)
class SampleProgress:
    """The academy of the sample data, None where there is none; and how many of its messages are processed, of all."""

    academy: Academy | None = None
    processed: int = 0
    total: int = 0

    @property
    def is_done(self) -> bool:
        return self.processed >= self.total


@dataclass(frozen=True)
class SampleContents:
    """How much taking the sample data out removes."""

    learners: int
    assets: int
    tasks: int
    records: int
    webhooks: int
    events: int


def sample_contents() -> SampleContents | None:
    """Return what the sample data is today, with what has come since it was put in; None where there is none."""
    row = SampleData.objects.select_related("academy").first()
    if row is None:
        return None
    return SampleContents(
        learners=User.objects.filter(pk__in=row.users).count(),
        assets=Asset.objects.filter(pk__in=row.assets).count(),
        tasks=Task.objects.filter(user__in=row.users).count(),
        records=AssignmentTelemetry.objects.filter(user__in=row.users).count(),
        webhooks=Webhook.objects.filter(student__in=row.users).count(),
        events=events_since(row.academy, row.academy.created_at),
    )


def sample_progress() -> SampleProgress:
    """Return how far the sample data is processed; five queries, one where there is none."""
    row = SampleData.objects.select_related("academy").first()
    if row is None:
        return SampleProgress()
    webhooks = Webhook.objects.filter(student__in=row.users)
    waiting = webhooks.filter(status=Webhook.Status.PENDING).count() + count_waiting(row.academy)
    total = webhooks.count() + events_since(row.academy, row.academy.created_at)
    return SampleProgress(row.academy, max(total - waiting, 0), total)
