"""Who is asked about, on what, and whether there is a task."""

from django.utils.translation import gettext_lazy as _

from learntrace.diagnosis.facts import Facts, TaskFound
from learntrace.diagnosis.findings import OK, WARNING, Check, ends, written


def learner(facts: Facts) -> Check:
    """Does the user exist, and belong here?"""
    person = facts.person
    if person is None and facts.homeless:
        return ends(_("There is such an account, but no academy has it"), "user-not-here")
    if person is None:
        return ends(_("No learner of the academy is called so"), "user-unknown")
    evidence = {"user_id": person.id, "username": person.username}
    if not person.belongs:
        return ends(_("The membership in the academy is not active"), "user-not-here", evidence)
    return Check(OK, _("%(name)s exists and belongs here"), {"name": person.name}, evidence)


def account(facts: Facts) -> Check:
    """May the account be used?"""
    if facts.person is not None and not facts.person.account_active:
        return ends(_("The account is not active"), "account-inactive", {"user_id": facts.person.id})
    return Check(OK, _("The account is active"))


def asset(facts: Facts) -> Check:
    """Is there such an asset, and what else is it called?"""
    target = facts.target
    if target is None and facts.seen:
        newest = max(facts.seen, key=lambda one: one.last_at)
        evidence = {"notebook": newest.notebook, "events": sum(one.events for one in facts.seen)}
        evidence |= {"last_at": written(newest.last_at)}
        text = _("No asset is called so, but a notebook from which events arrive")
        return ends(text, "notebook-not-published", evidence, notebook=newest.notebook)
    if target is None:
        return ends(_("No asset that the academy may see is called so"), "asset-unknown")
    evidence = {"asset_id": target.id, "canonical_slug": target.canonical, "names": list(target.names)}
    if target.canonical == target.slug:
        return Check(OK, _("The asset exists; its telemetry stands under its own slug"), {}, evidence)
    values = {"canonical": target.canonical}
    return Check(
        OK, _("The asset exists; its telemetry stands under that of its translation %(canonical)s"), values, evidence
    )


def task(facts: Facts) -> Check:
    """Has the learner a task that a batch finds?"""
    slug = facts.target.slug if facts.target else facts.asked_asset
    found = [one for one in facts.tasks if not one.by_alias]
    if not found and facts.tasks:
        first = facts.tasks[0]
        text = _("The task names the asset by the alias %(alias)s, under which batches don't look")
        return ends(text, "task-under-an-alias", _evidence(facts.tasks), alias=first.slug, slug=slug)
    # Events of a notebook need no task; that it isn't published is found next.
    if not found and facts.seen and not facts.sent:
        return Check(WARNING, _("The learner has no task on the asset"))
    if not found:
        evidence = {"slugs": list(facts.target.names if facts.target else ())}
        return ends(_("The learner has no task on the asset"), "no-task", evidence, slug=slug)
    return Check(OK, _("The learner has a task on it (%(task)s)"), {"task": found[0].id}, _evidence(tuple(found)))


def task_of_notebook(facts: Facts) -> Check:
    """Has the learner a task that follows the notebook? None is needed."""
    found = [one for one in facts.tasks if not one.by_alias]
    if found:
        return Check(OK, _("The learner has a task on it (%(task)s)"), {"task": found[0].id}, _evidence(tuple(found)))
    if facts.tasks:
        text = _("The task names the notebook by the alias %(alias)s, so it is not completed with it")
        return Check(WARNING, text, {"alias": facts.tasks[0].slug}, _evidence(facts.tasks))
    return Check(OK, _("The learner has no task on it; a notebook needs none"))


def _evidence(tasks: tuple[TaskFound, ...]) -> dict[str, object]:
    first = tasks[0]
    return {
        "task_id": first.id, "associated_slug": first.slug, "task_type": first.type, "task_status": first.status,
        "created_at": written(first.created_at), "tasks": len(tasks),
    }  # fmt: skip
