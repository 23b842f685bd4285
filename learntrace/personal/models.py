"""Records of erasures, the only trace that is kept of them, and erasures to come."""

from django.db import models
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
