"""What was refused at the front door, so that staff can see that a client sends, and why nothing arrives."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import User


class Refusal(models.Model):
    """A refused request: time, reason and origin; never a payload or a key."""

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

    class Meta:
        verbose_name = _("refusal")
        verbose_name_plural = _("refusals")
        indexes = [
            models.Index(fields=["-created_at"], name="refusal_newest"),
            models.Index(fields=["user", "-created_at"], name="refusal_user"),
        ]

    def __str__(self) -> str:
        return f"{self.status_code} {self.reason} {self.pk}"
