"""All kinds of signals (signals.md), a class each."""

from collections.abc import Mapping

from learntrace.signals.detection import Detector, Kind
from learntrace.signals.detectors.consecutive_errors import ConsecutiveErrors
from learntrace.signals.detectors.falling_behind import FallingBehind
from learntrace.signals.detectors.frustration import Frustration
from learntrace.signals.detectors.inactive_after_error import InactiveAfterError
from learntrace.signals.detectors.rapid_fire import RapidFire
from learntrace.signals.detectors.repeated_error import RepeatedError
from learntrace.signals.detectors.stuck import Stuck
from learntrace.signals.detectors.wheel_spinning import WheelSpinning

# What is seen by stepping over activities.
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

# These, and what follows from a class's progress or from a document's scores.
FALLING_BEHIND = FallingBehind()
FRUSTRATION = Frustration()

KINDS: Mapping[str, Kind] = {**DETECTORS, **{kind.kind: kind for kind in (FALLING_BEHIND, FRUSTRATION)}}
