"""Record an action in the audit log, in the transaction that carries it out."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any, Final

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils import timezone

from learntrace.accounts.audit.actions import DATA_ERASED, Action, Kind
from learntrace.accounts.audit.models import AuditEntry, AuditValues
from learntrace.accounts.audit.origin import current_origin

Values = Mapping[str, Any]

# Their values are told nowhere; that they changed is.
_SECRET: Final = frozenset(
    {"password", "password1", "password2", "key", "key_hash", "secret", "target", "totp_secret", "recovery_codes"}
)
_MASK: Final = "***"
# A value with more bytes than this, such as a telemetry document, is told by its size and its digest.
_MOST_BYTES: Final = 64 * 1024


def record(
    action: Action,
    *,
    academy_id: int | None = None,
    object_id: int | None = None,
    subject_id: int | None = None,
    object_type: str = "",
    before: Values | None = None,
    after: Values | None = None,
) -> AuditEntry | None:
    """Record an action with what it changed, by the names of the fields; None where a change has changed nothing.

    `academy_id` is whose admins may read the entry, `subject_id` the person whom the values are about: an erasure of that
    person's data takes the values away. Values about several people hold their ids only, never names, addresses or texts.
    A change is recorded in the transaction that makes it: both are stored, or neither.
    """
    old, new = _plain(before), _plain(after)
    names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    if action.kind is Kind.CHANGE and not names:
        return None
    if action.kind is not Kind.READ and not transaction.get_connection().in_atomic_block:
        raise RuntimeError(f"{action.slug} is recorded outside of the transaction that carries it out")
    origin = current_origin()
    entry = AuditEntry(
        at=timezone.now(),
        action=action.slug,
        door=origin.door,
        academy_id=academy_id,
        actor_id=origin.actor_id,
        subject_id=subject_id,
        object_type=object_type or action.object_type,
        object_id=object_id,
        fields=names,
    )
    values = AuditValues(
        before=_shown(old, names) or None,
        after=_shown(new, names) or None,
        salt=secrets.token_hex(16),
    )
    # Whoever erases their own data leaves neither name nor address behind.
    if not (action is DATA_ERASED and origin.actor_id == subject_id):
        values.actor_name, values.address = origin.actor_name or None, origin.address or None
    entry.digest = digest_of(entry, values)
    with transaction.atomic():
        entry.save(force_insert=True)
        values.entry = entry
        values.save(force_insert=True)
    return entry


def digest_of(entry: AuditEntry, values: AuditValues) -> str:
    """Return the digest of an entry with its values: what was changed past the triggers has another one.

    Name and address of the actor aren't in it, so that their erasure leaves the rest to be checked.
    """
    when_and_who = [entry.at.isoformat(), entry.door, entry.academy_id, entry.actor_id, entry.subject_id]
    what = [entry.action, entry.object_type, entry.object_id, entry.fields]
    told = [values.salt, *when_and_who, *what, values.before, values.after]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _plain(values: Values | None) -> dict[str, Any]:
    """Return values as they are read back: times and ids as text, keys of objects too."""
    return {name: json.loads(json.dumps(value, cls=_Encoder)) for name, value in (values or {}).items()}


class _Encoder(DjangoJSONEncoder):
    def default(self, o: object) -> Any:
        return sorted(o) if isinstance(o, set | frozenset) else super().default(o)


def _shown(values: dict[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: _MASK if name in _SECRET else _short(values[name]) for name in names if name in values}


def _short(value: Any) -> Any:
    told = json.dumps(value, sort_keys=True).encode()
    if len(told) <= _MOST_BYTES:
        return value
    return {"bytes": len(told), "sha256": hashlib.sha256(told).hexdigest()}
