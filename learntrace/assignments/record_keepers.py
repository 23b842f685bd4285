"""Callbacks for records that are about to be changed or deleted by hand: the room that reads records keeps what it has not
read yet."""

from collections.abc import Callable, Collection

Keeper = Callable[[Collection[tuple[int, str]]], None]
_keepers: list[Keeper] = []


def register_keeper(keeper: Keeper) -> None:
    """Register a callback of a room above; it gets (user id, asset slug) of records, in the transaction that changes them."""
    if keeper not in _keepers:
        _keepers.append(keeper)


def keep_unread_records(records: Collection[tuple[int, str]]) -> None:
    """Call the callbacks, before the records are changed or deleted in the open transaction."""
    for keeper in _keepers:
        keeper(records)
