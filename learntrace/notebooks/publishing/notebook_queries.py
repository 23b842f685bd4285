"""Queries of an academy's published notebooks."""

from collections.abc import Mapping

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy
from learntrace.core.errors import NotFound
from learntrace.notebooks.models import Notebook

SORTABLE: Mapping[str, str] = {
    "slug": "asset__slug",
    "title": "asset__title",
    "lang": "asset__lang",
    "path": "path",
    "created_at": "created_at",
    "updated_at": "updated_at",
}


class NotebookNotFound(NotFound):
    slug = "notebook-not-found"
    text = _("Notebook %(notebook)s not found")


def notebooks_of(academy: Academy) -> QuerySet[Notebook]:
    """Return the academy's notebooks with their assets and assignments, the latest published first."""
    return (
        Notebook.objects.filter(academy=academy)
        .select_related("asset")
        .prefetch_related("assignments")
        .order_by("-created_at", "-pk")
    )


def notebook_of(academy: Academy, slug: str) -> Notebook:
    """Return the notebook with that slug or alias.

    Raises NotebookNotFound.
    """
    notebooks = notebooks_of(academy)
    notebook = notebooks.filter(asset__slug=slug).first() or notebooks.filter(asset__aliases__slug=slug).first()
    if notebook is None:
        raise NotebookNotFound(notebook=slug)
    return notebook
