"""What a key may be used for, beside what its user may do (`accounts/scope.py`). Decided here only."""

from collections.abc import Mapping
from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from learntrace.core.errors import Forbidden


class TokenScope(TextChoices):
    """The uses of a key; each key has one."""

    TELEMETRY = "telemetry", _("Send telemetry")
    READ = "read", _("Read")
    WRITE = "write", _("Everything that its user may do")


# A need that every key meets: to ask whose it is, and to end itself.
ANY: Final = "any"
_MEETS: Final[Mapping[str, frozenset[str]]] = {
    TokenScope.TELEMETRY.value: frozenset({ANY, TokenScope.TELEMETRY.value}),
    TokenScope.READ.value: frozenset({ANY, TokenScope.READ.value}),
    TokenScope.WRITE.value: frozenset({ANY, *TokenScope.values}),
}
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class KeyNotForThis(Forbidden):
    """The key is valid, but was made for another use."""

    slug = "key-scope"
    text = _("This key is only for `%(scope)s`; this request needs one for `%(needed)s`")


def need_of(method: str, declared: Mapping[str, str]) -> str:
    """Return the use that a request is: what its view declares for the method, else `read` or `write`."""
    return declared.get(method) or (TokenScope.READ.value if method in _READS else TokenScope.WRITE.value)


def allows(scope: str, need: str) -> bool:
    """Whether a key of a scope may be used for a need. A scope that nobody knows allows nothing."""
    return need in _MEETS.get(scope, frozenset())


def check_scope(scope: str, need: str) -> None:
    """Raise KeyNotForThis unless the scope allows the need."""
    if not allows(scope, need):
        raise KeyNotForThis(scope=scope, needed=need)
