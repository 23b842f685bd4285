"""Imports of rosters through a page, with their previews, and with what an undo needs."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class RosterJob(models.Model):
    """A roster that somebody has uploaded for an academy.

    `content` is the file until it is applied or dropped. `preview` has what would change (or has changed) by line, `problems`
    what is wrong, `undo` the rows that were written, `left` what an undo couldn't take back; `jobs.telling` words them.
    `made_by` has uploaded it, `asked_by` asked for what was done with it last, through a door of the audit log.
    """

    class State(models.TextChoices):
        READING = "reading", _("Being checked")
        READY = "ready", _("Checked, not applied")
        REFUSED = "refused", _("Has problems")
        APPLYING = "applying", _("Being applied")
        APPLIED = "applied", pgettext_lazy("import", "Applied")
        UNDOING = "undoing", _("Being undone")
        UNDONE = "undone", pgettext_lazy("import", "Undone")
        DROPPED = "dropped", _("Dropped")
        FAILED = "failed", _("Failed")

    WORKING = (State.READING, State.APPLYING, State.UNDOING)

    academy = models.ForeignKey("accounts.Academy", models.CASCADE, related_name="+")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    address = models.CharField(max_length=45, blank=True, default="")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    asked_from = models.CharField(max_length=45, blank=True, default="", db_default="")
    asked_door = models.CharField(max_length=20, blank=True, default="page", db_default="page")
    language = models.CharField(max_length=10, blank=True, default="")
    file_name = models.CharField(max_length=200)
    content = models.BinaryField(null=True, blank=True)
    form = models.CharField(max_length=60, blank=True, default="")
    state = models.CharField(max_length=10, choices=State.choices, default=State.READING)
    problems = models.JSONField(default=list)
    notes = models.JSONField(default=list)
    preview = models.JSONField(default=list)
    counts = models.JSONField(default=dict)
    fingerprint = models.CharField(max_length=64, blank=True, default="")
    undo = models.JSONField(default=dict)
    left = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    applied_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("import of a roster")
        verbose_name_plural = _("imports of rosters")
        indexes = [
            models.Index(fields=["academy", "-id"], name="roster_jobs_of_academy"),
            models.Index(
                fields=["id"],
                name="roster_jobs_waiting",
                condition=models.Q(state__in=["reading", "applying", "undoing"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.pk})"


class RosterProgress(models.Model):
    """How far a worker is with a job. A table of its own, as the job's row is locked meanwhile."""

    job = models.OneToOneField(RosterJob, models.CASCADE, primary_key=True, related_name="progress")
    step = models.CharField(max_length=20, blank=True, default="")
    done = models.IntegerField(default=0)
    total = models.IntegerField(default=0)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("progress of an import")
        verbose_name_plural = _("progress of imports")

    def __str__(self) -> str:
        return f"{self.done}/{self.total}"
