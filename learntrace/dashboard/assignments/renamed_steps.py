"""The pages of a step that was renamed lead to those of the step as which it is read."""

from functools import wraps
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from learntrace.dashboard.layout.page import AcademyPage, View
from learntrace.progress.reports.joined_steps import read_as


def at_renamed_step(view: View) -> View:
    """Make a view of an assignment redirect from a former step to its new name; the rest of the URL stays as it is.

    What was posted to the old name is not lost: it holds for both.
    """

    @wraps(view)
    def answer(request: HttpRequest, page: AcademyPage, key: str, **rest: Any) -> HttpResponseBase:
        new = read_as(page.academy, key) if request.method in ("GET", "HEAD") else ""
        match = request.resolver_match
        if not new or match is None or match.url_name is None:
            return view(request, page, key, **rest)
        query = request.META.get("QUERY_STRING", "")
        return redirect(f"{reverse(match.url_name, kwargs={'key': new, **rest})}{'?' if query else ''}{query}")

    return answer
