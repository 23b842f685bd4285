"""What the front door refused of a learner, and of others who spoke for somebody else."""

from collections.abc import Callable

from django.db.models import Count, Max, Min, Q

from learntrace.accounts.models import Academy, Token, User
from learntrace.accounts.scope import learners_of
from learntrace.diagnosis.facts import Misspoken, Refused
from learntrace.diagnosis.matching import Names
from learntrace.intake.models import Refusal
from learntrace.learnpack.inbox import LearnPackInbox
from learntrace.notebooks.inbox import EventsInbox

LEARNPACK, NOTEBOOKS = LearnPackInbox.path, EventsInbox.path
MOST = 200  # kinds of refusals that are told apart
ANOTHER = "telemetry-of-another-user"
# Why somebody isn't let in at all, whatever is sent.
OF_CALLER = frozenset(
    {
        "no-credentials", "invalid-token", "inactive-user", "expired-token", "missing-permission", "not-a-member",
        "invalid-academy-id", "opted-out",
    }
)  # fmt: skip


def refused(
    user: User, path: str, mentioned: Callable[[str], bool], *, one_client: bool = False
) -> tuple[Refused, ...]:
    """Refused requests of a learner to a source's address that name the asset, or nothing.

    With `one_client` a single one sends for all assets, so that those count as well in which it wasn't let in with
    another; what they name may be another academy's, and is left out. A key that nobody has is the learner's where it
    begins like one of the learner's: it was cut, or mistyped.
    """
    prefixes = list(Token.objects.filter(user=user).order_by("-pk").values_list("prefix", flat=True)[:MOST])
    like = Q(user=None, reason="invalid-token", token_prefix__in=[prefix for prefix in prefixes if prefix])
    grouped = (
        Refusal.objects.filter(Q(user=user) | like, path=path)
        .order_by()
        .values("reason", "asset", "token_prefix", "detail")
        .annotate(requests=Count("id"), first_at=Min("created_at"), last_at=Max("created_at"), size=Max("size"))
        .order_by("-last_at", "reason")[:MOST]
    )
    found = []
    for row in grouped:
        if mentioned(row["asset"]):
            found.append(Refused(**row))
        elif one_client and (row["reason"] in OF_CALLER or row["reason"].startswith("hub-")):
            found.append(Refused(**row | {"asset": "", "detail": ""}))
    return tuple(found)


def misspoken(academy: Academy, user: User, names: Names) -> tuple[Misspoken, ...]:
    """Requests on an asset that others of the academy sent for another user. For whom isn't kept."""
    named = [*names.slugs, *(str(one) for one in names.ids)]
    grouped = (
        Refusal.objects.filter(path=LEARNPACK, reason=ANOTHER, asset__in=named, user__in=learners_of(academy))
        .exclude(user=user)
        .order_by()
        .values_list("user__username")
        .annotate(requests=Count("id"), last_at=Max("created_at"))
        .order_by("-last_at")[:MOST]
    )
    return tuple(Misspoken(*row) for row in grouped)
