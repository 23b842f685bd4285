"""The clock of an academy, by which detectors see that nothing has happened."""

from datetime import datetime, timedelta

from django.utils import timezone

from learntrace.progress.recording.activity_store import latest_at

# An academy whose last event is older replays old events, or nobody works there: its own clock stands still.
RECENT = timedelta(days=1)


def now_in(academy_id: int | None) -> datetime:
    """Return the wall clock while an academy's events are recent, and the time of its latest event in a replay."""
    wall, latest = timezone.now(), latest_at(academy_id)
    return wall if latest is None or latest > wall - RECENT else latest
