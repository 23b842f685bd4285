"""The assignments that exist, and what is known of the steps of packages."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy, User
from learntrace.registry.models import Asset


class Assignment(models.Model):
    """An assignment that exists: a published notebook's tagged cell, or a step of a LearnPack package.

    The number of assignments is the denominator of completion, whether or not anybody was seen on them.
    """

    academy = models.ForeignKey(Academy, models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=420, help_text=_("a tag with its prefix, or asset/step"))
    asset = models.ForeignKey(Asset, models.CASCADE, related_name="steps")
    title = models.CharField(max_length=200, blank=True, default="")
    position = models.PositiveIntegerField(default=0)
    check_cell = models.BooleanField(
        default=False, db_default=False, help_text=_("whether the published notebook has a check cell for it")
    )
    published_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        ordering = ("asset", "position", "id")
        constraints = [models.UniqueConstraint(fields=["academy", "key"], name="one_assignment_per_academy_and_key")]

    def __str__(self) -> str:
        return self.key


class CheckedAssignment(models.Model):
    """An assignment of which some activity or document showed that something checks it; it is never forgotten (`checks`)."""

    academy = models.ForeignKey(Academy, models.CASCADE, null=True, blank=True, related_name="+", db_index=False)
    key = models.CharField(max_length=420)
    part = models.CharField(max_length=10, help_text=_("what checks it: a check cell or a test"))

    class Meta:
        verbose_name = _("checked assignment")
        verbose_name_plural = _("checked assignments")
        constraints = [
            models.UniqueConstraint(
                fields=["key", "academy", "part"], name="one_row_per_checked_assignment", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.part}"


class FormerStep(models.Model):
    """A step that a package no longer has: shown with its attempts, in no denominator (`corrections.step_renames`)."""

    academy = models.ForeignKey(Academy, models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=420)
    asset = models.ForeignKey(Asset, models.CASCADE, related_name="former_steps")
    title = models.CharField(max_length=200, blank=True, default="")
    position = models.PositiveIntegerField(default=0)
    published_at = models.DateTimeField()
    left_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("former step")
        verbose_name_plural = _("former steps")
        constraints = [models.UniqueConstraint(fields=["academy", "key"], name="one_former_step_per_academy_and_key")]

    def __str__(self) -> str:
        return self.key


class StepRename(models.Model):
    """Staff's word that a former step is another one under its old name; `read_as`: where that was renamed in turn."""

    academy = models.ForeignKey(Academy, models.CASCADE, related_name="+", db_index=False)
    asset = models.ForeignKey(Asset, models.CASCADE, related_name="+")
    old_key = models.CharField(max_length=420)
    new_key = models.CharField(max_length=420)
    read_as = models.CharField(max_length=420, editable=False)
    made_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False)
    made_at = models.DateTimeField(db_default=Now())
    undone_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("rename of a step")
        verbose_name_plural = _("renames of steps")
        constraints = [
            models.UniqueConstraint(
                fields=["academy", "old_key"],
                name="one_standing_rename_per_step",
                condition=models.Q(undone_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.old_key} is {self.new_key}"


class StepList(models.Model):
    """The steps of a package according to the last document of one learner, or of a service (no learner); `step_lists`."""

    academy = models.ForeignKey(Academy, models.CASCADE, related_name="+", db_index=False)
    asset = models.ForeignKey(Asset, models.CASCADE, related_name="+")
    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="+")
    # Equal lists have equal digests.
    digest = models.CharField(max_length=32, editable=False)
    # [[slug, title], ...]
    steps = models.JSONField(default=list)
    told_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("list of steps")
        verbose_name_plural = _("lists of steps")
        constraints = [
            models.UniqueConstraint(
                fields=["academy", "asset", "user"], name="one_step_list_per_learner_and_asset", nulls_distinct=False
            )
        ]
        indexes = [models.Index(fields=["academy", "asset", "digest"], name="step_list_digest")]

    def __str__(self) -> str:
        return f"{self.user_id} on {self.asset_id}"
