"""What the installation knows of itself: which workers live, when each schedule last ran."""

from django.db import models


class Heartbeat(models.Model):
    """A process that works on the queues, and when it was last seen."""

    name = models.CharField(max_length=200, unique=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class ScheduledRun(models.Model):
    """The last run of one scheduled job; its row's lock makes sure that one machine runs it."""

    name = models.CharField(max_length=100, unique=True)
    last_run_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
