"""Checks of the learner, the asset and the task."""

from django.utils.translation import gettext_lazy as _

from learntrace.diagnosis.facts import Facts, LearnerTask
from learntrace.diagnosis.findings import OK, WARNING, Check, ends, iso_time


def learner(facts: Facts) -> Check:
    """Check whether the user exists and is an active member of the academy."""
    person = facts.person
    if person is None and facts.without_academy:
        return ends(_("The account exists, but belongs to no academy"), "user-not-here")
    if person is None:
        return ends(_("The academy has no learner of this name"), "user-unknown")
    evidence = {"user_id": person.id, "username": person.username, "last_seen_at": iso_time(facts.last_seen_at)}
    if not person.belongs:
        return ends(_("The membership in the academy is not active"), "user-not-here", evidence)
    return Check(OK, _("%(name)s exists and belongs here"), {"name": person.name}, evidence)


def account(facts: Facts) -> Check:
    """Check whether the account is active."""
    if facts.person is not None and not facts.person.account_active:
        return ends(_("The account is not active"), "account-inactive", {"user_id": facts.person.id})
    return Check(OK, _("The account is active"))


def asset(facts: Facts) -> Check:
    """Check whether the asset exists, and say by which names."""
    target = facts.target
    if target is None and facts.seen:
        newest = max(facts.seen, key=lambda group: group.last_at)
        evidence = {"notebook": newest.notebook, "events": sum(group.events for group in facts.seen)}
        evidence |= {"last_at": iso_time(newest.last_at)}
        text = _("No asset has this name, but events arrive from a notebook that does")
        return ends(text, "notebook-not-published", evidence, notebook=newest.notebook)
    if target is None:
        return ends(_("No asset that the academy can see has this name"), "asset-unknown")
    evidence = {"asset_id": target.id, "canonical_slug": target.canonical, "names": list(target.names)}
    if target.canonical == target.slug:
        return Check(OK, _("The asset exists; its telemetry is stored under its own slug"), {}, evidence)
    values = {"canonical": target.canonical}
    return Check(
        OK, _("The asset exists; its telemetry is stored under its translation %(canonical)s"), values, evidence
    )


def task(facts: Facts) -> Check:
    """Check whether the learner has a task under a slug, by which batches look for it."""
    slug = facts.target.slug if facts.target else facts.asked_asset
    tasks = [task for task in facts.tasks if not task.by_alias]
    if not tasks and facts.tasks:
        first = facts.tasks[0]
        text = _("The task names the asset by the alias %(alias)s, under which batches don't look")
        return ends(text, "task-under-an-alias", _evidence(facts.tasks), alias=first.slug, slug=slug)
    # Events of a notebook need no task; the next check finds that it isn't published.
    if not tasks and facts.seen and not facts.sent:
        return Check(WARNING, _("The learner has no task on the asset"))
    if not tasks:
        evidence = {"slugs": list(facts.target.names if facts.target else ())}
        return ends(_("The learner has no task on the asset"), "no-task", evidence, slug=slug)
    return Check(OK, _("The learner has a task on it (id %(task)s)"), {"task": tasks[0].id}, _evidence(tuple(tasks)))


def task_of_notebook(facts: Facts) -> Check:
    """Check whether the learner's task is completed with the notebook; a notebook needs no task."""
    tasks = [task for task in facts.tasks if not task.by_alias]
    if tasks:
        return Check(
            OK, _("The learner has a task on it (id %(task)s)"), {"task": tasks[0].id}, _evidence(tuple(tasks))
        )
    if facts.tasks:
        text = _("The task names the notebook by the alias %(alias)s, so it is not completed with it")
        return Check(WARNING, text, {"alias": facts.tasks[0].slug}, _evidence(facts.tasks))
    return Check(OK, _("The learner has no task on it; a notebook needs none"))


def _evidence(tasks: tuple[LearnerTask, ...]) -> dict[str, object]:
    first = tasks[0]
    return {
        "task_id": first.id,
        "associated_slug": first.slug,
        "task_type": first.type,
        "task_status": first.status,
        "created_at": iso_time(first.created_at),
        "tasks": len(tasks),
    }
