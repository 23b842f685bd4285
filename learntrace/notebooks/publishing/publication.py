"""Publish a notebook: its asset and its assignments."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.audit.actions import NOTEBOOK_PUBLISHED
from learntrace.accounts.audit.recording import record
from learntrace.accounts.models import Academy
from learntrace.core.errors import FieldProblem, Problem
from learntrace.core.wakeup import announce
from learntrace.notebooks.documents.activities import SOURCE
from learntrace.notebooks.documents.telemetry_queue import TOPIC
from learntrace.notebooks.models import Notebook, NotebookAssignment
from learntrace.notebooks.publishing.unpublished_tags import unflag_known
from learntrace.notebooks.validation.event import MAX_NAME, TAG, with_prefix
from learntrace.progress.catalogue import publish_assignments, seen_on
from learntrace.progress.checks import publish_checks
from learntrace.progress.stale_queue import mark_stale
from learntrace.registry.models import Asset, AssetAlias
from learntrace.registry.resolution import load_registry

MAX_ASSIGNMENTS = 500
CHECK_PREFIX = "check:"


class SlugTaken(Problem):
    """The slug is taken. Slugs are one namespace, so a taken one can be told from a free one; the answer is the same
    whoever has it, as asset or alias, and whether or not that may be seen."""

    slug = "slug-taken"
    text = _("The slug %(asset)s can't be used. Publish under another slug")


class NotANotebook(Problem):
    slug = "not-a-notebook"
    text = _("The asset %(asset)s isn't a notebook. Publish under another slug")


@dataclass(frozen=True)
class Assignment:
    """A tagged cell that an author publishes; the tag with its prefix. `check` says that a check cell checks it."""

    tag: str
    cell_id: str
    title: str
    check: bool = False


@dataclass(frozen=True)
class Publication:
    """A notebook that an author publishes. None leaves the asset's title or language as it is."""

    path: str
    title: str | None
    lang: str | None
    assignments: Sequence[Assignment]


def read_assignments(given: Sequence[dict[str, Any]]) -> list[Assignment]:
    """Return the assignments of a publication, checked.

    Raises FieldProblem with the index of the first tag that is malformed, occurs twice, or is a check cell's.
    """
    seen: dict[str, int] = {}
    assignments = []
    for index, cell in enumerate(given):
        if cell["tag"].startswith(CHECK_PREFIX):
            raise FieldProblem(
                "assignments",
                _(
                    "assignments[%(index)s].tag: %(tag)s is the tag of a check cell; say `check` at its assignment instead"
                ),
                index=index,
                tag=cell["tag"],
            )
        tag = with_prefix(cell["tag"])
        if not TAG.fullmatch(tag) or len(tag) > MAX_NAME:
            raise FieldProblem(
                "assignments",
                _(
                    "assignments[%(index)s].tag: %(tag)s must be words of a-z and 0-9 with hyphens between, such as %(example)s"
                ),
                index=index,
                tag=tag,
                example="assignment:lesson-03-exercise-1",
            )
        if seen.setdefault(tag, index) != index:
            raise FieldProblem(
                "assignments",
                _("assignments[%(index)s].tag: %(tag)s is already the tag of assignments[%(other)s]"),
                index=index,
                tag=tag,
                other=seen[tag],
            )
        check = cell.get("check") is True
        assignments.append(Assignment(tag, cell.get("cell_id") or "", cell.get("title") or "", check))
    return assignments


@transaction.atomic
def publish(academy: Academy, slug: str, publication: Publication) -> Notebook:
    """Create or change the notebook of a slug so that it has exactly these assignments.

    Raises SlugTaken, NotANotebook; FieldProblem for a tag that another notebook has.
    """
    # One publication of an academy at a time, so that two can't claim the same tag or slug; the inserts of events, which
    # only refer to the academy, don't wait for it.
    Academy.objects.select_for_update(no_key=True).get(pk=academy.pk)
    before = _published(slug)
    asset = _asset(academy, slug, publication)
    notebook, _made = Notebook.objects.update_or_create(
        asset=asset, defaults={"academy": academy, "path": publication.path}
    )
    _refuse_taken(notebook, publication.assignments)
    tags = [assignment.tag for assignment in publication.assignments]
    notebook.assignments.exclude(tag__in=tags).delete()
    NotebookAssignment.objects.bulk_create(
        _rows(notebook, academy, publication.assignments),
        update_conflicts=True,
        unique_fields=["academy", "tag"],
        update_fields=["cell_id", "title", "position", "check_cell"],
    )
    _update_progress(academy, asset, publication.assignments)
    record(NOTEBOOK_PUBLISHED, academy_id=academy.pk, object_id=asset.pk, before=before, after=_published(asset.slug))
    return notebook


def _published(slug: str) -> dict[str, Any]:
    """Return what is published under a slug, for the audit log; nothing where it is free."""
    asset = _asset_named(slug)
    if asset is None:
        return {}
    notebook = Notebook.objects.filter(asset=asset).first()
    cells = notebook.assignments.order_by("position") if notebook else []
    return {
        "path": notebook.path if notebook else None,
        "title": asset.title,
        "lang": asset.lang,
        "graded": asset.graded,
        "assignments": [[cell.tag, cell.title, cell.cell_id, cell.check_cell] for cell in cells],
    }


def _rows(notebook: Notebook, academy: Academy, assignments: Sequence[Assignment]) -> Iterator[NotebookAssignment]:
    for position, assignment in enumerate(assignments):
        yield NotebookAssignment(
            notebook=notebook,
            academy=academy,
            tag=assignment.tag,
            cell_id=assignment.cell_id,
            title=assignment.title,
            position=position,
            check_cell=assignment.check,
        )


def _update_progress(academy: Academy, asset: Asset, assignments: Sequence[Assignment]) -> None:
    """Publish the assignments to progress, and queue new telemetry of learners with activities on them, old ones too."""
    tags = [assignment.tag for assignment in assignments]
    unflag_known(academy.pk, tags)
    changed = publish_assignments(
        academy.pk,
        asset.pk,
        [(assignment.tag, assignment.title, position) for position, assignment in enumerate(assignments)],
    )
    publish_checks(academy.pk, {assignment.tag for assignment in assignments if assignment.check}, tags)
    if changed:
        learners = seen_on(academy.pk, {*changed, *tags})
        registry = load_registry(ids=[asset.pk])
        slug = registry.canonical(registry.by_id[asset.pk]).slug
        mark_stale(SOURCE, {(learner, slug) for learner in learners})
        transaction.on_commit(partial(announce, TOPIC))


def _asset(academy: Academy, slug: str, publication: Publication) -> Asset:
    """Return the asset of the slug, created if there is none, with the publication's title and language."""
    given = {name: value for name, value in (("title", publication.title), ("lang", publication.lang)) if value}
    asset = _asset_named(slug)
    if asset is None:
        new = Asset(
            slug=slug,
            academy=academy,
            asset_type=Asset.Type.EXERCISE,
            graded=True,
            visibility=Asset.Visibility.PRIVATE,
            **{"title": slug, **given},
        )
        # Two academies may publish the same new slug at the same time: the second gets the first one's asset.
        Asset.objects.bulk_create([new], ignore_conflicts=True)
        asset = Asset.objects.get(slug=slug)
    if asset.academy_id != academy.pk:
        raise SlugTaken(asset=slug)
    if asset.asset_type != Asset.Type.EXERCISE or asset.learnpack_id is not None:
        raise NotANotebook(asset=slug)
    for name, value in {**given, "graded": True}.items():
        setattr(asset, name, value)
    asset.save(update_fields=[*given, "graded", "updated_at"])
    return asset


def _asset_named(slug: str) -> Asset | None:
    asset = Asset.objects.filter(slug=slug).first()
    if asset is None:
        alias = AssetAlias.objects.select_related("asset").filter(slug=slug).first()
        asset = alias.asset if alias else None
    return asset


def _refuse_taken(notebook: Notebook, assignments: Sequence[Assignment]) -> None:
    tags = [assignment.tag for assignment in assignments]
    others = NotebookAssignment.objects.filter(academy=notebook.academy_id, tag__in=tags).exclude(notebook=notebook)
    taken = dict(others.values_list("tag", "notebook__asset__slug"))
    for index, assignment in enumerate(assignments):
        if assignment.tag in taken:
            raise FieldProblem(
                "assignments",
                _("assignments[%(index)s].tag: %(tag)s is already published by the notebook %(other)s"),
                index=index,
                tag=assignment.tag,
                other=taken[assignment.tag],
            )
