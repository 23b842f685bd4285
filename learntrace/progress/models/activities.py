"""What learners did, from every source, and the source code that their attempts ran."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy, User


class Activity(models.Model):
    """One activity of a learner (`measures.activity.Activity`); attempts are those with an outcome.

    Primary data: what was recorded stays, whatever the sources tell or keep later; only an erasure deletes it. It has no
    foreign keys in the database, like the table `events`: each row is written by a worker that has just read its learner.
    """

    id = models.UUIDField(primary_key=True, help_text=_("the event's; of a LearnPack run one made from what it is"))
    source = models.CharField(max_length=20)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    academy = models.ForeignKey(
        Academy, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False, db_constraint=False
    )
    assignment = models.CharField(max_length=420, null=True, blank=True)
    # Under which name it was told, where a rename reads it under another one (`corrections.step_renames`).
    told_as = models.CharField(max_length=420, null=True, blank=True)
    verb = models.CharField(max_length=20)
    outcome = models.CharField(max_length=10, null=True, blank=True)
    # [[name, message], ...], both cleaned.
    failures = models.JSONField(default=list, db_default=[], blank=True)
    session_id = models.CharField(max_length=200, null=True, blank=True)
    object_id = models.CharField(max_length=200, null=True, blank=True)
    code_hash = models.CharField(max_length=200, null=True, blank=True)
    part = models.CharField(
        max_length=10,
        null=True,
        blank=True,
        help_text=_(
            "what of the assignment was executed: a check cell, a compile, a test, a quiz; empty: the work itself"
        ),
    )
    # By `measures.clock.counted_at`: the receipt where that clock is ahead.
    at = models.DateTimeField(help_text=_("by the learner's clock"))
    arrival = models.BigIntegerField(help_text=_("the order in which they came, for those of one moment"))
    # Whether it counts is decided in `counting`. No foreign keys here either.
    exclusion_id = models.BigIntegerField(
        null=True, blank=True, help_text=_("the exclusion for which it doesn't count")
    )
    before_floor = models.BooleanField(
        default=False, db_default=False, help_text=_("whether it is of an earlier course run, and so doesn't count")
    )

    class Meta:
        verbose_name = _("activity")
        verbose_name_plural = _("activities")
        indexes = [
            # The activities from which measures and signals are made again when one comes late.
            models.Index(fields=["user", "assignment", "at", "arrival"], name="activity_assignment"),
            models.Index(fields=["user", "at", "arrival"], name="activity_learner"),
            # An academy's latest activities, and the attempts at an assignment.
            models.Index(fields=["academy", "-at"], name="activity_academy"),
            models.Index(fields=["academy", "assignment", "at"], name="activity_class"),
            models.Index(
                fields=["academy", "told_as"], name="activity_told_as", condition=models.Q(told_as__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.verb} {self.assignment}"


class Code(models.Model):
    """Source code that attempts in an academy ran, once however often; `code_texts` writes and reads it.

    `text` is what is hashed (`measures.code_hash`). No other academy sees it, whatever hash its clients tell.
    """

    academy = models.ForeignKey(Academy, models.CASCADE, null=True, blank=True, related_name="+", db_index=False)
    hash = models.CharField(max_length=64, help_text=_("SHA-256 of the text"))
    text = models.TextField()

    class Meta:
        verbose_name = _("code")
        verbose_name_plural = _("codes")
        constraints = [
            models.UniqueConstraint(fields=["hash", "academy"], name="one_code_per_academy", nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return self.hash


class CodeUse(models.Model):
    """That a learner's attempts ran a code: the code stays for as long as anybody's did."""

    code = models.ForeignKey(Code, models.CASCADE, related_name="uses", db_index=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")

    class Meta:
        verbose_name = _("use of a code")
        verbose_name_plural = _("uses of codes")
        constraints = [models.UniqueConstraint(fields=["code", "user"], name="one_use_per_code_and_learner")]

    def __str__(self) -> str:
        return f"{self.code_id} of {self.user_id}"
