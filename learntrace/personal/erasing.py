"""Erase all collected data of a user, including data that is written while the erasure runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import psycopg
import structlog
from django.db import OperationalError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.audit.actions import DATA_ERASED
from learntrace.accounts.audit.recording import record
from learntrace.accounts.models import Academy, AcademySettings, Membership, User
from learntrace.core.errors import Forbidden
from learntrace.core.personal_data import PersonalDataset, registered_datasets, to_erase
from learntrace.personal.features import allows
from learntrace.personal.models import Erasure, PendingErasure

log = structlog.get_logger(__name__)

# By then all requests and retries have ended that read the user's state before the erasure.
SWEEP_FOR = timedelta(minutes=15)
# A worker may lock the same rows in another order: the database aborts one of the two, which begins again.
_ATTEMPTS = 5


class ErasureNotAllowed(Forbidden):
    slug = "erasure-not-allowed"
    text = _("%(academy)s doesn't let its learners erase their data here. Ask its staff")


@dataclass(frozen=True)
class Plan:
    """How many rows of each kind would be erased, and how many would stay."""

    goes: Mapping[PersonalDataset, int]
    stays: Mapping[PersonalDataset, int]

    @property
    def total(self) -> int:
        return sum(self.goes.values())


def plan_of(user: User) -> Plan:
    """Return the plan of an erasure; one query for each dataset."""
    counts = {dataset: dataset.count(user.pk) for dataset in registered_datasets()}
    return Plan(
        {dataset: count for dataset, count in counts.items() if dataset.erase is not None},
        {dataset: count for dataset, count in counts.items() if dataset.erase is None},
    )


def academy_against(user: User) -> Academy | None:
    """Return one of the user's academies that doesn't allow erasure. The data aren't separated by academy, so all must."""
    mine = Academy.objects.filter(
        memberships__user=user, memberships__status=Membership.Status.ACTIVE, status=Academy.Status.ACTIVE
    ).order_by("id")
    stored = dict(AcademySettings.objects.filter(academy__in=mine).values_list("academy_id", "notebook_features"))
    return next((academy for academy in mine if not allows(stored.get(academy.pk))), None)


def check_allowed(user: User) -> None:
    """Raise ErasureNotAllowed unless all of the user's academies let their learners erase their data."""
    against = academy_against(user)
    if against is not None:
        raise ErasureNotAllowed(academy=against.name)


def erase(user: User, *, by_operator: bool = False) -> Erasure:
    """Erase all data collected about the user until now: all of it or, if that fails, nothing.

    Data that clients send in the meantime are collected as new. Raises OperationalError when the database is away.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with transaction.atomic():
                erasure = _erase(user, by_operator)
        except OperationalError as error:
            if attempt == _ATTEMPTS or not isinstance(error.__cause__, psycopg.errors.DeadlockDetected):
                raise
            log.info("erasure begins again after a deadlock with a worker")
        else:
            _sweep_now(erasure)
            return erasure
    raise AssertionError("unreachable")


def _sweep_now(erasure: Erasure) -> None:
    """Sweep at once. If that fails, the erasure still stands, and `sweep_recent` sweeps later."""
    try:
        sweep(erasure)
    except OperationalError as error:
        log.warning("sweep after an erasure failed", error=str(error)[:300])


def sweep(erasure: Erasure) -> int:
    """Delete data from before an erasure that were written while it ran; return how many rows."""
    return sum(
        dataset.sweep(erasure.user_id, erasure.erased_at)
        for dataset in registered_datasets()
        if dataset.sweep is not None
    )


def sweep_recent() -> int:
    """Sweep the latest erasures, for data that were written late; return how many rows."""
    return sum(sweep(erasure) for erasure in Erasure.objects.filter(erased_at__gt=timezone.now() - SWEEP_FOR))


def _erase(user: User, by_operator: bool) -> Erasure:
    # Two erasures of the same user at the same time would deadlock.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    begun = timezone.now()
    PendingErasure.objects.filter(user=user).delete()
    counts = {dataset.name: dataset.erase(user.pk) for dataset in to_erase() if dataset.erase is not None}
    record(DATA_ERASED, object_id=user.pk, subject_id=user.pk)
    return Erasure.objects.create(
        user=user,
        erased_at=begun,
        by_operator=by_operator,
        counts={dataset.name: counts[dataset.name] for dataset in registered_datasets() if dataset.name in counts},
    )
