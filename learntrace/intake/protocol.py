"""The protocol between the front door and the sources."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import parse_qsl

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from learntrace.core.errors import Problem

Connection = AsyncConnection[TupleRow]


@dataclass(frozen=True)
class Caller:
    """The user that a request's token belongs to, with the permissions that the user has in any academy.

    `serves`: the academies in which a role lets the user send anybody's telemetry; None: all, by a grant.
    `academy_id`: the academy to which a JupyterHub token limits the caller; None for our own tokens.
    """

    user_id: int
    permissions: frozenset[str]
    language: str = ""
    serves: frozenset[int] | None = frozenset()
    academy_id: int | None = None


@dataclass
class Submission:
    """One request that is being processed.

    `document`: the decoded body; where there is none, `problem` says why. `caller`: None until authenticated. `values`:
    what the source's `read` has computed for its `admit`.
    """

    path: str
    authorization: str
    query: "Query"
    headers: Mapping[str, str]
    address: str = ""
    size: int = 0
    # Bytes of memory that it takes until it is answered, about; and the rows that it writes.
    weight: int = 0
    rows: int = 1
    document: Any = None
    problem: Problem | None = None
    token_prefix: str = ""
    # Of the key, if it is one of ours; "" until it was read.
    key_hash: str = ""
    # JupyterHub's answer about the token: the user's name there, or a problem; None where the key is one of ours.
    hub_user: str | Problem | None = None
    # The user that the key belongs to, set even if that user is refused.
    user_id: int | None = None
    caller: Caller | None = None
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def parameters(self) -> Mapping[str, str]:
        """The query by name."""
        return self.query.parameters


@dataclass(frozen=True, slots=True)
class Query:
    """A query string; `parameters`: of a name that is given several times, the different values as one comma-separated list.

    `storable`: whether the database can hold its texts.
    """

    parameters: Mapping[str, str]
    storable: bool


_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


# A course's clients send few different ones.
@lru_cache(maxsize=1024)
def _read_query(raw: bytes) -> Query:
    pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True, errors="surrogateescape")
    found: dict[str, dict[str, None]] = {}
    for name, value in pairs:
        found.setdefault(name, {})[value] = None
    storable = not any(_UNSTORABLE.search(text) for pair in pairs for text in pair)
    return Query({name: ",".join(values) for name, values in found.items()}, storable)


_LONGEST_KEPT = 200


def read_query(raw: bytes) -> Query:
    """Read a query string; short ones are remembered."""
    return _read_query(raw) if len(raw) <= _LONGEST_KEPT else _read_query.__wrapped__(raw)


@dataclass(frozen=True)
class Answer:
    """The response to the client."""

    status: int
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Source(Protocol):
    """A room that receives its clients' data: it defines path, permission, decoding, checks and table."""

    path: str
    permission: str
    topic: str
    # Whether more than an account's share is stored and processed later instead of refused.
    defers: bool
    # The seconds that a request waits at most to be stored; one that would wait longer is refused before it is read.
    patience: float

    def decode(self, body: bytes) -> Any:
        """Decode a body that isn't blank into the submission's `document`.

        Raises Problem.
        """

    def read(self, submission: Submission) -> None:
        """Check the decoded body as far as possible without the database.

        Raises Problem.
        """

    def asset_named(self, submission: Submission) -> str:
        """Return the asset as the client named it, for the record of a refusal."""

    async def admit(self, connection: Connection, submissions: Sequence[Submission]) -> list[Answer | Problem]:
        """Write the submissions, all in the open transaction, and return an answer or a refusal for each."""
