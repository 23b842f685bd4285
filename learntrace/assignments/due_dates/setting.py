"""Set due dates and extensions, and take them back."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.audit.actions import DUE_DATE_CHANGED, EXTENSION_CHANGED
from learntrace.accounts.audit.recording import record
from learntrace.accounts.cohort_limits.limit import cohorts_of
from learntrace.accounts.models import Academy, Cohort, User
from learntrace.accounts.people.cohort_learners import in_cohorts
from learntrace.accounts.scope import learners_of
from learntrace.assignments.due_dates.models import DueDate, Extension
from learntrace.core.errors import FieldProblem, NotFound
from learntrace.core.http.filters import natural
from learntrace.registry.models import Asset
from learntrace.registry.resolution import load_registry

LONGEST_REASON = 200


class DueDateNotFound(NotFound):
    slug = "due-date-not-found"
    text = _("There is no such due date")


def due_date_of(academy: Academy, due_date_id: int) -> DueDate:
    """Return a due date of a cohort that the member sees.

    Raises DueDateNotFound.
    """
    rows = DueDate.objects.filter(pk=due_date_id, cohort__in=cohorts_of(academy)).select_related("cohort", "asset")
    if (row := rows.first()) is None:
        raise DueDateNotFound
    return row


def cohort_named(academy: Academy, name: str) -> Cohort:
    """Return the cohort with an id or slug.

    Raises FieldProblem.
    """
    rows = cohorts_of(academy)
    number = natural(name)
    row = rows.filter(slug=name).first() or (rows.filter(pk=number).first() if number is not None else None)
    if row is None:
        raise FieldProblem("cohort", _("There is no cohort %(name)s."), name=name[:80])
    return row


def asset_named(academy: Academy, name: str) -> Asset:
    """Return the asset with an id, slug or alias that the academy may name: the canonical one of its translations.

    Raises FieldProblem.
    """
    if not name.strip():
        raise FieldProblem("asset", _("Enter the asset: its id, slug or alias."))
    number = natural(name)
    registry = load_registry(ids=[] if number is None else [number], slugs=[name], named_in=[academy.pk])
    asset = registry.by_slug(name) or (registry.by_id.get(number) if number is not None else None)
    if asset is None:
        raise FieldProblem("asset", _("There is no asset “%(name)s”."), name=name[:80])
    return Asset.objects.get(pk=registry.canonical(asset).id)


@transaction.atomic
def set_due_date(academy: Academy, cohort: Cohort, asset: Asset, due_at: datetime) -> DueDate:
    """Set until when a cohort is to have done an asset."""
    Cohort.objects.select_for_update(no_key=True).get(pk=cohort.pk)
    row = DueDate.objects.filter(cohort=cohort, asset=asset).first()
    before = {"due_at": row.due_at} if row is not None else {}
    if row is None:
        row = DueDate.objects.create(cohort=cohort, asset=asset, due_at=due_at)
    elif row.due_at != due_at:
        row.due_at = due_at
        row.save(update_fields=["due_at", "updated_at"])
    _record(academy, row, before, {"due_at": due_at})
    return row


@transaction.atomic
def end_due_date(academy: Academy, row: DueDate) -> None:
    """Take a due date away, with its extensions."""
    pk, extensions = row.pk, row.extensions.count()
    before = {"cohort": row.cohort_id, "asset": row.asset_id, "due_at": row.due_at, "extensions": extensions}
    if DueDate.objects.filter(pk=pk).delete()[0]:
        record(DUE_DATE_CHANGED, academy_id=academy.pk, object_id=pk, before=before)


@transaction.atomic
def extend(academy: Academy, row: DueDate, user_id: int, due_at: datetime, reason: str) -> Extension:
    """Give a learner of the cohort until later.

    Raises FieldProblem.
    """
    user = _learner(academy, row, user_id)
    if due_at <= row.due_at:
        raise FieldProblem("due_at", _("An extension must end later than the cohort's due date."))
    reason = " ".join(reason.replace("\0", "").split())
    if len(reason) > LONGEST_REASON:
        raise FieldProblem("reason", _("This is too long."))
    DueDate.objects.select_for_update(no_key=True).get(pk=row.pk)
    stored = Extension.objects.filter(due_date=row, user=user).first()
    before = {"due_at": stored.due_at, "reason": stored.reason} if stored is not None else {}
    extension = stored or Extension(due_date=row, user=user)
    extension.due_at, extension.reason = due_at, reason
    extension.save()
    after = {"due_at": due_at, "reason": reason}
    record(EXTENSION_CHANGED, academy_id=academy.pk, object_id=row.pk, subject_id=user.pk, before=before, after=after)
    return extension


@transaction.atomic
def end_extension(academy: Academy, row: DueDate, user_id: int) -> None:
    """Take a learner's extension away."""
    stored = Extension.objects.filter(due_date=row, user=user_id, user__in=learners_of(academy)).first()
    if stored is None:
        return
    before = {"due_at": stored.due_at, "reason": stored.reason}
    stored.delete()
    record(EXTENSION_CHANGED, academy_id=academy.pk, object_id=row.pk, subject_id=user_id, before=before)


def _learner(academy: Academy, row: DueDate, user_id: int) -> User:
    user = learners_of(academy).filter(in_cohorts([row.cohort_id], "pk"), pk=user_id).first()
    if user is None:
        raise FieldProblem("learner", _("There is no such learner in %(cohort)s."), cohort=row.cohort.name)
    return user


def _record(academy: Academy, row: DueDate, before: dict[str, Any], after: dict[str, Any]) -> None:
    about = {"cohort": row.cohort_id, "asset": row.asset_id}
    told = before | about if before else {}
    record(DUE_DATE_CHANGED, academy_id=academy.pk, object_id=row.pk, before=told, after=after | about)
