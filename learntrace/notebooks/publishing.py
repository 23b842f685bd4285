"""Publishing a notebook: its asset, and which assignments it has (design, "One system, not two")."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy
from learntrace.core.errors import FieldProblem, Problem
from learntrace.core.wakeup import announce
from learntrace.notebooks.activities import SOURCE
from learntrace.notebooks.checking import MAX_NAME, TAG, with_prefix
from learntrace.notebooks.models import Notebook, NotebookAssignment
from learntrace.notebooks.telemetry import TOPIC
from learntrace.notebooks.unknown import unflag_known
from learntrace.progress.published import publish_assignments, seen_on
from learntrace.progress.stale import mark_stale
from learntrace.registry.models import Asset, AssetAlias
from learntrace.registry.resolution import load_registry

MAX_ASSIGNMENTS = 500


class SlugTaken(Problem):
    slug = "slug-taken"
    text = _("The slug %(asset)s belongs to an asset that is not this academy's. Publish under another slug")


class NotANotebook(Problem):
    slug = "not-a-notebook"
    text = _("The asset %(asset)s is no notebook, but another kind of asset. Publish under another slug")


@dataclass(frozen=True)
class Assignment:
    """A tagged cell as an author publishes it; the tag with its prefix."""

    tag: str
    cell_id: str
    title: str


@dataclass(frozen=True)
class Publication:
    """What an author publishes. None leaves the asset's title or language as it is."""

    path: str
    title: str | None
    lang: str | None
    assignments: Sequence[Assignment]


def read_assignments(given: Sequence[dict[str, Any]]) -> list[Assignment]:
    """The assignments of a publication, checked.

    Raises FieldProblem that names the index of the first tag that is malformed or there twice.
    """
    seen: dict[str, int] = {}
    assignments = []
    for index, one in enumerate(given):
        tag = with_prefix(one["tag"])
        if not TAG.fullmatch(tag) or len(tag) > MAX_NAME:
            raise FieldProblem(
                "assignments",
                _("assignments[%(index)s].tag: %(tag)s must be words of a-z and 0-9 with hyphens between, such as %(example)s"),
                index=index, tag=tag, example="assignment:lesson-03-exercise-1",
            )  # fmt: skip
        if seen.setdefault(tag, index) != index:
            raise FieldProblem(
                "assignments",
                _("assignments[%(index)s].tag: %(tag)s is the tag of assignments[%(other)s] already"),
                index=index, tag=tag, other=seen[tag],
            )  # fmt: skip
        assignments.append(Assignment(tag, one.get("cell_id") or "", one.get("title") or ""))
    return assignments


@transaction.atomic
def publish(academy: Academy, slug: str, publication: Publication) -> Notebook:
    """Make or change the notebook of a slug, and have it hold these assignments and no others.

    Raises SlugTaken, NotANotebook, FieldProblem for a tag that another notebook has.
    """
    # One publication of an academy at a time, so that two can't take a tag or a slug from each other; events, which
    # only refer to the academy, don't wait for it.
    Academy.objects.select_for_update(no_key=True).get(pk=academy.pk)
    asset = _asset(academy, slug, publication)
    notebook, _made = Notebook.objects.update_or_create(
        asset=asset, defaults={"academy": academy, "path": publication.path}
    )
    _refuse_taken(notebook, publication.assignments)
    tags = [assignment.tag for assignment in publication.assignments]
    notebook.assignments.exclude(tag__in=tags).delete()
    NotebookAssignment.objects.bulk_create(
        (
            NotebookAssignment(
                notebook=notebook, academy=academy, tag=one.tag, cell_id=one.cell_id, title=one.title, position=position
            )
            for position, one in enumerate(publication.assignments)
        ),
        update_conflicts=True,
        unique_fields=["academy", "tag"],
        update_fields=["cell_id", "title", "position"],
    )  # fmt: skip
    _tell_progress(academy, asset, publication.assignments)
    return notebook


def _tell_progress(academy: Academy, asset: Asset, assignments: Sequence[Assignment]) -> None:
    """Have progress know the assignments, and who was seen on them, be it before they were published, told anew."""
    listed = [(one.tag, one.title, position) for position, one in enumerate(assignments)]
    unflag_known(academy.pk, [one.tag for one in assignments])
    changed = publish_assignments(academy.pk, asset.pk, listed)
    if changed:
        learners = seen_on(academy.pk, {*changed, *(one.tag for one in assignments)})
        registry = load_registry(ids=[asset.pk])
        slug = registry.canonical(registry.by_id[asset.pk]).slug
        mark_stale(SOURCE, {(learner, slug) for learner in learners})
        transaction.on_commit(partial(announce, TOPIC))


def _asset(academy: Academy, slug: str, publication: Publication) -> Asset:
    """The asset of the slug, made where there is none."""
    # Two academies may publish the same new slug at the same time: the second finds the first one's.
    given = {name: value for name, value in (("title", publication.title), ("lang", publication.lang)) if value}
    asset = Asset.objects.filter(slug=slug).first()
    if asset is None:
        alias = AssetAlias.objects.select_related("asset").filter(slug=slug).first()
        asset = alias.asset if alias else None
    if asset is None:
        Asset.objects.bulk_create(
            [
                Asset(
                    slug=slug, academy=academy, asset_type=Asset.Type.EXERCISE, graded=True,
                    visibility=Asset.Visibility.PRIVATE, **{"title": slug, **given},
                )
            ],
            ignore_conflicts=True,
        )  # fmt: skip
        asset = Asset.objects.get(slug=slug)
    if asset.academy_id != academy.pk:
        raise SlugTaken(asset=slug)
    if asset.asset_type != Asset.Type.EXERCISE or asset.learnpack_id is not None:
        raise NotANotebook(asset=slug)
    for name, value in {**given, "graded": True}.items():
        setattr(asset, name, value)
    asset.save(update_fields=[*given, "graded", "updated_at"])
    return asset


def _refuse_taken(notebook: Notebook, assignments: Sequence[Assignment]) -> None:
    taken = {
        one.tag: one.notebook.asset.slug
        for one in NotebookAssignment.objects.select_related("notebook__asset")
        .filter(academy=notebook.academy_id, tag__in=[assignment.tag for assignment in assignments])
        .exclude(notebook=notebook)
    }
    for index, assignment in enumerate(assignments):
        if assignment.tag in taken:
            raise FieldProblem(
                "assignments",
                _("assignments[%(index)s].tag: %(tag)s is published by the notebook %(other)s already"),
                index=index, tag=assignment.tag, other=taken[assignment.tag],
            )  # fmt: skip
