"""The page of search results, and what is suggested while somebody types: learners, assets, assignments and errors."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from learntrace.accounts.models import User
from learntrace.accounts.people.naming import as_typed
from learntrace.accounts.tokens.academy_keys import find_accounts
from learntrace.dashboard.components.labels import error_words, language_name
from learntrace.dashboard.layout.page import AcademyPage, academy_page
from learntrace.progress.assignment_keys import PREFIX
from learntrace.progress.reports.search import (
    MOST_RESULTS,
    SearchResults,
    find_assets,
    find_learners,
    search_academy,
    words_of,
)
from learntrace.registry.models import Asset

LONGEST: Final = 200
# What is suggested of each sort in the search of all, and in a field that takes one sort.
_MOST_OF_EACH: Final = 5
_MOST_OF_ONE: Final = 10


@dataclass(frozen=True)
class SearchContext:
    """The context of layout/search.html; the header repeats what was `asked`."""

    asked: str
    results: SearchResults
    most: int = MOST_RESULTS


@dataclass(frozen=True)
class Suggestion:
    """A suggestion: its title, a note beside it, the text that a field takes, and the URL of its page."""

    title: str
    note: str
    value: str
    url: str


@require_safe
@academy_page("read_asset")
def search(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Show what has all words of `?q=` in its names."""
    asked = _asked(request)
    results = search_academy(page.academy, asked, people=page.can("read_assignment"))
    return page.show("layout/search.html", SearchContext(asked, results))


@require_safe
@academy_page("read_asset")
def suggest(request: HttpRequest, page: AcademyPage) -> JsonResponse:
    """Return suggestions for `?q=` in groups: of all sorts, or those that a field of `?kind=` takes."""
    suggested = _KINDS.get(request.GET.get("kind", ""), _all)(page, _asked(request))
    groups = [
        {"title": title, "items": [asdict(one) for one in suggestions]}
        for title, suggestions in suggested.items()
        if suggestions
    ]
    return JsonResponse({"groups": groups})


def _asked(request: HttpRequest) -> str:
    return request.GET.get("q", "").strip()[:LONGEST]


_Groups = Mapping[str, Sequence[Suggestion]]


def _all(page: AcademyPage, text: str) -> _Groups:
    results = search_academy(page.academy, text, people=page.can("read_assignment"), most=_MOST_OF_EACH)
    return {
        _("Learners"): [_learner(page, user) for user in results.learners],
        _("Assignments"): [
            _assignment(page, one.key, one.title or one.key.removeprefix(PREFIX), one.asset.title or one.asset.slug)
            for one in results.assignments
        ],
        _("Assets"): [_asset(page, asset) for asset in results.assets],
        _("Errors"): [
            _assignment(page, one.assignment, error_words(one.text), _error_note(one.title, one.learners))
            for one in results.errors
        ],
    }


def _error_note(title: str, learners: int) -> str:
    count = ngettext("%(count)s learner", "%(count)s learners", learners) % {"count": learners}
    return f"{title}, {count}"


def _learners(page: AcademyPage, text: str) -> _Groups:
    words = words_of(text)
    if not words or not page.can("read_assignment"):
        return {}
    found = find_learners(page.academy, words, _MOST_OF_ONE)
    return {_("Learners"): [_learner(page, user) for user in found]}


def _accounts(page: AcademyPage, text: str) -> _Groups:
    words = words_of(text)
    if not words or not page.can("crud_academy_auth_settings"):
        return {}
    found = find_accounts(page.academy, page.user, words, _MOST_OF_ONE)
    return {_("Accounts"): [_learner(page, user) for user in found]}


def _assets(page: AcademyPage, text: str) -> _Groups:
    words = words_of(text)
    found = find_assets(page.academy, words, _MOST_OF_ONE) if words else []
    return {_("Assets"): [_asset(page, asset) for asset in found]}


_KINDS: Final[Mapping[str, Callable[[AcademyPage, str], _Groups]]] = {
    "learner": _learners,
    "account": _accounts,
    "asset": _assets,
}


def _learner(page: AcademyPage, user: User) -> Suggestion:
    note = user.username if not user.email else f"{user.username}, {user.email}"
    return Suggestion(user.display_name, note, as_typed(user.username), page.address("learners-one", user.pk))


def _asset(page: AcademyPage, asset: Asset) -> Suggestion:
    note = language_name(asset.lang) if asset.lang else ""
    return Suggestion(asset.title or asset.slug, note, asset.slug, page.address("assets-one", asset.slug))


def _assignment(page: AcademyPage, key: str, title: str, note: str) -> Suggestion:
    name = key.removeprefix(PREFIX)
    return Suggestion(title, note, name, page.address("assignments-one", name))
