"""Who was put into which cohort by hand or by a roster."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class CohortLearner(models.Model):
    """A learner of a cohort, with or without tasks. Whoever has a task of a cohort is one too (`people.cohort_learners`)."""

    cohort = models.ForeignKey("accounts.Cohort", models.CASCADE, related_name="listed_learners")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="cohort_places")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("learner of a cohort")
        verbose_name_plural = _("learners of cohorts")
        constraints = [models.UniqueConstraint(fields=["user", "cohort"], name="one_place_per_cohort")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.cohort_id}"
