"""Replay the recorded session of a real client over HTTP, for many learners, each with its own pace and skill."""

import copy
import json
import random
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from learntrace.config.demo.academy import ACADEMY, IGNORED_SLUG, TUTORIAL, Learner, first_task
from learntrace.config.demo.sending import Client

# Beside this module, so that an installed package can make sample data too.
_RECORDED = Path(__file__).with_name("learnpack")
# The fields that contain times; other numbers are left unchanged.
_TIMES = frozenset(
    {
        "tutorial_started_at",
        "last_interaction_at",
        "opened_at",
        "completed_at",
        "started_at",
        "ended_at",
        "starting_at",
        "ending_at",
    }
)


def recorded_session() -> list[dict[str, Any]]:
    """Return the bodies of the recorded requests, in their order."""
    lines = (_RECORDED / "recorded_cli_requests.jsonl").read_text().splitlines()
    return [json.loads(line)["body"] for line in lines]


def recorded_batches() -> list[dict[str, Any]]:
    """Return the two recorded batches of other clients."""
    return [json.loads((_RECORDED / f"learnpack_batch_{number}.json").read_text()) for number in (1, 2)]


def shifted(value: Any, milliseconds: int) -> Any:
    """Return a payload with every time moved."""
    if isinstance(value, dict):
        return {
            key: inner + milliseconds if key in _TIMES and isinstance(inner, int) else shifted(inner, milliseconds)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [shifted(inner, milliseconds) for inner in value]
    return value


def latest(value: Any) -> int:
    """Return the latest time in a payload, 0 if it has none."""
    if isinstance(value, dict):
        own = [inner for key, inner in value.items() if key in _TIMES and isinstance(inner, int)]
        return max([*own, *map(latest, value.values())], default=0)
    return max(map(latest, value), default=0) if isinstance(value, list) else 0


class Player(threading.Thread):
    """A learner who plays the recorded session on the demo's exercises, in a thread.

    It is played repeatedly, or once where something comes `then`. Nobody works in two places at once: the work in hand would
    be another one each second.
    """

    def __init__(
        self,
        learner: Learner,
        host: str,
        port: int,
        answers: Counter[int],
        stopping: threading.Event,
        then: threading.Thread | None = None,
    ) -> None:
        super().__init__(name=learner.username, daemon=True)
        self._then = then
        self._learner, self._client = learner, Client(host, port, learner.key)
        self._answers, self._stopping = answers, stopping
        self._random = random.Random(learner.id)  # noqa: S311 (variety, not secrecy)
        # A learner who finished once goes on finishing, or the next batch would undo it.
        self._good = False

    def run(self) -> None:
        """Play sessions until the demo is stopped, or one where something comes then."""
        self._stopping.wait(self._random.random() * 3)
        task = self._client.get(f"/v1/assignment/task/{first_task(self._learner)}")
        self._good = task is not None and task["task_status"] == "DONE"
        while not self._stopping.is_set():
            for pause, query, body in self.session():
                if self._stopping.wait(pause / self._learner.pace):
                    return
                self._send(query, body)
            if self._then is not None:
                self._then.start()
                return
            self._stopping.wait(self._random.uniform(5, 20))

    def session(self) -> Iterator[tuple[float, str, dict[str, Any]]]:
        """Yield (seconds to wait, query, body) of one session that took the last minutes, sent in a shorter time."""
        bodies = recorded_session()
        shift = int(time.time() * 1000) - latest(bodies)
        telemetry_id = secrets.token_hex(8)
        self._good = self._random.random() < self._learner.skill or self._good
        query = f"asset_id={TUTORIAL}"
        for body in bodies:
            document = shifted(copy.deepcopy(body), shift)
            document |= {"telemetry_id": telemetry_id, "user_id": self._learner.id, "academy_id": ACADEMY}
            self._grade(document)
            yield self._random.uniform(0.5, 2.5), *self._with_trouble(query, document)
        for state in recorded_batches():
            document = shifted(state, int(time.time() * 1000) - latest(state))
            document |= {
                "telemetry_id": secrets.token_hex(8),
                "user_id": str(self._learner.id),
                "academy_id": str(ACADEMY),
            }
            document["last_interaction_at"] = int(time.time() * 1000)
            self._grade(document)
            yield self._random.uniform(1, 4), *self._with_trouble("", document)

    def _grade(self, body: dict[str, Any]) -> None:
        """Let skilled learners finish their steps, and the others fail."""
        good = self._good
        code = 0 if good else 1
        for step in body.get("steps", []):
            for run in (*step["compilations"], *step["tests"]):
                run["exitCode" if "exitCode" in run else "exit_code"] = code
            if (good and "opened_at" in step) or (good and not step.get("is_testeable")):
                step.setdefault("opened_at", body["tutorial_started_at"])
                step.setdefault("completed_at", min(step["opened_at"] + 60_000, latest(body)))
            elif not good:
                step.pop("completed_at", None)
        if "exitCode" in body.get("data", {}):
            body["data"]["exitCode"] = code

    def _with_trouble(self, query: str, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        if self._learner.trouble == "ignored" and "event" not in body:
            return "asset_id=203", body | {"slug": IGNORED_SLUG}
        if self._learner.trouble == "new-event" and body.get("event") == "open_step":
            return query, body | {"event": "a-newer-clients-event"}
        if self._learner.trouble == "unknown-asset":
            return "", body | {"slug": "a-package-nobody-registered"}
        return query, body

    def _send(self, query: str, body: dict[str, Any]) -> None:
        # Like the real client: nothing is sent again, as the next batch carries the whole state.
        self._answers[self._client.post(f"/v1/assignment/me/telemetry?{query}", body)] += 1
