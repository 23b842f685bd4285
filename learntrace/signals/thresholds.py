"""The thresholds of each kind of signal, which each academy can set in its `signal_features`."""

import math
from collections.abc import Collection
from functools import partial
from typing import Any

from django.utils.translation import gettext_lazy as _

from learntrace.accounts.academy_settings import SIGNAL, declare_feature
from learntrace.core.errors import FieldProblem
from learntrace.core.words import counted
from learntrace.progress.recording.active_gap import gap_in, signal_features_of
from learntrace.signals.detectors import KINDS
from learntrace.signals.detectors.base import ACTIVE_GAP, Kind, Threshold
from learntrace.signals.detectors.stuck import Stuck

ENABLED = "enabled"
# More is never reached, and as minutes or days it must still be a valid time.
MOST = 1_000_000

_WHOLE = _("`%(name)s` must be a whole number from %(least)s to %(most)s")
_NUMBER = _("`%(name)s` must be a number from %(least)s to %(most)s")

Limits = dict[str, dict[str, Any]]


def thresholds_of(stored: Any) -> Limits:
    """Return each kind's thresholds, `{kind: {"enabled": bool, name: number}}`, from stored settings.

    Settings written without the API may hold anything: the default replaces what is no valid threshold.
    """
    features = stored if isinstance(stored, dict) else {}
    limits = {kind.kind: _of_kind(kind, features.get(kind.kind)) for kind in KINDS.values()}
    limits[Stuck.kind][ACTIVE_GAP] = gap_in(features)
    return limits


def load(academy_ids: Collection[int | None]) -> dict[int | None, Limits]:
    """Return the thresholds of several academies in one query; None stands for no academy and has the defaults."""
    stored = signal_features_of(academy_ids)
    return {academy: thresholds_of(stored.get(academy)) for academy in academy_ids}


def _of_kind(kind: Kind, stored: Any) -> dict[str, Any]:
    given = stored if isinstance(stored, dict) else {}
    limits = _defaults(kind)
    for name, threshold in kind.thresholds.items():
        if _fits(threshold, given.get(name)):
            limits[name] = given[name]
    if isinstance(given.get(ENABLED), bool):
        limits[ENABLED] = given[ENABLED]
    return limits


def _defaults(kind: Kind) -> dict[str, Any]:
    return {ENABLED: kind.enabled, **kind.defaults()}


def _fits(threshold: Threshold, value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    return threshold.least <= value <= MOST and not (threshold.whole and value != int(value))


def _checked(kind: Kind, value: object) -> dict[str, Any]:
    """Return a kind's thresholds as they are to be stored.

    Raises FieldProblem with the name of the threshold.
    """
    if not isinstance(value, dict):
        raise FieldProblem(SIGNAL, _("`%(place)s` must be an object"), place=kind.kind)
    known = [ENABLED, *kind.thresholds]
    for name, given in value.items():
        place = f"{kind.kind}.{name}"[:160]
        if name not in known:
            raise FieldProblem(
                SIGNAL, _("Unknown threshold `%(place)s`; known are %(known)s"), place=place, known=", ".join(known)
            )
        if name == ENABLED:
            if not isinstance(given, bool):
                raise FieldProblem(SIGNAL, _("`%(name)s` must be true or false"), name=place)
        elif not _fits(kind.thresholds[name], given):
            text = _WHOLE if kind.thresholds[name].whole else _NUMBER
            raise FieldProblem(
                SIGNAL, text, name=place, least=f"{kind.thresholds[name].least:g}", most=counted.number(MOST)
            )
    return {
        name: int(given) if name != ENABLED and kind.thresholds[name].whole else given for name, given in value.items()
    }


def register() -> None:
    """Declare the thresholds as academy settings: shown with their defaults, and checked whenever they are stored."""
    for kind in KINDS.values():
        declare_feature(SIGNAL, kind.kind, _defaults(kind), partial(_checked, kind), parts=True)
