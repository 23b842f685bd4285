"""What was found about a learner and an asset: plain values, from which the walk concludes. Times are the server's."""

from dataclasses import dataclass
from datetime import datetime

HERE, MISLED, UNKNOWN = "here", "misled", "unknown"
"""Where a LearnPack request went: to the asset; by its asset id to another one, though it names this one; nowhere."""


@dataclass(frozen=True)
class Person:
    """The learner; `belongs` says whether the membership in the academy is active."""

    id: int
    username: str
    name: str
    account_active: bool = True
    belongs: bool = True


@dataclass(frozen=True)
class Target:
    """The asset; `names` are the slugs and aliases of all its translations that the academy may see."""

    id: int
    slug: str
    canonical: str
    names: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    # Of the canonical asset, which decides on scores.
    graded: bool = True
    stats_at: datetime | None = None
    stats_failed: bool = False


@dataclass(frozen=True)
class TaskFound:
    """A task of the learner on the asset; `by_alias`: it names the asset by an alias, under which batches don't look."""

    id: int
    slug: str
    type: str
    status: str
    created_at: datetime
    by_alias: bool = False


@dataclass(frozen=True)
class Sent:
    """Requests of LearnPack that were taken, and are alike. `newest` is the id of the last."""

    place: str
    slug: str
    streaming: bool
    status: str
    reason: str
    rows: int
    first_at: datetime
    last_at: datetime
    newest: int
    # Of a misled one, the asset where it went, as far as the academy may know it.
    went_to: str = ""


@dataclass(frozen=True)
class Batch:
    """The newest of LearnPack's requests on the asset that decides: a batch, or where there is none an event."""

    id: int
    event: str
    slug: str
    status: str
    reason: str
    text: str
    created_at: datetime
    agent: str = ""
    by_service: bool = False
    attempts: int = 0
    streaming: bool = False


@dataclass(frozen=True)
class Refused:
    """Refused requests of the learner that are alike, about the asset as far as they say what they are about."""

    reason: str
    asset: str
    token_prefix: str
    requests: int
    first_at: datetime
    last_at: datetime
    detail: str = ""
    size: int = 0


@dataclass(frozen=True)
class Misspoken:
    """Requests on the asset that came with somebody else's token and were for another user than that one."""

    sender: str
    requests: int
    last_at: datetime
    # Whether it is certain that they were for this learner.
    named: bool = False


@dataclass(frozen=True)
class Book:
    """The published notebooks of the asset: their paths, and the assignments' tags."""

    paths: tuple[str, ...]
    tags: frozenset[str]
    published_at: datetime


@dataclass(frozen=True)
class Seen:
    """Events of the learner in one notebook and on one assignment (empty: none)."""

    notebook: str
    tag: str
    malformed: bool
    executed: bool
    events: int
    last_at: datetime


@dataclass(frozen=True)
class FrontEnd:
    """The learner's last event anywhere in the academy, and what sent it."""

    at: datetime
    name: str = ""
    version: str = ""


@dataclass(frozen=True)
class Rejected:
    """Rejected events of the learner with one code, about the notebook as far as that can be told."""

    code: str
    detail: str
    events: int
    last_at: datetime
    newest: int


@dataclass(frozen=True)
class Taking:
    """How far the newest event on the notebook has come: into the activities, and from there into the record."""

    event: str
    arrived_at: datetime
    taken: bool = True
    fault: str = ""
    stale_since: datetime | None = None


@dataclass(frozen=True)
class Record:
    """The learner's telemetry record. `made_at` is when its batch was processed; None where that row is gone."""

    id: int
    slug: str
    updated_at: datetime
    from_source: bool
    scored: bool
    completion: float | None = None
    last_interaction_at: datetime | None = None
    received_at: datetime | None = None
    made_at: datetime | None = None


@dataclass(frozen=True)
class Facts:
    """All that was found. `book` tells a notebook from a LearnPack package."""

    now: datetime
    academy: str
    asked_user: str
    asked_asset: str
    person: Person | None = None
    # There is such an account, but no academy has it.
    homeless: bool = False
    target: Target | None = None
    tasks: tuple[TaskFound, ...] = ()
    sent: tuple[Sent, ...] = ()
    batch: Batch | None = None
    refused: tuple[Refused, ...] = ()
    misspoken: tuple[Misspoken, ...] = ()
    book: Book | None = None
    # Events on the asset's notebook; without a published one, on a notebook that is called like it.
    seen: tuple[Seen, ...] = ()
    front_end: FrontEnd | None = None
    collecting: bool = True
    rejected: tuple[Rejected, ...] = ()
    taking: Taking | None = None
    record: Record | None = None
    # A record under the slug of a translation that isn't the canonical one.
    stray: Record | None = None
    worker_seen_at: datetime | None = None

    @property
    def learner(self) -> str:
        """How the learner is called in sentences."""
        return self.person.name if self.person else self.asked_user

    @property
    def asset(self) -> str:
        """How the asset is called in sentences."""
        return self.target.slug if self.target else self.asked_asset

    @property
    def last_arrival(self) -> datetime | None:
        """When something about the asset was last taken."""
        if self.book is not None:
            return max((one.last_at for one in self.seen), default=None)
        return max((one.last_at for one in self.sent if one.place != UNKNOWN), default=None)

    @property
    def last_batch(self) -> datetime | None:
        """The same without LearnPack's events, which are small, and pass where a batch may not."""
        if self.book is not None:
            return self.last_arrival
        return max((one.last_at for one in self.sent if one.place != UNKNOWN and not one.streaming), default=None)

    @property
    def last_let_in(self) -> datetime | None:
        """When the client that sends about the asset was last let in; a notebook's sends for all notebooks."""
        return self.front_end.at if self.book is not None and self.front_end is not None else self.last_arrival
