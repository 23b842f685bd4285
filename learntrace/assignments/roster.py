"""A roster's list of tasks."""

from learntrace.accounts.models import Cohort, User
from learntrace.accounts.roster.plan import Draft, Roster, Section
from learntrace.assignments.models import Task


class Tasks(Section[Task]):
    """A task is found by its id, or else by learner, slug and type; no asset needs to have the slug yet."""

    name = "tasks"
    model = Task
    columns = (
        "title", "associated_slug", "task_type", "task_status", "revision_status", "description", "github_url",
        "live_url", "opened_at", "read_at", "reviewed_at", "delivered_at",
    )  # fmt: skip
    references = {"user": User, "cohort": Cohort}
    identity = ("user", "associated_slug", "task_type")
    shared_identity = True

    def complete(self, draft: Draft[Task], roster: Roster) -> None:
        if draft.is_new:
            draft.values.setdefault("title", draft.values.get("associated_slug"))
