"""As whom this Jupyter server speaks to Learntrace, and to whom the events that wait in a spool belong."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

TOKEN, HUB = "Token", "JupyterHub"


@dataclass(frozen=True)
class Credential:
    """A token of Learntrace's or of a hub's. `claimed` is the user name that the hub gave this server, if any."""

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
        """Names the credential without giving it away."""
        return hashlib.sha256(self.header.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Account:
    """Who Learntrace says that we are, and what it may be sent."""

    actor: str
    academy: str | None = None
    collecting: bool = True
    may_opt_out: bool = False
    collects_source: bool = False


@dataclass(frozen=True)
class Owner:
    """Whose events are meant: those of this credential, and those that one of these names has on this server.

    A hub gives a server a new token each time it starts, and a token can be replaced: the name is what stays. What
    belongs to neither is never sent with this credential.
    """

    server: str
    credential: str
    names: tuple[str, ...] = ()

    @property
    def name(self) -> str | None:
        """The name as Learntrace knows it, or else as the hub claims it."""
        return self.names[0] if self.names else None


def owner_of(server: str, credential: Credential, actor: str = "") -> Owner:
    """The owner of what is captured now; `actor` once Learntrace has told it."""
    names = (actor, credential.claimed)
    return Owner(server, credential.fingerprint, tuple(dict.fromkeys(name for name in names if name)))
