"""A notification's message: signals as sentences in the teacher's language, and as a document for programs."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from learntrace.accounts.models import Academy, User
from learntrace.accounts.page_features import message_language
from learntrace.core.http.language import FALLBACK
from learntrace.core.time_zones import day_and_time, zone_of
from learntrace.progress.assignment_keys import PREFIX
from learntrace.progress.catalogue import titles_of
from learntrace.signals.concerns.documents import concern_document
from learntrace.signals.concerns.reading import ToldConcern
from learntrace.signals.documents import kind_name, sentence_of, signal_document
from learntrace.signals.models import NotificationRule, Signal


@dataclass(frozen=True)
class Line:
    """A signal as text; `link` leads to its evidence, and is empty where LEARNTRACE_PUBLIC_URL is not set."""

    title: str
    sentence: str
    when: str
    link: str = ""

    def text(self) -> str:
        line = f"- {self.sentence} ({self.when})"
        return f"{line}\n  {self.link}" if self.link else line


@dataclass(frozen=True)
class Message:
    """What is sent under one id: texts for people, in `language`, and `document` (plain JSON) for programs.

    `link` is empty where LEARNTRACE_PUBLIC_URL is not set.
    """

    id: str
    language: str
    subject: str
    introduction: str
    lines: Sequence[Line]
    closing: str
    link: str
    document: Mapping[str, Any]

    def text(self, most: int | None = None) -> str:
        """Return the message as plain text, with the first `most` of its signals."""
        shown = self.lines[:most]
        parts = [self.introduction, *(line.text() for line in shown)]
        if rest := len(self.lines) - len(shown):
            with translation.override(self.language):
                parts.append(ngettext("... and %(count)s more", "... and %(count)s more", rest) % {"count": rest})
        return "\n".join([*parts, *([self.link] if self.link else []), "", self.closing])


def message_of(
    delivery: uuid.UUID, rule: NotificationRule, signals: Sequence[Signal], concerns: Sequence[ToldConcern] = ()
) -> Message:
    """Return the message with these signals (`user` loaded), and concerns of the class above them."""
    with translation.override(language_of(rule.user, rule.academy)):
        zone = zone_of(rule.timezone) or ZoneInfo("UTC")
        keys = {signal.assignment for signal in signals} | {entry.assignment for entry in concerns}
        titles = titles_of(rule.academy.pk, {key for key in keys if key})
        lines = [
            Line(
                title=_("Many in the class"),
                sentence=entry.summary_about(titles.get(entry.assignment or "", entry.about)),
                when=_when(entry.concern.since, zone),
                link=_assignment_url(rule, entry),
            )
            for entry in concerns
        ] + [
            Line(
                title=kind_name(signal.kind),
                sentence=sentence_of(signal, signal.user, titles.get(signal.assignment or "", "")),
                when=_when(signal.opened_at, zone),
                link=_evidence_url(rule, signal),
            )
            for signal in signals
        ]
        count = ngettext("%(count)s signal", "%(count)s signals", len(lines)) % {"count": len(lines)}
        about = signals[0].user.display_name if signals else _subject_of(concerns, titles)
        subject = f"{lines[0].title}: {about}" if len(lines) == 1 else count
        introduction = f"{rule.academy.name}: {count}"
        return _message(str(delivery), rule, subject, introduction, lines, signals, concerns)


def _subject_of(concerns: Sequence[ToldConcern], titles: Mapping[str, str]) -> str:
    return titles.get(concerns[0].assignment or "", concerns[0].about) if concerns else ""


def trial_message_of(rule: NotificationRule) -> Message:
    """Return a message that only shows that the rule's target can be reached."""
    with translation.override(language_of(rule.user, rule.academy)):
        introduction = _("This is a test message from Learntrace. Signals will arrive here.")
        return _message(str(uuid.uuid4()), rule, _("Test message"), introduction, [], [])


def _message(
    delivery: str,
    rule: NotificationRule,
    subject: str,
    introduction: str,
    lines: Sequence[Line],
    signals: Sequence[Signal],
    concerns: Sequence[ToldConcern] = (),
) -> Message:
    closing = _("You get this because of the notification rule “%(rule)s”.") % {
        "rule": rule.name or NotificationRule.Channel(rule.channel).label
    }
    document = {
        "id": delivery,
        "test": not (signals or concerns),
        "academy": {"id": rule.academy.pk, "slug": rule.academy.slug},
        "rule": {"id": rule.pk, "name": rule.name},
        "signals": [signal_document(signal, signal.user) for signal in signals],
        "concerns": [concern_document(entry) for entry in concerns],
    }
    return Message(
        id=delivery,
        language=translation.get_language() or FALLBACK,
        # A line break in a header is an attack; names come from rosters and hubs.
        subject=" ".join(f"[Learntrace] {subject}".split()),
        introduction=introduction,
        lines=lines,
        closing=closing,
        link=_page_url(rule, "class-now"),
        document=document,
    )


def _evidence_url(rule: NotificationRule, signal: Signal) -> str:
    """Return the URL of the attempts that a signal is about; of the learner's page for a signal about a whole asset."""
    if not signal.assignment:
        return _page_url(rule, "learners-one", signal.user_id)
    name = signal.assignment.removeprefix(PREFIX)
    url = _page_url(rule, "assignments-attempts", name, signal.user_id, signal=signal.pk)
    return f"{url}#evidence" if url else ""


def _assignment_url(rule: NotificationRule, entry: ToldConcern) -> str:
    """Return the URL of the assignment on which many of the class met an error."""
    return _page_url(rule, "assignments-one", entry.about) if entry.assignment else ""


def _page_url(rule: NotificationRule, page: str, *args: object, **query: object) -> str:
    """Return the URL of a page of the rule's academy; empty where LEARNTRACE_PUBLIC_URL is not set."""
    if not settings.PUBLIC_URL:
        return ""
    return f"{settings.PUBLIC_URL}{reverse(page, args=args)}?{urlencode({'academy': rule.academy.pk, **query})}"


def language_of(user: User, academy: Academy) -> str:
    """Return the language of a message: the user's, else the academy's, else English."""
    return user.language if user.language in dict(settings.LANGUAGES) else message_language(academy) or FALLBACK


def _when(at: datetime, zone: ZoneInfo) -> str:
    """Return a time in the rule's zone with the zone's name: who reads the message may be in another one."""
    local = at.astimezone(zone)
    name = local.tzname() or ""
    # Many zones have no letters, only their distance from UTC.
    return f"{day_and_time(local)} {'UTC' if name.startswith(('+', '-')) else ''}{name}"
