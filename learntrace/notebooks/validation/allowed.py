"""What a notebook event may carry: these keys with these forms of values, and nothing else is kept, whatever a client sends.

jupyter-learntrace sends the same keys (`jupyter_learntrace/capture.py`). An event that carries more is not refused: what isn't
allowed is dropped and counted, so that code, outputs and tracebacks never reach the database under a name that nobody foresaw.
"""

from collections.abc import Mapping
from typing import Any, Final

CODE: Final = "code"
"""Source code: kept only where the academy collects it (`inbox.admission`), and never with a rejected event."""

EVENT: Final = frozenset({"id", "verb", "timestamp", "actor", "session_id", "object", "result", "context"})
OBJECT: Final = frozenset({"type", "id", "notebook", "assignment", "part", "tags", "code_hash", CODE})
RESULT: Final = frozenset(
    {"outcome", "error_name", "error_value", "errors", "duration_ms", "execution_count", "characters"}
)
CONTEXT: Final = frozenset({"frontend", "version", "kernel"})
ERROR: Final = frozenset({"name", "value"})
SECTIONS: Final[Mapping[str, frozenset[str]]] = {"object": OBJECT, "result": RESULT, "context": CONTEXT}

# Of names and versions. Longer texts have limits of their own (`validation.event`).
MAX_WORD: Final = 200
_MAX_TEXT: Final = 2000
_MAX_LIST: Final = 200


def allowed(given: Mapping[str, Any], keys: frozenset[str]) -> tuple[dict[str, Any], int]:
    """Return what may be kept of an object, and how many keys were dropped."""
    kept = {name: value for name, value in given.items() if name in keys}
    return kept, len(given) - len(kept)


def words(given: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """Return what may be kept of a context: short texts, numbers and truth values; and how many others were dropped."""
    kept = {name: value for name, value in given.items() if name in CONTEXT and _is_word(value)}
    return kept, len(given) - len(kept)


def _is_word(value: object) -> bool:
    return len(value) <= MAX_WORD if isinstance(value, str) else isinstance(value, int | float | None)


def copy_of_rejected(event: object) -> tuple[Any, int]:
    """Return what is kept of a rejected event, and how many keys and values were dropped.

    An event that is no object, or whose parts have other forms than they must, leaves nothing of these: its reason says what
    was wrong, and what was sent may be anything, a notebook's code too.
    """
    if not isinstance(event, Mapping):
        return None, 1
    kept, dropped = allowed(event, EVENT)
    for name, value in kept.items():
        if name in SECTIONS:
            kept[name], lost = (
                _section(value, SECTIONS[name] - {CODE}) if isinstance(value, Mapping) else _nothing(value)
            )
        else:
            kept[name], lost = _plain(value)
        dropped += lost
    return kept, dropped


def _section(given: Mapping[str, Any], keys: frozenset[str]) -> tuple[dict[str, Any], int]:
    kept, dropped = allowed(given, keys)
    for name, value in kept.items():
        kept[name], lost = _errors(value) if name == "errors" else _plain(value)
        dropped += lost
    return kept, dropped


def _nothing(value: object) -> tuple[None, int]:
    return None, int(value is not None)


def _errors(given: object) -> tuple[Any, int]:
    if not isinstance(given, list):
        return _plain(given)
    errors, dropped = [], 0
    for error in given[:_MAX_LIST]:
        kept, lost = _section(error, ERROR) if isinstance(error, Mapping) else (None, 1)
        errors.append(kept)
        dropped += lost
    return errors, dropped


def _plain(value: object) -> tuple[Any, int]:
    """Return a text (cut), a number, a truth value or a list of texts; None for anything else."""
    if isinstance(value, str):
        return value[:_MAX_TEXT], 0
    if isinstance(value, int | float | None):
        return value, 0
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return [word[:MAX_WORD] for word in value[:_MAX_LIST]], 0
    return None, 1
