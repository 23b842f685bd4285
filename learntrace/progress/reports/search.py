"""Finding learners, assets, assignments and errors of an academy by parts of their names, by ids, tags and texts.

Plain ILIKE: an academy has thousands of rows of each sort, and an index of trigrams needs an extension that not every
server has.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Concat

from learntrace.accounts.cohort_limits.limit import seen, within
from learntrace.accounts.models import Academy, Membership, User
from learntrace.core.http.filters import natural
from learntrace.core.sql import fetch
from learntrace.progress.catalogue import SHOWN_TO_CLASS, full_titles_of
from learntrace.progress.models import Assignment, Progress
from learntrace.progress.reports.errors import groups_named
from learntrace.registry.models import Asset, AssetAlias
from learntrace.registry.visibility import academy_assets

# Results of each sort.
MOST_RESULTS = 20
_MOST_WORDS = 8
# Shorter texts are in nearly every error.
_SHORTEST_ERROR = 3
# Line breaks are in no word.
_TEXT = r"e.name || E'\n' || e.message || E'\n' || e.pattern"
# A text as "NameError" is in the counts of every learner: of so many the groups to show are chosen, and then told exactly.
_MOST_LOOKED_AT = 2000
_ERRORS = f"""
WITH met AS MATERIALIZED (
    SELECT p.assignment, p.user_id, p.academy_id, e.group_digest
      FROM progress_errorcount e JOIN progress_progress p ON p.id = e.progress_id
     WHERE {{matches}} AND p.academy_id = %(academy)s
       AND (%(learners)s::bigint[] IS NULL OR p.user_id = ANY(%(learners)s))
     LIMIT {_MOST_LOOKED_AT}
)
SELECT met.assignment, met.group_digest
  FROM met
 WHERE {SHOWN_TO_CLASS.format(academy="met.academy_id", key="met.assignment")}
 GROUP BY met.assignment, met.group_digest
 ORDER BY count(DISTINCT met.user_id) DESC, met.assignment, met.group_digest
 LIMIT %(most)s
"""  # noqa: S608 (no text from outside)


@dataclass(frozen=True)
class ErrorResult:
    """A group of errors on an assignment that learners met; `title` is what the assignment is called, with its asset."""

    assignment: str
    title: str
    text: str
    learners: int


@dataclass(frozen=True)
class SearchResults:
    """The first results of each sort."""

    learners: list[User] = field(default_factory=list)
    assets: list[Asset] = field(default_factory=list)
    assignments: list[Assignment] = field(default_factory=list)
    errors: list[ErrorResult] = field(default_factory=list)

    @property
    def nothing(self) -> bool:
        return not (self.learners or self.assets or self.assignments or self.errors)


def search_academy(academy: Academy, text: str, *, people: bool, most: int = MOST_RESULTS) -> SearchResults:
    """Return what has all words of the text in its names; learners, assignments and errors only where `people` is set."""
    words = words_of(text)
    if not words:
        return SearchResults()
    assets = find_assets(academy, words, most)
    if not people:
        return SearchResults(assets=assets)
    return SearchResults(
        find_learners(academy, words, most),
        assets,
        _assignments(academy, words, most),
        _errors(academy, words, most),
    )


def words_of(text: str) -> list[str]:
    """Return the words that are looked for."""
    return text.replace("\0", "").split()[:_MOST_WORDS]


def find_assets(academy: Academy, words: Sequence[str], most: int) -> list[Asset]:
    """Return the assets that the academy sees with all words in slug, title or an alias, or with the word as id."""
    assets: QuerySet[Asset] = academy_assets(academy)
    for word in words:
        alias = Exists(AssetAlias.objects.filter(asset=OuterRef("pk"), slug__contains_word=word))
        assets = assets.filter(Q(slug__contains_word=word) | Q(title__contains_word=word) | Q(alias) | _has_id(word))
    return list(assets.only("id", "slug", "title", "lang").order_by("slug")[:most])


def _has_id(word: str) -> Q:
    number = natural(word.removeprefix("id:"))
    return Q(pk__in=[] if number is None else [number])


def find_learners(academy: Academy, words: Sequence[str], most: int) -> list[User]:
    """Return the learners whom the member sees with all words in names or e-mail address, or with the word as id.

    A learner is who has that role, or has worked here: the same people as on the page Learners.
    """
    worked = Exists(Progress.objects.filter(academy=academy, user=OuterRef("pk")))
    student = Exists(Membership.objects.filter(academy=academy, user=OuterRef("pk"), role="student"))
    members = User.objects.filter(seen(academy, "pk"), worked | student)
    names = Concat(
        "first_name", Value(" "), "last_name", Value(" "), "username", Value(" "), "email", output_field=TextField()
    )
    rows: QuerySet[Any] = members.annotate(names=names)
    for word in words:
        rows = rows.filter(Q(names__contains_word=word) | _has_id(word))
    return list(rows.order_by("last_name", "first_name", "username")[:most])


def _assignments(academy: Academy, words: Sequence[str], most: int) -> list[Assignment]:
    rows = Assignment.objects.filter(academy=academy)
    for word in words:
        rows = rows.filter(Q(key__contains_word=word) | Q(title__contains_word=word))
    return list(rows.select_related("asset").order_by("asset__slug", "position")[:most])


def escaped(word: str) -> str:
    """Return a word as a pattern of LIKE that stands for nothing but itself."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _errors(academy: Academy, words: Sequence[str], most: int) -> list[ErrorResult]:
    """Return groups of errors that the learners whom the member sees met, those of most learners first; three queries."""
    if len("".join(words)) < _SHORTEST_ERROR:
        return []
    named = {f"word{number}": f"%{escaped(word)}%" for number, word in enumerate(words)}
    matches = " AND ".join(f"upper({_TEXT}) LIKE upper(%({name})s)" for name in named)
    learners = within(academy, None)
    parameters = {"academy": academy.pk, "learners": None if learners is None else sorted(learners), "most": most}
    groups = fetch(_ERRORS.format(matches=matches), {**parameters, **named})
    found = groups_named(academy.pk, groups, learners)
    titles = full_titles_of(academy.pk, {row.assignment for row in found})
    return [ErrorResult(row.assignment, str(titles[row.assignment]), row.text, row.learners) for row in found]
