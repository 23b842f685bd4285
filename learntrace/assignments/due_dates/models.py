"""Due dates of cohorts, and extensions of single learners."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Cohort, User
from learntrace.registry.models import Asset


class DueDate(models.Model):
    """Until when a cohort is to have done an asset, or a translation of it."""

    cohort = models.ForeignKey(Cohort, models.CASCADE, related_name="due_dates")
    asset = models.ForeignKey(Asset, models.CASCADE, related_name="due_dates")
    due_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("due date")
        verbose_name_plural = _("due dates")
        constraints = [models.UniqueConstraint(fields=["cohort", "asset"], name="one_due_date_per_cohort_and_asset")]

    def __str__(self) -> str:
        return f"{self.asset_id} for {self.cohort_id}"


class Extension(models.Model):
    """A later due date for one learner."""

    due_date = models.ForeignKey(DueDate, models.CASCADE, related_name="extensions")
    user = models.ForeignKey(User, models.CASCADE, related_name="extensions")
    due_at = models.DateTimeField()
    reason = models.CharField(max_length=200, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("extension")
        verbose_name_plural = _("extensions")
        constraints = [models.UniqueConstraint(fields=["user", "due_date"], name="one_extension_per_learner")]

    def __str__(self) -> str:
        return f"{self.user_id} until {self.due_at:%Y-%m-%d}"
