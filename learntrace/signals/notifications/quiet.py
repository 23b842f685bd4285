"""When a notification may go out: quiet hours on a teacher's own clock, and digests."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from learntrace.core.time_zones import zone_of


@dataclass(frozen=True)
class Timing:
    """A rule's quiet hours and digest.

    Quiet hours are wall clock times in `timezone`, over midnight where they end earlier than they begin; there are none
    where either end is missing.
    """

    quiet_from: time | None = None
    quiet_until: time | None = None
    timezone: str = "UTC"
    digest_minutes: int = 0

    def after_quiet(self, at: datetime) -> datetime:
        """Return the moment itself, or the end of the quiet hours that it falls in (UTC)."""
        end = self._end_of_quiet(at)
        if end == at:
            return at
        # On the day on which the clock goes forward, an end that doesn't exist moves, maybe into the next quiet hours.
        return self._end_of_quiet(end)

    def due(self, now: datetime, waiting_until: datetime | None) -> datetime:
        """Return when a notification queued now goes out; `waiting_until` is when the rule's waiting digest does."""
        if not self.digest_minutes:
            return self.after_quiet(now)
        digest_at = now + timedelta(minutes=self.digest_minutes)
        return self.after_quiet(min(digest_at, waiting_until or digest_at))

    def _end_of_quiet(self, at: datetime) -> datetime:
        begin, end = self.quiet_from, self.quiet_until
        if begin is None or end is None or begin == end:
            return at
        zone = zone_of(self.timezone) or ZoneInfo("UTC")
        local = at.astimezone(zone)
        clock = local.time()
        over_midnight = begin > end
        quiet = (clock >= begin or clock < end) if over_midnight else begin <= clock < end
        if not quiet:
            return at
        day = local.date() + timedelta(days=1) if over_midnight and clock >= begin else local.date()
        ends = datetime.combine(day, end, tzinfo=zone).astimezone(UTC)
        if ends <= at:
            # The hour that comes twice when the clock goes back, the second time.
            ends = datetime.combine(day, end, tzinfo=zone).replace(fold=1).astimezone(UTC)
        return ends
