"""Which activities don't count: exclusions by staff, and what was before a floor."""

import uuid

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy, Cohort, User


class Exclusion(models.Model):
    """Staff's word that activities of a learner count for nothing: one, a session's, or those of a span.

    `corrections.exclusions` makes and lifts them. All conditions that are set must hold. What comes later and fits is
    excluded too. A lifted one stays, to tell who did what and when.
    """

    academy = models.ForeignKey(Academy, models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    # Those that one request made have the same.
    made_together = models.UUIDField(default=uuid.uuid4, editable=False)
    activity_id = models.UUIDField(null=True, blank=True)
    session_id = models.CharField(max_length=200, null=True, blank=True)
    assignment = models.CharField(max_length=420, null=True, blank=True)
    since = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=500)
    excluded_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False)
    excluded_at = models.DateTimeField(db_default=Now())
    lifted_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False)
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("exclusion")
        verbose_name_plural = _("exclusions")
        indexes = [
            models.Index(
                fields=["user", "academy"], name="exclusion_standing", condition=models.Q(lifted_at__isnull=True)
            ),
            models.Index(fields=["academy", "-id"], name="exclusion_latest"),
            models.Index(fields=["made_together"], name="exclusion_together"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.reason}"


class CourseRun(models.Model):
    """A cohort's course as a learner took it: what makes a later cohort the next course run, though tasks are moved on."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    academy = models.ForeignKey(Academy, models.CASCADE, related_name="+", db_index=False)
    cohort = models.ForeignKey(Cohort, models.SET_NULL, null=True, blank=True, related_name="+")
    name = models.CharField(max_length=150)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)

    class Meta:
        verbose_name = _("course run")
        verbose_name_plural = _("course runs")
        constraints = [
            models.UniqueConstraint(fields=["user", "academy", "starts_on"], name="one_course_run_at_a_time")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.name}"


class Floor(models.Model):
    """A time before which nothing of a learner counts: on an assignment, on a package ("slug/"), or at all ("").

    `corrections.floors` sets them.
    """

    class Cause(models.TextChoices):
        COURSE_RUN = "course_run", _("Another course run")
        RETENTION = "retention", _("The academy doesn't keep older attempts")

    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    academy = models.ForeignKey(Academy, models.CASCADE, related_name="+", db_index=False)
    scope = models.CharField(max_length=420, blank=True)
    at = models.DateTimeField()
    cause = models.CharField(max_length=20, choices=Cause.choices)
    set_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("time before which nothing counts")
        verbose_name_plural = _("times before which nothing counts")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "academy", "scope", "cause", "at"], name="one_floor_per_scope_and_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.scope} {self.at}"


class EarlierRun(models.Model):
    """A learner's measures on an assignment until a floor, as they were then; they don't change any more."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    academy = models.ForeignKey(Academy, models.CASCADE, related_name="+", db_index=False)
    assignment = models.CharField(max_length=420)
    until = models.DateTimeField()
    cause = models.CharField(max_length=20, choices=Floor.Cause.choices)
    course = models.CharField(max_length=150, blank=True, default="", help_text=_("the cohort's name"))
    # The columns of `Progress`.
    measures = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("earlier course run")
        verbose_name_plural = _("earlier course runs")
        constraints = [
            models.UniqueConstraint(fields=["user", "academy", "assignment", "until"], name="one_earlier_run_until")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} on {self.assignment} until {self.until}"

    @property
    def done(self) -> bool:
        return self.measures.get("done_at") is not None
