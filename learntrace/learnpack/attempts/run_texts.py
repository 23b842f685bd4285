"""The code and the outputs of a learner's runs, as the last document of a package has them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from learntrace.learnpack.attempts.content import slug_of
from learntrace.learnpack.attempts.document import entries
from learntrace.learnpack.attempts.encoding import decoded
from learntrace.learnpack.attempts.run_identity import Subject

# A data URI, and what PNG and JPEG begin with as base64.
_PICTURES = ("data:image/", "iVBORw0KGgo", "/9j/")


@dataclass(frozen=True)
class RunText:
    """A run's code, None where it has none, and what it put out, None where the client doesn't tell."""

    code: str | None
    output: str | None


def run_texts(document: object, subject: Subject, steps: Collection[str]) -> dict[str, RunText]:
    """Return the texts of the runs of these steps, by the ids of their activities."""
    if not isinstance(document, Mapping):
        return {}
    listed = document.get("steps")
    own = [
        step
        for step in (listed if isinstance(listed, list) else [])
        if isinstance(step, Mapping) and slug_of(step.get("slug")) in steps
    ]
    return {
        entry.id: RunText(entry.code(), _output(entry.run))
        for entry in entries({**document, "steps": own}, subject)
        if entry.outcome is not None
    }


def _output(run: Mapping[str, object]) -> str | None:
    told = [text for name in ("stdout", "stderr") if isinstance(text := run.get(name), str)]
    return "\n".join(filter(None, map(_text, told))) if told else None


def _text(told: str) -> str:
    """Return an output as text; what is an image stays as it is, which decoding would garble."""
    return told if told.startswith(_PICTURES) else decoded(told)
