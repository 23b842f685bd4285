"""Pure functions against the standard library's JSON decoder on the same payload."""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial

from benchmarks.figures import Benchmark, Row
from learntrace.config.demo.replay import recorded_batches
from learntrace.core.json import decode
from learntrace.measures.indicators import indicators
from tests.faults.installation import Installation

_TIMES = 2000


def microseconds(function: Callable[[], object]) -> float:
    """Return the mean time of one call."""
    start = time.perf_counter()
    for _ in range(_TIMES):
        function()
    return (time.perf_counter() - start) / _TIMES * 1e6


def benchmarks(_installation: Installation) -> Iterator[Benchmark]:
    payload = recorded_batches()[1]
    body = json.dumps(payload).encode()
    reference = f"json.loads of the same {len(body) / 1024:.1f} KB"
    reference_time = partial(microseconds, lambda: json.loads(body))
    functions: dict[str, Callable[[], object]] = {
        "strict decoding": lambda: decode(body),
        "indicators of a batch": lambda: indicators(payload),
    }
    for name, function in functions.items():
        yield Benchmark(Row(name, "us", reference), partial(microseconds, function), reference_time)
