"""The admin's pages of assets."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from learntrace.core.admin import BigTableAdmin, ModelAdmin, ReadOnlyAdmin, TabularInline
from learntrace.registry.models import Asset, AssetAlias, AssetChange, TranslationGroup


class AliasInline(TabularInline):
    model = AssetAlias
    extra = 0


@admin.register(Asset)
class AssetAdmin(BigTableAdmin):
    list_display = ("id", "slug", "title", "lang", "asset_type", "status", "graded", "academy", "sync_status")
    list_filter = ("asset_type", "status", "visibility", "graded", "sync_status")
    list_select_related = ("academy",)
    search_fields = ("slug", "title", "aliases__slug", "=learnpack_id")
    raw_id_fields = ("academy", "translation_group")
    readonly_fields = ("telemetry_stats", "sync_status", "last_synch_at")
    inlines = (AliasInline,)
    formfield_overrides: ClassVar = {**BigTableAdmin.formfield_overrides, models.URLField: {"assume_scheme": "https"}}

    def save_model(self, request: HttpRequest, obj: Asset, form: Any, change: bool) -> None:
        """Save only the fields that the form changed: the worker may write statistics while somebody edits."""
        if change:
            obj.save(update_fields=[*_columns(form.changed_data), "updated_at"])
        else:
            obj.save()


def _columns(names: Sequence[str]) -> list[str]:
    return [field.name for field in Asset._meta.concrete_fields if field.name in names]


@admin.register(AssetAlias)
class AssetAliasAdmin(BigTableAdmin):
    list_display = ("slug", "asset")
    list_select_related = ("asset",)
    search_fields = ("slug", "asset__slug")
    raw_id_fields = ("asset",)


class GroupedAssetInline(TabularInline):
    """The assets of a group, read-only: an asset's group is changed on the asset's page."""

    model = Asset
    fields = ("slug", "lang")
    readonly_fields = ("slug", "lang")
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(TranslationGroup)
class TranslationGroupAdmin(ModelAdmin):
    list_display = ("id", "slugs")
    search_fields = ("assets__slug",)
    inlines = (GroupedAssetInline,)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("assets")

    @admin.display(description=_("assets"))
    def slugs(self, group: TranslationGroup) -> str:
        return ", ".join(sorted(asset.slug for asset in group.assets.all()))


@admin.register(AssetChange)
class AssetChangeAdmin(ReadOnlyAdmin):
    """Changes that telemetry has still to follow."""

    list_display = ("id", "asset_id", "former_slug", "created_at")
    search_fields = ("former_slug",)
    ordering = ("id",)
