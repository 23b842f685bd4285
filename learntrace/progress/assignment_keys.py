"""Assignment keys: a notebook's tag with its prefix, or `asset/step` of a LearnPack package."""

from collections.abc import Iterable

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.cohort_limits.limit import seen
from learntrace.accounts.models import Academy
from learntrace.core.errors import NotFound
from learntrace.progress.models import Activity, Assignment, FormerStep, Progress
from learntrace.registry.resolution import canonical_slug

PREFIX = "assignment:"


class AssignmentNotFound(NotFound):
    slug = "assignment-not-found"
    text = _("Assignment %(assignment)s not found")


def spellings(names: Iterable[str]) -> list[str]:
    """Return the keys that names with or without their prefix may stand for."""
    return [key for name in names for key in ([name] if name.startswith(PREFIX) else [name, PREFIX + name])]


def asset_named_by(key: str) -> str:
    """Return what a question about the asset of an assignment names: a notebook's tag, or the slug of a package."""
    return key if key.startswith(PREFIX) else key.rpartition("/")[0] or key


def key_of(academy: Academy, name: str, learner: int | None = None) -> str:
    """Return the key of the assignment with this name: a published one, a notebook's tag on which somebody was seen, or
    any on which `learner` was seen, for that learner's own pages.

    A step may be named by an alias or a translation of its asset. Raises AssignmentNotFound.
    """
    keys = spellings([name])
    if key := _existing(academy, keys, learner):
        return key
    asset, slash, step = name.partition("/")
    if slash and (key := _existing(academy, [f"{canonical_slug(asset, academy.pk)}/{step}"], learner)):
        return key
    raise AssignmentNotFound(assignment=name)


def _existing(academy: Academy, keys: list[str], learner: int | None) -> str | None:
    published = Assignment.objects.filter(academy=academy, key__in=keys).values_list("key", flat=True)
    worked = Progress.objects.filter(seen(academy), academy=academy, assignment__in=keys)
    # A step that is not published may have any name that a learner gave it (`catalogue.SHOWN_TO_CLASS`).
    own = Q() if learner is None else Q(user=learner)
    of_notebook = Q(assignment__startswith=PREFIX)
    shown = worked.filter(of_notebook | own) if own else worked.filter(of_notebook)
    known = {*published, *shown.values_list("assignment", flat=True).distinct()}
    known |= {*FormerStep.objects.filter(academy=academy, key__in=keys).values_list("key", flat=True)}
    if learner is not None:
        # Where none of them counts there are no measures, and the attempts are shown all the same.
        done = Activity.objects.filter(seen(academy), user=learner, academy=academy, assignment__in=keys)
        known |= {key for key in done.values_list("assignment", flat=True).distinct() if key is not None}
    return next((key for key in keys if key in known), None)
