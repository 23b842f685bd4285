"""Real Jupyter servers with this checkout's extension, JupyterLab's and Classic Notebook 6, and events to post to them."""

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

from tests.jupyter.servers import JupyterServer
from tests.support.paths import CHECKOUT

PACKAGE = CHECKOUT / "jupyter-learntrace"
TOKEN = "5ec4e7" * 6
HOSTS = {
    "jupyter_server": (CHECKOUT / ".venv-jupyter", ("server",)),
    "notebook 6": (CHECKOUT / ".venv-classic", ("notebook",)),
}


def jupyter(folder: Path, host: str = "jupyter_server", url: str = "", **environment: str) -> JupyterServer:
    """A server of a learner who has a token, not yet started; the extension is the checkout's, whatever is installed."""
    venv, words = HOSTS[host]
    found = {"PYTHONPATH": str(PACKAGE), "LEARNTRACE_URL": url, "LEARNTRACE_TOKEN": TOKEN, **environment}
    server = JupyterServer(folder, venv, words, {name: value for name, value in found.items() if value})
    # The front ends take seconds to load and have no part in this.
    others = dict.fromkeys(
        ("jupyterlab", "notebook", "notebook_shim", "jupyter_lsp", "jupyter_server_terminals"), False
    )
    for name, document in (
        ("jupyter_server_config", {"ServerApp": {"jpserver_extensions": {"jupyter_learntrace": True, **others}}}),
        ("jupyter_notebook_config", {"NotebookApp": {"nbserver_extensions": {"jupyter_learntrace": True}}}),
    ):
        place = folder / "config" / f"{name}.d" / "jupyter-learntrace.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(document))
    return server


def spool_of(server: JupyterServer) -> Path:
    return server.folder / "data" / "learntrace" / "spool.sqlite3"


def rests(server: JupyterServer) -> bool:
    """Whether nobody is sending: a file that is damaged in the middle of a transaction is whole again after it."""
    with contextlib.closing(sqlite3.connect(f"{spool_of(server).as_uri()}?mode=ro", uri=True)) as connection:
        sending, waiting = connection.execute(
            "SELECT (SELECT count(*) FROM lease), (SELECT count(*) FROM event)"
        ).fetchone()
    return not sending and not waiting


def an_event(**changed: Any) -> dict[str, Any]:
    """What a front end posts after an execution."""
    return {
        "id": str(uuid.uuid4()),
        "verb": "executed",
        "timestamp": "2026-11-22T10:30:00.123Z",
        "session_id": str(uuid.uuid4()),
        "object": {
            "type": "cell",
            "id": "c1",
            "notebook": "lesson_03.ipynb",
            "assignment": "assignment:lesson-03-exercise-1",
            "tags": ["assignment:lesson-03-exercise-1"],
            "source": "print(1)\n",
        },
        "result": {"outcome": "ok", "duration_ms": 12, "execution_count": 7},
        "context": {"frontend": "lab", "version": "4.6.6", "kernel": "python3"},
        **changed,
    }


def post(server: JupyterServer, events: list[Any], **options: Any) -> Any:
    answer = server.ask("POST", "learntrace/events", json={"events": events}, **options)
    assert answer.status_code == 200, answer.text
    return answer.json()


def state(server: JupyterServer) -> Any:
    return server.ask("GET", "learntrace/state").json()


def status(folder: Path, *words: str, **environment: str) -> tuple[int, str]:
    """Run `jupyter learntrace status` as the owner of a server's folder."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JUPYTER", "LEARNTRACE_", "LC_", "LANG"))
    }
    found = {
        "PYTHONPATH": str(PACKAGE),
        "HOME": str(folder),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        **environment,
    }
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_learntrace.status", "status", *words],
        env=kept | found,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout
