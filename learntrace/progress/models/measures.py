"""The measures of a learner on an assignment, which follow from the activities."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy, User


class Progress(models.Model):
    """A learner's measures on an assignment; `ProgressState` has the state that the next activity continues.

    What pages sum of thousands of learners is in rows of this table, so that they have to stay small.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    academy = models.ForeignKey(Academy, models.CASCADE, null=True, blank=True, related_name="+", db_index=False)
    assignment = models.CharField(max_length=420)
    attempts = models.PositiveIntegerField(default=0)
    errors = models.PositiveIntegerField(default=0, help_text=_("attempts that failed"))
    aborted = models.PositiveIntegerField(default=0)
    last_outcome = models.CharField(max_length=10, null=True, blank=True, help_text=_("of the last attempt"))
    checks = models.PositiveIntegerField(default=0, db_default=0, help_text=_("runs of its check cell"))
    failed_checks = models.PositiveIntegerField(default=0, db_default=0)
    done_at = models.DateTimeField(null=True, blank=True, help_text=_("when it was done first"))
    done_because = models.CharField(max_length=10, null=True, blank=True, help_text=_("checked, or ran"))
    done_by = models.CharField(max_length=10, null=True, blank=True, help_text=_("what has checked it"))
    failed_again_at = models.DateTimeField(
        null=True, blank=True, help_text=_("when the last attempt failed, of one that was done before")
    )
    questions = models.PositiveIntegerField(default=0, db_default=0, help_text=_("to the assistant"))
    # [[attempt, questions before it], ...]
    asked_before = models.JSONField(default=list, db_default=[], blank=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    active_seconds = models.FloatField(default=0)
    error_quotient = models.FloatField(null=True, blank=True)
    repeated_error_density = models.FloatField(default=0)
    # The kinds of the open signals on it that mean trouble.
    concerns = models.JSONField(default=list, db_default=[], blank=True)
    # Since when one of them stands, and since when one stands by which the learner is stuck.
    trouble_since = models.DateTimeField(null=True, blank=True)
    stuck_since = models.DateTimeField(null=True, blank=True)
    # Of the state what closes the assignment for detectors: `checked` and `checked_part`, where it has them. All of it in a row
    # that a worker of the version before has written: it knows no `ProgressState`, and doesn't continue a part of a state.
    state = models.JSONField(default=dict, editable=False)
    # The last activity in the state: an activity that comes before it is late.
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


class ProgressState(models.Model):
    """The state that the next activity of a learner on an assignment continues (`measures.learner_measures`).

    Apart from the measures, which are read by the thousand: a state is four times as large as they are.
    """

    # The database deletes it with the measures: a worker of the version before knows nothing of it.
    progress = models.OneToOneField(
        Progress, models.CASCADE, primary_key=True, related_name="continued", db_constraint=False
    )
    state = models.JSONField()

    class Meta:
        verbose_name = _("state of progress")
        verbose_name_plural = _("states of progress")

    def __str__(self) -> str:
        return f"the state of {self.progress_id}"


class ErrorCount(models.Model):
    """How often a learner met a variant of an error on an assignment; a group's figures are the sums over its variants.

    `measures.error_groups` tells groups and variants. `recording.error_counts` keeps the rows, `reports.errors` reads them.
    """

    progress = models.ForeignKey(Progress, models.CASCADE, related_name="error_counts", db_index=False)
    name = models.CharField(max_length=500)
    message = models.CharField(max_length=500)
    # The digests of the variant and of its group, whose texts are too long for an index.
    digest = models.CharField(max_length=32, editable=False)
    group_digest = models.CharField(max_length=32, editable=False, default="", db_default="")
    kind = models.CharField(max_length=500, blank=True, default="", db_default="", help_text=_("the group's type"))
    pattern = models.CharField(
        max_length=500, blank=True, default="", db_default="", help_text=_("the group's message, with placeholders")
    )
    count = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    solved_at = models.DateTimeField(
        null=True, blank=True, help_text=_("the first success on the assignment after it was met first")
    )

    class Meta:
        verbose_name = _("error count")
        verbose_name_plural = _("error counts")
        constraints = [models.UniqueConstraint(fields=["progress", "digest"], name="one_count_per_progress_and_error")]

    def __str__(self) -> str:
        return f"{self.name} x{self.count}"
