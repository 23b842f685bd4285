"""The clocks on an event's way: the browser's, which stamps events, and this server's, from whose disk they are sent.

A learner's browser may be on another machine than its Jupyter server (JupyterHub), and either clock may be wrong. The browser
tells its present time with the events that it posts, so the difference is known; with each sending to Learntrace, each event
tells the present time by the clock that stamped it. Learntrace compares that with its own.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECOND = timedelta(milliseconds=1)


def ahead_of(now: float, told: object) -> int | None:
    """Return by how many milliseconds a browser's clock is ahead of this server's; None where it doesn't tell its time.

    `told` is the browser's present time in ISO 8601, `now` this server's in seconds since 1970.
    """
    if not isinstance(told, str):
        return None
    try:
        # Python 3.9 reads no "Z".
        moment = datetime.fromisoformat(told[:-1] + "+00:00" if told.endswith("Z") else told)
        return (moment - _EPOCH) // _MILLISECOND - int(now * 1000)
    except (ValueError, TypeError, OverflowError):
        return None


def with_sent_at(body: str, ahead_ms: int | None, now: float) -> str:
    """Return an event's JSON with the present time by the clock that stamped it, where that is known."""
    if ahead_ms is None or not body.endswith("}") or body == "{}":
        return body
    try:
        moment = _EPOCH + timedelta(milliseconds=int(now * 1000) + ahead_ms)
    except OverflowError:
        return body
    sent_at = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f'{body[:-1]},"sent_at":{json.dumps(sent_at)}}}'
