"""A concern's life in whole words: for how long, how many attempts, the last error."""

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from learntrace.core.words.counted import duration_words
from learntrace.measures.failures import NO_NAMES
from learntrace.signals.concerns.figures import Figures
from learntrace.signals.help_requests.models import HelpRequest


def life_of(since: datetime, now: datetime, figures: Figures) -> str:
    """Return a learner's concern in the active language, as "7 attempts in 12 minutes. Last error: NameError".

    An error without a message is no word for people, and isn't told. The time is that of the attempts, from the first one of
    the trouble on. A concern without attempts is told with the time since it stands, as the learner's state is.
    """
    error = figures.last_error
    if figures.attempts is None:
        return _("For %(time)s") % {"time": duration_words(now - since)}
    time = duration_words(now - (figures.begun or since))
    attempts = ngettext("%(count)s attempt", "%(count)s attempts", figures.attempts) % {"count": figures.attempts}
    if not error or error in NO_NAMES:
        return _("%(attempts)s in %(time)s") % {"time": time, "attempts": attempts}
    return _("%(attempts)s in %(time)s. Last error: %(error)s") % {
        "time": time,
        "attempts": attempts,
        "error": error,
    }


def hand_up(hand: HelpRequest) -> str:
    """Return a hand that is up in the active language, as "Hand raised 12 minutes ago"."""
    now = timezone.now()
    if hand.help_began_at is None:
        return _("Hand raised %(time)s ago") % {"time": duration_words(now - hand.raised_at)}
    who = hand.helped_by.display_name if hand.helped_by else _("Somebody")
    return _("%(who)s has been helping for %(time)s") % {"who": who, "time": duration_words(now - hand.help_began_at)}


def met_by_many(learners: int, error: str, about: str) -> str:
    """Return a concern of the class in the active language."""
    if error in NO_NAMES:
        return ngettext(
            "%(count)s learner failed on %(assignment)s, without an error message",
            "%(count)s learners failed on %(assignment)s, without an error message",
            learners,
        ) % {"count": learners, "assignment": about}
    return ngettext(
        "%(count)s learner got “%(error)s” on %(assignment)s",
        "%(count)s learners got “%(error)s” on %(assignment)s",
        learners,
    ) % {"count": learners, "error": error, "assignment": about}
