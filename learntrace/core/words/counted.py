"""Numbers with their nouns, in the active language: for sentences that tell several of them."""

from django.utils.translation import ngettext


def learners(count: int) -> str:
    return ngettext("%(count)s learner", "%(count)s learners", count) % {"count": count}


def assignments(count: int) -> str:
    return ngettext("%(count)s assignment", "%(count)s assignments", count) % {"count": count}


def attempts(count: int) -> str:
    return ngettext("%(count)s attempt", "%(count)s attempts", count) % {"count": count}


def failed_attempts(count: int) -> str:
    return ngettext("%(count)s failed attempt", "%(count)s failed attempts", count) % {"count": count}


def successes_in_a_row(count: int) -> str:
    return ngettext("%(count)s success in a row", "%(count)s successes in a row", count) % {"count": count}


def notifications(count: int) -> str:
    return ngettext("%(count)s notification", "%(count)s notifications", count) % {"count": count}


def messages(count: int) -> str:
    return ngettext("%(count)s message", "%(count)s messages", count) % {"count": count}


def assets(count: int) -> str:
    return ngettext("%(count)s asset", "%(count)s assets", count) % {"count": count}


def tasks(count: int) -> str:
    return ngettext("%(count)s task", "%(count)s tasks", count) % {"count": count}


def records(count: int) -> str:
    return ngettext("%(count)s telemetry record", "%(count)s telemetry records", count) % {"count": count}


def webhooks(count: int) -> str:
    return ngettext("%(count)s webhook", "%(count)s webhooks", count) % {"count": count}


def learnpack_messages(count: int) -> str:
    return ngettext("%(count)s message from LearnPack", "%(count)s messages from LearnPack", count) % {"count": count}


def events(count: int) -> str:
    return ngettext("%(count)s notebook event", "%(count)s notebook events", count) % {"count": count}


def days(count: int) -> str:
    return ngettext("%(count)s day", "%(count)s days", count) % {"count": count}


def minutes(count: float) -> str:
    return ngettext("%(count)s minute", "%(count)s minutes", 1 if count == 1 else 2) % {"count": f"{count:g}"}


def seconds(count: float) -> str:
    # 1.5 has the plural in both languages.
    return ngettext("%(count)s second", "%(count)s seconds", 1 if count == 1 else 2) % {"count": f"{count:g}"}
