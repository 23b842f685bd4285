"""`publish`, against a Learntrace that answers over HTTP."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from learntrace.notebooks.models import Notebook, NotebookAssignment
from tests.authoring.conftest import Run, code, markdown, write
from tests.support.builders import Cast, make_cast, make_key

ONE, TWO = "assignment:lesson-06a-exercise-1", "assignment:lesson-06a-exercise-2"


@pytest.fixture
def lesson(course: Path) -> Path:
    return write(
        course / "lessons" / "lesson_06a.ipynb",
        *(markdown("# Functions"), markdown("## Exercise 1: area"), code("x", ONE), code("# The volume\ny", TWO)),
    )


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return make_cast()


@pytest.fixture
def learntrace(live_server: LiveServer, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Cast:
    """A teacher's environment."""
    monkeypatch.setenv("LEARNTRACE_URL", live_server.url)
    monkeypatch.setenv("LEARNTRACE_TOKEN", make_key(cast.colleague))
    monkeypatch.setenv("LEARNTRACE_ACADEMY", str(cast.academy.pk))
    return cast


def held(slug: str) -> tuple[str, str | None, str, list[tuple[str, str, str]]]:
    notebook = Notebook.objects.select_related("asset").get(asset__slug=slug)
    assignments = [(one.tag, one.cell_id, one.title) for one in notebook.assignments.all()]
    return notebook.asset.title, notebook.asset.lang, notebook.path, assignments


def test_learntrace_knows_the_notebook_then(run: Run, lesson: Path, learntrace: Cast) -> None:
    outcome = run("publish", "lessons", "--lang", "en")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == "lessons/lesson_06a.ipynb: published as lesson-06a; assignments: 2\n"
    assert held("lesson-06a") == (
        "Functions",
        "en",
        "lessons/lesson_06a.ipynb",
        [(ONE, "c2", "Exercise 1: area"), (TWO, "c3", "The volume")],
    )


def test_publishing_again_tells_what_has_changed(run: Run, lesson: Path, learntrace: Cast) -> None:
    run("publish", "lessons")
    run("untag", lesson, "--cell", "2")
    assert run("publish", "lessons").code == 0
    # The heading leads to the first tagged cell below it, which is another one now.
    assert held("lesson-06a")[3] == [(TWO, "c3", "Exercise 1: area")]
    run("untag", lesson, "--cell", "3")
    assert "no cell is tagged" in run("publish", "lessons").out
    assert run("publish", "lessons/lesson_06a.ipynb").code == 0
    assert held("lesson-06a")[3] == []


def test_options_name_slug_title_language_and_the_folder_of_jupyter(run: Run, lesson: Path, learntrace: Cast) -> None:
    words = ["--slug", "funcs", "--title", "Funciones", "--lang", "es", "--root", "lessons"]
    assert run("publish", "lessons/lesson_06a.ipynb", *words).code == 0
    assert held("funcs")[:3] == ("Funciones", "es", "lesson_06a.ipynb")


def test_the_language_of_metadata_or_name_and_else_none(run: Run, course: Path, learntrace: Cast) -> None:
    write(course / "a.es.ipynb", code("x", "assignment:a"))
    write(course / "b.ipynb", code("x", "assignment:b"), language="es")
    write(course / "c.ipynb", code("x", "assignment:c"))
    assert run("publish").code == 0
    assert [held(slug)[1] for slug in ("a-es", "b", "c")] == ["es", "es", None]


def test_dry_run_says_what_would_be_told_and_what_differs_and_tells_nothing(
    run: Run, lesson: Path, learntrace: Cast
) -> None:
    outcome = run("publish", "lessons", "--dry-run")
    assert outcome.code == 0
    assert "lessons/lesson_06a.ipynb: PUT http" in outcome.out
    assert "/v1/notebook/academy/notebook/lesson-06a" in outcome.out
    assert f'+      "tag": "{ONE}"' in outcome.out
    assert not Notebook.objects.exists()
    run("publish", "lessons")
    assert "Learntrace already has exactly this." in run("publish", "lessons", "--dry-run").out
    run("tag", lesson, "-c", "3", "-t", "lesson-06a-exercise-3", "--replace")
    out = run("publish", "lessons", "--dry-run").out
    assert f'-      "tag": "{TWO}"' in out
    assert '+      "tag": "assignment:lesson-06a-exercise-3"' in out
    assert f'-      "tag": "{ONE}"' not in out
    assert held("lesson-06a")[3][1][0] == TWO


def test_errors_of_check_are_told_and_nothing_is_published_unless_forced(
    run: Run, lesson: Path, course: Path, learntrace: Cast
) -> None:
    write(course / "lessons" / "lesson_07.ipynb", code("x", "assignment:lesson-08-exercise-1"))
    outcome = run("publish", "lessons")
    assert outcome.code == 1
    assert "should begin with assignment:lesson-07-" in outcome.err
    assert "Nothing was published" in outcome.err
    assert not Notebook.objects.exists()
    assert run("publish", "lessons", "--force").code == 0
    assert Notebook.objects.count() == 2


def test_what_learntrace_does_not_take_is_told_at_the_cell(
    run: Run, lesson: Path, course: Path, learntrace: Cast
) -> None:
    run("publish", "lessons")
    (course / "lessons" / "lesson_06a.ipynb").rename(course / "functions.ipynb")
    outcome = run("publish", "functions.ipynb")
    assert outcome.code == 1
    assert "cell 2 (id c2), assignment:lesson-06a-exercise-1: " in outcome.err
    assert "already published by the notebook lesson-06a" in outcome.err
    outcome = run("publish", "functions.ipynb", "--lang", "a-long-language")
    assert "functions.ipynb: `lang`: " in outcome.err


def test_a_tag_longer_than_learntrace_takes_is_told_at_its_cell(run: Run, course: Path, learntrace: Cast) -> None:
    long = "assignment:" + "a" * 300
    write(course / "x.ipynb", code("a", "assignment:b"), code("b", long))
    outcome = run("publish", "x.ipynb")
    assert outcome.code == 1
    assert f"cell 1 (id c1), {long}: `tag`: " in outcome.err


def test_one_notebook_that_is_refused_does_not_keep_back_the_others(
    run: Run, lesson: Path, course: Path, learntrace: Cast
) -> None:
    write(course / "a.ipynb", code("x", "assignment:a"))
    write(course / "b.ipynb", code("x", "assignment:" + "b" * 300))
    outcome = run("publish", "a.ipynb", "b.ipynb", "lessons")
    assert (outcome.code, Notebook.objects.count()) == (1, 2)
    assert not NotebookAssignment.objects.filter(tag__startswith="assignment:bb").exists()


def test_two_notebooks_of_one_slug_are_refused(run: Run, course: Path, learntrace: Cast) -> None:
    write(course / "en" / "intro.ipynb", code("x", "assignment:a"))
    write(course / "es" / "intro.ipynb", code("x", "assignment:b"))
    outcome = run("publish")
    assert (outcome.code, "would be published as intro, as en/intro.ipynb is" in outcome.err) == (1, True)
    assert not Notebook.objects.exists()


def test_long_titles_are_cut_to_what_learntrace_holds(run: Run, course: Path, learntrace: Cast) -> None:
    write(course / "x.ipynb", markdown("# " + "long " * 60), markdown("## " + "ñ" * 300), code("x", "assignment:a"))
    assert run("publish").code == 0
    title, _lang, _path, assignments = held("x")
    assert len(title) == len(assignments[0][2]) == 200


@pytest.mark.parametrize(("name", "told"), [("stranger", "403"), ("owner", "403")])
def test_who_may_not_publish_is_told(
    run: Run, lesson: Path, learntrace: Cast, monkeypatch: pytest.MonkeyPatch, name: str, told: str
) -> None:
    monkeypatch.setenv("LEARNTRACE_TOKEN", make_key(getattr(learntrace, name)))
    for words in ([], ["--dry-run"]):
        outcome = run("publish", "lessons", *words)
        assert (outcome.code, f"Learntrace refused it ({told})" in outcome.err) == (1, True)


def test_a_bad_token_is_told_and_not_shown(
    run: Run, lesson: Path, learntrace: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEARNTRACE_TOKEN", "not-a-token")
    outcome = run("publish", "lessons")
    assert "Learntrace refused it (401)" in outcome.err
    assert "not-a-token" not in outcome.out + outcome.err


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("LEARNTRACE_URL", "", "No server is set"),
        ("LEARNTRACE_URL", "ftp://x", "LEARNTRACE_URL isn't an http or https address"),
        ("LEARNTRACE_TOKEN", "", "No token is set"),
        ("LEARNTRACE_ACADEMY", "", "No academy is set"),
        ("LEARNTRACE_ACADEMY", "downtown", "is the id of an academy, a number"),
    ],
)
def test_what_is_not_set_is_told(
    run: Run, lesson: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    for key, given in {
        "LEARNTRACE_URL": "http://127.0.0.1:1",
        "LEARNTRACE_TOKEN": "t",
        "LEARNTRACE_ACADEMY": "1",
    }.items():
        monkeypatch.setenv(key, value if key == name else given)
    outcome = run("publish", "lessons")
    assert (outcome.code, told in outcome.err) == (1, True)


def test_slug_and_title_are_for_one_notebook(run: Run, lesson: Path, course: Path) -> None:
    write(course / "x.ipynb", code("x"))
    assert run("publish", "--slug", "a").code == 2
    assert run("publish", "--title", "a").code == 2


def test_a_notebook_outside_of_the_folder_of_jupyter_is_refused(run: Run, lesson: Path, course: Path) -> None:
    (course / "other").mkdir()
    outcome = run("publish", "lessons", "--root", "other")
    assert (outcome.code, "it isn't below other: use --root" in outcome.err) == (1, True)


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """A server that sends whoever comes on to another, and what that other was sent."""
    seen: list[str] = []

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["Authorization"])
            self.send_response(200)
            self.end_headers()

        def do_PUT(self) -> None:
            self.do_GET()

        def log_message(self, *_arguments: object) -> None:
            pass

    class Redirecting(Other):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:{servers[0].server_port}/x")
            self.end_headers()

    servers = [ThreadingHTTPServer(("127.0.0.1", 0), kind) for kind in (Other, Redirecting)]
    threads = [threading.Thread(target=server.serve_forever) for server in servers]
    for thread in threads:
        thread.start()
    yield f"http://127.0.0.1:{servers[1].server_port}", seen
    for server, thread in zip(servers, threads, strict=True):
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_token_follows_no_redirect(
    run: Run, lesson: Path, elsewhere: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, seen = elsewhere
    monkeypatch.setenv("LEARNTRACE_TOKEN", "secret")
    for words in (["--dry-run"], []):
        outcome = run("publish", "lessons", "--url", url, "--academy", "1", *words)
        assert (outcome.code, "redirects to http://127.0.0.1" in outcome.err) == (1, True)
    assert seen == []


def test_a_server_that_is_away_is_told(run: Run, lesson: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEARNTRACE_TOKEN", "secret")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        outcome = run("publish", "lessons", "--url", f"http://127.0.0.1:{port}", "--academy", "1")
    assert (outcome.code, f"Learntrace at http://127.0.0.1:{port} can't be reached" in outcome.err) == (1, True)


def test_what_is_told_is_json_of_the_designs_form(run: Run, lesson: Path, learntrace: Cast) -> None:
    out = run("publish", "lessons", "--dry-run", "--lang", "en").out
    body = json.JSONDecoder().raw_decode(out[out.index("{\n") :])[0]
    assert body == {
        "title": "Functions",
        "path": "lessons/lesson_06a.ipynb",
        "lang": "en",
        "assignments": [
            {"tag": ONE, "cell_id": "c2", "title": "Exercise 1: area"},
            {"tag": TWO, "cell_id": "c3", "title": "The volume"},
        ],
    }
