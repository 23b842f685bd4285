"""When something counts as having happened, where a client's clock may be ahead of ours (docs/explanation/signals.md, "Time").

What clients say of times is stored as they say it. The order of a learner's activities, of batches, and "last seen" follow
`counted_at`: one wrong clock would otherwise stay the newest until that time has come.
"""

from datetime import datetime, timedelta
from typing import Final

# A client's clock may be ahead of ours by this much.
AHEAD: Final = timedelta(minutes=5)


def is_ahead(moment: datetime, received_at: datetime) -> bool:
    """Whether what came at `received_at` says of itself that it happens more than AHEAD later."""
    return moment - received_at > AHEAD


def counted_at(moment: datetime, received_at: datetime) -> datetime:
    """Return when something counts as having happened: by its own time, or by its receipt where its clock is ahead."""
    return received_at if is_ahead(moment, received_at) else moment
