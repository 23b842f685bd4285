"""Batches of a given size, made from a recorded one."""

import base64
import copy
import json
import random
from typing import Any

from learntrace.config.demo.replay import recorded_batches


def batch_of(kilobytes: float) -> dict[str, Any]:
    """Return a batch whose JSON has so many KB: recorded steps, as many as fit, and a source that fills up the rest."""
    recorded, size = recorded_batches()[0], round(kilobytes * 1024)
    batch = {**recorded, "steps": []}
    for number in range(size):
        step = copy.deepcopy(recorded["steps"][number % len(recorded["steps"])])
        step["slug"], step["position"] = f"{number:02}-{step['slug'][3:]}", number
        if _size({**batch, "steps": [*batch["steps"], step]}) > size:
            break
        batch["steps"].append(step)
    # Random, as PostgreSQL would store a repeated text in a few bytes; the same in each run.
    left = size - _size({**batch, "source_code": ""})
    text = base64.b64encode(random.Random(size).randbytes(max(left, 0))).decode()
    return {**batch, "source_code": text[: max(left, 0)]}


def _size(document: dict[str, Any]) -> int:
    return len(json.dumps(document))
