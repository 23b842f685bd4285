"""Debian's chromium for playwright, with nothing but the pages of this machine.

`chromium-headless-shell`, the same without a window to draw, where it is: a page costs it a quarter of the processor time.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

MISSING = (
    "these tests need a chromium: apt-get install chromium-headless-shell (Debian) or chromium, or put one on the path under "
    "one of these names; LEARNTRACE_SKIP_BROWSER=1 leaves them out"
)
_ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
# Features that are turned off. Chromium reads the last such list only, so playwright's own is here again, after ours: the
# popups of the address bar, which nobody sees here, are two pages more for every page, and half of the work that it makes.
_WITHOUT = (
    "WebUIOmniboxPopup", "WebUIOmniboxAimPopup",
    "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding", "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect", "OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled",
    "PreconnectToSearch",
)  # fmt: skip


def find() -> str | None:
    """Where chromium is; None where it isn't."""
    return shutil.which("chromium-headless-shell") or shutil.which("chromium")


def launch(playwright: Playwright) -> Browser:
    """Start it without a window."""
    arguments = [*_ARGUMENTS, f"--disable-features={','.join(_WITHOUT)}"]
    return playwright.chromium.launch(executable_path=find(), args=arguments)


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
