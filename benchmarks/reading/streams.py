"""What open streams cost: memory of the web process for each, and processor time of all while a class is at work."""

import asyncio
import resource
import time
from itertools import cycle
from typing import Any

import psutil

from benchmarks.reading.site import Site
from tests.faults.installation import HOST

SETTLE_SECONDS = 5.0
QUIET_SECONDS = 20.0
# Streams that are open before memory is measured.
WARM = 10


def measure(site: Site, number: int) -> dict[str, Any]:
    """Open so many streams, shared among both academies' teachers; return the figures."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    return asyncio.run(_measure(site, number))


async def _measure(site: Site, number: int) -> dict[str, Any]:
    everybody = cycle([(people.academy, key) for people in site.people for key in people.watchers])
    warm = [await _open(site.port, *next(everybody)) for _ in range(WARM)]
    await asyncio.sleep(SETTLE_SECONDS)
    memory = _memory(site.pid)
    used, began = site.processors.web() + site.processors.sessions(), time.perf_counter()
    await asyncio.sleep(QUIET_SECONDS / 2)
    idle = (site.processors.web() + site.processors.sessions() - used) / (time.perf_counter() - began)
    opened = [await _open(site.port, *next(everybody)) for _ in range(number - WARM)]
    await asyncio.sleep(SETTLE_SECONDS)
    used, began = site.processors.web() + site.processors.sessions(), time.perf_counter()
    await asyncio.sleep(QUIET_SECONDS)
    cores = (site.processors.web() + site.processors.sessions() - used) / (time.perf_counter() - began)
    grown = _memory(site.pid) - memory
    for _reader, writer in (*warm, *opened):
        writer.close()
    return {
        "streams": number,
        "KB a stream": round(grown / (number - WARM) / 1024, 1),
        f"cores, {WARM} streams": round(idle, 3),
        "cores": round(cores, 3),
    }


async def _open(port: int, academy: int, key: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(
        f"GET /v1/signal/academy/stream HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Token {key}\r\n"
        f"Academy: {academy}\r\n\r\n".encode()
    )
    await reader.readuntil(b"event: hello\n")
    return reader, writer


def _memory(pid: int) -> int:
    web = psutil.Process(pid)
    return sum(process.memory_full_info().uss for process in [web, *web.children(recursive=True)])
