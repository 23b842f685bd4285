"""What staff does with a raised hand: help, say that it is done, and undo either."""

from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.audit.actions import HELP_GIVEN, HELP_UNDONE
from learntrace.accounts.audit.recording import record
from learntrace.accounts.models import Academy, User
from learntrace.core.errors import FieldProblem, Problem
from learntrace.signals.help_requests.changes import announce
from learntrace.signals.help_requests.models import HELPED, HELPING, TAKEN_BACK, WAITING, HelpRequest
from learntrace.signals.help_requests.queue import HelpRequestNotFound, hand_of

HELP, DONE, UNDO_HELP, UNDO_DONE = ACTS = ("help", "done", "undo_help", "undo_done")


class HandIsOver(Problem):
    status_code = 409
    slug = "help-request-is-over"
    text = _("This hand is no longer up")


class SomebodyHelps(Problem):
    """Two members of staff were about to help; the second one is told."""

    status_code = 409
    slug = "somebody-helps-already"
    text = _("%(who)s is already helping")


class CannotUndo(Problem):
    status_code = 409
    slug = "cannot-undo"
    text = _("This can't be undone any more: something has happened since")


def handle_hand(academy: Academy, number: int, act: str, by: User) -> HelpRequest:
    """Do one of ACTS with a hand of the academy, if the member sees its learner; nothing happens where it is so already.

    Raises FieldProblem, HelpRequestNotFound, HandIsOver, SomebodyHelps, CannotUndo.
    """
    if act not in ACTS:
        raise FieldProblem("act", _("Must be one of %(known)s"), known=", ".join(ACTS))
    with transaction.atomic():
        seen = hand_of(academy, number)
        hand = HelpRequest.objects.select_for_update().filter(pk=seen.pk).first()
        if hand is None:
            raise HelpRequestNotFound
        before = _told(hand)
        _CHANGES[act](hand, by)
        if _told(hand) != before:
            hand.save(update_fields=["open", "helped_by", "help_began_at", "ended_at"])
            _record(hand, before, undone=act in (UNDO_HELP, UNDO_DONE))
            announce(hand)
    return hand


def _help(hand: HelpRequest, by: User) -> None:
    if hand.state in (HELPED, TAKEN_BACK):
        raise HandIsOver
    if hand.state == HELPING:
        if hand.helped_by_id == by.pk:
            return
        raise SomebodyHelps(who=hand.helped_by.display_name if hand.helped_by else gettext("Somebody"))
    hand.helped_by, hand.help_began_at = by, timezone.now()


def _done(hand: HelpRequest, by: User) -> None:
    if hand.state == TAKEN_BACK:
        raise HandIsOver
    if hand.state == HELPED:
        return
    # Whoever began to help has helped, whoever of the staff says that it is done.
    hand.helped_by = hand.helped_by or by
    hand.ended_at, hand.open = timezone.now(), None


def _undo_help(hand: HelpRequest, _by: User) -> None:
    if hand.state == WAITING:
        return
    if hand.state != HELPING:
        raise CannotUndo
    hand.helped_by = hand.help_began_at = None


def _undo_done(hand: HelpRequest, _by: User) -> None:
    if hand.state in (WAITING, HELPING):
        return
    same = HelpRequest.objects.filter(user=hand.user_id, academy=hand.academy_id)
    if hand.state != HELPED or same.filter(open__isnull=False).exists():
        raise CannotUndo
    hand.ended_at, hand.open = None, True
    if hand.help_began_at is None:
        hand.helped_by = None


_CHANGES: Final = {HELP: _help, DONE: _done, UNDO_HELP: _undo_help, UNDO_DONE: _undo_done}


def _told(hand: HelpRequest) -> dict[str, Any]:
    return {"helped_by": hand.helped_by_id, "help_began_at": hand.help_began_at, "ended_at": hand.ended_at}


def _record(hand: HelpRequest, before: Mapping[str, Any], *, undone: bool) -> None:
    record(
        HELP_UNDONE if undone else HELP_GIVEN,
        academy_id=hand.academy_id,
        object_id=hand.pk,
        subject_id=hand.user_id,
        before=before,
        after=_told(hand),
    )
