"""The outline of a LearnPack document: its steps with the texts of their runs, which are not decoded.

Each batch is the whole state again, and nearly all of its runs were read with the batch before. Decoding them all and
making an id for each takes thirty times as long as the outline, from which it is seen which of them are new (`positions`).
"""

from typing import Any, Final

import msgspec

from learntrace.learnpack.attempts.content import MOST_STEPS, slug_of
from learntrace.learnpack.attempts.kinds import KINDS

_EMPTY: Final = b"null"
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


class OutlinedStep(msgspec.Struct):
    """A step; what may be long or of any type is JSON text. The fields named as in `kinds.KINDS` are the runs."""

    slug: Any = None
    title: Any = None
    is_testeable: Any = None
    is_completed: Any = None
    opened_at: msgspec.Raw = msgspec.Raw(_EMPTY)
    completed_at: msgspec.Raw = msgspec.Raw(_EMPTY)
    compilations: msgspec.Raw = msgspec.Raw(_EMPTY)
    tests: msgspec.Raw = msgspec.Raw(_EMPTY)
    ai_interactions: msgspec.Raw = msgspec.Raw(_EMPTY)
    quiz_submissions: msgspec.Raw = msgspec.Raw(_EMPTY)

    def text_of(self, key: str) -> bytes:
        """Return the JSON text of a field."""
        return bytes(getattr(self, key))


class Outline(msgspec.Struct):
    """A document without what nobody reads here."""

    telemetry_id: Any = None
    workout_session: Any = None
    steps: list[OutlinedStep] = []

    def named_steps(self) -> list[tuple[str, OutlinedStep]]:
        """Return the steps that a reader of the document takes (`document.entries`), each with its slug."""
        return [(slug, step) for step in self.steps[:MOST_STEPS] if (slug := slug_of(step.slug))]

    def count_runs(self) -> int:
        """Return how many runs the document has at most, as `content.count_runs` does."""
        texts = (step.text_of(kind.key) for _slug, step in self.named_steps() for kind in KINDS)
        return sum(len(_decode_list(text)) for text in texts if is_filled(text))

    def shown(self) -> dict[str, Any]:
        """Return the part of the document that `document.steps` and `document.testable_steps` read, decoded."""
        return {
            "steps": [
                {
                    "slug": step.slug,
                    "title": step.title,
                    "is_testeable": step.is_testeable,
                    "tests": is_filled(text := step.text_of("tests")) or msgspec.json.decode(text),
                }
                for step in self.steps
            ]
        }


_decoder = msgspec.json.Decoder(Outline)


def outline_of(text: str) -> Outline | None:
    """Return the outline of a document's JSON text, None for a document of another shape: that is to be read whole."""
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError:
        return None


def is_filled(text: bytes) -> bool:
    """Whether a JSON text, as PostgreSQL writes it, is a list with anything in it."""
    return text.startswith(b"[") and text != b"[]"
