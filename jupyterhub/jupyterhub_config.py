"""A hub whose learners choose their front end and whose notebooks report to Learntrace under the learner's hub name.

Site-specific values are environment variables, listed in README.md. If a file `local.py` exists in this folder, it is
loaded last: use it for your own authenticator, TLS, limits.
"""

import asyncio
import html
import os
import pwd
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tornado.web import HTTPError

HERE = Path(__file__).resolve().parent
c = get_config()  # type: ignore[name-defined]  # noqa: F821 (JupyterHub puts it there)


def setting(name: str, default: str = "") -> str:
    """Read an environment variable; an empty one counts as unset."""
    return os.environ.get(name, "").strip() or default


def place(name: str, default: Path | str) -> Path:
    """Read a path; a relative one is resolved against this file's folder."""
    return (HERE / setting(name, str(default))).resolve()


@dataclass(frozen=True)
class FrontEnd:
    """A front end for learners: its virtual environment, its start page, and its server's environment variables."""

    title: str
    venv: Path
    page: str
    environment: tuple[tuple[str, str], ...] = ()


# Classic Notebook needs older dependencies than the others, and so its own environment.
JUPYTER = place("HUB_JUPYTER", HERE.parent / ".venv-jupyter")
CLASSIC = place("HUB_CLASSIC", HERE.parent / ".venv-classic")
FRONT_ENDS = {
    "lab": FrontEnd("JupyterLab", JUPYTER, "/lab"),
    "notebook7": FrontEnd("Notebook 7", JUPYTER, "/tree"),
    "classic": FrontEnd(
        "Classic Notebook 6", CLASSIC, "/tree", (("JUPYTERHUB_SINGLEUSER_APP", "notebook.notebookapp.NotebookApp"),)
    ),
}
OFFERED = setting("HUB_FRONT_ENDS", "lab,notebook7,classic").replace(" ", "").split(",")
if unknown := set(OFFERED) - set(FRONT_ENDS):
    raise ValueError(f"HUB_FRONT_ENDS: {', '.join(sorted(unknown))}: expected some of {', '.join(FRONT_ENDS)}")

STATE = place("HUB_STATE", "state")
HOMES = place("HUB_HOMES", STATE / "learners")
LESSONS = place("HUB_LESSONS", "lessons")
CUSTOM = HERE / "custom" / "custom.js"
ACCOUNTS = setting("HUB_ACCOUNTS", "system")
PASSWORD = setting("HUB_PASSWORD")
LEARNERS = set(setting("HUB_LEARNERS").replace(",", " ").split())
IS_ROOT = os.geteuid() == 0
ACCOUNT_NAME = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")
STATE.mkdir(mode=0o700, parents=True, exist_ok=True)


# --- URLs and state ---

c.JupyterHub.bind_url = setting("HUB_URL", "http://127.0.0.1:8888/")
# The single-user servers and Learntrace call the hub here: LEARNTRACE_HUB_API_URL is this URL plus /hub/api.
c.JupyterHub.hub_bind_url = setting("HUB_INTERNAL_URL", "http://127.0.0.1:8081")
c.ConfigurableHTTPProxy.api_url = setting("HUB_PROXY_URL", "http://127.0.0.1:8001")
c.ConfigurableHTTPProxy.command = [str(HERE / "node_modules" / ".bin" / "configurable-http-proxy")]
c.ConfigurableHTTPProxy.pid_file = str(STATE / "proxy.pid")
c.JupyterHub.db_url = f"sqlite:///{STATE / 'hub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(STATE / "cookie_secret")


# --- Authentication ---

if PASSWORD:
    # One shared password lets anybody sign in as anybody. Use it to try the hub; the senders' names can't be trusted.
    c.JupyterHub.authenticator_class = "shared-password"
    c.SharedPasswordAuthenticator.user_password = PASSWORD
else:
    c.JupyterHub.authenticator_class = "pam"
if LEARNERS:
    c.Authenticator.allowed_users = LEARNERS
else:
    c.Authenticator.allow_all = True


# --- The account that runs a learner's server ---

if ACCOUNTS == "system":
    c.JupyterHub.spawner_class = "localprocess"
elif ACCOUNTS == "shared":
    c.JupyterHub.spawner_class = "simple"
    c.SimpleLocalProcessSpawner.home_dir_template = str(HOMES / "{username}")
    c.Spawner.args = ["--allow-root"] if IS_ROOT else []
else:
    raise ValueError(
        f"HUB_ACCOUNTS: {ACCOUNTS}: expected system (an account of this machine each) or shared (one for all)"
    )
c.Spawner.start_timeout = c.Spawner.http_timeout = 120


def home_of(spawner: Any) -> Path:
    """Return the learner's folder, the root of the file list, so that a notebook's path is the same for all learners."""
    if ACCOUNTS == "shared":
        return Path(spawner.home_dir)
    return Path(pwd.getpwnam(spawner.user.name).pw_dir)


def make_account(name: str) -> None:
    """Create the learner's account if HUB_CREATE_ACCOUNTS is on (for a container, which starts without any)."""
    if setting("HUB_CREATE_ACCOUNTS").lower() not in {"1", "true", "yes", "on"} or ACCOUNTS == "shared":
        return
    try:
        pwd.getpwnam(name)
    except KeyError:
        if not ACCOUNT_NAME.fullmatch(name):
            raise ValueError(f"{name!r} can't be the name of an account") from None
        # In a new container the folder may exist in the volume without its account: then the folder's owner is the uid.
        home = HOMES / name
        number = ["--uid", str(home.stat().st_uid)] if home.exists() else []
        shell = shutil.which("bash") or "/bin/sh"
        HOMES.mkdir(mode=0o755, parents=True, exist_ok=True)
        subprocess.run(  # noqa: S603
            ["useradd", "--create-home", "--home-dir", str(home), "--shell", shell, *number, "--", name],  # noqa: S607
            check=True,
        )
        home.chmod(0o700)


def prepare(spawner: Any) -> None:
    """Give the learner an account if needed, the lessons, and custom.js if the server is Classic."""
    name = spawner.user.name
    make_account(name)
    home = home_of(spawner)
    command = [sys.executable, str(HERE / "learner_folder.py"), str(home), "--lessons", str(LESSONS)]
    if "JUPYTERHUB_SINGLEUSER_APP" in spawner.environment:
        # Classic reads custom.js only from its configuration folder, so it gets its own; ~/.jupyter is still read.
        config = home / ".jupyter-classic"
        spawner.environment |= {"JUPYTER_CONFIG_DIR": str(config), "JUPYTER_CONFIG_PATH": str(home / ".jupyter")}
        command += ["--custom", str(CUSTOM), "--config", str(config)]
    if ACCOUNTS == "system" and IS_ROOT:
        account = pwd.getpwnam(name)
        groups = os.getgrouplist(name, account.pw_gid)
        subprocess.run(  # noqa: S603
            command, check=True, cwd="/", user=account.pw_uid, group=account.pw_gid, extra_groups=groups, umask=0o077
        )
    else:
        subprocess.run(command, check=True, cwd="/")  # noqa: S603


# --- Front end ---


def ask_front_end(spawner: Any) -> str:
    """Return the form shown at a server's start; empty if there is no choice."""
    if len(OFFERED) < 2:
        return ""
    before = (spawner.user_options or {}).get("front_end", OFFERED[0])
    rows = "\n".join(
        f'<div class="form-check"><input class="form-check-input" type="radio" name="front_end" id="{key}" value="{key}"'
        f'{" checked" if key == before else ""}> <label class="form-check-label" for="{key}">'
        f"{html.escape(FRONT_ENDS[key].title)}</label></div>"
        for key in OFFERED
    )
    spanish = spawner.handler is not None and spawner.handler.request.headers.get("Accept-Language", "").startswith(
        "es"
    )
    return f"<fieldset><legend>{'Interfaz' if spanish else 'Front end'}</legend>{rows}</fieldset>"


def choose_front_end(spawner: Any, options: dict[str, Any]) -> None:
    """Start the chosen front end, by default the first one offered. Raise HTTP 400 for a choice that isn't offered."""
    key = options.get("front_end", OFFERED[0])
    if key not in OFFERED:
        raise HTTPError(400, "front_end: expected one of %s", ", ".join(OFFERED))
    chosen = FRONT_ENDS[key]
    spawner.cmd = [str(chosen.venv / "bin" / "jupyterhub-singleuser")]
    spawner.default_url = chosen.page
    path = os.pathsep.join((str(chosen.venv / "bin"), os.environ.get("PATH", os.defpath)))
    # Only the URL: the hub's own token, which every server has, proves the learner's name.
    spawner.environment = {"PATH": path, "LEARNTRACE_URL": setting("LEARNTRACE_URL"), **dict(chosen.environment)}


async def prepare_aside(spawner: Any) -> None:
    """Prepare a learner's server in a thread, because a whole class starts at once and the hub must not block."""
    await asyncio.to_thread(prepare, spawner)


c.Spawner.options_form = ask_front_end
c.Spawner.options_from_form = "simple"
c.Spawner.apply_user_options = choose_front_end
c.Spawner.pre_spawn_hook = prepare_aside

if (HERE / "local.py").exists():
    load_subconfig(str(HERE / "local.py"))  # type: ignore[name-defined]  # noqa: F821
