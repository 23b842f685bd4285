"""Which assets who may see, and the one that a slug, alias or id leads to there (contract, section 9)."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Prefetch, Q, QuerySet, Value
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from learntrace.accounts.models import Academy
from learntrace.core.errors import NotFound, Problem
from learntrace.core.filters import natural, words
from learntrace.registry.models import Asset

SORTABLE = (
    "id", "slug", "title", "lang", "asset_type", "category", "status", "visibility", "difficulty", "duration",
    "graded", "learnpack_id", "sync_status", "last_synch_at", "created_at", "updated_at",
)  # fmt: skip

FILTERS: Mapping[str, str] = {
    "asset_type": "one or more of PROJECT, EXERCISE, LESSON, QUIZ, VIDEO, ARTICLE, comma between",
    "lang": "one or more languages, comma between",
    "slug": "one or more slugs, comma between",
    "status": "one or more of NOT_STARTED, DRAFT, PUBLISHED, DELETED, comma between",
    "visibility": "one or more of PUBLIC, UNLISTED, PRIVATE, comma between",
    "graded": "true or false",
    "like": "a part of title or slug",
}
_IN_CAPITALS = ("asset_type", "status", "visibility")


class AssetNotFound(NotFound):
    slug = "asset-not-found"
    text = _("Asset %(asset)s not found")


def academy_shelf(academy: Academy) -> QuerySet[Asset]:
    """The academy's assets and those of no academy."""
    return Asset.objects.filter(Q(academy=academy) | Q(academy=None))


def public_shelf() -> QuerySet[Asset]:
    """What everybody may find."""
    return Asset.objects.filter(status=Asset.Status.PUBLISHED, visibility=Asset.Visibility.PUBLIC)


def unlisted_shelf() -> QuerySet[Asset]:
    """What everybody may open who knows its slug."""
    shown = (Asset.Visibility.PUBLIC, Asset.Visibility.UNLISTED)
    return Asset.objects.filter(status=Asset.Status.PUBLISHED, visibility__in=shown)


def with_translations(assets: QuerySet[Asset], shelf: QuerySet[Asset]) -> QuerySet[Asset]:
    """Have the assets bring their translations, those on the shelf; one query for all."""
    columns = shelf.only("id", "slug", "lang", "translation_group_id").order_by("id")
    return assets.select_related("translation_group").prefetch_related(
        Prefetch("translation_group__assets", queryset=columns, to_attr="shown")
    )


def named(shelf: QuerySet[Asset], slug: str) -> Asset | None:
    """The asset with that slug: as it is written, else in whatever case; of several, the oldest."""
    found = list(shelf.alias(lower=Lower("slug")).filter(lower=Lower(Value(slug))).order_by("id"))
    return next((asset for asset in found if asset.slug == slug), found[0] if found else None)


def find(name: str, by_slug: QuerySet[Asset], by_id: QuerySet[Asset]) -> Asset:
    """The asset of an id, alias or slug; digits are an id first.

    Raises AssetNotFound.
    """
    number = natural(name)
    asset = by_id.filter(pk=number).first() if number is not None else None
    asset = asset or by_slug.filter(aliases__slug=name).first() or named(by_slug, name)
    if asset is None:
        raise AssetNotFound(asset=name)
    return asset


def narrowed(assets: QuerySet[Asset], request: Request) -> QuerySet[Asset]:
    """Apply the filters of the query string.

    Raises Problem (400, invalid-filter).
    """
    conditions: dict[str, Any] = {}
    for field in ("asset_type", "lang", "slug", "status", "visibility"):
        if wanted := words(request, field):
            conditions[f"{field}__in"] = [word.upper() for word in wanted] if field in _IN_CAPITALS else wanted
    if graded := request.query_params.get("graded", "").strip().lower():
        if graded not in {"true", "false"}:
            raise Problem(
                _("Invalid `%(field)s` value(s): %(values)s"), slug="invalid-filter", field="graded", values=graded
            )
        conditions["graded"] = graded == "true"
    if like := request.query_params.get("like", "").strip():
        assets = assets.filter(Q(title__icontains=like) | Q(slug__icontains=like))
    return assets.filter(**conditions)
