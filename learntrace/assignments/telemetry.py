"""Telemetry that staff writes (contract, section 7). The order of batches is left alone: the next batch replaces it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy, Membership, User
from learntrace.accounts.scope import learners_of
from learntrace.assignments.models import AssignmentTelemetry
from learntrace.core.errors import NotFound
from learntrace.registry.resolution import load_registry
from learntrace.registry.shelves import AssetNotFound

_MAX_SLUG = 200


class UserNotFound(NotFound):
    slug = "user-not-found"
    text = _("User with id %(user)s not found")


class TelemetryNotFound(NotFound):
    slug = "telemetry-not-found"
    text = _("Assignment telemetry not found for asset %(asset)s and user %(user)s")


@dataclass(frozen=True)
class Place:
    """Where a telemetry row stands: its learner and canonical slug, and the asset's name as it was asked for."""

    user: User
    asset_slug: str
    asked: str


def place(academy: Academy, slug: str, user_id: int) -> Place:
    """Find the learner in the academy and the canonical slug; a slug that no asset has is taken as it is.

    Raises UserNotFound; AssetNotFound for a slug that is too long, or an asset of another academy that the learner
    is in too: what was learned there is seen there only.
    """
    user = learners_of(academy).filter(pk=user_id).first()
    if user is None:
        raise UserNotFound(user=user_id)
    registry = load_registry(slugs=[slug])
    asset = registry.by_slug(slug)
    if asset is None:
        if len(slug) > _MAX_SLUG:
            raise AssetNotFound(asset=slug)
        return Place(user, slug, slug)
    canonical = registry.canonical(asset)
    home = canonical.academy_id
    if home is not None and home != academy.pk and Membership.objects.filter(user=user, academy_id=home).exists():
        raise AssetNotFound(asset=slug)
    return Place(user, canonical.slug, slug)


def upsert(there: Place, fields: Mapping[str, Any]) -> tuple[AssignmentTelemetry, bool]:
    """Write the fields into the learner's row, making it where there is none; tells whether it was made.

    Of two that come at the same time one makes the row (the unique constraint decides) and the other changes it.
    """
    return AssignmentTelemetry.objects.update_or_create(
        user=there.user, asset_slug=there.asset_slug, defaults=dict(fields)
    )


def change(there: Place, fields: Mapping[str, Any]) -> AssignmentTelemetry:
    """Write the fields into the learner's row.

    Raises TelemetryNotFound.
    """
    with transaction.atomic():
        row = (
            AssignmentTelemetry.objects.select_for_update().filter(user=there.user, asset_slug=there.asset_slug).first()
        )
        if row is None:
            raise TelemetryNotFound(asset=there.asked, user=there.user.pk)
        for name, value in fields.items():
            setattr(row, name, value)
        row.save(update_fields=[*fields, "updated_at"])
    return row
