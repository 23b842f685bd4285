"""Tables of signing in: counted guesses, and the sessions of pages."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class GuessCount(models.Model):
    """Wrong guesses of one account or network address in the current window (`accounts/signing_in/guesses.py`).

    `failures` were wrong, `pending` are being checked at this moment, `fills` counts the windows in a row that were full.
    """

    subject = models.CharField(max_length=120, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    pending = models.PositiveIntegerField(default=0)
    fills = models.PositiveSmallIntegerField(default=0)
    ends_at = models.DateTimeField()

    class Meta:
        verbose_name = _("count of wrong guesses")
        verbose_name_plural = _("counts of wrong guesses")
        indexes = [models.Index(fields=["ends_at"], name="guess_count_ends_at")]

    def __str__(self) -> str:
        return self.subject


class SignInSession(models.Model):
    """A session of the pages, as far as its user sees it. Django keeps the session itself."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="sign_in_sessions")
    session_key = models.CharField(max_length=40, unique=True, editable=False)
    created_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    address = models.CharField(max_length=45, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")

    def __str__(self) -> str:
        return f"{self.user_id} {self.created_at:%Y-%m-%d %H:%M}"
