"""Who gets the weekly summaries by e-mail."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy, Cohort, User


class SummarySubscription(models.Model):
    """That a member of staff gets the weekly summary of an academy, or of a cohort there, by mail (`summaries.mail`)."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    academy = models.ForeignKey(Academy, models.CASCADE, related_name="+", db_index=False)
    cohort = models.ForeignKey(Cohort, models.CASCADE, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    # The Monday of the latest week that was sent, or left out as the mail couldn't be delivered.
    sent_for = models.DateField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("weekly summary by e-mail")
        verbose_name_plural = _("weekly summaries by e-mail")
        constraints = [models.UniqueConstraint(fields=["academy", "user"], name="one_summary_per_member")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.academy_id}"
