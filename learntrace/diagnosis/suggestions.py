"""The learners and assets of an academy that a question can be about, for people to choose from."""

from dataclasses import dataclass

from learntrace.accounts.models import Academy
from learntrace.accounts.people.naming import as_typed
from learntrace.accounts.scope import learners_of
from learntrace.registry.visibility import academy_assets


@dataclass(frozen=True)
class Suggestion:
    """A choice for a field of the question: the value to enter, and its title for people."""

    value: str
    title: str


def suggested_learners(academy: Academy, most: int) -> list[Suggestion]:
    """Return the academy's learners by user name, at most `most`; one query."""
    users = learners_of(academy).only("username", "first_name", "last_name").order_by("username")
    return [Suggestion(as_typed(user.username), user.get_full_name()) for user in users[:most]]


def suggested_assets(academy: Academy, most: int) -> list[Suggestion]:
    """Return the assets that the academy sees by slug, those changed last first, at most `most`; one query."""
    rows = academy_assets(academy).order_by("-updated_at", "-pk").values_list("slug", "title")
    return [Suggestion(slug, title) for slug, title in rows[:most]]
