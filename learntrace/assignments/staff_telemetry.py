"""Telemetry that staff writes (contract, section 7). It keeps the order of batches: the next one replaces it.

Staff writes the records that its academy owns (`accounts.write_scope`). An asset that another academy keeps to itself is
as one that doesn't exist, by the same queries.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.audit.actions import TELEMETRY_CORRECTED
from learntrace.accounts.audit.recording import record
from learntrace.accounts.models import Academy, Membership, User
from learntrace.accounts.scope import learners_of
from learntrace.accounts.write_scope import Learner, Sender, may_write
from learntrace.assignments.models import AssignmentTelemetry
from learntrace.assignments.telemetry_documents import keep_unread_records
from learntrace.assignments.visibility import telemetry_seen_in
from learntrace.core.errors import NotFound
from learntrace.registry.resolution import load_registry
from learntrace.registry.visibility import AssetNotFound

_MAX_SLUG = 200


class UserNotFound(NotFound):
    slug = "user-not-found"
    text = _("User with id %(user)s not found")


class TelemetryNotFound(NotFound):
    slug = "telemetry-not-found"
    text = _("Assignment telemetry not found for asset %(asset)s and user %(user)s")


@dataclass(frozen=True)
class TelemetryKey:
    """A telemetry row's learner and canonical slug; `asked` is the slug in the request."""

    user: User
    asset_slug: str
    asked: str
    # Whose staff writes; None: the installation's.
    academy_id: int | None = None


def telemetry_key(academy: Academy, slug: str, user_id: int) -> TelemetryKey:
    """Find the learner in the academy and the canonical slug of an asset that the academy may name.

    Raises UserNotFound, and AssetNotFound where the record is another academy's, or where there is no such asset and the
    slug can't be taken as it is.
    """
    user = learners_of(academy).filter(pk=user_id).first()
    if user is None:
        raise UserNotFound(user=user_id)
    homes = frozenset(Membership.objects.filter(user=user).values_list("academy_id", flat=True))
    registry = load_registry(slugs=[slug], named_in=[academy.pk])
    asset = registry.by_slug(slug)
    if asset is None:
        if not _may_take(academy, user, homes, slug):
            raise AssetNotFound(asset=slug)
        return TelemetryKey(user, slug, slug, academy.pk)
    canonical = registry.canonical(asset)
    if not may_write(Sender(None, frozenset({academy.pk})), Learner(user.pk, homes), canonical.academy_id):
        raise AssetNotFound(asset=slug)
    return TelemetryKey(user, canonical.slug, slug, academy.pk)


def _may_take(academy: Academy, user: User, homes: frozenset[int], slug: str) -> bool:
    """Whether a slug is taken as it is: there is no such asset, or another academy keeps it to itself.

    The answer must not depend on which of the two it is. If the learner belongs to this academy only, the record is this
    academy's in either case. Otherwise it might be the other academy's, and only a record that is seen here is changed.
    """
    seen = telemetry_seen_in(academy).filter(user=user, asset_slug=slug).exists()
    return len(slug) <= _MAX_SLUG and (seen or homes == {academy.pk})


def upsert(key: TelemetryKey, fields: Mapping[str, Any]) -> tuple[AssignmentTelemetry, bool]:
    """Write the fields into the learner's row, or create it; return the row and whether it was created.

    Of two concurrent requests, one creates the row (the unique constraint decides) and the other changes it.
    """
    row = _change(key, fields)
    if row is not None:
        return row, False
    try:
        with transaction.atomic():
            row = AssignmentTelemetry(
                user=key.user, asset_slug=key.asset_slug, by_staff="telemetry" in fields, **fields
            )
            row.save(force_insert=True)
            _record(key, row, before={}, after=fields)
            return row, True
    except IntegrityError:
        return change(key, fields), False


def change(key: TelemetryKey, fields: Mapping[str, Any]) -> AssignmentTelemetry:
    """Write the fields into the learner's row.

    Raises TelemetryNotFound.
    """
    row = _change(key, fields)
    if row is None:
        raise TelemetryNotFound(asset=key.asked, user=key.user.pk)
    return row


@transaction.atomic
def _change(key: TelemetryKey, fields: Mapping[str, Any]) -> AssignmentTelemetry | None:
    """Write those of the fields that differ into the learner's row and return it, None where there is none.

    A write that changes nothing leaves `updated_at`, by which a row is known as staff-written.
    """
    row = AssignmentTelemetry.objects.select_for_update().filter(user=key.user, asset_slug=key.asset_slug).first()
    if row is None:
        return None
    changed = [name for name, value in fields.items() if _differs(getattr(row, name), value)]
    before = {name: getattr(row, name) for name in changed}
    for name in changed:
        setattr(row, name, fields[name])
    if "telemetry" in changed:
        keep_unread_records([(row.user_id, row.asset_slug)])
        row.by_staff = True
    if changed:
        row.save(update_fields=[*changed, "by_staff", "updated_at"])
        _record(key, row, before, after={name: fields[name] for name in changed})
    return row


def _record(key: TelemetryKey, row: AssignmentTelemetry, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    record(
        TELEMETRY_CORRECTED,
        academy_id=key.academy_id,
        object_id=row.pk,
        subject_id=row.user_id,
        before={"asset": None, **before},
        after={"asset": row.asset_slug, **after},
    )


def _differs(stored: Any, sent: Any) -> bool:
    # As JSON, true and 1 are two values, and in Python they are equal.
    if isinstance(stored, dict | list) or isinstance(sent, dict | list):
        return json.dumps(stored, sort_keys=True) != json.dumps(sent, sort_keys=True)
    return bool(stored != sent)
