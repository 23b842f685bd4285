"""How many people of an academy something concerns: for sentences that tell what a change does."""

from django.db.models import Exists, OuterRef

from learntrace.accounts.models import Academy, Membership, User
from learntrace.accounts.second_factor.models import AuthenticatorApp, Passkey


def count_learners(academy: Academy) -> int:
    """Return how many active learners the academy has."""
    return Membership.objects.filter(academy=academy, role="student", status=Membership.Status.ACTIVE).count()


def count_staff_without_second_factor(academy: Academy) -> int:
    """Return how many active members who are no learners have neither an authenticator app nor a passkey."""
    members = Membership.objects.filter(academy=academy, status=Membership.Status.ACTIVE).exclude(role="student")
    apps = AuthenticatorApp.objects.filter(user=OuterRef("user"), confirmed_at__isnull=False)
    return members.exclude(Exists(apps)).exclude(Exists(Passkey.objects.filter(user=OuterRef("user")))).count()


def count_without_language(academy: Academy) -> int:
    """Return how many active members who are no learners have chosen no language of their own."""
    rows = User.objects.filter(memberships__academy=academy, memberships__status=Membership.Status.ACTIVE, language="")
    return rows.exclude(memberships__role="student").distinct().count()
