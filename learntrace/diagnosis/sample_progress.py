"""How far the sample data is processed: its messages wait in the sources' queues like those of any academy."""

from dataclasses import dataclass

from learntrace.accounts.first_setup.models import SampleData
from learntrace.accounts.models import Academy
from learntrace.learnpack.models import Webhook
from learntrace.notebooks.newest_events import count_since as events_since
from learntrace.notebooks.newest_events import count_waiting


@dataclass(frozen=True)
class SampleProgress:
    """The academy of the sample data, None where there is none; and how many of its messages are processed, of all."""

    academy: Academy | None = None
    processed: int = 0
    total: int = 0

    @property
    def is_done(self) -> bool:
        return self.processed >= self.total


def sample_progress() -> SampleProgress:
    """Return how far the sample data is processed; five queries, one where there is none."""
    row = SampleData.objects.select_related("academy").first()
    if row is None:
        return SampleProgress()
    webhooks = Webhook.objects.filter(student__in=row.users)
    waiting = webhooks.filter(status=Webhook.Status.PENDING).count() + count_waiting(row.academy)
    total = webhooks.count() + events_since(row.academy, row.academy.created_at)
    return SampleProgress(row.academy, max(total - waiting, 0), total)
