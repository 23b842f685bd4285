"""The question of a diagnosis, about a user and an asset or about a task, and the rows that it means in an academy."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy, Membership, User
from learntrace.accounts.people.naming import called
from learntrace.accounts.scope import learners_of
from learntrace.assignments.models import Task
from learntrace.assignments.tasks import TaskNotFound, tasks_seen_in
from learntrace.core.errors import Problem
from learntrace.core.http.filters import natural
from learntrace.diagnosis.matching import normalized
from learntrace.notebooks.models import Notebook
from learntrace.progress.assignment_keys import AssignmentNotFound, asset_named_by, key_of
from learntrace.registry.models import Asset
from learntrace.registry.visibility import AssetNotFound, academy_assets, find, unlisted_assets

LONGEST = 1000  # the longest path of a notebook; user names and slugs are shorter


class NotAQuestion(Problem):
    slug = "invalid-question"
    text = _("Ask either about a task (`task`), or about a learner and an asset (`user` and `asset`)")


class InvalidTask(Problem):
    slug = "invalid-task"
    text = _("`task` must be a task's id, not %(value)s")

    def told(self) -> str:
        text = gettext(
            "%(value)s isn't the id of a task, which is a number. To ask about an asset, choose a learner too."
        )
        return text % self.values


class Unreadable(Problem):
    slug = "invalid-question"
    text = _("`%(field)s` must be a text of at most %(longest)s characters that can be stored")

    def told(self) -> str:
        text = gettext(
            "What you entered is too long, or contains characters that can't be stored. At most %(longest)s fit."
        )
        return text % self.values


class SeveralMeant(Problem):
    slug = "several-learners"
    text = _("Several learners are meant by %(name)s: %(found)s. Ask by id, such as id:101")


@dataclass(frozen=True)
class Question:
    """A question about a task, or about a user and an asset, each by any of its names."""

    user: str = ""
    asset: str = ""
    task: int | None = None


def read_question(given: Mapping[str, str | None]) -> Question:
    """Return the question of a query string or a command line.

    Raises NotAQuestion, InvalidTask, Unreadable.
    """
    user, asset, task = (_clean(name, given.get(name) or "") for name in ("user", "asset", "task"))
    if task and not (user or asset):
        number = natural(task)
        if number is None:
            raise InvalidTask(value=task[:40])
        return Question(task=number)
    if task or not (user and asset):
        raise NotAQuestion
    return Question(user, asset)


def _clean(field: str, given: str) -> str:
    text = given.strip()
    # A command line turns bytes that are no text into surrogates, and PostgreSQL stores no NUL.
    if len(text) > LONGEST or "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise Unreadable(field=field, longest=LONGEST)
    return text


def find_task(academy: Academy, task_id: int) -> Task:
    """Return a task that the academy may see.

    Raises TaskNotFound.
    """
    task = tasks_seen_in(academy).filter(pk=task_id).first()
    if task is None:
        raise TaskNotFound
    return task


def find_person(academy: Academy, name: str) -> User | None:
    """Return the member of the academy whom a name means (`people.naming`), None where there is none.

    Raises SeveralMeant.
    """
    users = list(called(name, learners_of(academy))[:4])
    if len(users) > 1:
        names = ", ".join(f"{user.pk} ({user.username})" for user in users)
        raise SeveralMeant(name=name[:100], found=names)
    return users[0] if users else None


def has_no_academy(name: str) -> bool:
    """Whether an account exists that no academy has. About members of other academies nothing is revealed."""
    return called(name, User.objects.filter(memberships=None)).exists()


def find_asset(academy: Academy, person: User, name: str) -> tuple[Asset | None, str]:
    """Return what a name means that the academy may see: an asset by its id, slug or alias, a published notebook by its path,
    or one of their assignments by its key; with the key, which is empty for a whole asset.

    Work of a learner of several academies on an asset of another one is visible only there.
    """
    visible = academy_assets(academy) | unlisted_assets()
    elsewhere = Membership.objects.filter(user=person).exclude(academy=academy)
    visible = visible.exclude(academy__in=elsewhere.values("academy"))
    try:
        return find(name, visible, visible), ""
    except AssetNotFound:
        pass
    notebooks = Notebook.objects.filter(academy=academy).select_related("asset").order_by("pk")
    if (notebook := notebooks.filter(path=name).first() or _of_that_name(notebooks, name)) is not None:
        return notebook.asset, ""
    try:
        key = key_of(academy, name, person.pk)
    except AssignmentNotFound:
        return None, ""
    if (notebook := notebooks.filter(assignments__tag=key).first()) is not None:
        return notebook.asset, key
    try:
        return find(asset_named_by(key), visible, visible), key
    except AssetNotFound:
        return None, ""


def _of_that_name(notebooks: QuerySet[Notebook], name: str) -> Notebook | None:
    """Return the one notebook whose file is named so, in whatever folder it was published from."""
    if not name.lower().endswith(".ipynb"):
        return None
    wanted = normalized(name)
    alike = [notebook for notebook in notebooks if normalized(notebook.path) == wanted]
    return alike[0] if len(alike) == 1 else None


def academies_meant(question: Question) -> set[int]:
    """Return the ids of the academies that a question may be about, for a caller who may see all of them."""
    if question.task is None:
        held = Membership.objects.filter(user__in=called(question.user, User.objects.all()))
    else:
        held = Membership.objects.filter(user__tasks=question.task)
        in_cohort = held.filter(academy__cohorts__tasks=question.task)
        held = in_cohort if in_cohort.exists() else held
    return set(held.values_list("academy", flat=True))
