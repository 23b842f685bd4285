"""The answer to what staff did with a card: JSON to the open page's script, else back to the page with a message."""

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect

from learntrace.dashboard.layout.page import PARTS_HEADER
from learntrace.dashboard.layout.sign_in import safe_next


def answer(request: HttpRequest, told: str, undo: Sequence[str], *, failed: bool = False) -> HttpResponse:
    """Say what was done, and by which pairs it can be undone."""
    if request.headers.get(PARTS_HEADER):
        return JsonResponse({"told": told, "undo": list(undo), "failed": failed})
    messages.add_message(request, messages.ERROR if failed else messages.SUCCESS, told)
    return redirect(safe_next(request))
