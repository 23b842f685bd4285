"""Records of erasures: the only trace that is kept of them."""

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
