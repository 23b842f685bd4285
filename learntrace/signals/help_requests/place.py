"""What a raised hand is about, and in which cohort's queue it waits."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from learntrace.accounts.models import Academy, CohortLearner, User
from learntrace.assignments.models import Task
from learntrace.core.errors import NotFound
from learntrace.progress.assignment_keys import PREFIX, key_of
from learntrace.progress.models import Activity, Assignment
from learntrace.registry.resolution import canonical_slug
from learntrace.registry.visibility import nameable_assets

# Who has not run anything for so long is at something else.
RECENT = timedelta(minutes=30)
LONGEST_KEY = 420


@dataclass(frozen=True)
class HelpSubject:
    """An assignment (None) and an asset ("") where they are known, and the id of a cohort."""

    assignment: str | None = None
    asset_slug: str = ""
    cohort_id: int | None = None


def place_of(academy: Academy, user: User, assignment: str = "", asset: str = "") -> HelpSubject:
    """Return what a learner's hand is about: what is named, else what the learner has worked on in the last half hour.

    Names that nobody knows, or that the learner may not name, count as none: a hand is never refused for its place.
    """
    key = _named(academy, user, assignment) if assignment else None
    slug = _asset(academy, asset) if asset else None
    if key is None and slug is None:
        key = _latest(academy, user)
    if key is not None and slug is None:
        slug = _asset_of(academy, key)
    return HelpSubject(key, slug or "", _cohort(academy, user, slug))


def _named(academy: Academy, user: User, name: str) -> str | None:
    try:
        return key_of(academy, name, user.pk)
    except NotFound:
        # A notebook's tag on which nobody was seen yet: a learner's first event would make it known just as well.
        is_tag = name.startswith(PREFIX) and len(name) <= LONGEST_KEY and name.isprintable() and " " not in name
        return name if is_tag else None


def _asset(academy: Academy, name: str) -> str | None:
    slug = canonical_slug(name, academy.pk)
    return slug if nameable_assets([academy.pk]).filter(slug=slug).exists() else None


def _latest(academy: Academy, user: User) -> str | None:
    since = timezone.now() - RECENT
    rows = Activity.objects.filter(user=user, academy=academy, at__gte=since, assignment__isnull=False)
    return rows.order_by("-at").values_list("assignment", flat=True).first()


def _asset_of(academy: Academy, key: str) -> str | None:
    published = Assignment.objects.filter(academy=academy, key=key).values_list("asset__slug", flat=True).first()
    return published or (_asset(academy, key.partition("/")[0]) if "/" in key else None)


def _cohort(academy: Academy, user: User, slug: str | None) -> int | None:
    """Return the cohort of the learner's task on the asset, else of the newest task, else one that lists the learner."""
    tasks = Task.objects.filter(user=user, cohort__academy=academy).order_by("-pk")
    of_asset = tasks.filter(associated_slug=slug) if slug else tasks.none()
    listed = CohortLearner.objects.filter(user=user, cohort__academy=academy).order_by("-pk")
    found = (rows.values_list("cohort_id", flat=True).first() for rows in (of_asset, tasks, listed))
    return next((cohort_id for cohort_id in found if cohort_id is not None), None)
