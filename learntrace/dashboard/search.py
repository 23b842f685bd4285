"""One search for learners, assets and assignments of an academy."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Concat
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from learntrace.accounts.models import Academy, User
from learntrace.accounts.scope import learners_of
from learntrace.dashboard.shell import AcademyPage, academy_page
from learntrace.progress.models import Assignment, Progress
from learntrace.registry.models import Asset
from learntrace.registry.shelves import academy_shelf

# Of each sort: who looks for one thing finds it among these, or asks more exactly.
MOST = 20
LONGEST = 200


@dataclass(frozen=True)
class Found:
    """What was found, as much of each sort as is shown."""

    learners: list[User]
    assets: list[Asset]
    assignments: list[Assignment]

    @property
    def nothing(self) -> bool:
        return not (self.learners or self.assets or self.assignments)


@require_safe
@academy_page("read_asset")
def search(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """What the words in `?q=` find: all of them have to be in a name."""
    asked = request.GET.get("q", "").strip()[:LONGEST]
    found = find(page.academy, asked, people=page.can("read_assignment"))
    return page.show("search.html", {"asked": asked, "results": found, "most": MOST})


def find(academy: Academy, asked: str, *, people: bool) -> Found:
    """Find by parts of names; learners and assignments only for who may see `people`."""
    words = asked.split()[:8]
    if not words:
        return Found([], [], [])
    seen = Exists(Progress.objects.filter(academy=academy, user=OuterRef("pk")))
    members = User.objects.filter(seen | Q(pk__in=learners_of(academy).values("pk")))
    told = Concat(
        "first_name", Value(" "), "last_name", Value(" "), "username", Value(" "), "email", output_field=TextField()
    )
    learners: QuerySet[Any] = members.annotate(told=told)
    assets: QuerySet[Asset] = academy_shelf(academy)
    assignments: QuerySet[Assignment] = Assignment.objects.filter(academy=academy)
    for word in words:
        learners = learners.filter(told__icontains=word)
        assets = assets.filter(Q(slug__icontains=word) | Q(title__icontains=word))
        assignments = assignments.filter(Q(key__icontains=word) | Q(title__icontains=word))
    return Found(
        list(learners.order_by("last_name", "first_name", "username")[:MOST]) if people else [],
        list(assets.only("id", "slug", "title", "lang").order_by("slug")[:MOST]),
        list(assignments.select_related("asset").order_by("asset__slug", "position")[:MOST]) if people else [],
    )
