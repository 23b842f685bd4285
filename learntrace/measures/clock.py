"""When something counts as having happened, where a client's clock is wrong (docs/explanation/signals.md, "Time").

What clients say of times is stored as they say it. The order of a learner's activities, of batches, and "last seen" follow
`counted_at`: by the client's clock, corrected where the client told its present time as it sent (`correction`); by the
receipt where the clock is ahead all the same. One wrong clock would otherwise stay the newest until that time has come.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

# A client's clock may be ahead of ours by this much.
AHEAD: Final = timedelta(minutes=5)
# What is older when it comes is from a clock that is far behind, or has waited for long.
BEHIND: Final = timedelta(days=30)
# A difference of clocks up to this is left alone: a request may take some seconds, which make a clock look behind.
TOLERANCE: Final = timedelta(minutes=1)
# Measurements that differ by less are of the same clock: the way took longer for the one than for the other.
SAME_CLOCK: Final = timedelta(seconds=30)
# A computer whose clock has lost its battery begins at 1970 or later. What is further away was never a clock's time.
FARTHEST: Final = timedelta(days=36_525)


def is_ahead(moment: datetime, received_at: datetime) -> bool:
    """Whether what came at `received_at` says of itself that it happens more than AHEAD later."""
    return moment - received_at > AHEAD


def counted_at(moment: datetime, received_at: datetime, offset: timedelta | None = None) -> datetime:
    """Return when something counts as having happened.

    By its own time, less `offset`, its clock's known error (`correction`); by its receipt where that is still ahead.
    """
    happened_at = moment if offset is None else moment - offset
    return received_at if is_ahead(happened_at, received_at) else happened_at


def correction(
    moment: datetime, received_at: datetime, measured: timedelta | None, known: Iterable[timedelta] = ()
) -> timedelta | None:
    """Return by how much a client's clock was ahead of ours when it stamped `moment`; None where nothing is to be corrected.

    `measured` is the client's present time as it sent, less the receipt; None where the client didn't tell it. `known` are
    the corrections that its learner's earlier events got: a clock keeps its first one, or else the varying time on the way
    would change the order of what was sent in two requests.
    """
    if measured is None or abs(measured) > FARTHEST:
        return None
    near = [offset for offset in known if abs(offset - measured) <= SAME_CLOCK]
    offset = min(near, key=lambda one: (abs(one - measured), one)) if near else measured
    if not near and abs(measured) <= TOLERANCE:
        return None
    return offset if _makes_sense(moment, received_at, offset) else None


def _makes_sense(moment: datetime, received_at: datetime, offset: timedelta) -> bool:
    """Whether the clock that was wrong at sending was wrong at `moment` too, as far as one can tell.

    What waited was perhaps stamped before the clock went wrong: its own time is plausible, and the corrected one is not.
    """
    try:
        corrected = moment - offset
    except OverflowError:
        return False
    return _is_plausible(corrected, received_at) or not _is_plausible(moment, received_at)


def _is_plausible(moment: datetime, received_at: datetime) -> bool:
    return -AHEAD <= received_at - moment <= BEHIND
