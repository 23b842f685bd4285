"""Whether somebody acts beyond one academy. Decided here only: such a person isn't that academy's to change.

Whoever changes an address can have a new password sent there, and whoever merges a person hands over what that person may do.
So an academy's admins change, merge and make keys for only those who act nowhere else.
"""

from django.db.models import Exists, OuterRef, Q

from learntrace.accounts.models import Academy, Grant, Membership, User


def beyond(academy: Academy) -> Q:
    """Return the condition on users who act elsewhere too: in another academy, by a grant, or as they run the server."""
    member = Exists(Membership.objects.filter(user=OuterRef("pk")).exclude(academy=academy))
    granted = Exists(Grant.objects.filter(user=OuterRef("pk")))
    return Q(member) | Q(granted) | Q(is_superuser=True) | Q(is_staff=True)


def acts_beyond(user: User, academy: Academy) -> bool:
    """Whether somebody acts elsewhere too."""
    return User.objects.filter(beyond(academy), pk=user.pk).exists()
