"""A real JupyterHub with its proxy for tests, in a folder and on ports of its own.

    with Hub(tmp_path / "hub") as hub:
        token = hub.token_for("ana")            # as her own server has it in JUPYTERHUB_API_TOKEN
        hub.api_url                             # for LEARNTRACE_HUB_API_URL
        hub.url                                 # for a browser: sign in as anybody, with any password

    Hub(folder, config="c.Spawner.environment = {'LEARNTRACE_URL': 'http://127.0.0.1:8000'}")
    Hub(folder, config="load_subconfig('/the/checkout/jupyterhub/jupyterhub_config.py')")

`config` is Python as in jupyterhub_config.py. It may set or extend what it likes but the addresses, the folders and the
service that the tests are (lists of services and roles are added to). A user's notebooks are in `hub.folder_of(name)`.
"""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx
import psutil

from tests.support.paths import CHECKOUT
from tests.support.waiting import wait_until

JUPYTER = CHECKOUT / ".venv-jupyter"
PROXY = CHECKOUT / "jupyterhub" / "node_modules" / ".bin" / "configurable-http-proxy"
# A hub of the shell's, or settings of ours, must not reach the one that is tested.
_OTHERS = ("JUPYTER", "LEARNTRACE_", "CONFIGPROXY_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")

_BEFORE = """
c = get_config()  # noqa
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.Spawner.args = ["--allow-root"]
c.Spawner.start_timeout = c.Spawner.http_timeout = 120
"""
_AFTER = """
c.JupyterHub.bind_url = {url!r}
c.JupyterHub.hub_bind_url = {hub_url!r}
c.ConfigurableHTTPProxy.api_url = {proxy_url!r}
c.ConfigurableHTTPProxy.command = [{proxy!r}]
c.ConfigurableHTTPProxy.pid_file = {folder!r} + "/proxy.pid"
c.SimpleLocalProcessSpawner.home_dir_template = {folder!r} + "/users/{{username}}"
c.JupyterHub.db_url = "sqlite:///" + {folder!r} + "/hub.sqlite"
c.JupyterHub.cookie_secret_file = {folder!r} + "/cookie_secret"
c.JupyterHub.services.append({{"name": "tests", "api_token": {token!r}}})
c.JupyterHub.load_roles.append({{
    "name": "tests", "services": ["tests"], "scopes": ["admin:users", "admin:servers", "tokens", "list:users"],
}})
"""


def _proxy() -> str:
    """The proxy that `make` installs; elsewhere installed ones do too."""
    found = str(PROXY) if PROXY.exists() else shutil.which("configurable-http-proxy")
    assert found, (
        f"there is no configurable-http-proxy, neither at {PROXY} nor in PATH: run `make jupyterhub/node_modules`"
    )
    return found


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    with contextlib.ExitStack() as held:
        listeners = [held.enter_context(socket.socket()) for _number in range(count)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in listeners]


class Hub:
    """A hub that lets everybody in; `start` and `stop`, or a `with`, bound its life and that of all it spawned.

    `folder` is made; its hub.log has what the hub, the proxy and the users' servers said. `environment` is added to the
    hub's own. `jupyter` is the environment whose jupyterhub and servers run.
    """

    def __init__(
        self,
        folder: Path,
        *,
        config: str = "",
        environment: Mapping[str, str] | None = None,
        jupyter: Path = JUPYTER,
    ) -> None:
        self.folder = folder
        self._jupyter = jupyter
        self._environment = dict(environment or {})
        self._admin_token = secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None
        public, hub, proxy = free_ports(3)
        self.url = f"http://127.0.0.1:{public}/"
        self.api_url = f"http://127.0.0.1:{hub}/hub/api"
        self._config = "\n".join(
            (
                _BEFORE,
                config,
                _AFTER.format(
                    url=self.url,
                    hub_url=f"http://127.0.0.1:{hub}",
                    proxy_url=f"http://127.0.0.1:{proxy}",
                    proxy=_proxy(),
                    folder=str(folder),
                    token=self._admin_token,
                ),
            )
        )

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def log(self) -> str:
        return (self.folder / "hub.log").read_text(errors="replace")

    @property
    def admin_token(self) -> str:
        """The token of the service that the tests are: no user's."""
        return self._admin_token

    def folder_of(self, user: str) -> Path:
        """The home of a user's servers, made when it isn't there."""
        folder = self.folder / "users" / user
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def start(self, seconds: float = 120) -> Self:
        """Start hub and proxy and wait until both answer; started again after `stop`, it has its users and tokens."""
        program = self._jupyter / "bin" / "jupyterhub"
        assert program.exists(), f"there is no {program}: make the Jupyter environment first"
        (self.folder / "users").mkdir(parents=True, exist_ok=True)
        config = self.folder / "jupyterhub_config.py"
        config.write_text(self._config)
        with open(self.folder / "hub.log", "ab") as log:
            self._process = subprocess.Popen(
                [program, "--config", config],
                cwd=self.folder,
                env=self._surroundings(),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        try:
            wait_until(self._answers, "the hub and its proxy answer", seconds)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End the hub, the proxy and every user's server."""
        if self._process is None:
            return
        process, self._process = self._process, None
        ours = [psutil.Process(process.pid), *_below(process.pid)] if process.poll() is None else []
        if ours:
            # The hub ends the others itself, which are in sessions of their own.
            process.send_signal(signal.SIGTERM)
        _gone, left = psutil.wait_procs(ours, timeout=20)
        for one in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        process.wait()

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Use the hub's API as an administrator: `hub.ask("POST", "/users/ana/server")`; raises for an error's status."""
        answer = self._request(method, path, **options)
        answer.raise_for_status()
        return answer

    def make_user(self, name: str) -> None:
        """Make a user, if it isn't there."""
        answer = self._request("POST", f"/users/{quote(name, safe='')}")
        if answer.status_code != httpx.codes.CONFLICT:
            answer.raise_for_status()

    def token_for(self, user: str, **options: Any) -> str:
        """Return a new token of a user, who is made if need be; `options` are the hub's: expires_in, scopes, note."""
        self.make_user(user)
        return str(self.ask("POST", f"/users/{quote(user, safe='')}/tokens", json=options).json()["token"])

    def revoke_tokens(self, user: str) -> None:
        """Make every token of a user invalid."""
        tokens = f"/users/{quote(user, safe='')}/tokens"
        for token in self.ask("GET", tokens).json()["api_tokens"]:
            self.ask("DELETE", f"{tokens}/{token['id']}")

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"token {self._admin_token}"}
        return httpx.request(method, self.api_url + path, headers=headers, timeout=60, trust_env=False, **options)

    def _surroundings(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(_OTHERS)}
        path = os.pathsep.join((str(self._jupyter / "bin"), kept.get("PATH", os.defpath)))
        return {**kept, "PATH": path, "HOME": str(self.folder), "NO_PROXY": "127.0.0.1,localhost", **self._environment}

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"the hub ended while it started:\n{self.log[-4000:]}"
        with contextlib.suppress(httpx.HTTPError):
            return all(
                httpx.get(address, timeout=5, trust_env=False).status_code == httpx.codes.OK
                for address in (self.api_url, f"{self.url}hub/health")
            )
        return False


def _below(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return list(psutil.Process(pid).children(recursive=True))
    return []
