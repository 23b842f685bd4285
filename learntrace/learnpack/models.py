"""LearnPack's inbox: every accepted request is one row here, and this table is the queue.

Beside it, the documents of accepted batches that are no record: what they tell is still to be recorded. And how far the
documents of each learner's asset were read.
"""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from learntrace.accounts.models import User
from learntrace.registry.models import Asset


class Webhook(models.Model):
    """An accepted request and its outcome."""

    class Status(models.TextChoices):
        PENDING = "PENDING", _("Pending")
        DONE = "DONE", pgettext_lazy("processing", "Done")
        ERROR = "ERROR", _("Error")
        IGNORED = "IGNORED", _("Ignored")

    is_streaming = models.BooleanField()
    event = models.CharField(max_length=60, blank=True)
    payload = models.JSONField()
    package_slug = models.CharField(max_length=200, null=True, blank=True)
    asset = models.ForeignKey(Asset, models.SET_NULL, null=True, blank=True, related_name="+")
    learnpack_package_id = models.BigIntegerField(null=True, blank=True)
    # The index on students below begins with it.
    student = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False)
    # The owner of the token: the student, or a service.
    sender = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING, db_default=Status.PENDING)
    # The contract's English sentence; reason and values are for translating and counting it.
    status_text = models.TextField(null=True, blank=True)
    reason = models.CharField(max_length=60, blank=True, default="", db_default="")
    reason_values = models.JSONField(default=dict, db_default={}, blank=True)
    # Where texts held characters that can't be stored, which were replaced (`intake.text_repair`): $.steps[3].tests[0].stdout.
    replaced = models.JSONField(default=list, db_default=[], blank=True, editable=False)
    # The number of transient failures, and when to try again.
    attempts = models.PositiveIntegerField(default=0, db_default=0)
    retry_at = models.DateTimeField(db_default=Now())
    # Whose share of the workers' time it takes (`core.fair_claims`): the learner and one academy of theirs, 0 for unknown.
    turn_academy = models.BigIntegerField(default=0, db_default=0, editable=False)
    turn_learner = models.BigIntegerField(default=0, db_default=0, editable=False)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        indexes = [
            models.Index(fields=["id"], name="webhook_pending", condition=models.Q(status="PENDING")),
            models.Index(
                fields=["turn_academy", "turn_learner", "retry_at", "id"],
                name="webhook_turn",
                condition=models.Q(status="PENDING"),
            ),
            models.Index(fields=["-created_at", "-id"], name="webhook_newest"),
            models.Index(fields=["student", "-created_at"], name="webhook_student"),
            models.Index(fields=["status", "created_at"], name="webhook_status"),
            # For the failures of a small academy beside a large one's million rows.
            models.Index(fields=["student", "-created_at"], name="webhook_failed", condition=models.Q(status="ERROR")),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.pk} {self.status}"


class UnreadDocument(models.Model):
    """The document of a batch that is not the record, or no longer: kept until what it tells is recorded.

    Made in the transaction in which its batch stops waiting, so that no accepted run is lost, whatever becomes of the
    webhook (`processing.unread_documents`).
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    asset_slug = models.CharField(max_length=200)
    # The webhook that it came with, which may be deleted by now: the order in which documents came.
    receipt = models.BigIntegerField()
    until = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField()
    document = models.JSONField()
    # The error with which recording it failed, by a fault of ours: it is kept and left alone.
    fault = models.TextField(blank=True, default="", db_default="")

    class Meta:
        verbose_name = _("unread document")
        verbose_name_plural = _("unread documents")
        indexes = [models.Index(fields=["user", "asset_slug", "receipt"], name="unread_document")]

    def __str__(self) -> str:
        return f"{self.receipt} of {self.user_id} on {self.asset_slug}"


class ReadingPosition(models.Model):
    """How far a learner's documents on an asset were read (`attempts.positions`): so that nothing is read twice.

    It only saves work. It holds as long as the activities that are stored are those of `fingerprint`; without it, or where
    it doesn't hold, a document is read whole.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    asset_slug = models.CharField(max_length=200)
    fingerprint = models.BigIntegerField()
    # A `positions.Position`: digests of what was read, no content of it.
    state = models.BinaryField()

    class Meta:
        verbose_name = _("reading position")
        verbose_name_plural = _("reading positions")
        constraints = [models.UniqueConstraint(fields=["user", "asset_slug"], name="one_reading_position")]

    def __str__(self) -> str:
        return f"{self.user_id} on {self.asset_slug}"
