"""Who changed an academy's setting, when, and what it was before: read from the audit log."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet

from learntrace.accounts.academy_settings import default_of
from learntrace.accounts.audit.actions import (
    IGNORE_RULES_CHANGED,
    ROW_ADDED,
    ROW_CHANGED,
    ROW_DELETED,
    SETTINGS_CHANGED,
)
from learntrace.accounts.audit.models import AuditEntry
from learntrace.accounts.models import Academy, User

# Entries that one page looks through.
_MOST: Final = 500
_ROW: Final = "accounts.academysettings"
_ACTIONS: Final = tuple(
    action.slug for action in (SETTINGS_CHANGED, IGNORE_RULES_CHANGED, ROW_ADDED, ROW_CHANGED, ROW_DELETED)
)


@dataclass(frozen=True)
class SettingChange:
    """A change of a feature; `who` is empty where nobody knows it any more. `known`: its values weren't erased."""

    entry_id: int
    at: datetime
    who: str
    before: Any
    after: Any
    known: bool


def changes_of(academy: Academy, group: str, feature: str, most: int = 5) -> list[SettingChange]:
    """Return the latest changes of a feature, the newest first."""
    changes: list[SettingChange] = []
    names: dict[int, str] | None = None
    for entry in _entries(academy)[:_MOST]:
        values = _values(entry, group, feature)
        if values is None:
            continue
        names = names if names is not None else _names(academy)
        changes.append(_change(entry, values, names))
        if len(changes) == most:
            break
    return changes


def last_changes(academy: Academy, features: Mapping[str, tuple[str, str]]) -> dict[str, SettingChange]:
    """Return the latest change of each of several features (group, feature), by their keys; two queries."""
    latest: dict[str, SettingChange] = {}
    names = _names(academy)
    for entry in _entries(academy)[:_MOST]:
        for key, (group, feature) in features.items():
            if key not in latest and (values := _values(entry, group, feature)) is not None:
                latest[key] = _change(entry, values, names)
    return latest


def _entries(academy: Academy) -> QuerySet[AuditEntry]:
    rows = AuditEntry.objects.filter(academy_id=academy.pk, action__in=_ACTIONS, object_type__in=("academy", _ROW))
    return rows.select_related("values").order_by("-id")


def _names(academy: Academy) -> dict[int, str]:
    actors = _entries(academy).order_by().values("actor_id").distinct()
    return {user.pk: user.display_name for user in User.objects.filter(pk__in=actors)}


def _values(entry: AuditEntry, group: str, feature: str) -> tuple[Any, Any, bool] | None:
    """Return a feature's values before and after an entry, and whether they are known; None where it has not changed."""
    values = getattr(entry, "values", None)
    before, after = (values.before or {}, values.after or {}) if values is not None else ({}, {})
    default = default_of(group, feature)
    name = f"{group}.{feature}"
    if name in entry.fields:
        known = values is not None and values.salt is not None
        return before.get(name, default), after.get(name, default), known
    if group not in entry.fields:
        return None
    # The administration tells whole groups.
    old, new = _group_in(before, group), _group_in(after, group)
    if old.get(feature, default) == new.get(feature, default):
        return None
    return old.get(feature, default), new.get(feature, default), True


def _group_in(values: Mapping[str, Any], group: str) -> Mapping[str, Any]:
    stored = values.get(group)
    return stored if isinstance(stored, dict) else {}


def _change(entry: AuditEntry, values: tuple[Any, Any, bool], names: Mapping[int, str]) -> SettingChange:
    before, after, known = values
    told = getattr(entry, "values", None)
    who = names.get(entry.actor_id or 0) or (told.actor_name if told is not None else "") or ""
    return SettingChange(entry.pk, entry.at, who, before, after, known)
