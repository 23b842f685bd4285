"""What workers have yet to make again."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import User


class Stale(models.Model):
    """A learner's asset that has changed, so that its telemetry has to be made or checked again."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    asset_slug = models.CharField(max_length=200)
    source = models.CharField(max_length=20)
    since = models.DateTimeField(db_default=Now())
    # Whose share of the workers' time it takes, beside the learner's (`core.fair_claims`): the asset's academy, 0 for none.
    turn_academy = models.BigIntegerField(default=0, db_default=0, editable=False)

    class Meta:
        verbose_name = _("stale telemetry")
        verbose_name_plural = _("stale telemetry")
        constraints = [models.UniqueConstraint(fields=["user", "asset_slug", "source"], name="stale_once")]
        indexes = [
            models.Index(fields=["source", "since"], name="stale_oldest"),
            models.Index(fields=["source", "turn_academy", "user", "since", "id"], name="stale_turn"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} on {self.asset_slug}"


class Recomputation(models.Model):
    """A learner to be recomputed, and the result: in a run of `learntrace recompute`, or because a change asks for it."""

    run = models.UUIDField()
    by_operator = models.BooleanField(default=False, db_default=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    due_at = models.DateTimeField(db_default=Now(), editable=False)
    done_at = models.DateTimeField(null=True, blank=True)
    # {"activities": n, "measures": n, "signals": n}: how many were changed.
    changed = models.JSONField(null=True, blank=True)
    fault = models.TextField(blank=True, default="", db_default="")

    class Meta:
        verbose_name = _("recomputation")
        verbose_name_plural = _("recomputations")
        constraints = [models.UniqueConstraint(fields=["run", "user"], name="recomputed_once")]
        indexes = [
            models.Index(fields=["id"], name="recomputation_open", condition=models.Q(done_at__isnull=True)),
            models.Index(fields=["user", "-done_at"], name="recomputation_learner"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.run}"
