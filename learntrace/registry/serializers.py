"""What the registry answers."""

from typing import Any

from rest_framework import serializers

from learntrace.registry.models import Asset


class StatsDaySerializer(serializers.Serializer[Any]):
    """Means over an asset's telemetry rows on one day."""

    frustration_avg = serializers.FloatField()
    engagement_avg = serializers.FloatField()
    completion_avg = serializers.FloatField()
    total_sessions = serializers.IntegerField()


class StatsSerializer(serializers.Serializer[Any]):
    """How an asset's learners did, by day (UTC)."""

    last_sync_at = serializers.DateTimeField()
    days = serializers.DictField(child=StatsDaySerializer())

    def to_representation(self, instance: Any) -> Any:
        """Return stored statistics in the contract's order, which jsonb doesn't keep.

        Days with fewer learners than the context's `smallest_group` are left out: means over few people tell of each.
        """
        if not isinstance(instance, dict) or not isinstance(instance.get("days"), dict):
            return instance
        least = self.context.get("smallest_group", 0)
        days = {
            day: _ordered(figures) for day, figures in sorted(instance["days"].items()) if _learners(figures) >= least
        }
        return {"last_sync_at": instance.get("last_sync_at"), "days": days}


def _learners(figures: Any) -> int:
    count = figures.get("total_sessions") if isinstance(figures, dict) else None
    return count if isinstance(count, int) else 0


def _ordered(figures: Any) -> Any:
    if not isinstance(figures, dict):
        return figures
    return {name: figures[name] for name in StatsDaySerializer().fields if name in figures}


class AssetSerializer(serializers.ModelSerializer[Asset]):
    """An asset with its translations among those that may be seen; staff always gets its statistics."""

    manifest = serializers.JSONField(allow_null=True)
    config = serializers.JSONField(allow_null=True)
    translations = serializers.SerializerMethodField()
    technologies = serializers.ListField(child=serializers.CharField())
    academy = serializers.IntegerField(source="academy_id", allow_null=True)
    telemetry_stats = StatsSerializer(
        allow_null=True, required=False, help_text="for everybody only with `?expand=telemetry_stats`"
    )

    class Meta:
        model = Asset
        fields = (
            "id", "slug", "title", "lang", "asset_type", "category", "status", "visibility", "url", "readme_url",
            "difficulty", "duration", "description", "graded", "interactive", "external", "preview", "learnpack_id",
            "learnpack_deploy_url", "manifest", "config", "translations", "technologies", "academy", "telemetry_stats",
            "sync_status", "last_synch_at", "created_at", "updated_at",
        )  # fmt: skip

    def __init__(self, *args: Any, stats: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not stats:
            self.fields.pop("telemetry_stats")

    def get_translations(self, asset: Asset) -> dict[str, str]:
        # `visibility.with_translations` prefetches `shown`. Of two in one language, the asset itself, else the oldest.
        slugs: dict[str, str] = {asset.lang: asset.slug} if asset.lang else {}
        for other in getattr(asset.translation_group, "shown", []):
            if other.lang:
                slugs.setdefault(other.lang, other.slug)
        return dict(sorted(slugs.items()))
