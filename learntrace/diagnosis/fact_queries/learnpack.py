"""Facts from LearnPack's inbox: the requests of a learner and their outcome."""

from typing import Any

from django.db.models import Count, F, Max, Min, QuerySet
from django.db.models.fields.json import KeyTextTransform

from learntrace.accounts.models import Academy, User
from learntrace.accounts.scope import seen_in
from learntrace.diagnosis.facts import HERE, MISLED, Batch, RequestGroup
from learntrace.diagnosis.matching import Names
from learntrace.learnpack.events import BATCH, PACKAGE_EVENTS
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing import outcomes
from learntrace.registry.models import Asset
from learntrace.registry.visibility import academy_assets, unlisted_assets

MOST = 2000  # the most groups of requests of a learner
_MISSING = frozenset({outcomes.ASSET_NOT_FOUND})


def sent(academy: Academy, user: User, names: Names) -> tuple[tuple[RequestGroup, ...], Batch | None]:
    """Return the learner's requests that are, or might be, about an asset, in groups, and the request that decides.

    Payloads are not read, except for the client in the one that decides.
    """
    rows = Webhook.objects.filter(
        seen_in(academy, learner="student_id", asset_academy="asset__academy_id"), student=user
    ).exclude(event__in=PACKAGE_EVENTS)
    placed = []
    for row in _groups(rows):
        missing = row["reason"] in _MISSING
        place = names.place(row["asset_id"], row["package_slug"], row["learnpack_package_id"], missing)
        if place is not None:
            placed.append((place, row))
    misled = {row["asset_id"] for place, row in placed if place == MISLED}
    slugs = _visible_slugs(academy, misled) if misled else {}
    here = [row for place, row in placed if place == HERE]
    deciding = [row for row in here if row["event"] == BATCH] or here
    newest = max((row["newest"] for row in deciding), default=None)
    groups = tuple(_sent(place, row, slugs.get(row["asset_id"], "")) for place, row in placed)
    return groups, None if newest is None else _batch(rows.filter(pk=newest))


def _groups(rows: QuerySet[Webhook]) -> Any:
    return (
        rows.order_by()
        .values("asset_id", "package_slug", "learnpack_package_id", "event", "status", "reason")
        .annotate(rows=Count("id"), newest=Max("id"), first_at=Min("created_at"), last_at=Max("created_at"))
        .order_by("-newest")[:MOST]
    )


def _visible_slugs(academy: Academy, assets: set[int]) -> dict[int, str]:
    visible: QuerySet[Asset] = academy_assets(academy) | unlisted_assets()
    return dict(visible.filter(pk__in=assets).values_list("pk", "slug"))


def _sent(place: str, row: dict[str, Any], went_to: str) -> RequestGroup:
    return RequestGroup(
        place=place,
        slug=row["package_slug"] or "",
        streaming=row["event"] != BATCH,
        status=row["status"],
        reason=row["reason"],
        rows=row["rows"],
        first_at=row["first_at"],
        last_at=row["last_at"],
        newest=row["newest"],
        went_to=went_to if place == MISLED else "",
    )


def _batch(rows: QuerySet[Webhook]) -> Batch | None:
    row = rows.annotate(agent=KeyTextTransform("agent", F("payload"))).defer("payload").first()
    # The row may have been deleted meanwhile.
    if row is None:
        return None
    return Batch(
        id=row.pk,
        event=row.event,
        slug=row.package_slug or "",
        status=row.status,
        reason=row.reason,
        text=outcomes.status_text(row) or "",
        created_at=row.created_at,
        agent=(row.agent or "")[:200],
        by_service=row.sender_id is not None and row.sender_id != row.student_id,
        attempts=row.attempts,
        streaming=row.event != BATCH,
    )
