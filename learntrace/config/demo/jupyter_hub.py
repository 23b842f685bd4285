"""The hub of `make hub-demo`: the configuration of jupyterhub/, run with its proxy and its learners' servers."""

import contextlib
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from learntrace.config.runtime.processes import dies_with_us

CHECKOUT = Path(__file__).parents[3]
JUPYTER = CHECKOUT / ".venv-jupyter"
CLASSIC = CHECKOUT / ".venv-classic"
FOLDER = CHECKOUT / "jupyterhub"
_STOP_SECONDS = 20.0
# Variables of a surrounding hub or of another proxy must not reach the demo's.
_FOREIGN = ("JUPYTER", "CONFIGPROXY_", "HUB_")


class HubProcess:
    """JupyterHub, started with the configuration that operators use; it writes only to the folder `state`.

    `internal` and `proxy` are the ports behind the public URL; `settings` are additional environment variables.
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
        """The folder that contains the learners' folders."""
        return self.state / "learners"

    def start(self, learntrace: str) -> None:
        """Start the hub, with Learntrace's URL for the learners' servers; it forgets the servers of an earlier run."""
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
        """Ask the hub to end the learners' servers, the proxy and itself; then kill what is left."""
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
        """Whether a process that the hub has started still runs; True where that can't be seen.

        When all of them have ended, the hub only sleeps: it polls for the end of a server at growing intervals, up to
        five seconds. What it would write at its end is removed at the next start.
        """
        assert self.process is not None  # noqa: S101 (the caller has looked)
        return not Path("/proc/self").exists() or any(pid != self.process.pid for pid in self._leftovers())

    def _end_leftovers(self) -> None:
        """Kill the proxy and the learners' servers, which have their own sessions and outlive a hub that died."""
        until = time.monotonic() + 5
        while left := list(self._leftovers()):
            number = signal.SIGTERM if time.monotonic() < until else signal.SIGKILL
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            time.sleep(0.2)

    def _leftovers(self) -> Iterator[int]:
        """Return the running processes that have our folder in their environment (Linux only, elsewhere none)."""
        marks = (f"HUB_STATE={self.state}".encode(), f"HOME={self.learners}{os.sep}".encode())
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                variables = (folder / "environ").read_bytes().split(b"\0")
                if variables[0] and any(
                    variable == marks[0] or variable.startswith(marks[1]) for variable in variables
                ):
                    yield int(folder.name)
