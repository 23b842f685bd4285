"""A load generator: many keep-alive connections, each of which sends its next request when it has its answer."""

import asyncio
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass
class Figures:
    """How many answers had each status, and how long each took in milliseconds; those of the warm-up aren't among the times."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return len(self.times) / self.seconds

    def percentile(self, percent: int) -> float:
        return statistics.quantiles(self.times, n=100, method="inclusive")[percent - 1]


def request(host: str, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """Return a whole POST request."""
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Answer(NamedTuple):
    """An answer: its head in lower case, with the status line, and its body."""

    head: bytes
    body: bytes

    @property
    def status(self) -> int:
        return int(self.head[9:12])


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, raw: bytes) -> Answer:
    """Send a whole request and return its answer."""
    writer.write(raw)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length"))
    return Answer(head, await reader.readexactly(length))


async def load(
    host: str, port: int, make: Callable[[int], bytes], *, connections: int, seconds: float, warm_up: float = 0.0
) -> Figures:
    """Send the requests `make(number)` one after another for some seconds, after a warm-up that isn't measured."""
    figures = Figures()
    since = time.perf_counter() + warm_up
    until = since + seconds
    await asyncio.gather(
        *(_client(host, port, make, range(number, sys.maxsize, connections), since, until, figures)
          for number in range(connections))
    )  # fmt: skip
    figures.seconds = time.perf_counter() - since
    return figures


async def _client(
    host: str, port: int, make: Callable[[int], bytes], numbers: range, since: float, until: float, figures: Figures
) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    for number in numbers:
        start = time.perf_counter()
        if start >= until:
            break
        answer = await exchange(reader, writer, make(number))
        figures.statuses[answer.status] += 1
        now = time.perf_counter()
        if now >= since:
            figures.times.append((now - start) * 1000)
    writer.close()
