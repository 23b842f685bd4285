"""The three front ends as a learner uses them in a browser, behind the same methods."""

import re
import secrets
from abc import ABC, abstractmethod
from typing import Protocol

from playwright.sync_api import Locator, Page, expect

from tests.support.waiting import wait_until

# A kernel that starts beside two others on a busy machine.
SLOW = 60_000


# Whether the notebook's kernel is idle and the page is connected to it. The page's own signs say "idle" too while there is no
# kernel yet, and a cell that is run then brings up a dialog instead.
HAS_ITS_KERNEL = """async ([base, notebook]) => {
  const xsrf = document.cookie.match(/\\b_xsrf=([^;]*)/);
  const answer = await fetch(`${base}api/sessions`, {cache: "no-store", headers: xsrf ? {"X-XSRFToken": xsrf[1]} : {}});
  return answer.ok && (await answer.json()).some(one =>
    one.path === notebook && one.kernel?.execution_state === "idle" && one.kernel.connections > 0);
}"""


class FrontEnd(Protocol):
    """One opened front end. `base` is its server's address with a slash at the end; cells count from 0."""

    name: str
    page: Page

    def open(self, base: str, notebook: str) -> None:
        """Open a notebook and wait until its kernel is idle."""

    def run_cell(self, index: int) -> None:
        """Run a cell and wait until it is done."""

    def start_cell(self, index: int, says: str) -> None:
        """Run a cell that first prints something, and wait for that only."""

    def run_all(self) -> None:
        """Run all cells and wait until no one of them waits or runs."""

    def copy_cell(self, index: int) -> None:
        """Copy a cell and paste it below itself."""

    def interrupt(self) -> None:
        """Interrupt the kernel, with the keys for it."""

    def restart(self) -> None:
        """Restart the kernel and wait until it is idle again."""


class Opened(ABC):
    """What all of them have in common: the keys that run a cell, and a prompt that tells how far it is."""

    CELLS: str
    PROMPT: str
    OUTPUT: str

    def __init__(self, page: Page) -> None:
        self.page = page

    @property
    def cells(self) -> Locator:
        return self.page.locator(self.CELLS)

    @abstractmethod
    def _select(self, index: int) -> None:
        """Select a cell in command mode, where keys are commands."""

    @abstractmethod
    def _wait_idle(self) -> None:
        """Wait until the kernel is idle."""

    def wait_done(self) -> None:
        """Wait until no cell waits or runs."""
        expect(self.page.locator(self.PROMPT, has_text="*")).to_have_count(0, timeout=SLOW)
        self._wait_idle()

    def start_cell(self, index: int, says: str) -> None:
        self._select(index)
        self.page.keyboard.press("Control+Enter")
        expect(self.cells.nth(index).locator(self.OUTPUT)).to_contain_text(says)

    def run_cell(self, index: int) -> None:
        prompt = self.cells.nth(index).locator(self.PROMPT)
        before = prompt.inner_text()
        self._select(index)
        self.page.keyboard.press("Control+Enter")
        expect(prompt).not_to_have_text(before, timeout=SLOW)
        self.wait_done()


class LabLike(Opened):
    """What JupyterLab and Notebook 7 have in common: cells and menus."""

    CELLS, PROMPT, OUTPUT = ".jp-Notebook .jp-Cell", ".jp-InputPrompt", ".jp-OutputArea"

    def _wait_connected(self, base: str, notebook: str) -> None:
        expect(self.cells.first).to_be_visible(timeout=SLOW)
        wait_until(
            lambda: self.page.evaluate(HAS_ITS_KERNEL, [base, notebook]), f"the kernel of {notebook}", SLOW / 1000
        )
        self._wait_idle()

    def _wait_idle(self) -> None:
        expect(self.page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').first).to_be_attached(
            timeout=SLOW
        )

    def _select(self, index: int) -> None:
        cell = self.cells.nth(index)
        cell.scroll_into_view_if_needed()
        cell.locator(".jp-InputPrompt, .jp-InputArea-prompt").first.click()
        self.page.keyboard.press("Escape")
        expect(cell).to_have_class(re.compile(r"\bjp-mod-active\b"))

    def _menu(self, menu: str, entry: str | re.Pattern[str]) -> None:
        self.page.locator(".lm-MenuBar-item", has_text=re.compile(f"^{menu}$")).click()
        self.page.locator(".lm-Menu-item").filter(has=self.page.get_by_text(entry, exact=True)).click()

    def start_all(self) -> None:
        """Run all cells, and wait for none."""
        self._select(0)
        self._menu("Run", "Run All Cells")

    def run_all(self) -> None:
        self.start_all()
        self.wait_done()

    def wait_all_queued(self) -> None:
        """Wait until every cell waits or runs."""
        expect(self.page.locator(self.PROMPT, has_text="*")).to_have_count(self.cells.count())

    def copy_cell(self, index: int) -> None:
        before = self.cells.count()
        self._select(index)
        self.page.keyboard.press("c")
        self.page.keyboard.press("v")
        expect(self.cells).to_have_count(before + 1)

    def interrupt(self) -> None:
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("i")
        self.page.keyboard.press("i")
        self.wait_done()

    def restart(self) -> None:
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("0")
        self.page.keyboard.press("0")
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        expect(self.page.locator(".jp-Dialog")).to_have_count(0)
        self._wait_idle()


class Lab(LabLike):
    name = "lab"

    def open(self, base: str, notebook: str) -> None:
        # A workspace of its own: an old one would open what it had open.
        self.page.goto(f"{base}lab/workspaces/{secrets.token_hex(4)}/tree/{notebook}", timeout=SLOW)
        self._wait_connected(base, notebook)


class Notebook7(LabLike):
    name = "notebook"

    def open(self, base: str, notebook: str) -> None:
        self.page.goto(f"{base}notebooks/{notebook}", timeout=SLOW)
        self._wait_connected(base, notebook)


class Classic(Opened):
    name = "classic"
    CELLS, PROMPT, OUTPUT = "#notebook-container > .cell", ".input_prompt", ".output_area"

    def open(self, base: str, notebook: str) -> None:
        self.page.goto(f"{base}notebooks/{notebook}", timeout=SLOW)
        self._wait_idle()

    def _wait_idle(self) -> None:
        self.page.wait_for_function("window.Jupyter?.notebook?.kernel?.is_connected()", timeout=SLOW)
        expect(self.page.locator("#kernel_indicator_icon.kernel_idle_icon")).to_be_attached(timeout=SLOW)

    def _select(self, index: int) -> None:
        cell = self.cells.nth(index)
        cell.scroll_into_view_if_needed()
        cell.locator(".prompt").first.click()
        self.page.keyboard.press("Escape")
        expect(cell).to_have_class(re.compile(r"\bselected\b"))

    def run_all(self) -> None:
        self._select(0)
        self.page.get_by_role("link", name="Cell", exact=True).click()
        self.page.locator("#run_all_cells a").click()
        self.wait_done()

    def copy_cell(self, index: int) -> None:
        before = self.cells.count()
        self._select(index)
        self.page.keyboard.press("c")
        self.page.keyboard.press("v")
        expect(self.cells).to_have_count(before + 1)

    def interrupt(self) -> None:
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("i")
        self.page.keyboard.press("i")
        self.wait_done()

    def restart(self) -> None:
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("0")
        self.page.keyboard.press("0")
        self.page.locator(".modal-footer .btn-danger").click()
        expect(self.page.locator(".modal-backdrop")).to_have_count(0)
        self._wait_idle()


FRONT_ENDS: dict[str, type[Lab] | type[Notebook7] | type[Classic]] = {
    "lab": Lab,
    "notebook7": Notebook7,
    "classic": Classic,
}
