"""The facts about a learner and an asset, as plain values for the walk. Times are the server's."""

from dataclasses import dataclass
from datetime import datetime, timedelta

HERE, MISLED, UNKNOWN = "here", "misled", "unknown"
"""Where a LearnPack request went: to the asset; to another one by its asset id, though its slug is this one's; nowhere."""


@dataclass(frozen=True)
class Person:
    """The learner; `belongs` says that the membership in the academy is active."""

    id: int
    username: str
    name: str
    account_active: bool = True
    belongs: bool = True


@dataclass(frozen=True)
class Target:
    """The asset; `names` are the slugs and aliases of those of its translations that the academy may see."""

    id: int
    slug: str
    canonical: str
    names: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    # The canonical asset's, which decides on scores.
    graded: bool = True
    stats_at: datetime | None = None
    stats_failed: bool = False
    title: str = ""


@dataclass(frozen=True)
class LearnerTask:
    """A task of the learner on the asset; `by_alias` says that it names an alias, by which batches don't look for tasks."""

    id: int
    slug: str
    type: str
    status: str
    created_at: datetime
    by_alias: bool = False


@dataclass(frozen=True)
class RequestGroup:
    """Accepted LearnPack requests with the same references and outcome; `newest` is the id of the last one."""

    place: str
    slug: str
    streaming: bool
    status: str
    reason: str
    rows: int
    first_at: datetime
    last_at: datetime
    newest: int
    # The asset that misled requests went to, if the academy may see it.
    went_to: str = ""


@dataclass(frozen=True)
class Batch:
    """The LearnPack request on the asset that decides: the newest batch, or without one the newest event."""

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
class RefusalGroup:
    """Refused requests of the learner with the same reason and details that name the asset, or no asset."""

    reason: str
    asset: str
    token_prefix: str
    requests: int
    first_at: datetime
    last_at: datetime
    detail: str = ""
    size: int = 0


@dataclass(frozen=True)
class ForeignSender:
    """Somebody whose client sent requests on the asset for another user, with the number of these requests."""

    sender: str
    requests: int
    last_at: datetime
    # Whether the requests certainly were for this learner.
    named: bool = False


@dataclass(frozen=True)
class PublishedNotebooks:
    """The published notebooks of the asset: their paths, and the tags of their assignments."""

    paths: tuple[str, ...]
    tags: frozenset[str]
    published_at: datetime


@dataclass(frozen=True)
class EventGroup:
    """Events of the learner with the same notebook and assignment; empty texts for none."""

    notebook: str
    tag: str
    malformed: bool
    executed: bool
    events: int
    last_at: datetime


@dataclass(frozen=True)
class FrontEnd:
    """The front end that sent the learner's last event in the academy, on whatever notebook, and when it came.

    `clock_ahead` is by how much its clock was ahead, where that was wrong and is corrected.
    """

    at: datetime
    name: str = ""
    version: str = ""
    clock_ahead: timedelta | None = None


@dataclass(frozen=True)
class RejectionGroup:
    """Rejected events of the learner with one code that are about the notebook, or don't name one."""

    code: str
    detail: str
    events: int
    last_at: datetime
    newest: int


@dataclass(frozen=True)
class NewestEvent:
    """How far the newest event on the notebook was processed: `taken` into the activities, then into the record.

    The record is out of date since `stale_since`; None if it isn't.
    """

    event: str
    arrived_at: datetime
    taken: bool = True
    fault: str = ""
    stale_since: datetime | None = None


@dataclass(frozen=True)
class Record:
    """The learner's telemetry record. `made_at` is when its batch was processed, None if that row is gone.

    `untold_attempts` are those that earlier documents told and the record's doesn't.
    """

    id: int
    slug: str
    updated_at: datetime
    from_source: bool
    scored: bool
    completion: float | None = None
    last_interaction_at: datetime | None = None
    received_at: datetime | None = None
    made_at: datetime | None = None
    untold_attempts: int = 0


@dataclass(frozen=True)
class AskedAssignment:
    """The assignment of the asset that is asked about, with the learner's attempts; `last_seen_at` is None before the first
    activity on it."""

    key: str
    title: str
    full_title: str
    attempts: int = 0
    last_seen_at: datetime | None = None


@dataclass(frozen=True)
class Facts:
    """All facts. `published` is None for a LearnPack package."""

    now: datetime
    academy: str
    asked_user: str
    asked_asset: str
    person: Person | None = None
    # The account exists, but has no membership in any academy.
    without_academy: bool = False
    target: Target | None = None
    # None where the question is about the whole asset.
    assignment: AskedAssignment | None = None
    tasks: tuple[LearnerTask, ...] = ()
    sent: tuple[RequestGroup, ...] = ()
    batch: Batch | None = None
    refused: tuple[RefusalGroup, ...] = ()
    foreign_senders: tuple[ForeignSender, ...] = ()
    published: PublishedNotebooks | None = None
    # Events on the asset's notebook; without a published one, on a notebook with a similar name.
    seen: tuple[EventGroup, ...] = ()
    front_end: FrontEnd | None = None
    collecting: bool = True
    rejected: tuple[RejectionGroup, ...] = ()
    newest_event: NewestEvent | None = None
    record: Record | None = None
    # A record under the slug of a translation other than the canonical one.
    stray: Record | None = None
    worker_seen_at: datetime | None = None
    # When the learner was last seen in the academy, on whatever.
    last_seen_at: datetime | None = None

    @property
    def learner(self) -> str:
        """The learner's name in sentences."""
        return self.person.name if self.person else self.asked_user

    @property
    def asset(self) -> str:
        """The asset's name in sentences."""
        return (self.target.title or self.target.slug) if self.target else self.asked_asset

    @property
    def last_arrival(self) -> datetime | None:
        """When a request or event on the asset was last accepted."""
        if self.published is not None:
            return max((group.last_at for group in self.seen), default=None)
        return max((group.last_at for group in self.sent if group.place != UNKNOWN), default=None)

    @property
    def last_batch(self) -> datetime | None:
        """When a batch on the asset was last accepted. Single LearnPack events are left out: they are small and may be
        accepted where a batch is not."""
        if self.published is not None:
            return self.last_arrival
        return max(
            (group.last_at for group in self.sent if group.place != UNKNOWN and not group.streaming), default=None
        )

    @property
    def last_accepted(self) -> datetime | None:
        """When a request of the asset's client was last accepted; a notebook's client sends for all notebooks."""
        return self.front_end.at if self.published is not None and self.front_end is not None else self.last_arrival
