"""An academy's settings (contract, section 10): the one way to change them, for every room that has a feature there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.audit.actions import SETTINGS_CHANGED, Action
from learntrace.accounts.audit.recording import record
from learntrace.accounts.models import Academy, AcademySettings
from learntrace.core.errors import FieldProblem, Problem

Validator = Callable[[object], Any]
Features = Mapping[str, Any]

# The groups of features, each a field of the settings.
LEARNPACK = "learnpack_features"
NOTEBOOK = "notebook_features"
SIGNAL = "signal_features"
ACCESS = "access_features"
PAGES = "page_features"
GROUPS = (LEARNPACK, NOTEBOOK, SIGNAL, ACCESS, PAGES)
# Groups without unknown features. In LearnPack's group features that we don't know are kept as sent.
_CLOSED = frozenset({NOTEBOOK, SIGNAL, ACCESS, PAGES})


@dataclass(frozen=True)
class _Feature:
    validate: Validator
    default: Any = None
    # A feature whose value is an object: members that aren't sent stay as they are.
    parts: bool = False

    def merge(self, stored: Any, incoming: Any) -> Any:
        if self.parts and isinstance(stored, dict) and isinstance(incoming, dict):
            return {**stored, **incoming}
        return incoming


_UNKNOWN = _Feature(lambda value: value)
_features: dict[str, dict[str, _Feature]] = {group: {} for group in GROUPS}


Listener = Callable[[int], None]
_listeners: dict[str, list[Listener]] = {group: [] for group in GROUPS}


# Called with the academy and a group's features before and after a change, before it is stored; raises a Problem against it.
Check = Callable[[Academy, Features, Features], None]
_checks: dict[str, list[Check]] = {group: [] for group in GROUPS}


class ChangedMeanwhile(Problem):
    """What was confirmed is no longer what would be changed."""

    slug = "setting-changed"
    status_code = 409
    text = _("Somebody has changed this setting in the meantime. Look at it again; nothing was changed")


def check_before(group: str, check: Check) -> None:
    """Register a check of changes to a group's features that needs to know the academy."""
    _checks[group].append(check)


def when_changed(group: str, listener: Listener) -> None:
    """Register a listener, called with an academy's id in the transaction that changes a group of its features."""
    _listeners[group].append(listener)


def feature_validator(feature: str, validate: Validator, default: Any = None) -> None:
    """Register the validator of one of `learnpack_features`, and what it is where it isn't set.

    The value that `validate` returns is stored; a Problem that it raises is the client's answer. Rooms call this in their
    AppConfig.ready. Features without a validator are stored as sent.
    """
    _features[LEARNPACK][feature] = _Feature(validate, default)


def declare_feature(group: str, feature: str, default: Any, validate: Validator, *, parts: bool = False) -> None:
    """Declare a feature of a group in which unknown features are refused; it is shown with its default where it isn't set.

    With `parts` it is an object whose members are set one by one.
    """
    _features[group][feature] = _Feature(validate, default, parts)


def checked(features: Features, group: str = LEARNPACK) -> dict[str, Any]:
    """Return the features in the form that is stored.

    Raises what a validator raises; FieldProblem for an unknown feature of a group that has no unknown ones.
    """
    known = _features[group]
    if group in _CLOSED and (unknown := [name for name in features if name not in known]):
        raise FieldProblem(
            group, _("Unknown feature `%(name)s`; known are %(known)s"), name=unknown[0][:80], known=", ".join(known)
        )
    return {name: known[name].validate(value) if name in known else value for name, value in features.items()}


def settings_of(academy: Academy) -> AcademySettings:
    """Return the academy's settings; an unsaved row if it has set nothing."""
    row = AcademySettings.objects.filter(academy=academy).first() or AcademySettings(academy=academy)
    row.academy = academy
    for group in GROUPS:
        setattr(row, group, _stored(row, group))
    return row


def collects_source(academy: Academy) -> bool:
    """Whether the academy collects source code, which is else neither shown to its staff nor kept with events."""
    return settings_of(academy).notebook_features.get("collect_source") is True


def locked_settings(academy: Academy) -> AcademySettings:
    """Return the academy's settings, created if there are none, and locked until the open transaction ends."""
    # Of two transactions that need a new row at the same time, one creates it; the lock then serializes their changes.
    AcademySettings.objects.bulk_create([AcademySettings(academy=academy)], ignore_conflicts=True)
    row = AcademySettings.objects.select_for_update().get(academy=academy)
    row.academy = academy
    return row


def with_defaults(row: AcademySettings, group: str) -> dict[str, Any]:
    """Return a group's features in force: the stored ones over the defaults."""
    defaults = {name: feature.default for name, feature in _features[group].items()} if group in _CLOSED else {}
    return merged(defaults, _stored(row, group), group)


def merged(stored: Features, incoming: Features, group: str) -> dict[str, Any]:
    """Return the stored features with the incoming ones merged over them."""
    known = _features[group]
    changes = {name: known.get(name, _UNKNOWN).merge(stored.get(name), value) for name, value in incoming.items()}
    return {**stored, **changes}


def _by_name(groups: Mapping[str, Features]) -> dict[str, Any]:
    """Return all features with their group in the name."""
    return {f"{group}.{name}": value for group, features in groups.items() for name, value in features.items()}


def _stored(row: AcademySettings, group: str) -> dict[str, Any]:
    # A writer that bypasses the API may have stored another type.
    stored = getattr(row, group)
    return stored if isinstance(stored, dict) else {}


def merge_features(
    academy: Academy, features: Features, group: str = LEARNPACK, action: Action = SETTINGS_CHANGED
) -> AcademySettings:
    """Merge features into an academy's stored ones, and return the settings.

    Raises what `checked` raises.
    """
    return merge_settings(academy, {group: features}, action)


def _after(
    academy: Academy, before: Mapping[str, Features], incoming: Mapping[str, Features]
) -> dict[str, dict[str, Any]]:
    """Return all groups' features after a change.

    Raises what a check of a group raises.
    """
    after = {group: merged(before[group], incoming.get(group, {}), group) for group in GROUPS}
    for group in GROUPS:
        if after[group] != before[group]:
            for check in _checks[group]:
                check(academy, before[group], after[group])
    return after


def feature_in_force(row: AcademySettings, group: str, feature: str) -> Any:
    """Return a feature of an academy's settings: the stored one over the default, None where neither is known."""
    return _in_force(_stored(row, group), group, feature)


def _in_force(features: Features, group: str, feature: str) -> Any:
    return merged({feature: default_of(group, feature)}, features, group).get(feature)


def default_of(group: str, feature: str) -> Any:
    """Return what a feature is where it isn't set."""
    known = _features[group].get(feature)
    return known.default if known is not None else None


def try_feature(academy: Academy, group: str, feature: str, value: Any) -> Any:
    """Return what a feature would be if it were set, without setting it.

    Raises what `merge_settings` raises.
    """
    row = settings_of(academy)
    before = {name: _stored(row, name) for name in GROUPS}
    after = _after(academy, before, {group: checked({feature: value}, group)})
    return _in_force(after[group], group, feature)


def set_feature(academy: Academy, group: str, feature: str, value: Any, *, seen: Any) -> None:
    """Set a feature that was `seen` in force when the change was confirmed.

    Raises ChangedMeanwhile, and what `merge_settings` raises.
    """
    with transaction.atomic():
        if feature_in_force(locked_settings(academy), group, feature) != seen:
            raise ChangedMeanwhile
        merge_settings(academy, {group: {feature: value}})


def merge_settings(
    academy: Academy, groups: Mapping[str, Features], action: Action = SETTINGS_CHANGED
) -> AcademySettings:
    """Merge features of several groups at once: all of them or, if one is refused, none.

    It is recorded as `action`, with the values: a setting's history is read from these entries. Raises what `checked` raises.
    """
    incoming = {group: checked(features, group) for group, features in groups.items()}
    with transaction.atomic():
        row = locked_settings(academy)
        before = {group: _stored(row, group) for group in GROUPS}
        after = _after(academy, before, incoming)
        for group in GROUPS:
            setattr(row, group, after[group])
        row.save(update_fields=[*GROUPS, "updated_at"])
        record(
            action,
            academy_id=academy.pk,
            object_id=academy.pk,
            before=_by_name(before),
            after=_by_name({group: getattr(row, group) for group in GROUPS}),
        )
        for group in GROUPS:
            if getattr(row, group) != before[group]:
                for listener in _listeners[group]:
                    listener(academy.pk)
    return row
