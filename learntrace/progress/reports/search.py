"""Finding learners, assets and assignments of an academy by parts of their names."""

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Concat

from learntrace.accounts.cohort_limits.limit import seen
from learntrace.accounts.models import Academy, User
from learntrace.accounts.scope import learners_of
from learntrace.progress.models import Assignment, Progress
from learntrace.registry.models import Asset
from learntrace.registry.visibility import academy_assets

# Results of each sort.
MOST_RESULTS = 20
_MOST_WORDS = 8


@dataclass(frozen=True)
class SearchResults:
    """The first results of each sort."""

    learners: list[User] = field(default_factory=list)
    assets: list[Asset] = field(default_factory=list)
    assignments: list[Assignment] = field(default_factory=list)

    @property
    def nothing(self) -> bool:
        return not (self.learners or self.assets or self.assignments)


def search_academy(academy: Academy, text: str, *, people: bool) -> SearchResults:
    """Return what has all words of the text in its names; learners and assignments only where `people` is set."""
    words = text.split()[:_MOST_WORDS]
    if not words:
        return SearchResults()
    assets: QuerySet[Asset] = academy_assets(academy)
    for word in words:
        assets = assets.filter(Q(slug__icontains=word) | Q(title__icontains=word))
    return SearchResults(
        _learners(academy, words) if people else [],
        list(assets.only("id", "slug", "title", "lang").order_by("slug")[:MOST_RESULTS]),
        _assignments(academy, words) if people else [],
    )


def _learners(academy: Academy, words: list[str]) -> list[User]:
    worked = Exists(Progress.objects.filter(academy=academy, user=OuterRef("pk")))
    members = User.objects.filter(seen(academy, "pk"), worked | Q(pk__in=learners_of(academy).values("pk")))
    names = Concat(
        "first_name", Value(" "), "last_name", Value(" "), "username", Value(" "), "email", output_field=TextField()
    )
    rows: QuerySet[Any] = members.annotate(names=names)
    for word in words:
        rows = rows.filter(names__icontains=word)
    return list(rows.order_by("last_name", "first_name", "username")[:MOST_RESULTS])


def _assignments(academy: Academy, words: list[str]) -> list[Assignment]:
    rows = Assignment.objects.filter(academy=academy)
    for word in words:
        rows = rows.filter(Q(key__icontains=word) | Q(title__icontains=word))
    return list(rows.select_related("asset").order_by("asset__slug", "position")[:MOST_RESULTS])
