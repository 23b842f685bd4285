"""One state everywhere: random histories of a class over HTTP, and every place that shows a state or a count of an assignment.

What a learner has done is told by a model of its own here; LEARNTRACE_TEST_SEED=n repeats the histories of another run.
"""

import os
import random
import re
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from learntrace.accounts.models import Academy, Grant, User
from learntrace.assignments.models import AssignmentTelemetry
from learntrace.core.models import LiveEvent
from learntrace.learnpack.attempts.derivation import take_attempts
from learntrace.learnpack.processing import drain
from learntrace.measures.learner_state import STATES
from learntrace.notebooks.documents.arrivals import take_arrivals
from learntrace.notebooks.documents.telemetry_queue import make_documents
from learntrace.progress.models import Recomputation
from learntrace.progress.recording import recomputation
from learntrace.progress.step_lists import publish_manifests
from learntrace.registry.models import Asset
from learntrace.signals.notifications.claims import claim_next
from tests.browser.pages import Visit
from tests.browser.scene import beat
from tests.support.builders import Api, make_academy, make_graded_asset, make_key, make_task, make_user
from tests.support.csv_files import read_csv
from tests.support.learnpack_inbox import Client as LearnPackClient
from tests.support.notebooks import Sender, make_event
from tests.support.notifications import make_rule

LEARNERS, IN_BROWSER = 200, 10
SEED = int(os.environ.get("LEARNTRACE_TEST_SEED", "11"))
PLAIN, PUBLISHED, SEEN = (f"assignment:lesson-01-exercise-{number}" for number in (1, 2, 3))
PACKAGE = "python-steps"
READING, TESTED, COMPILED, QUIZ = (f"{PACKAGE}/{slug}" for slug in ("00-read", "01-test", "02-run", "03-quiz"))
KEYS = (PLAIN, PUBLISHED, SEEN, READING, TESTED, COMPILED, QUIZ)
TROUBLE = {"stuck", "consecutive_errors", "repeated_error", "wheel_spinning"}
WORDS = {
    "not_started": "Not started",
    "working": "Working",
    "struggling": "Struggling",
    "stuck": "Stuck",
    "done": "Done",
}


@dataclass
class History:
    """What a learner did: the events of notebooks, the last document of the package, and what it makes done."""

    user: User
    events: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    checked: dict[str, datetime] = field(default_factory=dict)
    ran: dict[str, datetime] = field(default_factory=dict)
    last_failed: dict[str, bool] = field(default_factory=dict)

    def done(self, key: str) -> tuple[datetime | None, str | None, bool]:
        """When and because of what the assignment is done, and whether the last attempt failed since."""
        ran = {} if key in (PUBLISHED, SEEN, TESTED) else self.ran
        moments = [moments[key] for moments in (self.checked, ran) if key in moments]
        because = ("checked" if key in self.checked else "ran") if moments else None
        return min(moments, default=None), because, bool(moments) and self.last_failed.get(key, False)

    def note(self, key: str, at: datetime, *, ok: bool, checks: bool) -> None:
        if ok:
            (self.checked if checks else self.ran).setdefault(key, at)
        self.last_failed[key] = not ok


def histories(users: list[User], now: datetime) -> list[History]:
    chance = random.Random(SEED)
    return [_history(user, now, chance) for user in users]


def _history(user: User, now: datetime, chance: random.Random) -> History:
    history = History(user)
    # All of it more than a quarter of an hour ago: no timer is due while the test looks.
    at = (now - timedelta(minutes=100)).replace(microsecond=0)
    for key in (PLAIN, PUBLISHED, SEEN):
        at = _work_in_notebook(history, key, at, chance)
    history.steps = [_step(history, key, at, chance) for key in (READING, TESTED, COMPILED, QUIZ)]
    return history


def _work_in_notebook(history: History, key: str, at: datetime, chance: random.Random) -> datetime:
    gives_up, code = chance.random(), "a"
    for _run in range(chance.choice([0, 1, 2, 4, 7])):
        at += timedelta(seconds=chance.choice([5, 40, 170]))
        is_check, ok = key != PLAIN and chance.random() < 0.3, chance.random() > 0.4 + gives_up / 2
        code = chance.choice([code, code, "b", "c"])
        expected = not ok and chance.random() < 0.1
        tags = [key, *(["raises-exception"] if expected else [])]
        about = {"type": "cell", "id": f"{key}-{is_check}", "assignment": key, "code_hash": code * 64, "tags": tags}
        result: dict[str, Any] = {"outcome": "ok"}
        if not ok:
            # The kernel's reply and the cell's outputs may differ: an error among these is one.
            error = {"ename": chance.choice(["NameError", "TypeError"]), "evalue": "it broke"}
            shown = {"outcome": "ok", "outputs": [{"output_type": "error", **error}]}
            replied = {"outcome": "error", "error_name": error["ename"], "error_value": error["evalue"]}
            result = chance.choice([shown, replied])
        history.events.append(
            make_event(
                id=str(uuid.UUID(int=chance.getrandbits(128), version=4)),
                actor=history.user.username,
                timestamp=at.isoformat(),
                object=about | ({"part": "check"} if is_check else {}),
                result=result,
            )
        )
        history.note(key, at, ok=ok or expected, checks=is_check)
    return at


def _step(history: History, key: str, at: datetime, chance: random.Random) -> dict[str, Any]:
    slug = key.partition("/")[2]
    step: dict[str, Any] = {"slug": slug, "title": slug, "is_testeable": key == TESTED}
    if chance.random() < 0.3:
        return step
    step["opened_at"] = ms(at)
    kinds = {TESTED: ["compilations", "tests"], COMPILED: ["compilations"], QUIZ: ["quiz_submissions"]}.get(key, [])
    for _run in range(chance.choice([0, 1, 3, 5])):
        if kinds:
            at += timedelta(seconds=chance.choice([20, 200]))
            kind, ok = chance.choice(kinds), chance.random() < 0.4
            outcome = (
                {"status": "SUCCESS" if ok else "ERROR"} if kind == "quiz_submissions" else {"exit_code": int(not ok)}
            )
            step.setdefault(kind, []).append({"started_at": ms(at), "ended_at": ms(at), **outcome})
            history.note(key, at, ok=ok, checks=kind != "compilations")
    for _question in range(chance.choice([0, 0, 2])):
        step.setdefault("ai_interactions", []).append({"started_at": ms(at + timedelta(seconds=1))})
    if chance.random() < 0.25:
        at += timedelta(seconds=30)
        step["completed_at"] = ms(at)
        history.note(key, at, ok=True, checks=True)
    return step


def ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


@dataclass(frozen=True)
class Course:
    """The class after all that was sent, and what the API says of each learner's assignments."""

    academy: Academy
    teacher: User
    histories: list[History]
    states: Mapping[tuple[int, str], dict[str, Any]]

    def state(self, user_id: int, key: str) -> str:
        state: str = self.states[user_id, key]["state"]
        return state

    def word(self, user_id: int, key: str) -> str:
        told = self.states[user_id, key]
        return "Done, trying again" if told["trying_again"] else WORDS[told["state"]]

    def count(self, state: str, key: str) -> int:
        return sum(told["state"] == state for (_user, of), told in self.states.items() if of == key)

    def done_by(self, user_id: int, keys: tuple[str, ...] = KEYS) -> int:
        return sum(self.state(user_id, key) == "done" for key in keys)


def name_of(key: str) -> str:
    return key.removeprefix("assignment:")


@pytest.fixture
def course(browser: Browser, live_server: LiveServer) -> Course:
    academy = make_academy("downtown")
    teacher = make_user("tomas", "admin", academy, first_name="Tomás", last_name="Rivera")
    service = make_user("hub", "staff", academy)
    Grant.objects.create(user=service, permission="upload_any_telemetry")
    users = [make_user(f"learner-{number:03}", "student", academy) for number in range(LEARNERS)]
    make_rule(teacher, academy)
    api = Api(teacher, academy)
    published = [{"tag": key, "check": key == PUBLISHED} for key in (PLAIN, PUBLISHED, SEEN)]
    notebook = {"path": "one.ipynb", "assignments": published}
    assert api.put("/v1/notebook/academy/notebook/lesson-01", notebook).status_code == 200
    manifest = {"steps": [{"slug": key.partition("/")[2]} for key in KEYS[3:]]}
    package = make_graded_asset(PACKAGE, academy=academy, manifest=manifest)
    publish_manifests([package.pk])
    for user in users:
        make_task(user, PACKAGE)
        make_task(user, "lesson-01")
    done = histories(users, timezone.now())
    # In a thread of its own: playwright's loop runs in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(_send, done, make_key(service), academy, package).result()
    _work()
    beat()
    return Course(academy, teacher, done, _states(api))


def _send(done: list[History], key: str, academy: Academy, package: Asset) -> None:
    """Send everything, the events of the class shuffled."""
    events = [event for history in done for event in history.events]
    random.Random(SEED).shuffle(events)
    with Sender(key) as sender:
        for start in range(0, len(events), 400):
            answer = sender.send(*events[start : start + 400], Academy=str(academy.pk))
            assert answer["rejected"] == [], answer
    bodies = [
        {
            "slug": PACKAGE, "user_id": history.user.pk, "steps": history.steps, "telemetry_id": f"t{history.user.pk}",
            "last_interaction_at": ms(timezone.now()),
        }
        for history in done
    ]  # fmt: skip
    client = LearnPackClient(key)
    for start in range(0, len(bodies), 50):
        answers = client.post_all(bodies[start : start + 50], f"asset_id={package.pk}")
        assert {answer.status_code for answer in answers} == {200}
    client.loop.run_until_complete(client.door.close())
    client.loop.close()


def _work() -> None:
    """Do what the workers do, until nothing is left."""
    while take_arrivals() + drain.drain_webhooks() + take_attempts():
        pass
    Recomputation.objects.filter(done_at__isnull=True).update(due_at=timezone.now() - timedelta(seconds=1))
    while recomputation.take_recomputation():
        pass
    assert not Recomputation.objects.exclude(fault="").exists()
    while make_documents():
        pass


def _states(api: Api) -> dict[tuple[int, str], dict[str, Any]]:
    states: dict[tuple[int, str], dict[str, Any]] = {}
    for key in KEYS:
        rows = api.get(f"/v1/progress/academy/assignment/{key}/learner?limit=1000").json()["results"]
        states |= {(row["learner"]["id"], key): row for row in rows}
    return states


def test_every_place_says_the_same_of_every_learner(course: Course, visit: Visit) -> None:
    _as_the_histories_say(course)
    _in_the_api(course)
    _on_the_pages_of_the_class(course)
    _on_the_pages_of_assignments(course)
    _on_the_pages_of_learners(course)
    _in_what_is_sent(course)
    _in_a_browser(course, visit)
    assert {told["state"] for told in course.states.values()} == set(STATES)
    for history in course.histories[::4]:
        with transaction.atomic():
            assert recomputation.recompute_learner(history.user.pk) == recomputation.Changed(), history.user


def _as_the_histories_say(course: Course) -> None:
    api = Api(course.teacher, course.academy)
    signals = api.get("/v1/signal/academy/signal?state=open,acknowledged&limit=1000").json()["results"]
    open_kinds: dict[tuple[int, str], set[str]] = {}
    for signal in signals:
        open_kinds.setdefault((signal["learner"]["id"], signal["assignment"]), set()).add(signal["kind"])
    for history in course.histories:
        for key in KEYS:
            told, kinds = course.states[history.user.pk, key], open_kinds.get((history.user.pk, key), set()) & TROUBLE
            done_at, because, again = history.done(key)
            where = (SEED, history.user.username, key)
            if done_at:
                assert told["state"] == "done", where
                assert datetime.fromisoformat(told["done_at"]) == datetime.fromisoformat(told["since"]) == done_at, (
                    where
                )
                assert (told["done_because"], told["trying_again"]) == (because, again), where
                assert because == "ran" or not kinds, where
            elif kinds:
                assert told["state"] == ("stuck" if "stuck" in kinds else "struggling"), where
            else:
                assert told["state"] == ("working" if told["last_seen_at"] else "not_started"), where
            assert (told["state"] == "not_started") == (told["since"] is None), where


def _in_the_api(course: Course) -> None:
    api = Api(course.teacher, course.academy)
    for row in api.get("/v1/progress/academy/assignment?limit=100").json()["results"]:
        assert row["learners_done"] == course.count("done", row["assignment"]), row["assignment"]
    rows = {row["learner"]["id"]: row for row in api.get("/v1/progress/academy/learner?limit=1000").json()["results"]}
    for history in course.histories:
        user = history.user.pk
        assert rows[user]["done"] == course.done_by(user)
    for row in api.get("/v1/progress/academy/asset?limit=100").json()["results"]:
        keys = KEYS[3:] if row["asset"]["slug"] == PACKAGE else KEYS[:3]
        assert row["done"] == sum(course.done_by(history.user.pk, keys) for history in course.histories)
    for history in course.histories[::5]:
        for row in api.get(f"/v1/progress/academy/learner/{history.user.pk}").json()["by_assignment"]:
            told = course.states[history.user.pk, row["assignment"]]
            assert {name: row[name] for name in told if name not in ("learner", "signals")} == {
                name: told[name] for name in told if name not in ("learner", "signals")
            }


def text_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return unescape(answer.content.decode())


def part_of(page: str, part: str) -> str:
    """The text of a part of a page, without its marks."""
    found = re.search(rf'data-part="{part}"[^>]*>(.*?)</(?:tbody|tfoot|ul|section)>', page, re.DOTALL)
    assert found, part
    return found[1]


def rows_of(part: str) -> Iterator[tuple[str, str]]:
    for name, row in re.findall(r'<tr data-row="([^"]*)"[^>]*>(.*?)</tr>', part, re.DOTALL):
        yield name, re.sub(r"<[^>]+>", " ", row)


def _on_the_pages_of_the_class(course: Course) -> None:
    client = Client()
    client.force_login(course.teacher)
    users = {history.user.username: history.user.pk for history in course.histories}
    for row in read_csv(client, "/class"):
        for key in KEYS:
            assert row[name_of(key)] == course.word(users[row["User name"]], key), (row["User name"], key)
    page = text_of(client, "/class")
    counts = re.findall(r"<td>(\d+)</td>", part_of(page, "class"))
    columns = [
        f"assignment/{name}"
        for name in re.findall(r'scope="col" class="assignment".*?href="/assignment/([^"?]*)', page)
    ]
    assert [int(count) for count in counts] == [course.count("done", _key(column)) for column in columns]
    for name, user in re.findall(r'href="/assignment/([^"]*?)/learner/(\d+)\?[^"]*#evidence', page):
        assert course.state(int(user), _key(name)) != "done", (name, user)
    for row in read_csv(client, "/assignments"):
        assert int(row["Done"]) == course.count("done", _key(row["Assignment"]))
    for name, row_text in rows_of(part_of(text_of(client, "/assignments"), "assignments")):
        assert f" {course.count('done', name)}/{LEARNERS}" in row_text, name
    for step, row_text in rows_of(part_of(text_of(client, f"/asset/{PACKAGE}"), "steps")):
        assert re.search(rf"\s{course.count('done', f'{PACKAGE}/{step}')}\s", row_text), step


def _on_the_pages_of_assignments(course: Course) -> None:
    client = Client()
    client.force_login(course.teacher)
    users = {history.user.username: history.user.pk for history in course.histories}
    for key in KEYS:
        path = f"/assignment/{name_of(key)}"
        for row in read_csv(client, path, "learners"):
            assert row["State"] == course.word(users[row["User name"]], key)
        page = text_of(client, path)
        legend = re.sub(r"<[^>]+>", " ", part_of(page, "standing"))
        for state, word in WORDS.items():
            assert re.search(rf"{word}\s+{course.count(state, key)}\b", legend), (key, state)
        for user, row_text in rows_of(part_of(page, "learners")):
            assert course.word(int(user), key) in row_text


def _key(name: str) -> str:
    name = name.removeprefix("assignment/")
    return name if "/" in name else f"assignment:{name}"


def _on_the_pages_of_learners(course: Course) -> None:
    teacher, learner = Client(), Client()
    teacher.force_login(course.teacher)
    for row in read_csv(teacher, "/learners"):
        user = next(history.user.pk for history in course.histories if history.user.username == row["User name"])
        assert int(row["Done"]) == course.done_by(user)
    for history in course.histories[::8]:
        user = history.user.pk
        page = text_of(teacher, f"/learner/{user}")
        assert re.search(rf"{course.done_by(user)}/{len(KEYS)}</b>", page)
        assert f"; {course.done_by(user)} of {len(KEYS)} done.</p>" in page
        for name, row_text in rows_of(part_of(page, "states")):
            assert course.word(user, _key(name)) in row_text
        for row in read_csv(teacher, f"/learner/{user}", "assignments"):
            assert row["State"] == course.word(user, _key(row["Assignment"]))
        learner.force_login(history.user)
        own = {_key(row["Assignment"]): row["State"] for row in read_csv(learner, "/me", "assignments")}
        assert own == {key: course.word(user, key) for key in own}
        assert f"{course.done_by(user, tuple(own))}/{len(own)}</b>" in text_of(learner, "/me")


def _in_what_is_sent(course: Course) -> None:
    """The stream's last word on each assignment, the telemetry of notebooks, and whom notifications are about."""
    last = {}
    for event in LiveEvent.objects.filter(kind="progress").order_by("pk").values_list("data", flat=True):
        last[event["learner"], event["assignment"]] = event
    for place, event in last.items():
        told = course.states[place]
        for name in ("state", "done_because", "done_by", "trying_again"):
            assert event[name] == told[name], (SEED, place, name)
    for user, document in AssignmentTelemetry.objects.filter(asset_slug="lesson-01").values_list("user", "telemetry"):
        done = [f"assignment:{step['slug']}" for step in document["steps"] if "completed_at" in step]
        assert sorted(done) == [key for key in KEYS[:3] if course.state(user, key) == "done"]
    delivery = claim_next(timezone.now() + timedelta(minutes=1))
    assert delivery is not None
    for signal in delivery.signals:
        assert not signal.assignment or course.state(signal.user_id, signal.assignment) != "done"


def _in_a_browser(course: Course, visit: Visit) -> None:
    shown = random.Random(SEED).sample(course.histories, IN_BROWSER)
    page = visit("/class", course.teacher)
    for history in shown:
        user = history.user.pk
        page.goto(f"/learner/{user}")
        cells = page.locator("[data-part=states] tr:not(.group)").all()
        told = {_key(cell.get_attribute("data-row") or ""): cell.locator("td.state").inner_text() for cell in cells}
        assert set(told) == set(KEYS)
        for key, text in told.items():
            assert text.strip().startswith(course.word(user, key)), (SEED, user, key)
    page = visit("/me", shown[0].user)
    figures = page.locator("[data-part=figures] b").first.inner_text()
    assert figures == f"{course.done_by(shown[0].user.pk)}/{len(KEYS)}"
