"""When each kind of signal is seen, as each academy has set it: kind by kind in its `signal_features`."""

import math
from collections.abc import Collection
from functools import partial
from typing import Any

from django.utils.translation import gettext_lazy as _

from learntrace.accounts.academy_settings import SIGNAL, declare_feature
from learntrace.accounts.models import AcademySettings
from learntrace.core.errors import FieldProblem
from learntrace.progress.gaps import gap_in
from learntrace.signals.detection import ACTIVE_GAP, Kind, Threshold
from learntrace.signals.detectors import KINDS
from learntrace.signals.detectors.stuck import Stuck

ENABLED = "enabled"
# More of anything is never reached, and as minutes or days it must stay a time.
MOST = 1_000_000

_WHOLE = _("`%(name)s` must be a whole number from %(least)s to %(most)s")
_NUMBER = _("`%(name)s` must be a number from %(least)s to %(most)s")

Limits = dict[str, dict[str, Any]]


def thresholds_of(stored: Any) -> Limits:
    """Each kind's thresholds, `{kind: {"enabled": bool, name: number}}`, from settings as they are stored.

    Who writes past the API may have stored anything: what is no threshold is the default's.
    """
    features = stored if isinstance(stored, dict) else {}
    limits = {kind.kind: _of_kind(kind, features.get(kind.kind)) for kind in KINDS.values()}
    limits[Stuck.kind][ACTIVE_GAP] = gap_in(features)
    return limits


def load(academy_ids: Collection[int | None]) -> dict[int | None, Limits]:
    """The same for several academies, None being none of them; one query."""
    asked = [academy for academy in academy_ids if academy is not None]
    rows = AcademySettings.objects.filter(academy__in=asked) if asked else AcademySettings.objects.none()
    stored: dict[int | None, Any] = dict(rows.values_list("academy_id", "signal_features"))
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
    return {ENABLED: True, **kind.defaults()}


def _fits(threshold: Threshold, value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    return threshold.least <= value <= MOST and not (threshold.whole and value != int(value))


def _checked(kind: Kind, value: object) -> dict[str, Any]:
    """A kind's thresholds as they are to be stored.

    Raises FieldProblem that names the place.
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
            raise FieldProblem(
                SIGNAL, _WHOLE if kind.thresholds[name].whole else _NUMBER,
                name=place, least=f"{kind.thresholds[name].least:g}", most=MOST,
            )  # fmt: skip
    return {
        name: int(given) if name != ENABLED and kind.thresholds[name].whole else given for name, given in value.items()
    }


def register() -> None:
    """Have the thresholds shown with their defaults, checked wherever they are stored, and no others accepted."""
    for kind in KINDS.values():
        declare_feature(SIGNAL, kind.kind, _defaults(kind), partial(_checked, kind), parts=True)
