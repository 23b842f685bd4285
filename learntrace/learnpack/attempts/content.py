"""What stands in a LearnPack document, whatever JSON a client sends: its steps, and what is listed in each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter

from learntrace.learnpack.attempts.kinds import KINDS, Kind, Run
from learntrace.measures.activity import TEST as TESTED
from learntrace.measures.timestamps import parse

# Bounds of the work on one document. Packages have some tens of steps, and nobody runs one a thousand times.
MOST_STEPS = 1000
MOST_RUNS = 1000

MAX_SLUG = 200
MAX_TITLE = 200
# Times outside are no learner's clock, and too near to the ends of datetime to calculate with.
EARLIEST, LATEST = datetime(1973, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Step:
    """A step that a document names."""

    slug: str
    title: str


def steps(document: object) -> list[Step]:
    """Return the steps that a document names, in its order, each once."""
    by_slug: dict[str, Step] = {}
    for _position, step, slug in listed_steps(document):
        title = step.get("title")
        by_slug.setdefault(slug, Step(slug, title[:MAX_TITLE] if isinstance(title, str) else ""))
    return list(by_slug.values())


def testable_steps(document: object) -> list[str]:
    """Return the slugs of the steps that a document says are testable, or of which it has a test."""
    tests = next(kind.key for kind in KINDS if kind.part == TESTED)
    return [
        slug for _position, step, slug in listed_steps(document) if step.get("is_testeable") is True or step.get(tests)
    ]


def count_runs(document: object) -> int:
    """Return how many runs a document has at most; its cost doesn't grow with them."""
    lists = (step.get(kind.key) for _position, step, _slug in listed_steps(document) for kind in KINDS)
    return sum(len(listed) for listed in lists if isinstance(listed, list))


def started(entry: object) -> datetime | None:
    """Return when a run or a session started: the CLI writes `starting_at`, the IDE `started_at`."""
    return time_of(entry, "started_at", "starting_at")


def listed_steps(document: object) -> Iterator[tuple[int, Run, str]]:
    """Yield the document's steps that have a slug: position, step, slug."""
    listed = document.get("steps") if isinstance(document, Mapping) else None
    for position, step in enumerate(listed[:MOST_STEPS] if isinstance(listed, list) else []):
        if isinstance(step, Mapping) and (slug := slug_of(step.get("slug"))):
            yield position, step, slug


def slug_of(value: object) -> str:
    """Return a step's slug as it is stored, "" for what is none."""
    return value.strip()[:MAX_SLUG] if isinstance(value, str) else ""


def time_of(entry: object, *names: str) -> datetime | None:
    """Return the time under the first of these names that has a value, None where it can't be read."""
    if not isinstance(entry, dict):
        return None
    for name in names:
        if (value := entry.get(name)) is not None:
            moment = parse(value)
            return moment if moment is not None and EARLIEST <= moment <= LATEST else None
    return None


def latest_runs(step: Run) -> Sequence[tuple[datetime, Kind, Run]]:
    """Return the latest of a step's runs, in their order."""
    runs: list[tuple[datetime, Kind, Run]] = []
    for kind in KINDS:
        listed = step.get(kind.key)
        runs += [
            (at, kind, run) for run in (listed if isinstance(listed, list) else []) if (at := started(run)) is not None
        ]
    runs.sort(key=itemgetter(0))
    return runs[-MOST_RUNS:]
