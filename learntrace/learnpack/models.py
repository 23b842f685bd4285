"""LearnPack's inbox: every accepted request is one row here, and this table is the queue."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import User
from learntrace.registry.models import Asset


class Webhook(models.Model):
    """One accepted request and what became of it."""

    class Status(models.TextChoices):
        PENDING = "PENDING", _("Pending")
        DONE = "DONE", _("Done")
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
    # Whose token it came with: the student's own, or a service's.
    sender = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING, db_default=Status.PENDING)
    # The English sentence as the contract has it; reason and values let it be told in other languages and counted.
    status_text = models.TextField(null=True, blank=True)
    reason = models.CharField(max_length=60, blank=True, default="", db_default="")
    reason_values = models.JSONField(default=dict, db_default={}, blank=True)
    # Transient failures: how many, and when to try again.
    attempts = models.PositiveIntegerField(default=0, db_default=0)
    retry_at = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        indexes = [
            models.Index(fields=["id"], name="webhook_pending", condition=models.Q(status="PENDING")),
            models.Index(fields=["-created_at", "-id"], name="webhook_newest"),
            models.Index(fields=["student", "-created_at"], name="webhook_student"),
            models.Index(fields=["status", "created_at"], name="webhook_status"),
            # Why webhooks of a small academy failed, beside a large one's million.
            models.Index(fields=["student", "-created_at"], name="webhook_failed", condition=models.Q(status="ERROR")),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.pk} {self.status}"
