"""An erasure that was asked for with a key alone: it waits for a day, in which its owner can undo it.

A key lies in programs and notebooks, and may be in other hands. Whoever gives the password again, erases at once.
"""

from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction
from django.utils import timezone

from learntrace.accounts.audit.actions import ERASURE_ASKED, ERASURE_UNDONE
from learntrace.accounts.audit.recording import record
from learntrace.accounts.models import User
from learntrace.personal.erasing import ErasureNotAllowed, check_allowed, erase
from learntrace.personal.models import PendingErasure

log = structlog.get_logger(__name__)

DELAY: Final = timedelta(hours=24)


def ask(user: User) -> datetime:
    """Have all be erased in a day; return when. Who asks again, waits no longer for it."""
    until = timezone.now() + DELAY
    with transaction.atomic():
        pending, made = PendingErasure.objects.get_or_create(user=user, defaults={"erases_at": until})
        if made:
            record(ERASURE_ASKED, object_id=user.pk, subject_id=user.pk, after={"erases_at": pending.erases_at})
    return pending.erases_at


def keep(user: User) -> bool:
    """Undo what was asked for; return whether anything was."""
    with transaction.atomic():
        pending = PendingErasure.objects.select_for_update().filter(user=user).first()
        if pending is not None:
            record(ERASURE_UNDONE, object_id=user.pk, subject_id=user.pk, before={"erases_at": pending.erases_at})
            pending.delete()
    return pending is not None


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
