"""Which workout session of a LearnPack document a moment belongs to."""

from bisect import bisect_right
from datetime import datetime

from learntrace.learnpack.attempts.content import started
from learntrace.learnpack.attempts.run_identity import Subject

MAX_SESSION = 200


class Sessions:
    """The workout sessions of a document. A moment belongs to the last session that had begun, or else to the first.

    A document without sessions is one session.
    """

    def __init__(self, sessions: object, name: object, subject: Subject) -> None:
        sessions = sessions if isinstance(sessions, list) else []
        starts = [(started(session), index) for index, session in enumerate(sessions)]
        begun = sorted((start, index) for start, index in starts if start is not None)
        name = name if isinstance(name, str) and name else subject.asset_slug
        self._starts = [start for start, _index in begun]
        self._ids = [f"{name[: MAX_SESSION - 12]}/{index}" for index in ([index for _start, index in begun] or [0])]

    def id_at(self, moment: datetime) -> str:
        """Return the session id: the document's telemetry id and the session's index."""
        return self._ids[max(bisect_right(self._starts, moment) - 1, 0)]
