"""Filters and tags of the pages' templates."""

import itertools
import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import template
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from learntrace.dashboard import shell, words
from learntrace.dashboard.attempts import Mark
from learntrace.dashboard.explanations import explanation_of
from learntrace.progress.keys import PREFIX
from learntrace.signals.models import Signal

register = template.Library()

# Shown in place of a number that isn't known: a dash.
UNKNOWN = "\u2013"


@register.filter
def count(number: int) -> str:
    """A number with its thousands set apart, as the language has it."""
    return number_format(number, use_l10n=True, force_grouping=True)


@register.filter
def status_word(slug: str) -> str:
    return str(words.STATUSES.get(slug, slug))


@register.filter
def state_word(slug: str) -> str:
    return str(words.STATES.get(slug, slug))


@register.filter
def outcome_word(slug: str) -> str:
    return str(words.OUTCOMES.get(slug, slug))


@register.filter
def outcome_shape(outcome: str) -> str:
    """The shape that stands for how an attempt ended."""
    return {"ok": "done"}.get(outcome, outcome)


@register.filter
def attempt_marks(marks: Sequence[Mark]) -> SafeString:
    """Attempts on a timeline, as the pieces of its picture: with a template's tags a thousand of them would take a third of
    a second."""
    told = {outcome: (outcome_shape(outcome), outcome_word(outcome)) for outcome in {mark.state for mark in marks}}
    parts = []
    for mark in marks:
        shape, word = told[mark.state]
        title = f"{timezone.localtime(mark.at):%H:%M:%S} UTC · {word}{f' · {mark.title}' if mark.title else ''}"
        parts.append(
            f'<svg x="{mark.x}" y="{mark.y}" width="10" height="10" class="shape {escape(shape)}'
            f'{" evidence" if mark.evidence else ""}"><use href="#shape-{escape(shape)}"/><title>{escape(title)}</title></svg>'
        )
    # Of numbers of ours, and texts that have been escaped.
    return mark_safe("".join(parts))  # noqa: S308


@register.filter
def signal_state_word(state: str) -> str:
    return str(dict(Signal.State.choices).get(state, state))


@register.filter
def severity_word(slug: str) -> str:
    return str(words.SEVERITIES.get(slug, slug))


@register.filter
def assignment_name(key: str) -> str:
    """An assignment's key as people know it: without its prefix."""
    return key.removeprefix(PREFIX)


@register.filter
def refusal_word(slug: str) -> str:
    return str(words.REFUSALS.get(slug, slug))


@register.filter
def filter_word(name: str) -> str:
    return str(words.FILTERS.get(name, name))


@register.simple_tag(takes_context=True)
def page_address(context: template.Context) -> str:
    """Where to go on after a choice that holds for all pages."""
    return shell.page_address(context["request"])


def _seconds(moment: datetime) -> float:
    return max((timezone.now() - moment).total_seconds(), 0.0)


@register.filter
def ago(seconds: float) -> str:
    """How long ago something was, from seconds."""
    return _("%(age)s ago") % {"age": words.age(seconds)}


@register.filter
def since(moment: datetime) -> str:
    """How long ago a moment was."""
    return ago(_seconds(moment))


@register.filter
def span(moment: datetime) -> str:
    """How much time has passed since a moment."""
    return words.age(_seconds(moment))


@register.filter
def moment(at: datetime) -> SafeString:
    """A time: with seconds within half a day, else with its date, so that none of yesterday looks like one to come.

    Told in UTC; the script tells it in the reader's zone.
    """
    recent = _seconds(at) < 43200
    text = at.strftime("%H:%M:%S") if recent else date_format(at, "j M H:i")
    form = "clock" if recent else "date"
    return format_html('<time datetime="{}" data-form="{}">{}</time>', at.isoformat(), form, text)


@register.simple_tag
def shape(name: str) -> SafeString:
    """The shape of a state, which tells it without colour."""
    return format_html(
        '<svg class="shape {0}" width="12" height="12" aria-hidden="true" focusable="false">'
        '<use href="#shape-{0}"/></svg>',
        name,
    )


@register.filter
def percent(share: float) -> str:
    """A share of 100 without decimals; it says 100 only when nothing is left."""
    return f"{math.floor(share):d}"


@register.filter
def whole_percent(share: float | None) -> str:
    """A share of 1 as percent without decimals."""
    return UNKNOWN if share is None else f"{round(100 * share):d} %"


@register.filter
def ratio(value: float | None) -> str:
    """A number with two decimals; a dash for one that isn't known."""
    return UNKNOWN if value is None else number_format(value, decimal_pos=2)


@register.filter
def duration(seconds: float | None) -> str:
    """A time span, of hours with their minutes; a dash for one that isn't known."""
    if seconds is None:
        return UNKNOWN
    if seconds >= 3600:
        return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"
    return words.age(seconds) if seconds else "0 s"


@register.filter
def rounded_duration(seconds: float) -> str:
    """A time span in its largest unit alone: 15 min, 3 d."""
    return words.age(seconds) if seconds else "0 s"


@register.filter
def step_word(state: str) -> str:
    return str(words.STEPS.get(state, state))


@register.inclusion_tag("parts/why.html", takes_context=True)
def why(context: template.Context, name: str) -> dict[str, Any]:
    """The "?" beside a number that tells how it is computed (`explanations`), also without a script."""
    # Included templates have a render context of their own; the answer's ids must differ across all of them.
    counter = vars(context["request"]).setdefault("explanations_told", itertools.count(1))
    return {"explanation": explanation_of(name), "id": f"why-{next(counter)}"}


@register.inclusion_tag("parts/heading.html", takes_context=True)
def heading(
    context: template.Context, title: str, *, sort: str = "", explain: str = "", number: bool = False
) -> dict[str, Any]:
    """A column's heading: by `sort` a link that sorts the table and at the next click turns it round, by `explain` a "?".

    The order that holds without `?sort=` is the context's `default_sort`.
    """
    request: HttpRequest = context["request"]
    current = request.GET.get("sort") or str(context.get("default_sort") or "")
    query = request.GET.copy()
    query.pop("page", None)
    query["sort"] = f"-{sort}" if current == sort else sort
    order = {sort: "ascending", f"-{sort}": "descending"}.get(current, "") if sort else ""
    return {
        "title": title, "query": query.urlencode() if sort else "", "order": order, "explain": explain, "number": number,
        "request": request,
    }  # fmt: skip
