"""What assignments are called: a notebook's tag with its prefix, or `asset/step` of a LearnPack package."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy
from learntrace.core.errors import NotFound
from learntrace.progress.models import Assignment, Progress
from learntrace.registry.resolution import canonical_slug

PREFIX = "assignment:"


class AssignmentNotFound(NotFound):
    slug = "assignment-not-found"
    text = _("Assignment %(assignment)s not found")


def spellings(names: Iterable[str]) -> list[str]:
    """The keys that may be meant by names with or without their prefix."""
    return [key for name in names for key in ([name] if name.startswith(PREFIX) else [name, PREFIX + name])]


def key_of(academy: Academy, name: str) -> str:
    """The key of the assignment that a name means: one that exists, or that somebody was seen on.

    A step may be named by an alias or a translation of its asset. Raises AssignmentNotFound.
    """
    keys = spellings([name])
    if found := _existing(academy, keys):
        return found
    asset, slash, step = name.partition("/")
    if slash and (found := _existing(academy, [f"{canonical_slug(asset)}/{step}"])):
        return found
    raise AssignmentNotFound(assignment=name)


def _existing(academy: Academy, keys: list[str]) -> str | None:
    published = Assignment.objects.filter(academy=academy, key__in=keys).values_list("key", flat=True)
    seen = Progress.objects.filter(academy=academy, assignment__in=keys).values_list("assignment", flat=True)
    known = {*published, *seen.distinct()}
    return next((key for key in keys if key in known), None)
