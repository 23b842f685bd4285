"""Numbers with their nouns, in the active language: for sentences that tell several of them."""

from datetime import timedelta

from django.utils.formats import number_format
from django.utils.translation import get_language, gettext, ngettext

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def number(value: float) -> str:
    """A number with the language's separators; Spanish has none between the thousands of four digits."""
    value = int(value) if value == int(value) else value
    return number_format(value, use_l10n=True, force_grouping=value >= 10_000 or get_language() != "es")


def learners(count: int) -> str:
    return ngettext("%(count)s learner", "%(count)s learners", count) % {"count": number(count)}


def assignments(count: int) -> str:
    return ngettext("%(count)s assignment", "%(count)s assignments", count) % {"count": number(count)}


def attempts(count: int) -> str:
    return ngettext("%(count)s attempt", "%(count)s attempts", count) % {"count": number(count)}


def failed_attempts(count: int) -> str:
    return ngettext("%(count)s failed attempt", "%(count)s failed attempts", count) % {"count": number(count)}


def successes_in_a_row(count: int) -> str:
    return ngettext("%(count)s success in a row", "%(count)s successes in a row", count) % {"count": number(count)}


def notifications(count: int) -> str:
    return ngettext("%(count)s notification", "%(count)s notifications", count) % {"count": number(count)}


def messages(count: int) -> str:
    return ngettext("%(count)s message", "%(count)s messages", count) % {"count": number(count)}


def assets(count: int) -> str:
    return ngettext("%(count)s asset", "%(count)s assets", count) % {"count": number(count)}


def tasks(count: int) -> str:
    return ngettext("%(count)s task", "%(count)s tasks", count) % {"count": number(count)}


def records(count: int) -> str:
    return ngettext("%(count)s telemetry record", "%(count)s telemetry records", count) % {"count": number(count)}


def webhooks(count: int) -> str:
    return ngettext("%(count)s webhook", "%(count)s webhooks", count) % {"count": number(count)}


def learnpack_messages(count: int) -> str:
    return ngettext("%(count)s message from LearnPack", "%(count)s messages from LearnPack", count) % {
        "count": number(count)
    }


def events(count: int) -> str:
    return ngettext("%(count)s notebook event", "%(count)s notebook events", count) % {"count": number(count)}


def days(count: int) -> str:
    return ngettext("%(count)s day", "%(count)s days", count) % {"count": number(count)}


def minutes(count: float) -> str:
    return ngettext("%(count)s minute", "%(count)s minutes", 1 if count == 1 else 2) % {"count": number(count)}


def seconds(count: float) -> str:
    # 1.5 has the plural in both languages.
    return ngettext("%(count)s second", "%(count)s seconds", 1 if count == 1 else 2) % {"count": number(count)}


def hours(count: int) -> str:
    return ngettext("%(count)s hour", "%(count)s hours", count) % {"count": number(count)}


def duration_words(span: timedelta) -> str:
    """Return a span in whole words of the active language, in its two largest units at most."""
    if span < _MINUTE:
        return gettext("less than a minute")
    if span < _HOUR:
        return minutes(span // _MINUTE)
    if span < _DAY:
        whole, rest = hours(span // _HOUR), span % _HOUR // _MINUTE
        if span < 3 * _HOUR and rest:
            return gettext("%(hours)s and %(minutes)s") % {"hours": whole, "minutes": minutes(rest)}
        return whole
    days = span // _DAY
    return ngettext("%(count)s day", "%(count)s days", days) % {"count": days}


def minutes_or_longer(count: float) -> str:
    """Return minutes; from an hour on as `duration_words`, which tells the same span elsewhere."""
    return duration_words(timedelta(minutes=count)) if count >= 60 else minutes(count)
