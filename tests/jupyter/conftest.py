"""One classroom and one browser for all tests here, and the wheel that they are about."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import chromium
from tests.browser.pages import PATIENCE
from tests.jupyter import classroom as room
from tests.jupyter.classroom import AT_THE_HUB, CLASSIC, PASSWORD, READY_HUB, Classroom, alone
from tests.jupyter.front_ends import FRONT_ENDS, FrontEnd
from tests.jupyter.hub_pages import sign_in
from tests.jupyter.lesson import CELLS, Cell, write_lesson
from tests.jupyter.servers import JupyterServer
from tests.support.folders import folder_on_disk

NewPage = Callable[..., Page]

expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith("tests/jupyter/"):
            item.add_marker("browser")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium.opened() as started:
        yield started


@pytest.fixture(scope="package")
def environments() -> None:
    """The built wheel in all environments, and the hub's proxy."""
    needed = {
        "jupyter-learntrace in .venv-jupyter": any(room.JUPYTER.glob("lib/python*/site-packages/jupyter_learntrace-*")),
        "jupyter-learntrace in .venv-classic": any(room.CLASSIC.glob("lib/python*/site-packages/jupyter_learntrace-*")),
        "jupyter-learntrace in .venv-together": any(
            room.TOGETHER.glob("lib/python*/site-packages/jupyter_learntrace-*")
        ),
        "the proxy in jupyterhub/node_modules": (room.READY_HUB / "node_modules").exists(),
        "jupyterhub/custom/custom.js": (room.READY_HUB / "custom" / "custom.js").exists(),
    }
    if missing := [what for what, is_there in needed.items() if not is_there]:
        pytest.fail(f"these tests need {', '.join(missing)}: `make jupyter` installs it", pytrace=False)


@pytest.fixture(scope="package")
def classroom(environments: None, browser: Browser) -> Iterator[Classroom]:
    with folder_on_disk() as folder, room.classroom(folder) as started:
        yield started


@pytest.fixture(autouse=True)
def _what_the_servers_said(request: pytest.FixtureRequest) -> Iterator[None]:
    """Show the ends of the logs where a test fails."""
    before = request.session.testsfailed
    yield
    if request.session.testsfailed > before and "classroom" in request.fixturenames:
        started: Classroom = request.getfixturevalue("classroom")
        print(started.learntrace.log_tail(), started.hub.log[-3000:], sep="\n--- the hub ---\n")
        for server in {id(one): one for one in started.alone.values()}.values():
            print(f"--- {server.folder.name} ---\n{server.log[-2000:]}")


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    """Open a page of somebody new: no cookies, nothing stored."""
    contexts: list[BrowserContext] = []

    def make(language: str = "en") -> Page:
        context = browser.new_context(locale=language, viewport={"width": 1280, "height": 900})
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()


class Desk:
    """A learner in a front end, alone or at the hub, with a notebook opened."""

    def __init__(self, classroom: Classroom, front_end: str, place: str, new_page: NewPage) -> None:
        self.classroom, self.kind, self.place = classroom, front_end, place
        self.notebook = f"{front_end}-{place}.ipynb"
        self.actor = classroom.actor(front_end, place)
        self.front_end: FrontEnd = FRONT_ENDS[front_end](new_page())
        if place == "hub":
            self.base = f"{classroom.hub.url}user/{AT_THE_HUB[front_end]}/"
            sign_in(self.page, classroom.hub.url, self.actor, PASSWORD)
        else:
            server = classroom.alone[front_end]
            self.base = server.url
            self.page.goto(f"{server.url}api/status?token={server.token}")

    @property
    def page(self) -> Page:
        return self.front_end.page

    def open(self, cells: tuple[Cell, ...] = CELLS, notebook: str = "", kernel: str = "python3") -> FrontEnd:
        """Write the lesson into the learner's folder and open it."""
        self.notebook = notebook or self.notebook
        write_lesson(self.classroom.notebooks_of(self.kind, self.place) / self.notebook, cells, kernel)
        self.front_end.open(self.base, self.notebook)
        return self.front_end


Sit = Callable[..., Desk]


@pytest.fixture
def sit(classroom: Classroom, new_page: NewPage) -> Sit:
    """Sit down: `sit("lab", "hub")`, `sit("classic", "alone")`."""
    return lambda front_end, place: Desk(classroom, front_end, place, new_page)


@pytest.fixture
def custom_alone(classroom: Classroom) -> Iterator[JupyterServer]:
    """Classic Notebook with the hub's custom.js in its configuration folder, and the nbextension turned off."""
    with folder_on_disk() as folder:
        # What stands here counts more than what the wheel put into the environment.
        first = folder / "first"
        off = {"load_extensions": {"jupyter-learntrace/main": False}}
        put(first / "nbconfig" / "notebook.json", json.dumps(off))
        url = classroom.learntrace.url
        server = alone(folder / "custom", CLASSIC, ("notebook",), "cara", url, JUPYTER_CONFIG_PATH=str(first))
        put(server.folder / "config" / "custom" / "custom.js", (READY_HUB / "custom" / "custom.js").read_text())
        server.start()
        yield server
        server.stop()


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
