"""Assets that learners work on: their slugs, translations and statistics."""

from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy


class TranslationGroup(models.Model):
    """Assets that are translations of each other: as a group, the relation is transitive by construction."""

    class Meta:
        verbose_name = _("translation group")
        verbose_name_plural = _("translation groups")

    def __str__(self) -> str:
        return f"translations {self.pk}"


class Asset(models.Model):
    """An exercise, lesson, project or quiz."""

    class Type(models.TextChoices):
        PROJECT = "PROJECT", _("Project")
        EXERCISE = "EXERCISE", _("Exercise")
        LESSON = "LESSON", _("Lesson")
        QUIZ = "QUIZ", _("Quiz")
        VIDEO = "VIDEO", _("Video")
        ARTICLE = "ARTICLE", _("Article")

    class Status(models.TextChoices):
        NOT_STARTED = "NOT_STARTED", _("Not started")
        DRAFT = "DRAFT", _("Draft")
        PUBLISHED = "PUBLISHED", _("Published")
        DELETED = "DELETED", _("Deleted")

    class Visibility(models.TextChoices):
        PUBLIC = "PUBLIC", _("Public")
        UNLISTED = "UNLISTED", _("Unlisted")
        PRIVATE = "PRIVATE", _("Private")

    class SyncStatus(models.TextChoices):
        """State of the telemetry statistics: PENDING is the queue for recomputing them."""

        PENDING = "PENDING", _("Pending")
        OK = "OK", _("OK")
        ERROR = "ERROR", _("Error")

    slug = models.CharField(max_length=200, unique=True)
    title = models.CharField(max_length=200, blank=True)
    lang = models.CharField(max_length=10, null=True, blank=True)
    asset_type = models.CharField(max_length=20, choices=Type.choices, default=Type.EXERCISE)
    category = models.CharField(max_length=200, null=True, blank=True)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.PUBLISHED)
    visibility = models.CharField(max_length=20, choices=Visibility.choices, default=Visibility.PUBLIC)
    url = models.URLField(max_length=500, null=True, blank=True)
    readme_url = models.URLField(max_length=500, null=True, blank=True)
    difficulty = models.CharField(max_length=20, null=True, blank=True)
    duration = models.PositiveIntegerField(null=True, blank=True, help_text=_("hours"))
    description = models.TextField(null=True, blank=True)
    graded = models.BooleanField(default=False)
    interactive = models.BooleanField(default=False)
    external = models.BooleanField(default=False)
    preview = models.URLField(max_length=500, null=True, blank=True)
    technologies = models.JSONField(default=list, blank=True)
    academy = models.ForeignKey(Academy, models.SET_NULL, null=True, blank=True, related_name="assets")
    translation_group = models.ForeignKey(
        TranslationGroup, models.SET_NULL, null=True, blank=True, related_name="assets"
    )
    learnpack_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    learnpack_deploy_url = models.CharField(max_length=2000, null=True, blank=True)
    manifest = models.JSONField(null=True, blank=True)
    config = models.JSONField(null=True, blank=True)
    telemetry_stats = models.JSONField(null=True, blank=True)
    # When each of its days was computed, {"YYYY-MM-DD" (UTC): ISO 8601}: pages tell days in the reader's time zone.
    stats_times = models.JSONField(default=dict, blank=True, editable=False)
    sync_status = models.CharField(max_length=10, choices=SyncStatus.choices, null=True, blank=True)
    last_synch_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("asset")
        verbose_name_plural = _("assets")
        indexes = [
            models.Index(fields=["id"], name="asset_sync_pending", condition=models.Q(sync_status="PENDING")),
            models.Index(Lower("slug"), name="asset_slug_lower"),
        ]

    def __str__(self) -> str:
        return self.slug


class AssetAlias(models.Model):
    """A former or other slug of an asset."""

    slug = models.CharField(max_length=200, unique=True)
    asset = models.ForeignKey(Asset, models.CASCADE, related_name="aliases")

    class Meta:
        verbose_name = _("asset alias")
        verbose_name_plural = _("asset aliases")

    def __str__(self) -> str:
        return self.slug


class AssetChange(models.Model):
    """A change of an asset that changes what past telemetry means: it is new, graded or not, renamed, translated, or has an
    alias or a package id.

    A queue row, which a trigger of the database makes whoever changes the asset; `assignments.changes.assets` works on it.
    """

    # No foreign key: a queue row must not keep an asset from being deleted.
    asset_id = models.BigIntegerField()
    former_slug = models.CharField(max_length=200, blank=True, default="", db_default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("asset change")
        verbose_name_plural = _("asset changes")

    def __str__(self) -> str:
        return f"change of asset {self.asset_id}"
