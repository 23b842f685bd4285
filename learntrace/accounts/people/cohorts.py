"""Make, change, archive and fill cohorts."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.audit.actions import COHORT_CHANGED, COHORT_LEARNERS_CHANGED, COHORT_MADE
from learntrace.accounts.audit.recording import record
from learntrace.accounts.cohort_limits.limit import cohorts_of, require_all_cohorts
from learntrace.accounts.models import Academy, Cohort, CohortLearner, Membership
from learntrace.core.errors import FieldProblem, NotFound, Problem
from learntrace.core.http.filters import natural


@dataclass(frozen=True)
class CohortFields:
    """What a form says of a cohort."""

    name: str
    slug: str
    starts_on: date | None
    ends_on: date | None


class CohortNotFound(NotFound):
    slug = "cohort-not-found"
    text = _("There is no such cohort")


class HasTasks(Problem):
    status_code = 409
    slug = "has-tasks-of-cohort"
    text = _("%(name)s has tasks of this cohort, and stays in it as long as these are there.")


def cohort_of(academy: Academy, cohort_id: int) -> Cohort:
    """Return a cohort of the academy that the member sees.

    Raises CohortNotFound.
    """
    row = cohorts_of(academy).filter(pk=cohort_id).first()
    if row is None:
        raise CohortNotFound
    return row


def cohorts_named(academy: Academy, names: Collection[str]) -> list[Cohort]:
    """Return the cohorts with these ids or slugs that the member sees; a slug is looked up first.

    Raises FieldProblem.
    """
    numbers = {name: number for name in names if (number := natural(name)) is not None}
    rows = cohorts_of(academy).filter(Q(slug__in=names) | Q(pk__in=numbers.values()))
    by_slug, by_id = {row.slug: row for row in rows}, {row.pk: row for row in rows}
    found: dict[int, Cohort] = {}
    for name in names:
        row = by_slug.get(name) or by_id.get(numbers.get(name, 0))
        if row is None:
            raise FieldProblem("cohorts", _("There is no cohort %(name)s."), name=name[:80])
        found[row.pk] = row
    return sorted(found.values(), key=lambda cohort: (cohort.name, cohort.pk))


@transaction.atomic
def make_cohort(academy: Academy, fields: CohortFields) -> Cohort:
    """Make a cohort; without a slug one is made from the name.

    Raises FieldProblem, WholeAcademyOnly.
    """
    require_all_cohorts(academy)
    _check(fields)
    cohort = Cohort(academy=academy)
    _save(cohort, fields, academy)
    record(COHORT_MADE, academy_id=academy.pk, object_id=cohort.pk, after=_told(cohort))
    return cohort


@transaction.atomic
def change_cohort(academy: Academy, cohort: Cohort, fields: CohortFields) -> bool:
    """Change a cohort's name, slug and dates; return whether they differ from before.

    Raises FieldProblem, WholeAcademyOnly.
    """
    require_all_cohorts(academy)
    _check(fields)
    row = Cohort.objects.select_for_update(no_key=True).get(pk=cohort.pk)
    before = _told(row)
    _save(row, fields, academy)
    after = _told(row)
    if after != before:
        record(COHORT_CHANGED, academy_id=academy.pk, object_id=row.pk, before=before, after=after)
    return after != before


@transaction.atomic
def archive_cohort(academy: Academy, cohort: Cohort, *, archived: bool) -> None:
    """Take a cohort out of the lists from which pages let choose, or back into them; nothing else changes.

    Raises WholeAcademyOnly.
    """
    require_all_cohorts(academy)
    row = Cohort.objects.select_for_update(no_key=True).get(pk=cohort.pk)
    before = {"archived": row.archived_at is not None}
    if before["archived"] != archived:
        row.archived_at = timezone.now() if archived else None
        row.save(update_fields=["archived_at"])
    record(COHORT_CHANGED, academy_id=academy.pk, object_id=row.pk, before=before, after={"archived": archived})


@transaction.atomic
def put_into(academy: Academy, cohort: Cohort, user_ids: Collection[int]) -> int:
    """Put people of the academy into a cohort; return how many weren't in it.

    Raises WholeAcademyOnly.
    """
    require_all_cohorts(academy)
    members = Membership.objects.filter(academy=academy, user__in=user_ids).values_list("user_id", flat=True)
    known = set(CohortLearner.objects.filter(cohort=cohort, user__in=user_ids).values_list("user_id", flat=True))
    new = sorted(set(members) - known)
    CohortLearner.objects.bulk_create([CohortLearner(cohort=cohort, user_id=pk) for pk in new], ignore_conflicts=True)
    if new:
        _record_learners(academy, cohort, {}, {"put in": new}, new)
    return len(new)


@transaction.atomic
def take_out(academy: Academy, cohort: Cohort, membership: Membership) -> None:
    """Take somebody out of a cohort.

    Raises HasTasks, WholeAcademyOnly.
    """
    require_all_cohorts(academy)
    rows = CohortLearner.objects.filter(cohort=cohort, user=membership.user_id)
    if Cohort.objects.filter(pk=cohort.pk, tasks__user=membership.user_id).exists():
        raise HasTasks(name=membership.user.display_name)
    if rows.delete()[0]:
        _record_learners(academy, cohort, {"taken out": [membership.user_id]}, {}, [membership.user_id])


def _record_learners(
    academy: Academy, cohort: Cohort, before: dict[str, Any], after: dict[str, Any], people: Collection[int]
) -> None:
    subject = next(iter(people)) if len(people) == 1 else None
    record(
        COHORT_LEARNERS_CHANGED,
        academy_id=academy.pk,
        object_id=cohort.pk,
        subject_id=subject,
        before=before,
        after=after,
    )


def _told(cohort: Cohort) -> dict[str, Any]:
    return {"name": cohort.name, "slug": cohort.slug, "starts_on": cohort.starts_on, "ends_on": cohort.ends_on}


def _check(fields: CohortFields) -> None:
    if not fields.name or len(fields.name) > 150:
        raise FieldProblem("name", _("Give the cohort a name of at most 150 characters."))
    if fields.ends_on is not None and (fields.starts_on is None or fields.ends_on < fields.starts_on):
        raise FieldProblem("ends_on", _("A cohort can't end before it starts"))


def _save(cohort: Cohort, fields: CohortFields, academy: Academy) -> None:
    slug = slugify(fields.slug)[:150] or cohort.slug or _free_slug(fields.name, academy)
    if Cohort.objects.filter(slug=slug).exclude(pk=cohort.pk).exists():
        raise FieldProblem("slug", _("This short name is taken. Choose another one."))
    cohort.name, cohort.slug = fields.name, slug
    cohort.starts_on, cohort.ends_on = fields.starts_on, fields.ends_on
    try:
        with transaction.atomic():
            cohort.save()
    except IntegrityError as error:
        raise FieldProblem("slug", _("This short name is taken. Choose another one.")) from error


def _free_slug(name: str, academy: Academy) -> str:
    plain = slugify(name)[:100] or "cohort"
    candidates = [plain, f"{academy.slug[:40]}-{plain}", *(f"{academy.slug[:40]}-{plain}-{n}" for n in range(2, 100))]
    taken = set(Cohort.objects.filter(slug__in=candidates).values_list("slug", flat=True))
    return next(slug for slug in candidates if slug not in taken)
