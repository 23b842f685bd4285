"""Class now: which learners need help, and on what."""

import secrets

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from learntrace.core.http.filters import natural
from learntrace.dashboard.classroom.context import class_now_context
from learntrace.dashboard.classroom.csv_export import class_table
from learntrace.dashboard.classroom.pseudonyms import pseudonyms
from learntrace.dashboard.classroom.snapshot import activity_of, snapshot_of
from learntrace.dashboard.components.filters import filters_of
from learntrace.dashboard.components.still import shown_before
from learntrace.dashboard.components.table import csv_answer, paged, wants_csv
from learntrace.dashboard.layout.page import AcademyPage, academy_page
from learntrace.progress.reports.class_now import has_students

# Those who need help come first; a school laptop takes longer to lay out a longer page than anybody looks at it.
LEARNERS_PER_PAGE = 60
_SESSION_KEY = "projector"


@require_safe
@academy_page("read_assignment")
def class_now(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Show learners and assignments as a grid, with concerns and the activity of the class."""
    filters = filters_of(request, page.academy)
    kept = [number for key in shown_before(request, "concerns") if (number := natural(key)) is not None]
    snapshot = snapshot_of(filters.chosen, kept)
    if wants_csv(request):
        return csv_answer("class-now", *class_table(snapshot))
    projector = request.GET.get("projector") == "1"
    learner_ids = [learner.id for learner in snapshot.learners]
    context = class_now_context(
        page,
        filters,
        snapshot,
        activity_of(filters.chosen, snapshot),
        paged(snapshot.learners, request, LEARNERS_PER_PAGE),
        students=bool(learner_ids) or has_students(page.academy),
        names=pseudonyms(learner_ids, _secret_of(request)) if projector else None,
    )
    return page.show("classroom/class_now.html", context)


def _secret_of(request: HttpRequest) -> str:
    """Return the secret that pseudonyms are made from; it lasts as long as the session."""
    secret: str = request.session.get(_SESSION_KEY) or secrets.token_hex(16)
    request.session[_SESSION_KEY] = secret
    return secret
