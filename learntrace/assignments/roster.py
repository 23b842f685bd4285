"""A roster's list of tasks."""

from collections.abc import Sequence

from learntrace.accounts.models import Academy, Cohort, Membership, User
from learntrace.accounts.roster.plan import Draft, Roster, Section, refuse_id
from learntrace.accounts.roster.reasons import Reason as _
from learntrace.assignments.models import Task
from learntrace.assignments.tasks import tasks_seen_in
from learntrace.registry.models import Asset, AssetAlias


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

    def refuse_others(self, drafts: Sequence[Draft[Task]], academy: Academy) -> None:
        """Refuse tasks of another academy, and entries that would make some there: a learner may belong to both."""
        known = [draft.row.pk for draft in drafts if not draft.is_new]
        own = set(tasks_seen_in(academy).filter(pk__in=known).values_list("pk", flat=True))
        for draft in drafts:
            if draft.is_new or draft.row.pk in own:
                continue
            if draft.id:
                refuse_id(draft)
            else:
                draft.item.refuse(
                    "associated_slug", _("this task belongs to another academy, and only that one can change it")
                )
        placed = [draft for draft in drafts if draft.row.cohort_id is None and draft.row.user_id is not None]
        homes = _other_homes({draft.row.associated_slug for draft in placed}, academy)
        members = set(
            Membership.objects.filter(
                user__in={draft.row.user_id for draft in placed}, academy__in=set(homes.values())
            ).values_list("user_id", "academy_id")
        )
        for draft in placed:
            home = homes.get(draft.row.associated_slug)
            if (draft.is_new or draft.changed) and (draft.row.user_id, home) in members:
                text = _(
                    "a task on %(slug)s would belong to another academy: name the cohort of this academy that has it"
                )
                draft.item.refuse("associated_slug", text, slug=draft.row.associated_slug)


def _other_homes(slugs: set[str], academy: Academy) -> dict[str, int | None]:
    """Return the academies of the slugs' assets, of those that have another one."""
    assets = Asset.objects.filter(slug__in=slugs).values_list("slug", "academy_id")
    aliases = AssetAlias.objects.filter(slug__in=slugs).values_list("slug", "asset__academy_id")
    homes = {**dict(assets), **dict(aliases)}
    return {slug: home for slug, home in homes.items() if home not in (None, academy.pk)}
