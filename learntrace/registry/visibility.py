"""Sets of assets ("shelves") by who may see them, and finding one by slug, alias or id (contract, section 9)."""

from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import Prefetch, Q, QuerySet, Value
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from learntrace.accounts.models import Academy
from learntrace.core.errors import InvalidFilter, NotFound
from learntrace.core.http.filters import natural, words
from learntrace.registry.models import Asset

SORTABLE = (
    "id", "slug", "title", "lang", "asset_type", "category", "status", "visibility", "difficulty", "duration",
    "graded", "learnpack_id", "sync_status", "last_synch_at", "created_at", "updated_at",
)  # fmt: skip

FILTERS: Mapping[str, str] = {
    "asset_type": "one or more of PROJECT, EXERCISE, LESSON, QUIZ, VIDEO, ARTICLE, comma-separated",
    "lang": "one or more languages, comma-separated",
    "slug": "one or more slugs, comma-separated",
    "status": "one or more of NOT_STARTED, DRAFT, PUBLISHED, DELETED, comma-separated",
    "visibility": "one or more of PUBLIC, UNLISTED, PRIVATE, comma-separated",
    "graded": "true or false",
    "like": "a part of title or slug",
}
_IN_CAPITALS = ("asset_type", "status", "visibility")


class AssetNotFound(NotFound):
    slug = "asset-not-found"
    text = _("Asset %(asset)s not found")


def academy_assets(academy: Academy) -> QuerySet[Asset]:
    """Return the academy's assets and those of no academy."""
    return Asset.objects.filter(Q(academy=academy) | Q(academy=None))


def public_assets() -> QuerySet[Asset]:
    """Return the assets that anybody may find."""
    return Asset.objects.filter(status=Asset.Status.PUBLISHED, visibility=Asset.Visibility.PUBLIC)


_OPENED = (Asset.Visibility.PUBLIC, Asset.Visibility.UNLISTED)


def is_open(status: str, visibility: str) -> bool:
    """Whether anybody with the slug may open an asset."""
    return status == Asset.Status.PUBLISHED and visibility in _OPENED


def unlisted_assets() -> QuerySet[Asset]:
    """Return the assets that anybody with the slug may open."""
    return Asset.objects.filter(status=Asset.Status.PUBLISHED, visibility__in=_OPENED)


def nameable_assets(academies: Collection[int]) -> QuerySet[Asset]:
    """Return the assets that may be named in these academies: theirs, those of none, and those that anybody may open."""
    return Asset.objects.filter(Q(academy__in=academies) | Q(academy=None)) | unlisted_assets()


def with_translations(assets: QuerySet[Asset], visible: QuerySet[Asset]) -> QuerySet[Asset]:
    """Prefetch the assets' translations that are `visible`, as `translation_group.shown`; one query for all."""
    columns = visible.only("id", "slug", "lang", "translation_group_id").order_by("id")
    return assets.select_related("translation_group").prefetch_related(
        Prefetch("translation_group__assets", queryset=columns, to_attr="shown")
    )


def named(visible: QuerySet[Asset], slug: str) -> Asset | None:
    """Return the asset with that slug: in the same case or else in any case; of several, the oldest."""
    candidates = list(visible.alias(lower=Lower("slug")).filter(lower=Lower(Value(slug))).order_by("id"))
    return next((asset for asset in candidates if asset.slug == slug), candidates[0] if candidates else None)


def find(name: str, by_slug: QuerySet[Asset], by_id: QuerySet[Asset]) -> Asset:
    """Return the asset of an id, alias or slug; digits are an id first.

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
            raise InvalidFilter("graded", graded)
        conditions["graded"] = graded == "true"
    if like := request.query_params.get("like", "").strip():
        assets = assets.filter(Q(title__icontains=like) | Q(slug__icontains=like))
    return assets.filter(**conditions)
