"""Debian's chromium for playwright, with nothing but the pages of this machine."""

import contextlib
import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

MISSING = (
    "these tests need chromium: apt-get install chromium (Debian, Ubuntu), or put one on the path under that name; "
    "LEARNTRACE_SKIP_BROWSER=1 leaves them out"
)
_ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


def find() -> str | None:
    """Where chromium is; None where it isn't."""
    return shutil.which("chromium")


def launch(playwright: Playwright) -> Browser:
    """Start it without a window."""
    return playwright.chromium.launch(executable_path=find(), args=list(_ARGUMENTS))


@contextlib.contextmanager
def opened() -> Iterator[Browser]:
    """The browser of a package of tests; they fail, or are left out where that is wanted, on a machine without one."""
    if find() is None:
        if os.environ.get("LEARNTRACE_SKIP_BROWSER") == "1":
            pytest.skip(MISSING)
        pytest.fail(MISSING, pytrace=False)
    with pytest.MonkeyPatch.context() as patch:
        # Playwright's loop runs in this thread, whose database work is nevertheless nobody else's.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with sync_playwright() as playwright:
            started = launch(playwright)
            yield started
            started.close()
