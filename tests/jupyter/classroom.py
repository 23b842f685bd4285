"""A Learntrace, a hub that reports to it, and two servers of learners who work alone: all real, all of one session."""

import contextlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.faults.installation import HOST, Installation
from tests.jupyter.servers import JupyterServer
from tests.support.hub import Hub
from tests.support.paths import CHECKOUT
from tests.support.waiting import wait_until

JUPYTER, CLASSIC, TOGETHER = (CHECKOUT / f".venv-{name}" for name in ("jupyter", "classic", "together"))
READY_HUB = CHECKOUT / "jupyterhub"
ACADEMY = 1
PASSWORD = "programs-are-fun"
# Who works in which front end under the hub. Learntrace knows ada; the others it makes when their first events come.
AT_THE_HUB = {"classic": "ada", "lab": "grace", "notebook7": "katherine"}
# Who works alone: one server has both JupyterLab and Notebook 7.
ALONE = {"classic": "barbara", "lab": "alan", "notebook7": "alan"}
KEYS = {
    name: f"{number:040x}" for number, name in enumerate(("ada", "alan", "barbara", "cara", "teacher"), start=0xABC)
}


class Learntrace(Installation):
    """An installation that knows a hub."""

    hub_api_url = ""

    def environment(self) -> dict[str, str]:
        return super().environment() | {
            "LEARNTRACE_HUB_API_URL": self.hub_api_url,
            "LEARNTRACE_HUB_ACADEMY": "downtown",
        }

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def rows(self, statement: str, *values: object) -> list[dict[str, Any]]:
        with psycopg.connect(self.database_url, autocommit=True, row_factory=dict_row) as connection:
            return connection.execute(statement, values or None).fetchall()

    def executions(self, notebook: str) -> list[dict[str, Any]]:
        """The executions in a notebook, in the order of the learner's clock."""
        return self.rows(
            "SELECT * FROM events WHERE verb = 'executed' AND object->>'notebook' = %s ORDER BY occurred_at, arrival",
            notebook,
        )

    def wait_for_executions(self, notebook: str, count: int, seconds: float = 120) -> list[dict[str, Any]]:
        try:
            wait_until(lambda: len(self.executions(notebook)) >= count, f"{count} executions in {notebook}", seconds)
        finally:
            rows = self.executions(notebook)
            print(*(f"{row['actor']} {row['object']} {row['result']}" for row in rows), sep="\n")
        return rows


@dataclass
class Classroom:
    learntrace: Learntrace
    hub: Hub
    alone: dict[str, JupyterServer]

    def notebooks_of(self, front_end: str, place: str) -> Path:
        return self.hub.folder_of(AT_THE_HUB[front_end]) if place == "hub" else self.alone[front_end].notebooks

    def actor(self, front_end: str, place: str) -> str:
        return (AT_THE_HUB if place == "hub" else ALONE)[front_end]


def roster() -> dict[str, Any]:
    people = {name: number for number, name in enumerate(KEYS, start=501)}
    return {
        "academies": [
            {
                "id": ACADEMY,
                "slug": "downtown",
                "name": "Downtown",
                "settings": {"notebook_features": {"opt_out": True}},
            }
        ],
        "users": [
            {"id": number, "username": name, **({"password": PASSWORD} if name == "teacher" else {})}
            for name, number in people.items()
        ],
        "memberships": [
            {"user": number, "academy": ACADEMY, "role": "admin" if name == "teacher" else "student"}
            for name, number in people.items()
        ],
        "tokens": [{"user": people[name], "key": key, "expires_at": None} for name, key in KEYS.items()],
    }


def alone(folder: Path, venv: Path, words: tuple[str, ...], learner: str, url: str, **more: str) -> JupyterServer:
    """The server of a learner who has a token of Learntrace; `more` is its environment's."""
    return JupyterServer(folder, venv, words, {"LEARNTRACE_URL": url, "LEARNTRACE_TOKEN": KEYS[learner], **more})


def add_kernels(server: JupyterServer) -> None:
    """Give a learner's server kernels besides its own: IPython 8, and Bash."""
    for name, module in (("ipython8", "ipykernel_launcher"), ("bash", "bash_kernel")):
        place = server.folder / "data" / "kernels" / name / "kernel.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        python = str(TOGETHER / "bin" / "python")
        argv = [python, "-m", module, "-f", "{connection_file}"]
        place.write_text(json.dumps({"argv": argv, "display_name": name, "language": "python"}))


def hub_of(folder: Path, learntrace: str) -> Hub:
    """A hub as operators have it: with the ready configuration, set by its variables."""
    return Hub(
        folder,
        config=f"load_subconfig({str(READY_HUB / 'jupyterhub_config.py')!r})",
        environment={
            "HUB_ACCOUNTS": "shared",
            "HUB_PASSWORD": PASSWORD,
            "HUB_STATE": str(folder / "state"),
            "HUB_HOMES": str(folder / "users"),
            "HUB_JUPYTER": str(JUPYTER),
            "HUB_CLASSIC": str(CLASSIC),
            "LEARNTRACE_URL": learntrace,
        },
    )


def start_servers(hub: Hub) -> None:
    """Start each learner's server in the learner's front end, all at once; the hub answers when one can be used."""

    def start(front_end: str, learner: str) -> None:
        hub.make_user(learner)
        hub.ask("POST", f"/users/{learner}/server", json={"front_end": front_end})
        wait_until(lambda: server_of(hub, learner).get("ready"), f"the server of {learner}", 240)

    with ThreadPoolExecutor() as threads:
        for done in [threads.submit(start, *pair) for pair in AT_THE_HUB.items()]:
            done.result()


def server_of(hub: Hub, learner: str) -> dict[str, Any]:
    """What the hub says of a learner's server; nothing where there is none."""
    found: dict[str, Any] = hub.ask("GET", f"/users/{learner}").json()["servers"].get("", {})
    return found


@contextlib.contextmanager
def classroom(folder: Path) -> Iterator[Classroom]:
    """Start all of it, as far as it goes at the same time, and leave nothing of it behind."""
    learntrace = Learntrace(folder / "var")
    hub = hub_of(folder / "hub", learntrace.url)
    learntrace.hub_api_url = hub.api_url
    classic = alone(folder / "classic", CLASSIC, ("notebook",), ALONE["classic"], learntrace.url)
    lab = alone(folder / "lab", JUPYTER, ("lab",), ALONE["lab"], learntrace.url)
    for server in (classic, lab):
        add_kernels(server)
    try:
        learntrace.prepare()
        learntrace.launch()
        hub.start()
        learntrace.wait_ready()
        (folder / "roster.json").write_text(json.dumps(roster()))
        imported = learntrace.command("roster", "import", str(folder / "roster.json"))
        assert imported.wait(60) == 0, learntrace.log()
        for server in (classic, lab):
            server.launch()
        start_servers(hub)
        for server in (classic, lab):
            server.wait_ready()
        yield Classroom(learntrace, hub, {"classic": classic, "lab": lab, "notebook7": lab})
    finally:
        with ThreadPoolExecutor() as threads:
            for stopped in [threads.submit(stop) for stop in (classic.stop, lab.stop, hub.stop, learntrace.clear)]:
                stopped.result()
