"""Merge two records of one person: what it would do, then do it, and undo it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.apps import apps
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from learntrace.accounts.models import User
from learntrace.accounts.people.listing import PeopleFilter, people_of, person_of
from learntrace.accounts.people.naming import called, unambiguous
from learntrace.accounts.scope import learners_of
from learntrace.core.errors import FieldProblem, Problem
from learntrace.core.http.filters import natural
from learntrace.dashboard.layout.page import AcademyPage, academy_page
from learntrace.personal.merging.merging import Plan
from learntrace.personal.merging.own import merge_own, own_plan, undo_own

MOST_FOUND = 8


@dataclass(frozen=True)
class RowsLine:
    """How many rows of a table go over, and how many give way to one that is there."""

    title: str
    moved: int
    dropped: int


@dataclass(frozen=True)
class MergeContext:
    """The context of people/merge.html; `other` is who would go, `rows` what would go over (None: not asked yet)."""

    person: User
    other: User | None
    typed: str
    found: Sequence[tuple[User, str]]
    rows: Sequence[RowsLine] | None
    problem: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
@academy_page("crud_member")
def merge(request: HttpRequest, page: AcademyPage, user_id: int) -> HttpResponse:
    """Show what it would do to merge somebody into this person; do it."""
    into = person_of(page.academy, user_id).user
    typed = (request.POST if request.method == "POST" else request.GET).get("other", "").replace("\0", "").strip()[:320]
    other: User | None = None
    found: Sequence[tuple[User, str]] = ()
    rows: Sequence[RowsLine] | None = None
    try:
        if typed:
            other, found = _other(page, typed, into)
        if other is not None:
            plan = own_plan(page.academy, other, into)
            if request.method == "POST":
                merge_own(page.academy, other, into, page.user)
                messages.success(request, _("The two records are now one person. You can undo this below."))
                return redirect(page.address("people-one", into.pk))
            rows = list(_rows(plan))
        elif request.method == "POST":
            raise FieldProblem("other", _("Choose the other record of this person."))
    except Problem as problem:
        context = MergeContext(into, other, typed, found, None, problem.told())
        return page.show("people/merge.html", context, problem.status_code)
    return page.show("people/merge.html", MergeContext(into, other, typed, found, rows))


@require_POST
@academy_page("crud_member")
def undo(request: HttpRequest, page: AcademyPage, number: int) -> HttpResponse:
    """Give back what a merge has handed over."""
    row = undo_own(page.academy, number, page.user)
    messages.success(request, _("The merge was undone. What arrived since the merge stays here."))
    return redirect(page.address("people-one", row.into_id))


def _other(page: AcademyPage, typed: str, into: User) -> tuple[User | None, list[tuple[User, str]]]:
    """Return whom a name means, or whom it may mean with the URLs that choose one."""
    people = learners_of(page.academy).exclude(pk=into.pk)
    meant = list(called(typed, people)[:2])
    if len(meant) == 1:
        return meant[0], []
    rows = people_of(page.academy, PeopleFilter(words=tuple(typed.split()), archived="all"))
    found = [row.user for row in rows.exclude(user=into)[:MOST_FOUND]]
    if not found and (natural(typed) == into.pk or called(typed, User.objects.filter(pk=into.pk)).exists()):
        raise FieldProblem("other", _("This is the same record: choose the other one."))
    return None, [(user, page.address("people-merge", into.pk, other=unambiguous(user.pk))) for user in found]


def _rows(plan: Plan) -> Iterator[RowsLine]:
    for label in sorted({*plan.moved, *plan.dropped}):
        model = apps.get_model(label.rpartition(".")[0])
        title = str(model._meta.verbose_name_plural)
        yield RowsLine(title[:1].upper() + title[1:], plan.moved.get(label, 0), plan.dropped.get(label, 0))
