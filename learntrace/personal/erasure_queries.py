"""Earlier erasures of a user's data."""

from learntrace.accounts.models import User
from learntrace.personal.models import Erasure


def latest_erasure(user: User) -> Erasure | None:
    """Return the latest erasure of a user's data, None where there was none."""
    return Erasure.objects.filter(user=user).order_by("-erased_at").first()
