"""One turn of a queue whose rows lie in a table: claim some, work on them, and what to do when that fails.

The policy is the same for every queue:

- Claim and work are one transaction. The claim is the rows' lock (`FOR UPDATE SKIP LOCKED`): a worker that is killed
  loses its connection, the database undoes what it did, and the rows are free for the next worker.
- A transient fault (OperationalError: the database is away, a deadlock) postpones all of the claimed rows and is raised.
- Any other fault is ours. The rows are tried one by one, so that one of them (a poison row) costs no other, and the
  queue gives up the one that fails, in a transaction of its own.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

import structlog
from django.db import OperationalError, connection, transaction

from learntrace.core.sql import prepared

log = structlog.get_logger(__name__)

Item = TypeVar("Item")


class Turn(Protocol[Item]):
    """What a queue does with its rows. `claim`, `claim_again`, `work` and `give_up` run in a transaction that
    `run_turn` opens."""

    @property
    def name(self) -> str:
        """The queue's name in the log."""

    def describe(self, item: Item) -> Mapping[str, object]:
        """Return what the log may say of a row: its ids, and nothing that a client sent."""

    def claim(self) -> Sequence[Item]:
        """Lock the next rows that no other worker has locked."""

    def claim_again(self, item: Item) -> Sequence[Item]:
        """Lock one row of an earlier claim anew; return nothing where another worker has it or has finished it."""

    def work(self, items: Sequence[Item]) -> None:
        """Do the work of locked rows, so that none of them is claimed again."""

    def postpone(self, items: Sequence[Item]) -> None:
        """Have rows wait after a transient fault; do nothing where the next turn may take them at once."""

    def give_up(self, items: Sequence[Item], error: Exception) -> None:
        """End or put aside a locked row whose work failed by a fault of ours."""


def run_turn(turn: Turn[Item]) -> int:
    """Claim rows and work on them; return how many were claimed.

    Raises OperationalError when the database is away or a deadlock was found: the rows are taken later.
    """
    items: Sequence[Item] = ()
    try:
        with prepared(), transaction.atomic():
            items = turn.claim()
            if items:
                turn.work(items)
    except OperationalError:
        _postpone(turn, items)
        raise
    except Exception:
        log.exception("queue turn failed; trying its rows one by one", queue=turn.name, count=len(items))
        for item in items:
            _work_alone(turn, item)
    return len(items)


def _work_alone(turn: Turn[Item], item: Item) -> None:
    try:
        with transaction.atomic():
            if claimed := turn.claim_again(item):
                turn.work(claimed)
    except OperationalError:
        _postpone(turn, [item])
        raise
    except Exception as error:
        log.exception("queue row failed", queue=turn.name, **turn.describe(item))
        with transaction.atomic():
            if claimed := turn.claim_again(item):
                turn.give_up(claimed, error)


def _postpone(turn: Turn[Item], items: Sequence[Item]) -> None:
    if not items:
        return
    try:
        turn.postpone(items)
    except OperationalError:
        # The database is away. The rows are still there, and a new connection is opened for the next statement.
        connection.close()
