"""What every demo needs of Learntrace: a home of its own, a server until the demo stops, people, a teacher's token."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from learntrace.config import environment
from learntrace.config.ports import cannot_listen
from learntrace.config.processes import dies_with_us

OPERATOR = "operator"

_READY_SECONDS = 120.0


def own_home(name: str) -> Path:
    """Make a home below the home folder and work there: the demo never meets real data, whatever the shell has set."""
    home: Path = environment.HOME.value() / name
    home.mkdir(parents=True, exist_ok=True)
    os.environ |= {"LEARNTRACE_HOME": str(home), "LEARNTRACE_LOG_LEVEL": "warning"}
    for setting in ("LEARNTRACE_DATABASE_URL", "LEARNTRACE_BROKER_URL"):
        os.environ.pop(setting, None)
    return home


def stop_event() -> threading.Event:
    """Return what is set by Ctrl-C, and by being told to end."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopping.set())
    return stopping


def refuse_taken(host: str, port: int, setting: str) -> None:
    """End here where the port is taken: whoever answers there would be taken for ours, and be sent the demo's telemetry."""
    if trouble := cannot_listen(host, port):
        raise SystemExit(f"{trouble}. Choose another port: {setting}=")


class Server:
    """`learntrace serve` in a process of its own, with settings of its own."""

    def __init__(self, host: str, port: int, settings: Mapping[str, str] | None = None) -> None:
        self.host, self.port = host, port
        self.address = f"http://{host}:{port}"
        command = [sys.executable, "-m", "learntrace.config", "serve", "--host", host, "--port", str(port)]
        self.process = subprocess.Popen(  # noqa: S603
            command,
            env=os.environ | dict(settings or {}),
            preexec_fn=dies_with_us(signal.SIGTERM),
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def wait_ready(self, stopping: threading.Event) -> bool:
        """Wait until it answers; False, with a word about it, when it doesn't or the demo is stopped meanwhile."""
        until = time.monotonic() + _READY_SECONDS
        while time.monotonic() < until and not stopping.is_set():
            if self.has_ended:
                print("The server could not start; its last lines above say why.", file=sys.stderr)
                return False
            try:
                with urllib.request.urlopen(f"{self.address}/health/ready", timeout=2):  # noqa: S310
                    return True
            except OSError:
                stopping.wait(0.3)
        if not stopping.is_set():
            print(f"{self.address} was not ready within {_READY_SECONDS:.0f} s.", file=sys.stderr)
        return False

    def stop(self) -> None:
        """End it, in order."""
        self.process.terminate()
        self.process.wait(timeout=20)


def import_roster(home: Path, roster: dict[str, Any]) -> bool:
    """Declare who and what there is; whether it could be."""
    path = home / "roster.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(roster, indent=1))
    command = [sys.executable, "-m", "learntrace.config", "roster", "import", str(path)]
    return subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode == 0  # noqa: S603


def make_operator(home: Path, password: str) -> bool:
    """Make the superuser of the admin pages, unless an earlier start has; whether that could be done."""
    made = home / "operator"
    if not made.exists():
        command = [sys.executable, "-m", "learntrace.config", "manage", "createsuperuser", "--noinput"]
        done = subprocess.run(  # noqa: S603
            [*command, "--username", OPERATOR, "--email", f"{OPERATOR}@demo.example"],
            env=os.environ | {"DJANGO_SUPERUSER_PASSWORD": password}, check=False, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode:
            return False
        made.touch()
    return True


def teachers_token(home: Path) -> str:
    """A token of the demo's teacher, the same one at each start."""
    path = home / "teacher_token"
    if not path.exists():
        made = subprocess.run(
            [sys.executable, "-m", "learntrace.config", "token", "create", "--user", "teacher", "--json"],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        path.touch(mode=0o600)
        path.write_text(json.loads(made.stdout)["key"])
    return path.read_text().strip()
