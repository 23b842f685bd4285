"""Tell how far an import is, over a connection of its own: what is written in its transaction is seen at its end only."""

import threading
from types import TracebackType
from typing import Final

from django.db import Error, connection

from learntrace.accounts.roster.jobs.models import RosterProgress
from learntrace.core.progress_line import heard_by

EVERY: Final = 0.2


class ProgressTeller:
    """Writes the steps of a job while it runs."""

    def __init__(self, job_id: int) -> None:
        self._job_id = job_id
        self._told: tuple[str, int, int] = ("", 0, 0)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="roster progress", daemon=True)

    def tell(self, step: str, done: int, total: int) -> None:
        self._told = step[:20], done, total

    def __enter__(self) -> "ProgressTeller":
        self._hearing = heard_by(self.tell)
        self._hearing.__enter__()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hearing.__exit__(kind, error, trace)
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        written = self._told
        try:
            while not self._stopping.wait(EVERY):
                if self._told != written:
                    written = self._told
                    step, done, total = written
                    RosterProgress.objects.filter(job=self._job_id).update(step=step, done=done, total=total)
        except Error:
            # A bar that stands still harms nobody; the job says itself how it ends.
            return
        finally:
            connection.close()
