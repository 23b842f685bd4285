"""Invitations to an academy."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.roles import ROLES


class Invitation(models.Model):
    """A link that makes one person a member of an academy, once. Its token is stored as a hash.

    `email` is empty for a link that is given to somebody by other means than mail. A teacher or an assistant is limited to
    `cohorts`, a learner is put into them.
    """

    academy = models.ForeignKey("accounts.Academy", models.CASCADE, related_name="invitations")
    email = models.EmailField(blank=True, default="")
    role = models.CharField(max_length=20, choices=[(role.slug, role.name) for role in ROLES.values()])
    cohorts = models.ManyToManyField("accounts.Cohort", blank=True, related_name="+")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    mailed = models.BooleanField(default=False)
    used_at = models.DateTimeField(null=True, blank=True)
    used_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        indexes = [models.Index(fields=["academy", "-id"], name="invitations_of_academy")]

    def __str__(self) -> str:
        return f"invitation {self.pk} to {self.academy_id}"
