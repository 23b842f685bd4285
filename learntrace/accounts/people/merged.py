"""Who the users are now that were merged into others."""

from collections.abc import Iterable

from learntrace.accounts.models import MergedUser


def users_of_today(user_ids: Iterable[int | None]) -> dict[int | None, int]:
    """Return for the ids of users who were merged into others these others' ids; one query, none without ids."""
    wanted = {user_id for user_id in user_ids if user_id is not None}
    if not wanted:
        return {}
    return dict(MergedUser.objects.filter(former_id__in=wanted).values_list("former_id", "user_id"))
