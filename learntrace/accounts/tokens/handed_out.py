"""Keys that an academy's admins have made for its people end when these belong to another academy too.

A key acts wherever its owner does, and an admin who has made one may hold it. So it ends with the membership that would let
it open more, by whichever way that is made: an invitation, a roster, the administration, a merge.
"""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from learntrace.accounts.audit.actions import TOKEN_MADE, TOKEN_ROTATED
from learntrace.accounts.audit.models import AuditEntry
from learntrace.accounts.models import Membership, Token, memberships_saved
from learntrace.accounts.tokens import own


@transaction.atomic
def end_handed_out(user_ids: Collection[int]) -> int:
    """End the keys that others made for users at an academy, where their owners belong to another one; return how many."""
    keys = Token.objects.filter(user__in=user_ids)
    owners = set(keys.values_list("user_id", flat=True))
    if not owners:
        return 0
    ended: dict[int, list[Token]] = defaultdict(list)
    for token in keys.select_for_update(of=("self",)).filter(_handed_out(owners)).order_by("pk"):
        ended[token.user_id].append(token)
    for user_id, tokens in ended.items():
        own.record_ended(user_id, tokens)
    gone = [token.pk for tokens in ended.values() for token in tokens]
    Token.objects.filter(pk__in=gone).delete()
    return len(gone)


def _handed_out(owners: Collection[int]) -> Q:
    entries = _by_others(owners)
    made = Q(pk__in=entries.filter(action=TOKEN_MADE.slug).values("object_id"))
    # The entry of a rotation is about the old key, and tells the new one's prefix.
    followers = entries.filter(action=TOKEN_ROTATED.slug).values_list("subject_id", "values__after__prefix")
    rotated = Q(pk__in=[])
    for user_id, prefix in followers:
        rotated |= Q(user=user_id, prefix=prefix) if prefix else Q(pk__in=[])
    return made | rotated


def _by_others(owners: Collection[int]) -> QuerySet[AuditEntry]:
    """Return what others did at an academy with keys of those who belong to another one."""
    elsewhere = Membership.objects.filter(user=OuterRef("subject_id")).exclude(academy=OuterRef("academy_id"))
    entries = AuditEntry.objects.filter(object_type="token", subject_id__in=owners, academy_id__isnull=False)
    by_others = entries.exclude(actor_id__isnull=False, actor_id=F("subject_id"))
    return by_others.filter(Exists(elsewhere))


def _after_saving(user_ids: Collection[int], **_more: Any) -> None:
    end_handed_out(user_ids)


def connect() -> None:
    """Have keys end with each membership that is saved."""
    memberships_saved.connect(_after_saving, dispatch_uid="learntrace keys handed out")
