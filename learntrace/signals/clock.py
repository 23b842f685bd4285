"""What is seen because nothing happens: what "now" is, and looking at what is due by then."""

from datetime import datetime, timedelta

from django.utils import timezone

from learntrace.progress.reading import latest_at

# An academy whose last event is older is one that replays, or that nobody works in: its own clock stands still.
RECENT = timedelta(days=1)


def now_in(academy_id: int | None) -> datetime:
    """The wall clock while an academy's events are recent, and its latest event in a replay."""
    wall, latest = timezone.now(), latest_at(academy_id)
    return wall if latest is None or latest > wall - RECENT else latest
