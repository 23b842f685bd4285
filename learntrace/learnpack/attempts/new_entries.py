"""Which entries of a LearnPack document are new: those that no stored activity is."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from learntrace.learnpack.attempts.document import Entry


def unknown(read: Iterable[Entry], stored: Mapping[str, str]) -> list[Entry]:
    """Return the entries of one document that aren't among the stored activities.

    `stored` has the assignment of each stored activity by its id. Of equal entries in several steps, those are known whose
    step has told one already, and then as many others as there are stored ones left: these are of steps that were renamed.
    So there are always as many as the document had that told the most, whatever the order.
    """
    read = list(read)
    equals: dict[str, list[Entry]] = {entry.first: [] for entry in read if entry.id != entry.first}
    new: list[Entry] = []
    for entry in read:
        if entry.first in equals:
            equals[entry.first].append(entry)
        elif entry.id not in stored:
            new.append(entry)
    for group in equals.values():
        new += _unknown_of_equals(group, stored)
    return new


def _unknown_of_equals(group: Sequence[Entry], stored: Mapping[str, str]) -> list[Entry]:
    """Return the unknown ones of equal entries, with the ids that are free."""
    held = Counter(stored[entry.id] for entry in group if entry.id in stored)
    free = [entry.id for entry in group if entry.id not in stored]
    others = []
    for entry in group:
        if held[entry.assignment] > 0:
            held[entry.assignment] -= 1
        else:
            others.append(entry)
    renamed = len(others) - len(free)
    return [entry._replace(id=free_id) for entry, free_id in zip(others[renamed:], free, strict=True)]
