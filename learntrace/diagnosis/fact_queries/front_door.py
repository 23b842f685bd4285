"""Facts from the front door: refused requests of a learner, and of others who sent for somebody else."""

from collections.abc import Callable

from django.db.models import Max, Min, Q, Sum

from learntrace.accounts.models import Academy, Token, User
from learntrace.accounts.scope import learners_of
from learntrace.diagnosis.facts import ForeignSender, RefusalGroup
from learntrace.diagnosis.matching import Names
from learntrace.intake.models import Refusal
from learntrace.intake.refusal_counts import NEWEST
from learntrace.learnpack.inbox.source import LearnPackInbox
from learntrace.notebooks.inbox.source import EventsInbox

LEARNPACK, NOTEBOOKS = LearnPackInbox.path, EventsInbox.path
MOST = 200  # the most groups of refusals
ANOTHER = "telemetry-of-another-user"
# Reasons that concern the caller, whatever the request holds.
OF_CALLER = frozenset(
    {
        "no-credentials",
        "invalid-token",
        "inactive-user",
        "expired-token",
        "missing-permission",
        "not-a-member",
        "invalid-academy-id",
        "opted-out",
    }
)


def refused(
    user: User, path: str, mentioned: Callable[[str], bool], *, one_client: bool = False
) -> tuple[RefusalGroup, ...]:
    """Return the refused requests of a learner to a source's path that name the asset, or no asset.

    With `one_client` the same client sends for all assets, so refusals of the caller count for whichever asset; the name
    in these is left out, because it may be another academy's. An unknown token that begins like one of the learner's
    counts as the learner's: it was cut or mistyped.
    """
    prefixes = list(Token.objects.filter(user=user).order_by("-pk").values_list("prefix", flat=True)[:MOST])
    like = Q(user=None, reason="invalid-token", token_prefix__in=[prefix for prefix in prefixes if prefix])
    grouped = (
        Refusal.objects.filter(Q(user=user) | like, path=path)
        .order_by()
        .values("reason", "asset", "token_prefix", "detail")
        .annotate(requests=Sum("times"), first_at=Min("created_at"), last_at=Max(NEWEST), size=Max("size"))
        .order_by("-last_at", "reason")[:MOST]
    )
    groups = []
    for row in grouped:
        if mentioned(row["asset"]):
            groups.append(RefusalGroup(**row))
        elif one_client and (row["reason"] in OF_CALLER or row["reason"].startswith("hub-")):
            groups.append(RefusalGroup(**row | {"asset": "", "detail": ""}))
    return tuple(groups)


def foreign_senders(academy: Academy, user: User, names: Names) -> tuple[ForeignSender, ...]:
    """Return who else in the academy sent requests on an asset for another user; which user is not stored."""
    named = [*names.slugs, *(str(asset_id) for asset_id in names.ids)]
    grouped = (
        Refusal.objects.filter(path=LEARNPACK, reason=ANOTHER, asset__in=named, user__in=learners_of(academy))
        .exclude(user=user)
        .order_by()
        .values_list("user__username")
        .annotate(requests=Sum("times"), last_at=Max(NEWEST))
        .order_by("-last_at")[:MOST]
    )
    return tuple(ForeignSender(*row) for row in grouped)
