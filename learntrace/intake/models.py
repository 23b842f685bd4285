"""Refused requests of the front door: they show staff that a client sends, and why nothing is stored."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import User


class Refusal(models.Model):
    """A refused request, or those of a user and an hour that are alike: time, reason, origin; never a payload or a key."""

    created_at = models.DateTimeField(db_default=Now())
    path = models.CharField(max_length=200)
    status_code = models.PositiveSmallIntegerField()
    reason = models.CharField(max_length=60)
    detail = models.CharField(max_length=500, blank=True, default="", db_default="")
    token_prefix = models.CharField(max_length=8, blank=True, default="", db_default="")
    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="+")
    asset = models.CharField(
        max_length=200, blank=True, default="", db_default="", help_text=_("as the client named it")
    )
    size = models.BigIntegerField(help_text=_("bytes of the body, as far as it was read or announced"))

    times = models.PositiveIntegerField(default=1, db_default=1, help_text=_("how many of the hour were alike"))
    last_at = models.DateTimeField(null=True, blank=True, help_text=_("when the last of them came"))
    # Empty for a row that no other refusal is counted in.
    hour = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("refusal")
        verbose_name_plural = _("refusals")
        constraints = [
            models.UniqueConstraint(fields=["user", "path", "reason", "asset", "hour"], name="refusal_once_an_hour")
        ]
        indexes = [
            models.Index(fields=["-created_at"], name="refusal_newest"),
            models.Index(fields=["user", "-created_at"], name="refusal_user"),
        ]

    def __str__(self) -> str:
        return f"{self.status_code} {self.reason} {self.pk}"
