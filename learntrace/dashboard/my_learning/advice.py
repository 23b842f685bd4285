"""Signals for the learner they are about: the same facts that teachers get, as a text to the learner, with advice."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from learntrace.accounts.models import User
from learntrace.dashboard.components.signal_lines import shape_of
from learntrace.signals.documents import fill_sentence, kind_name, sentence_of
from learntrace.signals.models import Signal
from learntrace.signals.queries import UNRESOLVED


@dataclass(frozen=True)
class LearnerText:
    """A sentence to the learner, with the same placeholders as the kind's own sentence, and an advice.

    `unless` is told instead where the fact `needs` isn't known.
    """

    sentence: str
    advice: str
    needs: str = ""
    unless: str = ""

    def sentence_for(self, facts: Mapping[str, Any]) -> str:
        return self.sentence if not self.needs or self.needs in facts else self.unless


LEARNER_TEXTS: Mapping[str, LearnerText] = {
    "consecutive_errors": LearnerText(
        _("You ran the same code %(count)s times on %(assignment)s, and each time it ended with %(error)s."),
        _(
            "The same code ends in the same error. Read the last line of the error, change one thing, and run it again. If "
            "you can't see what to change, that is a good moment to ask."
        ),
    ),
    "repeated_error": LearnerText(
        _("You got %(error)s %(count)s times in a row on %(assignment)s, in %(versions)s versions of your code."),
        _(
            "You are trying things, which is right; the cause may lie elsewhere than where you look. Go to the line that the "
            "error names, and look at what your variables hold just before it."
        ),
        needs="versions",
        unless=_("You got %(error)s %(count)s times in a row on %(assignment)s."),
    ),
    "stuck": LearnerText(
        _("You have worked on %(assignment)s for %(minutes)s, with %(failed_attempts)s."),
        _(
            "It is a hard one, and you have kept at it. Take a short break, try a smaller part of it, or ask: that is what "
            "teachers are for."
        ),
    ),
    "wheel_spinning": LearnerText(
        _("You have made %(attempts)s at %(assignment)s, but not yet %(successes)s."),
        _("More attempts alone seldom help here. Go back to an example that works, or have somebody explain the step."),
    ),
    "inactive_after_error": LearnerText(
        _("You were inactive for %(minutes)s after an attempt at %(assignment)s that failed with %(error)s."),
        _("If you took a break, all is well. If you didn't know how to go on, ask."),
    ),
    "rapid_fire": LearnerText(
        _("You ran unchanged code %(count)s times in quick succession on %(assignment)s."),
        _("Running it again changes nothing by itself. Read the output, then decide what to change."),
    ),
    "falling_behind": LearnerText(
        _(
            "You have done %(done)s of the assignments of %(assignment)s, %(count)s fewer than the median of your class."
        ),
        _("Choose the next one and start with it. If you are short of time, tell your teachers early."),
    ),
    "frustration": LearnerText(
        _(
            "On %(assignment)s it looks as if you had a hard time: frustration %(frustration)s and engagement "
            "%(engagement)s of 100."
        ),
        _(
            "It is a guess from how often something failed and how you went on; you know better. A break or a hint often helps."
        ),
    ),
}


@dataclass(frozen=True)
class OwnSignal:
    """A signal about the learner: `teachers` is the sentence that teachers read; `advice` may be empty."""

    id: int
    name: str
    shape: str
    sentence: str
    advice: str
    teachers: str
    opened_at: datetime
    last_seen_at: datetime
    state: str
    explain: str

    @property
    def standing(self) -> bool:
        """Whether the signal is open or acknowledged."""
        return self.state in UNRESOLVED

    @property
    def seen(self) -> bool:
        """Whether a teacher has acknowledged the signal."""
        return self.state == Signal.State.ACKNOWLEDGED


def own_lines(user: User, signals: Iterable[Signal], titles: Mapping[str, str] | None = None) -> list[OwnSignal]:
    """Return signals as lines for their learner; `titles` are those of assignments by their keys.

    A kind that a later version dropped has the teachers' sentence.
    """
    lines = []
    for signal in signals:
        about = (titles or {}).get(signal.assignment or "", "")
        words, teachers = LEARNER_TEXTS.get(signal.kind), sentence_of(signal, user, about)
        lines.append(
            OwnSignal(
                id=signal.pk,
                name=kind_name(signal.kind),
                shape=shape_of(signal),
                sentence=fill_sentence(words.sentence_for(_facts(signal)), signal, user, about) if words else teachers,
                advice=gettext(words.advice) if words else "",
                teachers=teachers,
                opened_at=signal.opened_at,
                last_seen_at=signal.last_seen_at,
                state=signal.state,
                explain=f"signal:{signal.kind}",
            )
        )
    return lines


def _facts(signal: Signal) -> Mapping[str, Any]:
    return signal.facts if isinstance(signal.facts, dict) else {}
