"""Set and lift the limit of a member to cohorts: administration, command and roster change it here."""

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.audit.actions import COHORT_LIMIT_CHANGED
from learntrace.accounts.audit.recording import record
from learntrace.accounts.models import Cohort, Membership
from learntrace.accounts.roles import LIMITED_ROLES
from learntrace.core.errors import Problem


class LimitRefused(Problem):
    slug = "limit-refused"


class RoleNotLimited(LimitRefused):
    text = _("Only teachers and assistants can be limited to cohorts: give another role first")


class CohortElsewhere(LimitRefused):
    text = _("The cohort %(cohort)s belongs to another academy")


def check_limit(membership: Membership, cohorts: Collection[Cohort]) -> None:
    """Raise LimitRefused where the role can't be limited, or a cohort is another academy's."""
    if membership.role not in LIMITED_ROLES:
        raise RoleNotLimited
    for cohort in cohorts:
        if cohort.academy_id != membership.academy_id:
            raise CohortElsewhere(cohort=cohort.slug)


@transaction.atomic
def limit_to(membership: Membership, cohorts: Collection[Cohort]) -> None:
    """Have the member see the learners of these cohorts only, from the next request on; of none of them: nobody.

    Raises LimitRefused.
    """
    check_limit(membership, cohorts)
    before = _told(membership)
    membership.only_cohorts = True
    membership.save(update_fields=["only_cohorts"])
    membership.cohorts.set(cohorts)
    _record(membership, before)


@transaction.atomic
def lift_limit(membership: Membership) -> None:
    """Have the member see the whole academy again."""
    before = _told(membership)
    membership.only_cohorts = False
    membership.save(update_fields=["only_cohorts"])
    membership.cohorts.clear()
    _record(membership, before)


def _told(membership: Membership) -> dict[str, Any]:
    """Return the ids of the cohorts that the member sees; None for the whole academy."""
    ids = sorted(membership.cohorts.values_list("pk", flat=True))
    return {"cohorts": ids if membership.only_cohorts else None}


def _record(membership: Membership, before: dict[str, Any]) -> None:
    record(
        COHORT_LIMIT_CHANGED,
        academy_id=membership.academy_id,
        object_id=membership.pk,
        subject_id=membership.user_id,
        before=before,
        after=_told(membership),
    )
