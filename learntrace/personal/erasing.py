"""Erasing all that was collected about a user, whatever is under way meanwhile."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import psycopg
import structlog
from django.db import OperationalError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy, AcademySettings, Membership, User
from learntrace.core.errors import Forbidden
from learntrace.core.personal import Holding, holdings, to_erase
from learntrace.personal.features import allows
from learntrace.personal.models import Erasure

log = structlog.get_logger(__name__)

# Requests and retries that had read before an erasure that there was none have ended by then.
SWEEP_FOR = timedelta(minutes=15)
# A worker that has the same rows in hand in another order: the database lets one of the two begin again.
_ATTEMPTS = 5


class ErasureNotAllowed(Forbidden):
    slug = "erasure-not-allowed"
    text = _("%(academy)s doesn't let its learners erase their data here. Ask its staff")


@dataclass(frozen=True)
class Plan:
    """How many rows of each kind would be erased, and how many would stay."""

    goes: Mapping[Holding, int]
    stays: Mapping[Holding, int]

    @property
    def total(self) -> int:
        return sum(self.goes.values())


def plan_of(user: User) -> Plan:
    """What an erasure would do; one query for each kind."""
    counts = {holding: holding.count(user.pk) for holding in holdings()}
    return Plan(
        {holding: count for holding, count in counts.items() if holding.erase is not None},
        {holding: count for holding, count in counts.items() if holding.erase is None},
    )


def academy_against(user: User) -> Academy | None:
    """An academy of the user's that doesn't allow it: what they hold is one, so each has a say."""
    mine = Academy.objects.filter(
        memberships__user=user, memberships__status=Membership.Status.ACTIVE, status=Academy.Status.ACTIVE
    ).order_by("id")
    stored = dict(AcademySettings.objects.filter(academy__in=mine).values_list("academy_id", "notebook_features"))
    return next((academy for academy in mine if not allows(stored.get(academy.pk))), None)


def check_allowed(user: User) -> None:
    """Raise ErasureNotAllowed unless every academy of the user's lets its learners do it."""
    against = academy_against(user)
    if against is not None:
        raise ErasureNotAllowed(academy=against.name)


def erase(user: User, *, by_operator: bool = False) -> Erasure:
    """Erase all that was collected about the user until now: all of it or, where that fails, nothing.

    What clients send meanwhile is collected anew. Raises OperationalError when the database is away.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with transaction.atomic():
                done = _erase(user, by_operator)
        except OperationalError as error:
            if attempt == _ATTEMPTS or not isinstance(error.__cause__, psycopg.errors.DeadlockDetected):
                raise
            log.info("an erasure begins again, as a worker had the same rows in hand")
        else:
            _sweep_now(done)
            return done
    raise AssertionError("unreachable")


def _sweep_now(erasure: Erasure) -> None:
    """What is erased is erased, whatever becomes of this: `sweep_recent` comes after it."""
    try:
        sweep(erasure)
    except OperationalError as error:
        log.warning("not swept at once after an erasure", error=str(error)[:300])


def sweep(erasure: Erasure) -> int:
    """Delete what had happened before an erasure and came in while it ran; returns how many rows."""
    return sum(one.sweep(erasure.user_id, erasure.erased_at) for one in holdings() if one.sweep is not None)


def sweep_recent() -> int:
    """The same of the latest erasures, for what was still on its way."""
    return sum(sweep(one) for one in Erasure.objects.filter(erased_at__gt=timezone.now() - SWEEP_FOR))


def _erase(user: User, by_operator: bool) -> Erasure:
    # Two of the same user at once would each wait for rows of the other's.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    begun = timezone.now()
    counts = {holding.name: holding.erase(user.pk) for holding in to_erase() if holding.erase is not None}
    return Erasure.objects.create(
        user=user, erased_at=begun, by_operator=by_operator,
        counts={holding.name: counts[holding.name] for holding in holdings() if holding.name in counts},
    )  # fmt: skip
