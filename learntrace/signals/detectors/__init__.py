"""All kinds of signals (docs/explanation/signals.md), a class each.

To add a kind: a module here, its entry below, what a learner is told of it (dashboard/my_learning/advice.py), and the
translations of its texts.
"""

from collections.abc import Mapping

from learntrace.signals.detectors.base import MEDIUM, Detector, Kind
from learntrace.signals.detectors.consecutive_errors import ConsecutiveErrors
from learntrace.signals.detectors.falling_behind import FallingBehind
from learntrace.signals.detectors.frustration import Frustration
from learntrace.signals.detectors.inactive_after_error import InactiveAfterError
from learntrace.signals.detectors.rapid_fire import RapidFire
from learntrace.signals.detectors.repeated_error import RepeatedError
from learntrace.signals.detectors.stuck import Stuck
from learntrace.signals.detectors.wheel_spinning import WheelSpinning

# Kinds that are found by stepping over activities.
DETECTORS: Mapping[str, Detector] = {
    detector.kind: detector
    for detector in (
        ConsecutiveErrors(),
        RepeatedError(),
        Stuck(),
        WheelSpinning(),
        InactiveAfterError(),
        RapidFire(),
    )
}

# Kinds that are found by comparing a class, or in the scores of a telemetry document.
FALLING_BEHIND = FallingBehind()
FRUSTRATION = Frustration()

KINDS: Mapping[str, Kind] = {**DETECTORS, **{kind.kind: kind for kind in (FALLING_BEHIND, FRUSTRATION)}}

# Kinds of trouble on an assignment: by one of the grave ones a learner is stuck, by any other the learner is struggling.
TROUBLE_KINDS = frozenset(detector.kind for detector in DETECTORS.values() if detector.severity >= MEDIUM)
GRAVE_KINDS = frozenset({Stuck.kind})
