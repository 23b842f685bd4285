"""What a teacher is told: signals as sentences in the teacher's language, and as a document for programs."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse
from django.utils import formats, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from learntrace.accounts.models import User
from learntrace.core.language import FALLBACK
from learntrace.progress.keys import PREFIX
from learntrace.signals.documents import kind_name, sentence_of, signal_document
from learntrace.signals.models import NotificationRule, Signal
from learntrace.signals.notifications.quiet import zone_of


@dataclass(frozen=True)
class Line:
    """A signal, as people read it; `link` leads to its evidence, and is empty where the server doesn't know its address."""

    title: str
    sentence: str
    when: str
    link: str = ""

    def text(self) -> str:
        told = f"- {self.sentence} ({self.when})"
        return f"{told}\n  {self.link}" if self.link else told


@dataclass(frozen=True)
class Message:
    """What goes out under one id: texts for people, in `language`, and `document` (plain JSON) for programs.

    `link` is empty where the server doesn't know its own address.
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
        """The message as plain text; of its signals the first `most`."""
        shown = self.lines[:most]
        parts = [self.introduction, *(line.text() for line in shown)]
        if rest := len(self.lines) - len(shown):
            with translation.override(self.language):
                parts.append(ngettext("... and %(count)s more", "... and %(count)s more", rest) % {"count": rest})
        return "\n".join([*parts, *([self.link] if self.link else []), "", self.closing])


def message_of(delivery: uuid.UUID, rule: NotificationRule, signals: Sequence[Signal]) -> Message:
    """The message with these signals, of which there is one at least (`user` loaded)."""
    with translation.override(language_of(rule.user)):
        zone = zone_of(rule.timezone) or ZoneInfo("UTC")
        lines = [
            Line(kind_name(one.kind), sentence_of(one, one.user), _when(one.opened_at, zone), _evidence(rule, one))
            for one in signals
        ]
        count = ngettext("%(count)s signal", "%(count)s signals", len(lines)) % {"count": len(lines)}
        learner = signals[0].user.get_full_name() or signals[0].user.username
        subject = f"{lines[0].title}: {learner}" if len(lines) == 1 else count
        introduction = f"{rule.academy.name}: {count}"
        return _message(str(delivery), rule, subject, introduction, lines, signals)


def trial_message_of(rule: NotificationRule) -> Message:
    """A message that only shows that the rule's target can be reached."""
    with translation.override(language_of(rule.user)):
        introduction = _("This is a test message of Learntrace. Signals will arrive here.")
        return _message(str(uuid.uuid4()), rule, _("Test message"), introduction, [], [])


def _message(
    delivery: str, rule: NotificationRule, subject: str, introduction: str, lines: Sequence[Line], signals: Sequence[Signal]
) -> Message:  # fmt: skip
    closing = _("You get this by the notification rule “%(rule)s”.") % {"rule": rule.name or f"#{rule.pk}"}
    document = {
        "id": delivery,
        "test": not signals,
        "academy": {"id": rule.academy.pk, "slug": rule.academy.slug},
        "rule": {"id": rule.pk, "name": rule.name},
        "signals": [signal_document(signal, signal.user) for signal in signals],
    }
    link = _address(rule, "class-now")
    # A line break in a header is an attack; names come from rosters and hubs.
    subject = " ".join(f"[Learntrace] {subject}".split())
    return Message(
        delivery, translation.get_language() or FALLBACK, subject, introduction, lines, closing, link, document
    )


def _evidence(rule: NotificationRule, signal: Signal) -> str:
    """The page of the attempts that a signal is about; of one of a whole asset, the learner's."""
    if not signal.assignment:
        return _address(rule, "learners-one", signal.user_id)
    name = signal.assignment.removeprefix(PREFIX)
    address = _address(rule, "assignments-attempts", name, signal.user_id, signal=signal.pk)
    return f"{address}#evidence" if address else ""


def _address(rule: NotificationRule, page: str, *args: object, **query: object) -> str:
    """A page of the rule's academy; empty where the server doesn't know its own address."""
    if not settings.PUBLIC_URL:
        return ""
    return f"{settings.PUBLIC_URL}{reverse(page, args=args)}?{urlencode({'academy': rule.academy.pk, **query})}"


def language_of(user: User) -> str:
    return user.language if user.language in dict(settings.LANGUAGES) else FALLBACK


def _when(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{formats.date_format(local, 'SHORT_DATE_FORMAT')} {local:%H:%M}"
