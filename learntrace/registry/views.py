"""Assets, for an academy's staff and for everybody (contract, section 9)."""

from typing import ClassVar

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from learntrace.accounts.openapi import ACADEMY, filters, responses
from learntrace.accounts.scope import AcademyView, PublicView
from learntrace.core.errors import NotFound, Problem
from learntrace.core.http.filters import words
from learntrace.core.http.pagination import Pages, sorted_by
from learntrace.core.http.request_body import json_object
from learntrace.registry import visibility
from learntrace.registry.models import Asset
from learntrace.registry.serializers import AssetSerializer
from learntrace.registry.sync import ACTIONS

_NAME = OpenApiParameter("name", str, OpenApiParameter.PATH, description="a slug, an alias or an id")
_EXPAND = OpenApiParameter("expand", str, enum=["telemetry_stats"], description="what to add to each asset")
_PUBLIC_FILTERS = {name: text for name, text in visibility.FILTERS.items() if name not in ("status", "visibility")}


def _listed(request: Request, visible: QuerySet[Asset]) -> QuerySet[Asset]:
    rows = visibility.with_translations(visibility.narrowed(visible, request), visible)
    return sorted_by(rows.order_by("-created_at", "-id"), request, visibility.SORTABLE)


class AcademyAssetsView(AcademyView):
    """The academy's assets and those of none."""

    capabilities: ClassVar = {"GET": "read_asset"}
    pagination_class = Pages

    @extend_schema(
        operation_id="academy_assets",
        parameters=[*ACADEMY, *filters(**visibility.FILTERS)],
        responses=responses(AssetSerializer(many=True), 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """List the academy's assets, newest first."""
        rows = _listed(request, visibility.academy_assets(self.academy))
        return Pages.answer(rows, request, lambda page: AssetSerializer(page, many=True).data)


class AcademyAssetView(AcademyView):
    """One of the academy's assets, or of those of none."""

    capabilities: ClassVar = {"GET": "read_asset"}

    @extend_schema(
        operation_id="academy_asset",
        parameters=[*ACADEMY, _NAME],
        responses=responses(AssetSerializer, 400, 401, 403, 404),
    )
    def get(self, request: Request, name: str) -> Response:
        """Read an asset with its statistics."""
        visible = visibility.academy_assets(self.academy)
        rows = visibility.with_translations(visible, visible)
        return Response(AssetSerializer(visibility.find(name, by_slug=rows, by_id=rows)).data)


class AssetActionView(AcademyView):
    """What can be done with an asset."""

    capabilities: ClassVar = {"PUT": "crud_asset"}

    @extend_schema(
        operation_id="academy_asset_action",
        parameters=[*ACADEMY, OpenApiParameter("action", str, OpenApiParameter.PATH, enum=list(ACTIONS))],
        request={"application/json": {"type": "object"}},
        responses=responses(AssetSerializer, 400, 401, 403, 404),
    )
    def put(self, request: Request, slug: str, action: str) -> Response:
        """Queue the recomputation of the asset's statistics; the answer may still hold the old ones."""
        visible = visibility.academy_assets(self.academy)
        asset = visibility.named(visibility.with_translations(visible, visible), slug)
        if asset is None:
            raise NotFound(
                _("This asset %(asset)s does not exist for this academy %(academy)s"),
                asset=slug,
                academy=self.academy.pk,
            )
        if action not in ACTIONS:
            raise Problem(_("Invalid action %(action)s"), action=action)
        json_object(request)
        ACTIONS[action](asset, self.academy)
        return Response(AssetSerializer(asset).data)


def _for_everybody() -> dict[str, int]:
    return {"smallest_group": settings.PUBLIC_STATISTICS_LEARNERS}


class AssetsView(PublicView):
    """What everybody may find."""

    pagination_class = Pages

    @extend_schema(
        operation_id="assets",
        parameters=[*filters(**_PUBLIC_FILTERS), _EXPAND],
        responses=responses(AssetSerializer(many=True), 400),
        auth=[],
    )
    def get(self, request: Request) -> Response:
        """List the published, public assets, newest first."""
        stats = "telemetry_stats" in words(request, "expand")
        rows = _listed(request, visibility.public_assets())
        context = _for_everybody()
        return Pages.answer(
            rows, request, lambda page: AssetSerializer(page, many=True, stats=stats, context=context).data
        )


class AssetView(PublicView):
    """One asset that everybody may open: by its id only where it is listed."""

    @extend_schema(
        operation_id="asset", parameters=[_NAME, _EXPAND], responses=responses(AssetSerializer, 404), auth=[]
    )
    def get(self, request: Request, name: str) -> Response:
        """Read a published asset."""
        visible = visibility.public_assets()
        asset = visibility.find(
            name,
            by_slug=visibility.with_translations(visibility.unlisted_assets(), visible),
            by_id=visibility.with_translations(visible, visible),
        )
        stats = "telemetry_stats" in words(request, "expand")
        return Response(AssetSerializer(asset, stats=stats, context=_for_everybody()).data)
