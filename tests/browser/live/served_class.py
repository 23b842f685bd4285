"""A class on a real installation, with its stream: its people, their work just now, and browsers of its teachers."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.pages import PATIENCE
from tests.browser.scene import PASSWORD
from tests.faults.installation import Installation
from tests.support.folders import folder_on_disk
from tests.support.notebooks import make_event

_KEY = "c0ffee" * 6 + "{:04x}"
_FIRST_LEARNER = 7
_STAFF = ((20, "tomas", "Tomás", "Rivera", "teacher"), (21, "alan", "Alan", "Turing", "assistant"))


@contextmanager
def served_class(learners: Sequence[str]) -> Iterator[Installation]:
    """Serve an academy with these learners, a teacher (tomas) and an assistant (alan), who sign in with PASSWORD.

    A learner's user name is the first name in small letters.
    """
    with folder_on_disk() as folder:
        installation = Installation(folder / "home")
        path = folder / "roster.json"
        path.write_text(json.dumps(_roster(learners)))
        try:
            installation.prepare()
            installation.start()
            assert installation.command("roster", "import", str(path)).wait(60) == 0
            yield installation
        finally:
            installation.clear()


def _roster(learners: Sequence[str]) -> dict[str, Any]:
    people = [
        (number, name.partition(" ")[0].lower(), *name.partition(" ")[::2], "student")
        for number, name in enumerate(learners, _FIRST_LEARNER)
    ]
    everybody = [*people, *_STAFF]
    return {
        "academies": [{"id": 1, "slug": "downtown", "name": "Downtown"}],
        "users": [
            {"id": number, "username": username, "email": f"{username}@example.org", "first_name": first,
             "last_name": last, "password": PASSWORD}
            for number, username, first, last, _role in everybody
        ],
        "memberships": [{"user": number, "academy": 1, "role": role} for number, *_names, role in everybody],
        "tokens": [{"user": number, "key": _KEY.format(number), "kind": "permanent"} for number, *_names in people],
    }  # fmt: skip


def run(installation: Installation, learner: int, assignment: str, times: int = 1, *, failing: bool = True) -> None:
    """Have a learner, by the place among the learners, run an assignment's code just now; the same each time."""
    tag = f"assignment:{assignment}"
    for _attempt in range(times):
        event = make_event(object={**make_event()["object"], "assignment": tag, "tags": [tag]})
        if not failing:
            event["result"] = {"outcome": "ok"}
        key = _KEY.format(_FIRST_LEARNER + learner)
        status, _answer = installation.request("POST", "/v1/notebook/me/events", key, json.dumps([event]))
        assert status == 200


def open_class_now(
    browser: Browser,
    installation: Installation,
    contexts: list[BrowserContext],
    name: str,
    script: str = "",
    **more: Any,
) -> Page:
    """Sign in as somebody in a browser of one's own, which shows Class now; `script` runs before each page's own."""
    context = browser.new_context(base_url=f"http://127.0.0.1:{installation.port}", locale="en", **more)
    contexts.append(context)
    context.set_default_timeout(PATIENCE)
    if script:
        context.add_init_script(script)
    page = context.new_page()
    page.goto("/sign-in")
    page.get_by_label("E-mail address or user name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("[data-streaming='1']")).to_be_visible()
    return page
