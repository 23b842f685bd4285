"""A learner's own Jupyter server, without a hub: a process with a home of its own, to start, stop and start again."""

import contextlib
import os
import secrets
import signal
import subprocess
from pathlib import Path

import httpx
import psutil

from tests.faults.installation import HOST, free_port
from tests.support.waiting import wait_until

# What a shell around us has set must not reach the server that is tested.
FOREIGN = ("JUPYTER", "LEARNTRACE_", "IPYTHON")


class JupyterServer:
    """`jupyter lab` or Classic's `jupyter notebook` in `folder`, which holds its notebooks, its settings and its log.

    `venv` is the environment that has it. `environment` is added to the process's own. It may be started again after a stop;
    address and token stay.
    """

    def __init__(self, folder: Path, venv: Path, words: tuple[str, ...], environment: dict[str, str]) -> None:
        self.folder = folder
        self.port, self.token = free_port(), secrets.token_hex(16)
        self.url = f"http://{HOST}:{self.port}/"
        self.notebooks = folder / "notebooks"
        self.output = folder / "jupyter.log"
        self._venv, self._words, self._own = venv, words, environment
        self._process: subprocess.Popen[bytes] | None = None
        self.notebooks.mkdir(parents=True)

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        return {
            **kept,
            "PATH": os.pathsep.join((str(self._venv / "bin"), kept.get("PATH", os.defpath))),
            "HOME": str(self.folder),
            "JUPYTER_CONFIG_DIR": str(self.folder / "config"),
            "JUPYTER_DATA_DIR": str(self.folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(self.folder / "runtime"),
            "NO_PROXY": "127.0.0.1,localhost",
            **self._own,
        }

    def launch(self) -> None:
        """Start the process, without waiting for it."""
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                [self._venv / "bin" / "jupyter", *self._words, "--no-browser", "--allow-root", f"--port={self.port}"],
                cwd=self.notebooks,
                env=self.environment() | {"JUPYTER_TOKEN": self.token},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def wait_ready(self, seconds: float = 240) -> None:
        wait_until(self._answers, f"{' '.join(self._words)} answers", seconds)

    def start(self) -> None:
        self.launch()
        self.wait_ready()

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"it ended while it started:\n{self.log[-4000:]}"
        with contextlib.suppress(httpx.HTTPError):
            return self.ask("GET", "api/status").status_code == httpx.codes.OK
        return False

    def ask(self, method: str, path: str, **options: object) -> httpx.Response:
        """Use its API as its owner."""
        headers = {"Authorization": f"token {self.token}"}
        return httpx.request(method, self.url + path, headers=headers, timeout=60, trust_env=False, **options)  # type: ignore[arg-type]

    @property
    def log(self) -> str:
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it and its kernels; SIGKILL gives it no time to put anything in order."""
        if self._process is None:
            return
        process, self._process = self._process, None
        everybody: list[psutil.Process] = []
        with contextlib.suppress(psutil.NoSuchProcess):
            everybody = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for one in everybody:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
