"""An academy's published notebooks, and when something was last seen of each assignment."""

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import connection
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

# One look into the index for each tag, however many events it has.
_LAST_SEEN = """
SELECT wanted.tag, latest.created_at
  FROM unnest(%s::text[]) AS wanted(tag)
 CROSS JOIN LATERAL (SELECT e.created_at FROM events e
                      WHERE e.academy_id = %s AND e.object ->> 'assignment' = wanted.tag
                      ORDER BY e.created_at DESC LIMIT 1) AS latest
"""


class NotebookNotFound(NotFound):
    slug = "notebook-not-found"
    text = _("Notebook %(notebook)s not found")


def notebooks_of(academy: Academy) -> QuerySet[Notebook]:
    """The academy's notebooks with what is shown of them, the latest published first."""
    return (
        Notebook.objects.filter(academy=academy)
        .select_related("asset")
        .prefetch_related("assignments")
        .order_by("-created_at", "-pk")
    )


def notebook_of(academy: Academy, slug: str) -> Notebook:
    """The notebook with that slug or alias.

    Raises NotebookNotFound.
    """
    notebooks = notebooks_of(academy)
    found = notebooks.filter(asset__slug=slug).first() or notebooks.filter(asset__aliases__slug=slug).first()
    if found is None:
        raise NotebookNotFound(notebook=slug)
    return found


def last_seen(academy: Academy, tags: Collection[str]) -> dict[str, datetime]:
    """When the latest event of each tag came; those without one are missing."""
    if not tags:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_LAST_SEEN, [list(tags), academy.pk])
        return dict(cursor.fetchall())
