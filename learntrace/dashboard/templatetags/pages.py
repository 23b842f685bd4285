"""Filters and tags of the pages' templates."""

import math
from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from learntrace.dashboard import words

register = template.Library()


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
def refusal_word(slug: str) -> str:
    return str(words.REFUSALS.get(slug, slug))


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
    """A time: with seconds within a day, else with its date. Told in UTC; the script tells it in the reader's zone."""
    recent = _seconds(at) < 86400
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
