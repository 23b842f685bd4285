"""A queue's turn over learners' assets that have changed: some at once, and one that fails costs no other."""

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from django.db import OperationalError, transaction

from learntrace.progress.models import Stale
from learntrace.progress.stale import claim_stale

log = structlog.get_logger(__name__)

Pair = tuple[int, str]
Work = Callable[[Sequence[Pair]], None]


def take_turn(source: str, work: Work, limit: int, older_than: float) -> int:
    """Claim up to `limit` (user id, asset slug) of a source and do the work, all in one transaction; returns how many.

    A fault of ours is logged and its pair forgotten: it would fail again, until something changes in it.
    Raises OperationalError when the database is away or a deadlock was found: all of them are taken later.
    """
    pairs: list[Pair] = []
    try:
        with transaction.atomic():
            pairs = claim_stale(source, limit, older_than)
            if pairs:
                work(pairs)
    except OperationalError:
        raise
    except Exception:
        log.exception("learners' assets failed together; trying one by one", source=source, count=len(pairs))
        for pair in pairs:
            _take_one(source, pair, work)
    return len(pairs)


def oldest(source: str) -> datetime | None:
    """Since when the first one of a source waits."""
    return Stale.objects.filter(source=source).order_by("since").values_list("since", flat=True).first()


def _take_one(source: str, pair: Pair, work: Work) -> None:
    try:
        with transaction.atomic():
            if _claim(source, pair):
                work([pair])
    except OperationalError:
        raise
    except Exception:
        log.exception("a learner's asset failed", source=source, user=pair[0], asset=pair[1])
        with transaction.atomic():
            _claim(source, pair)


def _claim(source: str, pair: Pair) -> bool:
    """Take one, if nobody else has it in hand."""
    row = (
        Stale.objects.select_for_update(skip_locked=True)
        .filter(source=source, user=pair[0], asset_slug=pair[1])
        .first()
    )
    if row is None:
        return False
    row.delete()
    return True
