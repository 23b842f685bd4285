"""What an academy has set (contract, section 10): one way to change it, for every room that keeps a feature there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy, AcademySettings
from learntrace.core.errors import FieldProblem

Validator = Callable[[object], Any]
Features = Mapping[str, Any]

# The groups of features, each a field of the settings.
LEARNPACK = "learnpack_features"
NOTEBOOK = "notebook_features"
SIGNAL = "signal_features"
GROUPS = (LEARNPACK, NOTEBOOK, SIGNAL)
# Whoever set something that LearnPack knows and we don't finds it again; our own features are all known.
_CLOSED = frozenset({NOTEBOOK, SIGNAL})


@dataclass(frozen=True)
class _Feature:
    validate: Validator
    default: Any = None
    # A feature of several parts: those that aren't sent stay as they are.
    parts: bool = False

    def over(self, stored: Any, incoming: Any) -> Any:
        if self.parts and isinstance(stored, dict) and isinstance(incoming, dict):
            return {**stored, **incoming}
        return incoming


_WHOLE = _Feature(lambda value: value)
_features: dict[str, dict[str, _Feature]] = {group: {} for group in GROUPS}


Listener = Callable[[int], None]
_listeners: dict[str, list[Listener]] = {group: [] for group in GROUPS}


def when_changed(group: str, listener: Listener) -> None:
    """Have a room called with the academy's id when a group of its features changes, in the transaction that does it."""
    _listeners[group].append(listener)


def feature_validator(feature: str, validate: Validator) -> None:
    """Have one of `learnpack_features` checked before it is stored.

    What `validate` returns is stored; a Problem that it raises goes to the client. A room calls this when it is ready.
    Features without a validator are kept as sent.
    """
    _features[LEARNPACK][feature] = _Feature(validate)


def declare_feature(group: str, feature: str, default: Any, validate: Validator, *, parts: bool = False) -> None:
    """Declare a feature of a group that has no others: it is shown with its default where nothing is set.

    With `parts` it is an object whose members are set one by one.
    """
    _features[group][feature] = _Feature(validate, default, parts)


def checked(features: Features, group: str = LEARNPACK) -> dict[str, Any]:
    """The features as they are to be stored.

    Raises what a validator raises; FieldProblem for a feature that doesn't exist where all are known.
    """
    known = _features[group]
    if group in _CLOSED and (unknown := [name for name in features if name not in known]):
        raise FieldProblem(
            group, _("Unknown feature `%(name)s`; known are %(known)s"), name=unknown[0][:80], known=", ".join(known)
        )
    return {name: known[name].validate(value) if name in known else value for name, value in features.items()}


def settings_of(academy: Academy) -> AcademySettings:
    """The academy's settings; an unsaved row where it has set nothing."""
    row = AcademySettings.objects.filter(academy=academy).first() or AcademySettings(academy=academy)
    row.academy = academy
    for group in GROUPS:
        setattr(row, group, _stored(row, group))
    return row


def locked_settings(academy: Academy) -> AcademySettings:
    """The academy's settings, made where there are none; nobody else changes them until the open transaction ends."""
    # Of two that come first at the same time one makes the row; the lock then lets neither undo the other.
    AcademySettings.objects.bulk_create([AcademySettings(academy=academy)], ignore_conflicts=True)
    row = AcademySettings.objects.select_for_update().get(academy=academy)
    row.academy = academy
    return row


def with_defaults(row: AcademySettings, group: str) -> dict[str, Any]:
    """A group's features as they hold: what is stored over the defaults."""
    defaults = {name: feature.default for name, feature in _features[group].items()} if group in _CLOSED else {}
    return merged(defaults, _stored(row, group), group)


def merged(stored: Features, incoming: Features, group: str) -> dict[str, Any]:
    """Features with others put over them."""
    known = _features[group]
    put = {name: known.get(name, _WHOLE).over(stored.get(name), value) for name, value in incoming.items()}
    return {**stored, **put}


def _stored(row: AcademySettings, group: str) -> dict[str, Any]:
    # Who writes past the API may have stored something else.
    stored = getattr(row, group)
    return stored if isinstance(stored, dict) else {}


def merge_features(academy: Academy, features: Features, group: str = LEARNPACK) -> AcademySettings:
    """Put features beside those that are stored; what isn't named stays. The row is made where there is none.

    Raises what `checked` raises.
    """
    return merge_settings(academy, {group: features})


def merge_settings(academy: Academy, groups: Mapping[str, Features]) -> AcademySettings:
    """The same for several groups at once: all of it, or, where something is refused, nothing.

    Raises what `checked` raises.
    """
    incoming = {group: checked(features, group) for group, features in groups.items()}
    with transaction.atomic():
        row = locked_settings(academy)
        before = {group: _stored(row, group) for group in GROUPS}
        for group in GROUPS:
            setattr(row, group, merged(before[group], incoming.get(group, {}), group))
        row.save(update_fields=[*GROUPS, "updated_at"])
        for group in GROUPS:
            if getattr(row, group) != before[group]:
                for listener in _listeners[group]:
                    listener(academy.pk)
    return row
