"""What all demos share: a home folder of their own, a server, people, a teacher's token."""

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from learntrace.config import environment
from learntrace.config.runtime.ports import cannot_listen
from learntrace.config.runtime.processes import dies_with_us

OPERATOR = "operator"

_READY_SECONDS = 120.0


def own_home(name: str) -> Path:
    """Create a home below the home folder and use it: a demo never touches real data, whatever the shell has set."""
    home: Path = environment.HOME.value() / name
    home.mkdir(parents=True, exist_ok=True)
    # A demo is opened under any name, and has nothing to guard.
    os.environ |= {"LEARNTRACE_HOME": str(home), "LEARNTRACE_LOG_LEVEL": "warning", "LEARNTRACE_ALLOWED_HOSTS": "*"}
    for setting in ("LEARNTRACE_DATABASE_URL", "LEARNTRACE_BROKER_URL"):
        os.environ.pop(setting, None)
    return home


def stop_event() -> threading.Event:
    """Return an event that Ctrl-C and SIGTERM set."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopping.set())
    return stopping


def refuse_taken(host: str, port: int, setting: str) -> None:
    """Exit if the port is taken: the demo would send its telemetry to the server that answers there."""
    if trouble := cannot_listen(host, port):
        raise SystemExit(f"{trouble}. Choose another port: {setting}=")


class WaitLine:
    """Prints every few seconds how long a wait has taken, so that nobody takes it for a hang."""

    def __init__(self, purpose: str, every: float = 5.0) -> None:
        self._purpose, self._every = purpose, every
        self._began = self._printed = time.monotonic()

    def tick(self) -> None:
        """Print a line if one is due."""
        now = time.monotonic()
        if now - self._printed >= self._every:
            self._printed = now
            print(f"  {self._purpose}: {now - self._began:.0f} s so far", flush=True)


class Server:
    """`learntrace serve` as a child process with its own settings."""

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
        """Wait until the server is ready; print why and return False if it isn't, or if the demo is stopped."""
        until = time.monotonic() + _READY_SECONDS
        wait = WaitLine("the server starts")
        while time.monotonic() < until and not stopping.is_set():
            wait.tick()
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
        """Stop the server and wait for its end."""
        self.process.terminate()
        self.process.wait(timeout=20)


def import_roster(home: Path, roster: dict[str, Any]) -> bool:
    """Import a roster; return whether it succeeded."""
    path = home / "roster.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(roster, indent=1))
    command = [sys.executable, "-m", "learntrace.config", "roster", "import", str(path)]
    return subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode == 0  # noqa: S603


def demo_password(home: Path, host: str, published: str) -> str:
    """Return the password of all of a demo's people: the published one where only this machine reaches the demo, else one of
    its own, made once."""
    if _is_loopback(host):
        return published
    path = home / "password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(12))
    return path.read_text().strip()


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


_CHANGE_OPERATOR = (
    "import os; from learntrace.accounts.models import User; user = User.objects.get(username='{name}');"
    " user.set_password(os.environ['DJANGO_SUPERUSER_PASSWORD']); user.save()"
)


def make_operator(home: Path, password: str) -> bool:
    """Create the superuser of the admin pages, unless an earlier start has, and give it the password; return whether it
    exists."""
    made = home / "operator"
    if made.exists():
        command = [sys.executable, "-m", "learntrace.config", "manage", "shell", "--no-imports", "--command"]
        done = subprocess.run(  # noqa: S603
            [*command, _CHANGE_OPERATOR.format(name=OPERATOR)],
            env=os.environ | {"DJANGO_SUPERUSER_PASSWORD": password},
            check=False,
            stdout=subprocess.DEVNULL,
        )
        if done.returncode:
            return False
    else:
        command = [sys.executable, "-m", "learntrace.config", "manage", "createsuperuser", "--noinput"]
        done = subprocess.run(  # noqa: S603
            [*command, "--username", OPERATOR, "--email", f"{OPERATOR}@demo.example"],
            env=os.environ | {"DJANGO_SUPERUSER_PASSWORD": password},
            check=False,
            stdout=subprocess.DEVNULL,
        )
        if done.returncode:
            return False
        made.touch()
    return True


def teachers_token(home: Path) -> str:
    """Return a token of the demo's teacher, the same at each start."""
    path = home / "teacher_token"
    if not path.exists():
        made = subprocess.run(
            [sys.executable, "-m", "learntrace.config", "token", "create", "--user", "teacher", "--json"],
            check=True,
            capture_output=True,
            text=True,
        )
        path.touch(mode=0o600)
        path.write_text(json.loads(made.stdout)["key"])
    return path.read_text().strip()
