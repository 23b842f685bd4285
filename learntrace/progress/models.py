"""What learners did, whatever source it came from, and what follows from it per learner and assignment."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy, User
from learntrace.registry.models import Asset


class Activity(models.Model):
    """One thing that a learner did (`metrics.attempts.Activity`); attempts are those with an outcome.

    Derived from what the sources keep, and derived again by a recomputation. Without foreign keys in the database, as
    in the table `events`: each row is written by a worker that has just read its learner.
    """

    id = models.UUIDField(primary_key=True, help_text=_("the event's; of a LearnPack run one made from what it is"))
    source = models.CharField(max_length=20)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    academy = models.ForeignKey(
        Academy, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False, db_constraint=False
    )
    assignment = models.CharField(max_length=420, null=True, blank=True)
    verb = models.CharField(max_length=20)
    outcome = models.CharField(max_length=10, null=True, blank=True)
    # [[name, message], ...], both cleaned.
    failures = models.JSONField(default=list, db_default=[], blank=True)
    session_id = models.CharField(max_length=200, null=True, blank=True)
    object_id = models.CharField(max_length=200, null=True, blank=True)
    code_hash = models.CharField(max_length=200, null=True, blank=True)
    at = models.DateTimeField(help_text=_("by the learner's clock"))
    arrival = models.BigIntegerField(help_text=_("the order in which they came, for those of one moment"))

    class Meta:
        verbose_name = _("activity")
        verbose_name_plural = _("activities")
        indexes = [
            # The groups over which measures and signals are stepped again when something comes late.
            models.Index(fields=["user", "assignment", "at", "arrival"], name="activity_assignment"),
            models.Index(fields=["user", "at", "arrival"], name="activity_learner"),
            # What an academy did lately, and how an assignment's attempts went.
            models.Index(fields=["academy", "-at"], name="activity_academy"),
            models.Index(fields=["academy", "assignment", "at"], name="activity_class"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.verb} {self.assignment}"


class Assignment(models.Model):
    """An assignment that exists: a published notebook's tagged cell, or a step of a LearnPack package.

    Their number is the denominator of completion, whether or not anybody was seen on them.
    """

    academy = models.ForeignKey(Academy, models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=420, help_text=_("a tag with its prefix, or asset/step"))
    asset = models.ForeignKey(Asset, models.CASCADE, related_name="steps")
    title = models.CharField(max_length=200, blank=True, default="")
    position = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        ordering = ("asset", "position", "id")
        constraints = [models.UniqueConstraint(fields=["academy", "key"], name="one_assignment_per_academy_and_key")]

    def __str__(self) -> str:
        return self.key


class Progress(models.Model):
    """A learner's measures on an assignment (signals.md, "Measures"), and the state from which they go on."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    academy = models.ForeignKey(Academy, models.CASCADE, null=True, blank=True, related_name="+", db_index=False)
    assignment = models.CharField(max_length=420)
    attempts = models.PositiveIntegerField(default=0)
    errors = models.PositiveIntegerField(default=0, help_text=_("attempts that failed"))
    aborted = models.PositiveIntegerField(default=0)
    last_outcome = models.CharField(max_length=10, null=True, blank=True, help_text=_("of the last attempt"))
    done_at = models.DateTimeField(null=True, blank=True, help_text=_("since when the last attempt has been a success"))
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    active_seconds = models.FloatField(default=0)
    error_quotient = models.FloatField(null=True, blank=True)
    repeated_error_density = models.FloatField(default=0)
    # What the detectors say of it: the kinds of its open signals that tell of trouble.
    concerns = models.JSONField(default=list, db_default=[], blank=True)
    state = models.JSONField(default=dict, editable=False)
    # The last activity that is in the state: what comes before it is late.
    last_arrival = models.BigIntegerField(editable=False)
    gap_seconds = models.FloatField(editable=False, help_text=_("the longest gap that counts as active"))
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("progress")
        verbose_name_plural = _("progress")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "assignment", "academy"],
                name="one_progress_per_learner_and_assignment",
                nulls_distinct=False,
            )
        ]
        indexes = [models.Index(fields=["academy", "assignment"], name="progress_of_assignment")]

    def __str__(self) -> str:
        return f"{self.user_id} on {self.assignment}"


class ErrorCount(models.Model):
    """How often a learner met an error on an assignment."""

    progress = models.ForeignKey(Progress, models.CASCADE, related_name="error_counts", db_index=False)
    name = models.CharField(max_length=500)
    message = models.CharField(max_length=500)
    # Of name and message, which together are too long for an index.
    digest = models.CharField(max_length=32, editable=False)
    count = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        verbose_name = _("error count")
        verbose_name_plural = _("error counts")
        constraints = [models.UniqueConstraint(fields=["progress", "digest"], name="one_count_per_progress_and_error")]

    def __str__(self) -> str:
        return f"{self.name} x{self.count}"


class Stale(models.Model):
    """What has changed of a learner's asset, so that its telemetry has to be made, or looked at, again."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    asset_slug = models.CharField(max_length=200)
    source = models.CharField(max_length=20)
    since = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("stale telemetry")
        verbose_name_plural = _("stale telemetry")
        constraints = [models.UniqueConstraint(fields=["user", "asset_slug", "source"], name="stale_once")]
        indexes = [models.Index(fields=["source", "since"], name="stale_oldest")]

    def __str__(self) -> str:
        return f"{self.user_id} on {self.asset_slug}"


class Recomputation(models.Model):
    """A learner who waits to be recomputed, as part of a run of `learntrace recompute`, and what came of it."""

    run = models.UUIDField()
    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    done_at = models.DateTimeField(null=True, blank=True)
    # {"activities": n, "measures": n, "signals": n}: how many were changed.
    changed = models.JSONField(null=True, blank=True)
    fault = models.TextField(blank=True, default="", db_default="")

    class Meta:
        verbose_name = _("recomputation")
        verbose_name_plural = _("recomputations")
        constraints = [models.UniqueConstraint(fields=["run", "user"], name="recomputed_once")]
        indexes = [
            models.Index(fields=["id"], name="recomputation_open", condition=models.Q(done_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.run}"
