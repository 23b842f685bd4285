"""Tell live clients of a raised hand: the hand itself, and the concern that it is a reason of."""

from learntrace.core import live_events
from learntrace.progress.catalogue import shown_keys
from learntrace.signals.concerns.changes import changes_of
from learntrace.signals.concerns.standing import of_subjects, subject_of_hand, subjects_known
from learntrace.signals.help_requests.documents import brief
from learntrace.signals.help_requests.models import HelpRequest


def announce(hand: HelpRequest) -> None:
    """Publish a changed hand when the open transaction commits; the last statement of it."""
    subject = subject_of_hand(hand)
    standing = of_subjects(hand.academy_id, [subject])
    over = [] if standing else list(subjects_known(hand.academy_id, [subject]).values())
    shown = shown_keys(hand.academy_id, [hand.assignment] if hand.assignment else [])
    live_events.say(
        [
            live_events.Change(hand.academy_id, live_events.HELP_REQUEST, brief(hand, shown)),
            *changes_of(hand.academy_id, standing, over),
        ]
    )
