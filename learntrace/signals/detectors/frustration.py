"""Frustration: LearnPack's scores of a learner on an asset are high for frustration and low for engagement."""

from learntrace.signals.detectors.base import MEDIUM, Kind, Threshold, Thresholds, gettext_noop


class Frustration(Kind):
    """A high frustration score with a low engagement score, both 0 to 100 (contract section 8).

    It depends on a learner's present telemetry of an asset, not on what led there.
    """

    kind = "frustration"
    name = gettext_noop("Frustrated")
    sentence = gettext_noop(
        "%(learner)s seems frustrated by %(assignment)s: frustration %(frustration)s and engagement %(engagement)s of 100"
    )
    severity = MEDIUM
    thresholds = {
        "frustration": Threshold(60, 0, gettext_noop("lowest frustration score, from 0 to 100"), whole=False),
        "engagement": Threshold(30, 0, gettext_noop("highest engagement score, from 0 to 100"), whole=False),
    }

    def holds(self, frustration: float | None, engagement: float | None, thresholds: Thresholds) -> bool:
        """Whether the scores are beyond the thresholds; false with an unknown score."""
        if frustration is None or engagement is None:
            return False
        return bool(frustration >= thresholds["frustration"] and engagement <= thresholds["engagement"])
