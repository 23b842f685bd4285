"""LearnPack's scores of a learner on an asset say frustrated and hardly engaged."""

from learntrace.signals.detection import MEDIUM, Kind, Threshold, Thresholds, gettext_noop


class Frustration(Kind):
    """A high frustration score at a low engagement score, both 0 to 100 (contract section 8); it looks at a learner's
    telemetry of an asset as it is, not at what led there."""

    kind = "frustration"
    name = gettext_noop("Frustrated")
    sentence = gettext_noop(
        "%(learner)s seems frustrated by %(assignment)s: frustration %(frustration)s and engagement %(engagement)s of 100"
    )
    severity = MEDIUM
    thresholds = {
        "frustration": Threshold(60, 0, gettext_noop("least frustration score, of 100"), whole=False),
        "engagement": Threshold(30, 0, gettext_noop("greatest engagement score, of 100"), whole=False),
    }

    def holds(self, frustration: float | None, engagement: float | None, thresholds: Thresholds) -> bool:
        """Whether it is so; not with a score that isn't known."""
        if frustration is None or engagement is None:
            return False
        return bool(frustration >= thresholds["frustration"] and engagement <= thresholds["engagement"])
