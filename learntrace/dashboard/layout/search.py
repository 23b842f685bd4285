"""The page of search results: learners, assets and assignments of an academy."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from learntrace.dashboard.layout.page import AcademyPage, academy_page
from learntrace.progress.reports.search import MOST_RESULTS, SearchResults, search_academy

LONGEST = 200


@dataclass(frozen=True)
class SearchContext:
    """The context of layout/search.html; the header repeats what was `asked`."""

    asked: str
    results: SearchResults
    most: int = MOST_RESULTS


@require_safe
@academy_page("read_asset")
def search(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Show what has all words of `?q=` in its names."""
    asked = request.GET.get("q", "").strip()[:LONGEST]
    results = search_academy(page.academy, asked, people=page.can("read_assignment"))
    return page.show("layout/search.html", SearchContext(asked, results))
