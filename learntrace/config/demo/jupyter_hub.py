"""The hub of `make hub-demo`: the ready one of jupyterhub/, in a process of its own with its proxy and what it spawns."""

import contextlib
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from learntrace.config.processes import dies_with_us

CHECKOUT = Path(__file__).parents[3]
JUPYTER = CHECKOUT / ".venv-jupyter"
CLASSIC = CHECKOUT / ".venv-classic"
FOLDER = CHECKOUT / "jupyterhub"
_STOP_SECONDS = 20.0
# A hub around us, or another proxy's secret, is none of the demo's.
_FOREIGN = ("JUPYTER", "CONFIGPROXY_", "HUB_")


class HubProcess:
    """JupyterHub, started with the configuration that operators use; `state` is the folder of all that it writes.

    `internal` and `proxy` are the ports of what runs behind the public address; `settings` are more of its variables.
    """

    def __init__(self, state: Path, address: str, internal: int, proxy: int, settings: dict[str, str]) -> None:
        self.state, self.address = state, address
        self.api_url = f"http://127.0.0.1:{internal}/hub/api"
        self.log = state / "hub.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)} | {
            "PATH": os.pathsep.join((str(JUPYTER / "bin"), os.environ.get("PATH", os.defpath))),
            "HUB_URL": address,
            "HUB_INTERNAL_URL": f"http://127.0.0.1:{internal}",
            "HUB_PROXY_URL": f"http://127.0.0.1:{proxy}",
            "HUB_STATE": str(state),
            "HUB_HOMES": str(self.learners),
            "HUB_ACCOUNTS": "shared",
            "HUB_JUPYTER": str(JUPYTER),
            "HUB_CLASSIC": str(CLASSIC),
            **settings,
        }

    @property
    def learners(self) -> Path:
        """The folder of the learners' folders."""
        return self.state / "learners"

    def start(self, learntrace: str) -> None:
        """Start it, telling the learners' servers where Learntrace is; it forgets what servers there were before."""
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.state / "hub.sqlite").unlink(missing_ok=True)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(  # noqa: S603
                [JUPYTER / "bin" / "jupyterhub", "--config", FOLDER / "jupyterhub_config.py"],
                cwd=self.state,
                env=self._environment | {"LEARNTRACE_URL": learntrace},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=dies_with_us(signal.SIGTERM),
                start_new_session=True,
            )

    @property
    def has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    @property
    def answers(self) -> bool:
        """Whether the hub answers, through its proxy."""
        try:
            with urllib.request.urlopen(f"{self.address}/hub/health", timeout=2):  # noqa: S310
                return True
        except OSError:
            return False

    def stop(self) -> None:
        """Ask it to end the learners' servers, the proxy and itself; then end what hasn't."""
        if self.process is None:
            return
        self.process.terminate()
        until = time.monotonic() + _STOP_SECONDS
        while self.process.poll() is None and time.monotonic() < until and self._has_company():
            time.sleep(0.1)
        self.process.kill()
        self.process.wait()
        self._end_leftovers()

    def _has_company(self) -> bool:
        """Whether something that it has started still runs; where that can't be seen, it may.

        When all of that has ended, the hub only sleeps: it looks for the end of a server at ever longer intervals, up to
        five seconds. What it would write at its end is removed at the next start.
        """
        assert self.process is not None  # noqa: S101 (the caller has looked)
        return not Path("/proc/self").exists() or any(pid != self.process.pid for pid in self._leftovers())

    def _end_leftovers(self) -> None:
        """A hub that died couldn't end its proxy and the learners' servers, which are in sessions of their own."""
        until = time.monotonic() + 5
        while left := list(self._leftovers()):
            number = signal.SIGTERM if time.monotonic() < until else signal.SIGKILL
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            time.sleep(0.2)

    def _leftovers(self) -> Iterator[int]:
        """The living processes that carry our folder in their environment (Linux only, elsewhere none)."""
        marks = (f"HUB_STATE={self.state}".encode(), f"HOME={self.learners}{os.sep}".encode())
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                variables = (folder / "environ").read_bytes().split(b"\0")
                if variables[0] and any(one == marks[0] or one.startswith(marks[1]) for one in variables):
                    yield int(folder.name)
