"""Raised hands."""

from datetime import timedelta
from typing import Final

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy, Cohort, User

LONGEST_TEXT: Final = 200
WAITING, HELPING, HELPED, TAKEN_BACK = STATES = ("waiting", "helping", "helped", "taken_back")
OPEN_STATES = (WAITING, HELPING)


class HelpRequest(models.Model):
    """A learner's raised hand, from when it was raised until somebody has helped or the learner has taken it back.

    All times are by the server's clock.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="help_requests", db_index=False)
    academy = models.ForeignKey(Academy, models.CASCADE, related_name="+", db_index=False)
    # The queue in which the learner waits.
    cohort = models.ForeignKey(Cohort, models.SET_NULL, null=True, blank=True, related_name="+")
    assignment = models.CharField(max_length=420, null=True, blank=True)
    asset_slug = models.CharField(max_length=200, blank=True, default="", db_default="")
    text = models.CharField(max_length=LONGEST_TEXT, blank=True, default="", db_default="")
    # NULL where it is over: so one open hand is unique, and any number of former ones.
    open = models.BooleanField(null=True, default=True, db_default=True)
    raised_at = models.DateTimeField(db_default=Now())
    taken_back_at = models.DateTimeField(null=True, blank=True)
    helped_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    help_began_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("raised hand")
        verbose_name_plural = _("raised hands")
        constraints = [
            models.UniqueConstraint(fields=["user", "academy", "open"], name="one_open_help_request"),
        ]
        indexes = [
            models.Index(
                fields=["academy", "raised_at"], name="help_request_open", condition=models.Q(open__isnull=False)
            ),
            models.Index(fields=["academy", "-raised_at", "-id"], name="help_request_academy"),
            models.Index(fields=["user", "-raised_at"], name="help_request_learner"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.academy_id}"

    @property
    def is_waiting(self) -> bool:
        """Whether the hand is up and nobody helps yet."""
        return self.state == WAITING

    @property
    def state(self) -> str:
        """One of STATES."""
        if self.ended_at is not None:
            return HELPED
        if self.taken_back_at is not None:
            return TAKEN_BACK
        return WAITING if self.help_began_at is None else HELPING

    @property
    def waited(self) -> timedelta | None:
        """How long the learner waited, until help began or the hand was over; None while it waits."""
        until = self.help_began_at or self.ended_at or self.taken_back_at
        return None if until is None else max(until - self.raised_at, timedelta())

    @property
    def took(self) -> timedelta | None:
        """How long the help took; None before its end, and where nobody has said when it began."""
        if self.ended_at is None or self.help_began_at is None:
            return None
        return max(self.ended_at - self.help_began_at, timedelta())
