"""What a change of a setting does, told before it is made: with the numbers of those whom it concerns."""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from learntrace.accounts.models import Academy
from learntrace.accounts.people.counts import (
    count_learners,
    count_staff_without_second_factor,
    count_without_language,
)
from learntrace.core.words import counted
from learntrace.notebooks.consent import learners_opted_out
from learntrace.progress.corrections.attempt_retention import count_old_attempts
from learntrace.signals.notifications.sent import SentByRule
from learntrace.signals.queries import count_open_of_kind
from learntrace.signals.thresholds import ENABLED

# The academy and the value after the change; returns sentences.
Effect = Callable[[Academy, Any, Any], list[str]]


def source(academy: Academy, _before: Any, after: Any) -> list[str]:
    learners = count_learners(academy)
    if after:
        return [
            ngettext(
                "From now on the source code of notebook cells is stored for %(count)s learner, and staff can read it; "
                "what LearnPack has already sent can be read too.",
                "From now on the source code of notebook cells is stored for %(count)s learners, and staff can read it; "
                "what LearnPack has already sent can be read too.",
                learners,
            )
            % {"count": learners},
            _("Learners see on My learning that their code is collected. Each time that staff reads it is recorded."),
        ]
    return [
        ngettext(
            "From now on no source code is collected for %(count)s learner, and staff can no longer read any.",
            "From now on no source code is collected for %(count)s learners, and staff can no longer read any.",
            learners,
        )
        % {"count": learners},
        _(
            "What is stored stays until the learner's data is erased; if it is turned on again, staff can read it again."
        ),
    ]


def opt_out(academy: Academy, _before: Any, after: Any) -> list[str]:
    learners = count_learners(academy)
    if after:
        return [
            ngettext(
                "%(count)s learner can turn off the collection of notebook events, on My learning or in the notebook.",
                "%(count)s learners can turn off the collection of notebook events, on My learning or in the notebook.",
                learners,
            )
            % {"count": learners},
            _("Nothing is collected about those who do until they turn it on again; the class's figures have gaps."),
        ]
    off = len(learners_opted_out(academy))
    return [
        _("Learners can no longer turn the collection of notebook events off."),
        ngettext(
            "%(count)s learner has turned it off, and stays without collection until turning it on.",
            "%(count)s learners have turned it off, and stay without collection until they turn it on.",
            off,
        )
        % {"count": off},
    ]


def erasure(academy: Academy, _before: Any, after: Any) -> list[str]:
    learners = count_learners(academy)
    if after:
        return [
            ngettext(
                "%(count)s learner can erase what was collected about them, on My learning and by the API.",
                "%(count)s learners can erase what was collected about them, on My learning and by the API.",
                learners,
            )
            % {"count": learners}
        ]
    return [
        _(
            "Learners can no longer erase their data themselves. Whoever runs this server still can, when a learner asks."
        ),
    ]


def streaming(academy: Academy, _before: Any, after: Any) -> list[str]:
    if after:
        return [
            _("Each compilation and test that LearnPack reports at once becomes an attempt within seconds."),
            _("Events that failed until now stay failed; the next batch brings what they reported."),
        ]
    return [
        _("Attempts from LearnPack appear with the next batch only. What was recorded stays."),
        _("LearnPack's streaming events end as errors in the webhook log from now on."),
    ]


def retention(academy: Academy, _before: Any, after: Any) -> list[str]:
    if after is None:
        return [_("All attempts are kept from now on. What was deleted doesn't come back.")]
    learners, assignments = count_old_attempts(academy, int(after))
    sentences = [
        _("Attempts are deleted %(days)s days after the last one on an assignment; the measures until then stay.")
        % {"days": counted.number(after)}
    ]
    if assignments:
        sentences.append(
            _("Tonight the attempts on %(assignments)s of %(learners)s are deleted. This can't be undone.")
            % {"assignments": counted.assignments(assignments), "learners": counted.learners(learners)}
        )
    else:
        sentences.append(_("Nothing is that old today."))
    return sentences


def active_gap(academy: Academy, _before: Any, after: Any) -> list[str]:
    return [
        _("The active time of all learners is recomputed: pauses count up to %(seconds)s.")
        % {"seconds": counted.seconds(after)},
        _("“Stuck” is measured by active time: such signals may open and close."),
    ]


def thresholds_of(kind: str) -> Effect:
    """Return the effect of the thresholds of a kind of signal."""

    def effect(academy: Academy, before: Any, after: Any) -> list[str]:
        count = count_open_of_kind(academy, kind)
        if not after.get(ENABLED):
            return [
                ngettext(
                    "It is no longer detected, and %(count)s open signal of this kind is withdrawn.",
                    "It is no longer detected, and %(count)s open signals of this kind are withdrawn.",
                    count,
                )
                % {"count": count}
            ]
        return [
            _("All learners' attempts are checked again in the background: signals of this kind open and close."),
            ngettext("%(count)s signal is open now.", "%(count)s signals are open now.", count) % {"count": count},
        ]

    return effect


def second_factor(academy: Academy, _before: Any, after: Any) -> list[str]:
    if not after:
        return [_("A second factor becomes optional. Those who have one keep using it.")]
    missing = count_staff_without_second_factor(academy)
    return [
        ngettext(
            "%(count)s member of staff has none, and must set one up at the next sign-in before anything else opens.",
            "%(count)s members of staff have none, and must set one up at the next sign-in before anything else opens.",
            missing,
        )
        % {"count": missing},
        _("Learners aren't asked for one."),
    ]


def language(academy: Academy, _before: Any, after: Any) -> list[str]:
    count = count_without_language(academy)
    return [
        ngettext(
            "Notifications to %(count)s member of staff who has chosen no language come in this one.",
            "Notifications to %(count)s members of staff who have chosen no language come in this one.",
            count,
        )
        % {"count": count},
        _("Pages stay in the language of each reader's browser."),
    ]


def help_text(academy: Academy, _before: Any, after: Any) -> list[str]:
    learners = count_learners(academy)
    if not any(after.values()):
        return [_("My learning shows no help text any longer.")]
    return [
        ngettext(
            "%(count)s learner reads this text at the top of My learning.",
            "%(count)s learners read this text at the top of My learning.",
            learners,
        )
        % {"count": learners}
    ]


def of_deleting(sent: SentByRule, days: int) -> list[str]:
    """Return what the deletion of a notification rule ends, by what it has sent in the last days."""
    sentences = [_sent(sent, days)]
    if sent.waiting:
        sentences.append(
            ngettext(
                "%(count)s unsent notification is dropped.",
                "%(count)s unsent notifications are dropped.",
                sent.waiting,
            )
            % {"count": sent.waiting}
        )
    return [*sentences, _("The signals stay, and other rules keep sending.")]


def _sent(sent: SentByRule, days: int) -> str:
    if not sent.notifications:
        return _("It has sent nothing in the last %(days)s.") % {"days": counted.days(days)}
    numbers = {
        "days": counted.days(days),
        "notifications": counted.notifications(sent.notifications),
        "messages": counted.messages(sent.messages),
        "learners": counted.learners(sent.learners),
    }
    if not sent.learners:
        return _("In the last %(days)s it sent %(notifications)s in %(messages)s, all about the whole class.") % numbers
    return _("In the last %(days)s it sent %(notifications)s in %(messages)s, about %(learners)s.") % numbers
