"""Whom a name means, wherever a learner is named: diagnosis, filters, erasure, commands.

`id:101` is the user with that id and `name:101` the one with that user name, whatever else there is. A bare number is an
id, and a user name only where no such id is; any other text is a user name and, for a single person, an e-mail address.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from django.db.models import Q, QuerySet

from learntrace.accounts.models import Academy, User
from learntrace.accounts.scope import learners_of
from learntrace.core.http.filters import natural

BY_ID: Final = "id:"
BY_NAME: Final = "name:"


def called(name: str, people: QuerySet[User]) -> QuerySet[User]:
    """Return those of the people whom a name means, in the order of their ids: more than one only by an e-mail address."""
    number, text = _parts(name)
    if number is not None:
        by_id = people.filter(pk=number)
        if text is None or by_id.exists():
            return by_id
    meant = Q(username=text)
    if not name.startswith(BY_NAME):
        meant |= Q(email__iexact=text)
    return people.filter(meant).order_by("pk")


def ids_by_name(names: Iterable[str], people: QuerySet[User]) -> dict[str, int]:
    """Return the ids of those of the people whom the names mean, by name; names that mean nobody are left out."""
    parts = {name: _parts(name) for name in names}
    numbers = [number for number, _text in parts.values() if number is not None]
    texts = [text for _number, text in parts.values() if text is not None]
    rows = people.filter(Q(pk__in=numbers) | Q(username__in=texts)).values_list("pk", "username")
    return _chosen(parts, rows)


def learners_named(names: Collection[str], academy: Academy) -> list[int]:
    """Return the ids that a filter's names mean: first among the academy's members, then among all, for former members."""
    found = ids_by_name(names, learners_of(academy))
    if left := [name for name in names if name not in found]:
        found |= ids_by_name(left, User.objects.all())
    return sorted(set(found.values()))


def unambiguous(user_id: int) -> str:
    """Return a name for links that means this user only."""
    return f"{BY_ID}{user_id}"


def as_typed(username: str) -> str:
    """Return a user name as it is entered where a name is asked for: marked where it would be taken for something else."""
    looks_else = natural(username) is not None or username.startswith((BY_ID, BY_NAME))
    return f"{BY_NAME}{username}" if looks_else else username


def _parts(name: str) -> tuple[int | None, str | None]:
    """Return a name as an id and as a user name, None for what it can't be; the id goes first."""
    if name.startswith(BY_NAME):
        return None, name.removeprefix(BY_NAME)
    number = natural(name.removeprefix(BY_ID).strip())
    if name.startswith(BY_ID) and number is not None:
        return number, None
    return number, name


def _chosen(parts: Mapping[str, tuple[int | None, str | None]], rows: Iterable[tuple[int, str]]) -> dict[str, int]:
    by_name = {username: user_id for user_id, username in rows}
    known = set(by_name.values())
    found: dict[str, int] = {}
    for name, (number, text) in parts.items():
        if number is not None and number in known:
            found[name] = number
        elif text is not None and text in by_name:
            found[name] = by_name[text]
    return found
