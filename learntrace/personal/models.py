"""Records of erasures, the only trace that is kept of them, and erasures to come."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import User


class Erasure(models.Model):
    """An erasure of a user's collected data: when it happened, and how many rows of each kind were erased."""

    user = models.ForeignKey(User, models.CASCADE, related_name="erasures")
    erased_at = models.DateTimeField()
    counts = models.JSONField(default=dict)
    by_operator = models.BooleanField(default=False, help_text=_("by whoever runs the server, for the user"))

    class Meta:
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        indexes = [models.Index(fields=["user", "-erased_at"], name="erasure_latest")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.erased_at:%Y-%m-%d}"


class UserMerge(models.Model):
    """That a user was merged into another, with what an undo needs (`merging.merging`)."""

    merged = models.ForeignKey(User, models.CASCADE, related_name="+")
    into = models.ForeignKey(User, models.CASCADE, related_name="+")
    merged_at = models.DateTimeField(db_default=Now())
    merged_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False)
    moved = models.JSONField(default=dict, help_text=_("rows that went over, by table"))
    dropped = models.JSONField(default=dict, help_text=_("rows that gave way to others, by table"))
    undo = models.JSONField(default=dict, editable=False)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False)

    class Meta:
        verbose_name = _("merge of users")
        verbose_name_plural = _("merges of users")

    def __str__(self) -> str:
        return f"{self.merged_id} into {self.into_id}"


class PendingErasure(models.Model):
    """An erasure that was asked for with a key alone, and can be undone until it is due."""

    user = models.OneToOneField(User, models.CASCADE, related_name="pending_erasure")
    asked_at = models.DateTimeField(auto_now_add=True)
    erases_at = models.DateTimeField()

    class Meta:
        verbose_name = _("erasure to come")
        verbose_name_plural = _("erasures to come")
        indexes = [models.Index(fields=["erases_at"], name="pending_erasure_due")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.erases_at:%Y-%m-%d}"
