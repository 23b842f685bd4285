"""The demo's learners in a notebook: they run code that fails repeatedly, until some of them solve it."""

import random
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from learntrace.config.demo.academy import Learner
from learntrace.config.demo.sending import Client
from learntrace.measures.code_hash import code_hash

SLUG, TITLE, PATH = "lesson-03", "Lesson 3", "lesson_03.ipynb"
TAGS = ("assignment:lesson-03-exercise-1", "assignment:lesson-03-exercise-2")

# Above the first a learner makes few errors; below the second the learner needs help.
_FLUENT, _STUCK = 0.7, 0.4


@dataclass(frozen=True)
class Program:
    """What learners write for an exercise: with an error, and the lines that correct it."""

    error: str
    message: str
    wrong: str
    right: str


_PROGRAMS = (
    Program(
        "NameError",
        "name 'total' is not defined",
        "for number in [3, 5, 8]:\n    total = total + number\nprint(total)",
        "total = 0\nfor number in [3, 5, 8]:\n    total = total + number\nprint(total)",
    ),
    Program(
        "TypeError",
        'can only concatenate str (not "int") to str',
        'age = 12\nprint("Age: " + age)',
        'age = 12\nprint("Age: " + str(age))',
    ),
    Program(
        "IndexError",
        "list index out of range",
        'names = ["Ada", "Grace"]\nfor place in range(3):\n    print(names[place])',
        'names = ["Ada", "Grace"]\nfor place in range(len(names)):\n    print(names[place])',
    ),
)


@dataclass(frozen=True)
class Run:
    """One execution: the pause before it in seconds, the assignment, the version of the code, whether it is right."""

    pause: float
    tag: str
    version: int
    is_right: bool


def publication() -> dict[str, Any]:
    """Return the notebook's publication, as its author sends it."""
    assignments = [
        {"tag": tag, "cell_id": f"cell-{number}", "title": f"Exercise {number}"} for number, tag in enumerate(TAGS, 1)
    ]
    return {"title": TITLE, "path": PATH, "lang": "us", "assignments": assignments}


def runs(skill: float, choice: random.Random) -> Iterator[Run]:
    """Yield the executions of a learner with a skill (0 to 1); endless for one who is stuck."""
    for tag in TAGS:
        if skill < _STUCK:
            yield from _stuck(tag, choice)
        if skill < _FLUENT:
            for _time in range(choice.randint(3, 5)):
                yield Run(choice.uniform(2, 5), tag, 0, is_right=False)
        yield Run(choice.uniform(3, 8), tag, 1, is_right=False)
        yield Run(choice.uniform(3, 8), tag, 2, is_right=True)


def _stuck(tag: str, choice: random.Random) -> Iterator[Run]:
    """Yield the same code four times, then slowly one useless change after another."""
    for _time in range(4):
        yield Run(choice.uniform(2, 5), tag, 0, is_right=False)
    version = 0
    while True:
        version += choice.random() < 0.5
        yield Run(choice.uniform(20, 60), tag, version, is_right=False)


def code_of(learner: Learner, run: Run) -> str:
    """Return the code of an execution: what is wrong stays wrong, whatever the learner tries around it, until it is right."""
    program = _PROGRAMS[learner.id % len(_PROGRAMS)]
    tries = [f"print({run.version})"] if run.version and not run.is_right else []
    return "\n".join(
        [f"# Exercise {TAGS.index(run.tag) + 1}", *tries, program.right if run.is_right else program.wrong]
    )


def event(learner: Learner, number: int, run: Run, session: str, at: datetime) -> dict[str, Any]:
    """Return an execution as the notebook's extension sends it.

    Its id is derived from the learner's key and its number: when the demo is started again, earlier events arrive twice
    and count once, so that no learner loses progress.
    """
    program, code = _PROGRAMS[learner.id % len(_PROGRAMS)], code_of(learner, run)
    failed = {"outcome": "error", "error_name": program.error, "error_value": program.message}
    result = {"outcome": "ok"} if run.is_right else failed
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{learner.key} {number}")),
        "verb": "executed",
        "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "session_id": session,
        "object": {
            "type": "cell",
            "id": f"cell-{TAGS.index(run.tag) + 1}",
            "notebook": PATH,
            "assignment": run.tag,
            "tags": [run.tag],
            "code": code,
            "code_hash": code_hash(code),
        },
        "result": result | {"duration_ms": 12, "execution_count": number},
        "context": {"frontend": "lab", "version": "4.6.6", "kernel": "python3"},
    }


class NotebookPlayer(threading.Thread):
    """A learner who works in the notebook, in a thread."""

    def __init__(
        self, learner: Learner, host: str, port: int, answers: Counter[int], stopping: threading.Event
    ) -> None:
        super().__init__(name=f"{learner.username} in {PATH}", daemon=True)
        self._learner, self._client = learner, Client(host, port, learner.key)
        self._answers, self._stopping = answers, stopping

    def run(self) -> None:
        """Execute until all is solved or the demo is stopped."""
        session = str(uuid.uuid4())
        choice = random.Random(self._learner.id)  # noqa: S311 (variety, not secrecy)
        for number, run in enumerate(runs(self._learner.skill, choice), 1):
            if self._stopping.wait(run.pause / self._learner.pace):
                return
            sent = event(self._learner, number, run, session, datetime.now(UTC))
            self._answers[self._client.post("/v1/notebook/me/events", [sent])] += 1
