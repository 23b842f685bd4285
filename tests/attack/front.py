"""Requests of strangers that cost more than they should: bombs, silent connections, endless bodies."""

import contextlib
import gzip
import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.attack.target import EVENTS, PROMPT_SECONDS, TELEMETRY, Target, cpu_seconds, megabytes
from tests.attack.verdicts import Attack, Verdict
from tests.faults.installation import HOST

# Of the process that answers, for one request of a stranger.
_CPU_MS_A_REQUEST = 25.0
_GROWTH_MB = 100.0
_MOST_BYTES = 8 * 1024 * 1024
_CONNECTIONS = 1_100


def _bomb(text: bytes) -> bytes:
    return gzip.compress(text, 9)


def _bombs() -> dict[str, tuple[bytes, str]]:
    """Bodies by their name, each with its Content-Encoding."""
    lists = b"[]," * 1_700_000
    return {
        "1.7 million lists and a number beyond reach, packed": (_bomb(b'{"a":[' + lists + b"1e999]}"), "gzip"),
        "5 MiB of lists, packed": (_bomb(b"[" + lists[:5_000_000] + b"1]"), "gzip"),
        "200 MiB of blanks, packed": (_bomb(b" " * 200 * 1024 * 1024), "gzip"),
        "1,000 packed members": (_bomb(b"[" * 5000) * 1000, "gzip"),
        "nested 60,000 deep": (b"[" * 60_000, ""),
        "4 MiB of lists": (b"[" + lists[:4_000_000] + b"1]", ""),
        "60 KiB of lists and a number beyond reach": (b"[" + lists[:60_000] + b"1e999]", ""),
        "a quote without end": (b'"' + b"\\" * 60_000, ""),
    }


def strangers_send_bombs(target: Target) -> Verdict:
    web, slowest, name_of_slowest = target.web(), 0.0, ""
    memory = megabytes(web)
    for name, (body, encoding) in _bombs().items():
        for path in (EVENTS, TELEMETRY):
            before = cpu_seconds(web)
            _quietly(lambda: target.ask("POST", path, None, body, Content_Encoding=encoding, Authorization="Token no"))  # noqa: B023
            spent = (cpu_seconds(web) - before) * 1000
            if spent > slowest:
                slowest, name_of_slowest = spent, name
    grown = megabytes(web) - memory
    figures = f"{slowest:.0f} ms CPU at most ({name_of_slowest}), {grown:+.0f} MB"
    return Verdict(slowest <= _CPU_MS_A_REQUEST and grown < _GROWTH_MB, figures)


def a_learner_waits_beside_twelve_bombs(target: Target) -> Verdict:
    body, encoding = next(iter(_bombs().values()))
    with ThreadPoolExecutor(12) as pool:
        for _number in range(12):
            pool.submit(_quietly, lambda: target.ask("POST", EVENTS, None, body, Content_Encoding=encoding))
        time.sleep(0.1)
        answer = target.beside()
    return Verdict(
        answer.status == 200 and answer.seconds < PROMPT_SECONDS, f"{answer.status} after {answer.seconds:.2f} s"
    )


def _quietly(ask: Callable[[], object]) -> None:
    """Ask, whatever comes of it: a server may close the connection of who sends such things."""
    with contextlib.suppress(OSError, Exception):
        ask()


_OPENINGS = {
    "silent": b"",
    "half a header": b"POST /v1/assignment/me/telemetry HTTP/1.1\r\nHost: x\r\nX-A: ",
    "one byte of a body": b"POST /v1/assignment/me/telemetry HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{",
    "one byte of a form": b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\nx",
}


def connections_that_send_nothing(target: Target) -> Verdict:
    figures, held = [], True
    for name, opening in _OPENINGS.items():
        with contextlib.ExitStack() as opened:
            for _number in range(_CONNECTIONS):
                with contextlib.suppress(OSError):
                    line = opened.enter_context(socket.create_connection((HOST, target.port), timeout=10))
                    line.sendall(opening)
            time.sleep(1)
            alive = sum(target.is_alive() for _try in range(3))
        held = held and alive == 3
        figures.append(f"{name} {alive}/3")
    return Verdict(held, f"{_CONNECTIONS:,} connections, health answers: {', '.join(figures)}")


def connections_end_by_themselves(target: Target) -> Verdict:
    """A connection that says no more is closed within two minutes, whatever it has begun."""
    limit, ended = 120.0, {}
    began = time.monotonic()
    lines = {name: target.connect(limit) for name in _OPENINGS}
    for name, line in lines.items():
        line.sendall(_OPENINGS[name])

    def wait(name: str) -> None:
        with contextlib.suppress(OSError):
            while lines[name].recv(65536):
                pass
            ended[name] = time.monotonic() - began

    threads = [threading.Thread(target=wait, args=(name,)) for name in lines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for line in lines.values():
        line.close()
    return Verdict(len(ended) == len(lines), ", ".join(f"{name} {seconds:.0f} s" for name, seconds in ended.items()))


def bodies_without_end(target: Target) -> Verdict:
    paths = ["/nothing", "/v1/auth/login", "/sign-in", "/v1/registry/asset", "/admin/login/", TELEMETRY, EVENTS]
    sent = {path: _pour(target, path) for path in paths}
    spooled = _deleted_bytes(target)
    most = max(sent.values())
    held = most <= _MOST_BYTES and spooled <= _MOST_BYTES
    return Verdict(held, f"at most {most / 1024 / 1024:.1f} MiB taken of 200, {spooled / 1024 / 1024:.1f} MiB on disk")


def _pour(target: Target, path: str) -> int:
    """Send chunks until the server has enough of them; return the bytes that it took."""
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    line = target.connect()
    sent = 0
    try:
        line.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        line.settimeout(20)
        while sent < 200 * 1024 * 1024:
            line.sendall(chunk)
            sent += 65536
    except OSError:
        pass
    finally:
        line.close()
    return max(0, sent - _buffered())


def _buffered() -> int:
    """What the kernel takes from a sender although nobody reads it, at most."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        sizes = [Path(f"/proc/sys/net/ipv4/tcp_{name}mem").read_text().split()[2] for name in "rw"]
        return sum(map(int, sizes))
    return 0


def _deleted_bytes(target: Target) -> int:
    """The size of files that the web process holds open and that no folder names."""
    folder = Path(f"/proc/{target.web().pid}/fd")
    total = 0
    for entry in folder.iterdir():
        with contextlib.suppress(OSError):
            if os.readlink(entry).endswith("(deleted)"):
                total += entry.stat().st_size
    return total


ATTACKS = (
    Attack(7, "strangers send bombs", strangers_send_bombs),
    Attack(7, "a learner's batch beside twelve bombs", a_learner_waits_beside_twelve_bombs),
    Attack(8, "connections that send nothing", connections_that_send_nothing),
    Attack(8, "connections end by themselves", connections_end_by_themselves, quick=False),
    Attack(9, "bodies without end", bodies_without_end),
)
