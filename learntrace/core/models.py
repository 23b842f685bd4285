"""The installation's own state: live workers, the last runs of schedules, and recent changes (live events)."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Heartbeat(models.Model):
    """A process that works on the queues, with the time when it was last seen."""

    name = models.CharField(max_length=200, unique=True)
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return self.name


class ScheduledRun(models.Model):
    """The last run of a scheduled job; the row's lock ensures that one machine runs it."""

    name = models.CharField(max_length=100, unique=True)
    last_run_at = models.DateTimeField()

    class Meta:
        verbose_name = _("scheduled run")
        verbose_name_plural = _("scheduled runs")

    def __str__(self) -> str:
        return self.name


class LiveEvent(models.Model):
    """A change in an academy, sent to the streams; kept for an hour, so that they can resume.

    Within an academy the ids are in the order of the commits (`core.live_events`).
    """

    # No constraint: the academy's model is in a room above, and a row lives for an hour.
    academy_id = models.BigIntegerField()
    kind = models.CharField(max_length=20)
    data = models.JSONField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("live event")
        verbose_name_plural = _("live events")
        indexes = [models.Index(fields=["academy_id", "id"], name="live_academy")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
