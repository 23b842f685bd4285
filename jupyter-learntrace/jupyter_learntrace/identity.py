"""The credential of this Jupyter server at Learntrace, and the owner of the events that wait in a spool."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

TOKEN, HUB = "Token", "JupyterHub"


@dataclass(frozen=True)
class Credential:
    """A token of Learntrace or of a hub. `claimed` is the user name that the hub gave this server, if any."""

    kind: str
    secret: str
    claimed: str = ""

    def __repr__(self) -> str:
        return f"Credential({self.kind})"

    @property
    def header(self) -> str:
        return f"{self.kind} {self.secret}"

    @property
    def fingerprint(self) -> str:
        """Return a hash that identifies the credential without revealing it."""
        return hashlib.sha256(self.header.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Account:
    """The account behind the credential, as Learntrace names it, and what may be sent for it."""

    actor: str
    academy: str | None = None
    collecting: bool = True
    may_opt_out: bool = False
    collects_source: bool = False


@dataclass(frozen=True)
class Owner:
    """The owner of events: of those with this credential, and of those on this server with one of these names.

    A hub gives a server a new token at each start, and a token can be replaced; the name stays. Events that match
    neither are never sent with this credential.
    """

    server: str
    credential: str
    names: tuple[str, ...] = ()

    @property
    def name(self) -> str | None:
        """The user name at Learntrace, or else the one that the hub claims."""
        return self.names[0] if self.names else None


def owner_of(server: str, credential: Credential, actor: str = "") -> Owner:
    """Return the owner of events captured now. `actor` is the name at Learntrace, where it is known."""
    names = (actor, credential.claimed)
    return Owner(server, credential.fingerprint, tuple(dict.fromkeys(name for name in names if name)))
