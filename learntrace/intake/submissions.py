"""What the front door and a source say to each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from learntrace.core.errors import Problem

Connection = AsyncConnection[TupleRow]


@dataclass(frozen=True)
class Caller:
    """Who a request is from: the token's user and the permissions that the user has anywhere.

    `serves` are the academies in which a role lets the user send anybody's telemetry; None is everywhere, by a grant.
    `academy_id` is the academy to which a JupyterHub's token limits the caller; None for tokens of ours.
    """

    user_id: int
    permissions: frozenset[str]
    language: str = ""
    serves: frozenset[int] | None = frozenset()
    academy_id: int | None = None


@dataclass
class Submission:
    """One request on its way in.

    `document` is the decoded body, or `problem` says why there is none. `caller` is None until it is known.
    """

    path: str
    authorization: str
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    size: int = 0
    document: Any = None
    problem: Problem | None = None
    token_prefix: str = ""
    # What JupyterHub said of its token: the user's name there, or why not; None where the key is one of ours.
    hub_user: str | Problem | None = None
    # Whose key it is, also where that user is refused.
    user_id: int | None = None
    caller: Caller | None = None
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What the client gets."""

    status: int
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Source(Protocol):
    """A room that takes what its clients send: it brings its path, its permission, its reading and its table."""

    path: str
    permission: str
    topic: str

    def read(self, submission: Submission) -> None:
        """Check the decoded body as far as that goes without the database.

        Raises Problem.
        """

    def asset_named(self, submission: Submission) -> str:
        """The asset as the client named it, for the record of a refusal."""

    async def admit(self, connection: Connection, submissions: Sequence[Submission]) -> list[Answer | Problem]:
        """Write the submissions, all in the open transaction, and return an answer or a refusal for each."""
