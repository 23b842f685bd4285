"""Learners' tasks, and their telemetry on assets."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Cohort, User


class Task(models.Model):
    """A learner's task on an asset, found by the asset's slug."""

    class Type(models.TextChoices):
        PROJECT = "PROJECT", _("Project")
        QUIZ = "QUIZ", _("Quiz")
        LESSON = "LESSON", _("Lesson")
        EXERCISE = "EXERCISE", _("Exercise")

    class Status(models.TextChoices):
        PENDING = "PENDING", _("Pending")
        DONE = "DONE", _("Done")

    class RevisionStatus(models.TextChoices):
        PENDING = "PENDING", _("Pending")
        APPROVED = "APPROVED", _("Approved")
        REJECTED = "REJECTED", _("Rejected")
        IGNORED = "IGNORED", _("Ignored")

    user = models.ForeignKey(User, models.CASCADE, related_name="tasks")
    title = models.CharField(max_length=200)
    associated_slug = models.CharField(max_length=200)
    task_type = models.CharField(max_length=15, choices=Type.choices)
    task_status = models.CharField(max_length=15, choices=Status.choices, default=Status.PENDING)
    revision_status = models.CharField(max_length=15, choices=RevisionStatus.choices, default=RevisionStatus.PENDING)
    description = models.TextField(blank=True, default="")
    github_url = models.CharField(max_length=500, null=True, blank=True)
    live_url = models.CharField(max_length=500, null=True, blank=True)
    cohort = models.ForeignKey(Cohort, models.SET_NULL, null=True, blank=True, related_name="tasks")
    opened_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        indexes = [
            models.Index(fields=["user", "associated_slug"], name="task_user_slug"),
            models.Index(fields=["associated_slug"], name="task_slug"),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.pk})"


class AssignmentTelemetry(models.Model):
    """A learner's telemetry on a canonical asset: the source's last document, and the scores computed from it.

    A task's telemetry is the row with its user and its asset's canonical slug. That rule is the link, and not a column,
    so that it also holds for tasks that are made later.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="telemetry")
    asset_slug = models.CharField(max_length=200)
    telemetry = models.JSONField(null=True, blank=True)
    engagement_score = models.FloatField(null=True, blank=True)
    frustration_score = models.FloatField(null=True, blank=True)
    metrics_algo_version = models.FloatField(null=True, blank=True)
    metrics = models.JSONField(null=True, blank=True)
    total_time = models.DurationField(null=True, blank=True)
    completion_rate = models.FloatField(null=True, blank=True)
    # The order of batches (contract, 3.3): the batch from which the row was last made. Staff doesn't write these.
    last_interaction_at = models.DateTimeField(null=True, blank=True, editable=False)
    receipt = models.BigIntegerField(null=True, blank=True, editable=False, help_text=_("the inbox row it is from"))
    # Staff wrote the document: it says how things stand, and tells no attempts.
    by_staff = models.BooleanField(default=False, db_default=False, editable=False)
    # The document knows less than what was told before (`telemetry_documents.store_untold`).
    untold_attempts = models.PositiveIntegerField(
        default=0, db_default=0, editable=False, help_text=_("attempts that earlier messages told and this one doesn't")
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("assignment telemetry")
        verbose_name_plural = _("assignment telemetry")
        constraints = [models.UniqueConstraint(fields=["user", "asset_slug"], name="one_telemetry_per_user_and_asset")]
        indexes = [
            models.Index(fields=["asset_slug"], name="telemetry_slug"),
            models.Index(fields=["user"], name="telemetry_knows_less", condition=models.Q(untold_attempts__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} on {self.asset_slug}"


# Django finds a room's tables through this module.
from learntrace.assignments.due_dates.models import DueDate, Extension  # noqa: E402, F401
