"""An erasure that was asked for with a key alone: it waits for a day, in which its owner can undo it.

A key lies in programs and notebooks, and may be in other hands. Whoever gives the password again, erases at once.
"""

from datetime import datetime, timedelta
from typing import Final

import structlog
from django.utils import timezone

from learntrace.accounts.models import User
from learntrace.personal.erasing import ErasureNotAllowed, check_allowed, erase
from learntrace.personal.models import PendingErasure

log = structlog.get_logger(__name__)

DELAY: Final = timedelta(hours=24)


def ask(user: User) -> datetime:
    """Have all be erased in a day; return when. Who asks again, waits no longer for it."""
    until = timezone.now() + DELAY
    # The place for an entry of an audit log: an erasure was asked for.
    pending, _made = PendingErasure.objects.get_or_create(user=user, defaults={"erases_at": until})
    return pending.erases_at


def keep(user: User) -> bool:
    """Undo what was asked for; return whether anything was."""
    # The place for an entry of an audit log: an erasure was undone.
    return PendingErasure.objects.filter(user=user).delete()[0] > 0


def erases_at(user: User) -> datetime | None:
    """Return when the user's data will be erased; None if nothing was asked for."""
    return PendingErasure.objects.filter(user=user).values_list("erases_at", flat=True).first()


def erase_due() -> int:
    """Erase what is due; return of how many users."""
    due = PendingErasure.objects.filter(erases_at__lte=timezone.now()).select_related("user").order_by("erases_at")
    done = 0
    for pending in due:
        try:
            check_allowed(pending.user)
        except ErasureNotAllowed:
            log.warning("erasure that was asked for is no longer allowed", user=pending.user_id)
        else:
            erase(pending.user)
            done += 1
        pending.delete()
    return done
