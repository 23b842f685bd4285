"""Whether somebody acts beyond one academy. Decided here only: such a person isn't that academy's to change.

Whoever changes an address can have a new password sent there, and whoever merges a person hands over what that person may do.
So an academy's admins change, merge and make keys for only those who act nowhere else.
"""

from typing import Final

from django.db.models import Exists, OuterRef, Q

from learntrace.accounts.models import Academy, Grant, Membership, User

_LEARNER: Final = "student"


def beyond(academy: Academy) -> Q:
    """Return the condition on users who act elsewhere too: in another academy, by a grant, or as they run the server."""
    member = Exists(Membership.objects.filter(user=OuterRef("pk")).exclude(academy=academy))
    granted = Exists(Grant.objects.filter(user=OuterRef("pk")))
    return Q(member) | Q(granted) | Q(is_superuser=True) | Q(is_staff=True)


def opens_more(than: User, user: User) -> bool:
    """Whether a key of `user` would open more than one of `than` does: a role of staff, another academy, a grant, the server.

    Somebody without any academy is a record that clients have made up names for: belonging to one is no more.
    """
    held, more = (set(one.memberships.values_list("academy_id", "role")) for one in (than, user))
    staff = {pair for pair in more if pair[1] != _LEARNER} - held
    academies = {academy for academy, _role in held}
    elsewhere = bool(academies) and not {academy for academy, _role in more} <= academies
    grants = set(user.grants.values_list("permission", flat=True)) - set(
        than.grants.values_list("permission", flat=True)
    )
    runs = (user.is_superuser or user.is_staff) and not (than.is_superuser or than.is_staff)
    return bool(staff or elsewhere or grants or runs)


def acts_beyond(user: User, academy: Academy) -> bool:
    """Whether somebody acts elsewhere too."""
    return User.objects.filter(beyond(academy), pk=user.pk).exists()
