"""Filters and tags of the pages' templates."""

import itertools
import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django import template
from django.http import HttpRequest
from django.template.defaultfilters import floatformat
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from learntrace.core import time_zones
from learntrace.core.words import counted
from learntrace.dashboard.components import labels
from learntrace.dashboard.components.explanations import explanation_of
from learntrace.dashboard.components.timeline import Mark
from learntrace.dashboard.layout import once, page
from learntrace.intake.refusal_counts import REASONS
from learntrace.measures.learner_state import Standing
from learntrace.progress.assignment_keys import PREFIX

register = template.Library()

# In place of an unknown number: a dash.
UNKNOWN = "\u2013"


@register.simple_tag
def sent_once() -> SafeString:
    """The hidden field of a form that counts once (`layout.once`)."""
    return format_html('<input type="hidden" name="{}" value="{}">', once.FIELD, once.new_name())


@register.filter
def count(number: int) -> str:
    """A number with the language's separators."""
    return counted.number(number)


@register.filter
def status_word(slug: str) -> str:
    return str(labels.STATUSES.get(slug, slug))


@register.filter
def state_word(slug: str) -> str:
    return str(labels.STATES.get(slug, slug))


@register.filter
def standing_word(standing: Standing) -> str:
    return labels.standing_word(standing)


@register.filter
def evidence_word(standing: Standing) -> str:
    return labels.evidence_word(standing)


@register.filter
def timeliness_word(slug: str) -> str:
    return str(labels.TIMELINESS.get(slug, ""))


@register.filter
def timeliness_shape(slug: str) -> str:
    """The shape that stands for how a learner stands towards a due date."""
    return {"done_late": "late"}.get(slug, slug)


@register.filter
def part_word(part: str) -> str:
    return str(labels.PARTS.get(part, part))


@register.filter
def outcome_word(slug: str) -> str:
    return str(labels.OUTCOMES.get(slug, slug))


@register.filter
def outcome_shape(outcome: str) -> str:
    """The shape that stands for the outcome of an attempt."""
    return {"ok": "done"}.get(outcome, outcome)


@register.filter
def attempt_marks(marks: Sequence[Mark]) -> SafeString:
    """The attempts of a timeline as SVG; with a template's tags a thousand of them would take a third of a second."""
    outcomes = {outcome: (outcome_shape(outcome), outcome_word(outcome)) for outcome in {mark.state for mark in marks}}
    parts = []
    for mark in marks:
        shape, word = outcomes[mark.state]
        title = f"{timezone.localtime(mark.at):%H:%M:%S} · {word}{f' · {mark.title}' if mark.title else ''}"
        parts.append(
            f'<svg x="{mark.x}" y="{mark.y}" width="10" height="10" class="shape {escape(shape)}'
            f'{" evidence" if mark.evidence else ""}"><use href="#shape-{escape(shape)}"/><title>{escape(title)}</title></svg>'
        )
    # Built from numbers of our own, and texts that have been escaped.
    return mark_safe("".join(parts))  # noqa: S308


@register.filter
def signal_state_word(state: str) -> str:
    return str(labels.SIGNAL_STATES.get(state, state))


@register.filter
def severity_word(slug: str) -> str:
    return str(labels.SEVERITIES.get(slug, slug))


@register.filter
def assignment_name(key: str) -> str:
    """An assignment's key without its prefix."""
    return key.removeprefix(PREFIX)


register.filter("error_words", labels.error_words)


@register.filter
def learnpack_event_word(name: str) -> str:
    return str(labels.LEARNPACK_EVENTS.get(name, name))


@register.simple_tag
def learnpack_events() -> list[tuple[str, str]]:
    """The events of LearnPack that have words, as (the client's name, words)."""
    return [(name, str(word)) for name, word in labels.LEARNPACK_EVENTS.items()]


@register.filter
def refusal_word(slug: str) -> str:
    return str(REASONS.get(slug, slug))


@register.filter
def filter_word(name: str) -> str:
    return str(labels.FILTERS.get(name, name))


@register.simple_tag(takes_context=True)
def current_url(context: template.Context) -> str:
    """The URL to return to after a choice that holds for all pages."""
    return page.current_url(context["request"])


@register.filter
def ago(seconds: float) -> str:
    """A number of seconds as a time ago."""
    if seconds < 10:
        return _("just now")
    return _("%(age)s ago") % {"age": labels.age(seconds)}


@register.filter
def since(moment: datetime) -> str:
    """The time since a moment, as a time ago."""
    return ago(labels.seconds_since(moment))


@register.filter
def span(moment: datetime) -> str:
    """The time since a moment."""
    return labels.age(labels.seconds_since(moment))


@register.filter
def moment(at: datetime) -> SafeString:
    """A time: with seconds within half a day, else with its date, so that neither yesterday's nor tomorrow's seems today's.

    It is in the page's time zone (`core.time_zones`), as is what the script makes of it.
    """
    recent = abs((timezone.now() - at).total_seconds()) < 43200
    local = timezone.localtime(at)
    text = local.strftime("%H:%M:%S") if recent else day_time(local)
    form = "clock" if recent else "date"
    return format_html('<time datetime="{}" data-form="{}">{}</time>', at.isoformat(), form, text)


@register.filter
def day(at: date) -> str:
    """A day: 28 Nov, in Spanish 28 nov."""
    return date_format(_here(at), pgettext("date format", "j M"))


@register.filter
def day_year(at: date) -> str:
    """A day with its year: 28 Nov 2026."""
    return date_format(_here(at), pgettext("date format", "j M Y"))


@register.filter
def day_time(at: datetime) -> str:
    """A day with the time: 28 Nov, 09:30; of another year, 28 Nov 2025, 09:30."""
    here = _here(at)
    if here.year == timezone.localtime().year:
        return date_format(here, pgettext("date format", "j M, H:i"))
    return date_format(here, pgettext("date format", "j M Y, H:i"))


@register.filter
def quoted(text: str) -> str:
    """What somebody said, in the quotation marks of the language."""
    return _("“%(title)s”") % {"title": text}


def _here(at: date) -> date:
    """Return a moment in the page's time zone; a day as it is."""
    return timezone.localtime(at) if isinstance(at, datetime) else at


@register.simple_tag
def shape(name: str) -> SafeString:
    """The shape of a state, which shows it without colour."""
    return format_html(
        '<svg class="shape {0}" width="12" height="12" aria-hidden="true" focusable="false">'
        '<use href="#shape-{0}"/></svg>',
        name,
    )


@register.filter
def percent(share: float) -> str:
    """A percentage without decimals, rounded down: 100 only where nothing is left."""
    return f"{math.floor(share):d}"


@register.filter
def in_percent(share: float) -> str:
    """A percentage without decimals, rounded down, with its sign."""
    return _with_sign(math.floor(share))


@register.filter
def whole_percent(share: float | None) -> str:
    """A share from 0 to 1 as a percentage without decimals."""
    return UNKNOWN if share is None else _with_sign(round(100 * share))


def _with_sign(percentage: int) -> str:
    """Return a percentage as the language writes it: 62%, in Spanish 62 %."""
    return _("%(number)s%%") % {"number": percentage}


@register.filter
def ratio(value: float | None) -> str:
    """A number with two decimals, rounded half up; a dash for None."""
    # Django's number_format would cut off the other decimals.
    return UNKNOWN if value is None else floatformat(value, 2)


@register.filter
def duration(seconds: float | None) -> str:
    """A time span in whole seconds, or minutes, or from an hour on in hours and minutes; a dash for None."""
    if seconds is None:
        return UNKNOWN
    if seconds >= 3600:
        hours, minutes = int(seconds // 3600), int(seconds % 3600 // 60)
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return labels.age(seconds) if seconds >= 10 else f"{round(seconds)} s"


@register.filter
def rounded_duration(seconds: float) -> str:
    """A time span in its largest unit: 15 min, 3 d."""
    return labels.age(seconds) if seconds else "0 s"


@register.filter
def day_and_time(at: datetime) -> str:
    """A moment for sentences, always with its day: 28 Nov 2026, 09:30."""
    return time_zones.day_and_time(timezone.localtime(at))


@register.filter
def largest_unit(span: timedelta) -> str:
    """A time span, rounded to its largest unit: 2 h."""
    return time_zones.largest_unit(span)


@register.filter
def minutes_word(minutes: int) -> str:
    """A number of minutes in its largest unit: 10 min, 1 h, 1 d."""
    return labels.age(60 * minutes)


@register.filter
def language_name(code: str) -> str:
    return labels.language_name(code)


@register.filter
def step_word(state: str) -> str:
    return str(labels.STEPS.get(state, state))


@register.inclusion_tag("components/why.html", takes_context=True)
def why(context: template.Context, name: str) -> dict[str, Any]:
    """The "?" beside a number, which opens its explanation (`explanations`) also without a script."""
    # Included templates have render contexts of their own; the ids must differ across all of them.
    counter = vars(context["request"]).setdefault("explanation_ids", itertools.count(1))
    return {"explanation": explanation_of(name), "id": f"why-{next(counter)}"}


@register.inclusion_tag("components/heading.html", takes_context=True)
def heading(
    context: template.Context,
    title: str,
    *,
    sort: str = "",
    explain: str = "",
    number: bool = False,
    least: bool = False,
) -> dict[str, Any]:
    """A column's heading: with `sort` a link that sorts the table and then reverses it, with `explain` a "?".

    A column of numbers begins with the largest, or the newest; with `least`, with the smallest. The order without `?sort=`
    is the context's `default_sort`.
    """
    request: HttpRequest = context["request"]
    current = request.GET.get("sort") or str(context.get("default_sort") or "")
    query = request.GET.copy()
    query.pop("page", None)
    first, then = (f"-{sort}", sort) if number and not least else (sort, f"-{sort}")
    query["sort"] = then if current == first else first
    order = {sort: "ascending", f"-{sort}": "descending"}.get(current, "") if sort else ""
    return {
        "title": title,
        "query": query.urlencode() if sort else "",
        "order": order,
        "explain": explain,
        "number": number,
        "request": request,
    }
