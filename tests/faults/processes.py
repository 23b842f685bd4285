"""Finding the processes of an installation, by their parents and by what they carry, and waiting for what they do."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil

WEB, WORKER, CELERY = "learntrace.config web", "learntrace.config worker", "-m celery"
_GONE = (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess)


def command_of(process: psutil.Process) -> str:
    with contextlib.suppress(*_GONE):
        return " ".join(process.cmdline())
    return ""


def children_of(parent: psutil.Process, words: str) -> list[psutil.Process]:
    with contextlib.suppress(*_GONE):
        return [child for child in parent.children() if words in command_of(child)]
    return []


def processes_of(home: Path) -> list[psutil.Process]:
    """Every living process of a home, whoever its parent is now: ours carry its name, PostgreSQL's stand in its data."""
    return [process for process in psutil.process_iter() if _belongs(process, home)]


def _belongs(process: psutil.Process, home: Path) -> bool:
    with contextlib.suppress(*_GONE):
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        if process.cwd() == str(home / "postgres" / "data"):
            return True
        return bool(process.environ().get("LEARNTRACE_HOME") == str(home))
    return False


@contextlib.contextmanager
def frozen(processes: list[psutil.Process]) -> Iterator[None]:
    """Suspend processes, and let them go on at the end."""
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


class Roles:
    """Who does what in an installation: below `serve`, and below workers that run beside it."""

    def __init__(self, serve: psutil.Process, *beside: psutil.Process) -> None:
        self._serve, self._beside = serve, beside

    def find(self, role: str) -> list[psutil.Process]:
        """The living processes of a role; empty while it is being started."""
        return list(getattr(self, f"_{role}")())

    def _supervisor(self) -> Iterator[psutil.Process]:
        yield self._serve

    def _beside_worker(self) -> Iterator[psutil.Process]:
        yield from self._beside

    def _web_main(self) -> Iterator[psutil.Process]:
        yield from children_of(self._serve, WEB)

    def _web_child(self) -> Iterator[psutil.Process]:
        """The processes that answer requests."""
        for main in self._web_main():
            yield from children_of(main, WEB)

    def _worker(self) -> Iterator[psutil.Process]:
        yield from children_of(self._serve, WORKER)
        yield from self._beside

    def _forked_worker(self) -> Iterator[psutil.Process]:
        """The workers of one command, where there are several; `worker` is then the process that forked them."""
        for worker in self._worker():
            yield from (child for child in children_of(worker, WORKER) if "--sweep" not in command_of(child))

    def _sweeper(self) -> Iterator[psutil.Process]:
        for worker in self._worker():
            yield from children_of(worker, f"{WORKER} --sweep")

    def _celery_main(self) -> Iterator[psutil.Process]:
        for worker in self._worker():
            yield from children_of(worker, CELERY)

    def _celery_child(self) -> Iterator[psutil.Process]:
        for main in self._celery_main():
            yield from children_of(main, CELERY)

    def _postmaster(self) -> Iterator[psutil.Process]:
        yield from (child for child in children_of(self._serve, " -D ") if "postgres" in command_of(child))

    def _backend(self) -> Iterator[psutil.Process]:
        """PostgreSQL's processes that serve a client."""
        for postmaster in self._postmaster():
            yield from children_of(postmaster, "learntrace learntrace [local]")
