"""Pure functions against the JSON reader of the standard library on the same payload."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.figures import Row
from learntrace.config.demo.replay import recorded_batches
from learntrace.core.json import decode
from learntrace.metrics.indicators import indicators
from tests.faults.installation import Installation

_TIMES = 2000


def microseconds(function: Callable[[], Any]) -> float:
    """The time of one call, over many."""
    start = time.perf_counter()
    for _ in range(_TIMES):
        function()
    return (time.perf_counter() - start) / _TIMES * 1e6


def benchmarks(installation: Installation) -> Iterator[tuple[Row, Callable[[], float], Callable[[], float]]]:
    payload = recorded_batches()[1]
    body = json.dumps(payload).encode()
    size = f"json.loads of the same {len(body) / 1024:.1f} KB"
    yield (Row("strict decoding", "us", size), lambda: microseconds(lambda: decode(body)),
           lambda: microseconds(lambda: json.loads(body)))  # fmt: skip
    yield (Row("indicators of a batch", "us", size), lambda: microseconds(lambda: indicators(payload)),
           lambda: microseconds(lambda: json.loads(body)))  # fmt: skip
