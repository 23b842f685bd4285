"""A load generator: many keep-alive connections, each of which sends its next request when it has its answer."""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass
class Figures:
    """The result of a load: answers by status, and their times in milliseconds."""

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


async def load(host: str, port: int, make: Callable[[int], bytes], *, connections: int, seconds: float) -> Figures:
    """Send the requests `make(number)` one after another for some seconds."""
    figures = Figures()
    start = time.perf_counter()
    until = start + seconds
    await asyncio.gather(
        *(_client(host, port, make, number, connections, until, figures) for number in range(connections))
    )
    figures.seconds = time.perf_counter() - start
    return figures


async def _client(
    host: str, port: int, make: Callable[[int], bytes], number: int, step: int, until: float, figures: Figures
) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    while time.perf_counter() < until:
        start = time.perf_counter()
        writer.write(make(number))
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
        )
        await reader.readexactly(length)
        figures.times.append((time.perf_counter() - start) * 1000)
        figures.statuses[int(head[9:12])] += 1
        number += step
    writer.close()
