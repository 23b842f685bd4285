"""The notebooks that an academy has published as an asset and its translations, with their assignments."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from learntrace.accounts.models import Academy
from learntrace.notebooks.models import Notebook
from learntrace.progress.last_seen import last_seen_on


@dataclass(frozen=True)
class PublishedCell:
    """An assignment of a published notebook; `seen_at` is when its latest event came."""

    tag: str
    title: str
    cell_id: str
    seen_at: datetime | None


@dataclass(frozen=True)
class PublishedNotebook:
    """A published notebook with its assignments in their order."""

    asset_id: int
    path: str
    created_at: datetime
    updated_at: datetime
    cells: tuple[PublishedCell, ...]


def published_notebooks(academy: Academy, asset_ids: Collection[int]) -> list[PublishedNotebook]:
    """Return the notebooks that the academy has published as these assets; three queries at most."""
    notebooks = list(
        Notebook.objects.filter(academy=academy, asset__in=asset_ids).prefetch_related("assignments").order_by("asset")
    )
    seen = last_seen_on(academy, [cell.tag for notebook in notebooks for cell in notebook.assignments.all()])
    return [_published_notebook(notebook, seen) for notebook in notebooks]


def _published_notebook(notebook: Notebook, seen: dict[str, datetime]) -> PublishedNotebook:
    return PublishedNotebook(
        asset_id=notebook.pk,
        path=notebook.path,
        created_at=notebook.created_at,
        updated_at=notebook.updated_at,
        cells=tuple(
            PublishedCell(cell.tag, cell.title, cell.cell_id, seen.get(cell.tag)) for cell in notebook.assignments.all()
        ),
    )
