"""Class now and the pages around it: what they tell, in how many queries, and that nothing in them is taken for markup."""

import csv
import gzip
import io
import re
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import quote, unquote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import resolve, reverse
from django.utils import timezone
from django.utils.html import escape

from learntrace.accounts.models import User
from learntrace.dashboard.classroom.grid import by_need, done_by_column
from learntrace.dashboard.classroom.snapshot import snapshot_of
from learntrace.dashboard.layout.page import PARTS_HEADER
from learntrace.progress.models import Activity, Progress
from learntrace.progress.reports.activity_rate import activity_rate_of, last_half_hour
from learntrace.progress.reports.class_filter import ClassFilter
from learntrace.registry.models import Asset
from learntrace.signals.concerns.of_class import concerns_of_learner
from tests.support.builders import (
    Cast,
    make_asset,
    make_assignment,
    make_attempts,
    make_cohort,
    make_signal,
    make_task,
    make_user,
)

KEYS = ["assignment:lesson-03-exercise-1", "assignment:lesson-03-exercise-2", "assignment:lesson-04-exercise-1"]
HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)>\u202eevil'
FORMULA = '=HYPERLINK("http://evil.example","x")'


@pytest.fixture
def client(cast: Cast) -> Client:
    signed_in = Client()
    signed_in.force_login(cast.colleague)
    return signed_in


@pytest.fixture
def lessons(cast: Cast) -> dict[str, User]:
    """Two lessons, and learners in each of the states."""
    assets = [make_asset(slug, academy=cast.academy, title=slug.title()) for slug in ("lesson-03", "lesson-04")]
    for place, key in enumerate(KEYS):
        make_assignment(cast.academy, assets[place // 2], key, position=place)
    people = {
        name: make_user(name, "student", cast.academy, first_name=name.title(), last_name=last)
        for name, last in (("barbara", "Liskov"), ("katherine", "Johnson"), ("radia", "Perlman"))
    }
    start = timezone.now() - timedelta(minutes=9)
    make_attempts(cast.owner, cast.academy, KEYS[0], "x-", start)
    make_attempts(people["barbara"], cast.academy, KEYS[0], "-", start)
    make_attempts(people["barbara"], cast.academy, KEYS[1], "xxx", start, seconds=100)
    make_attempts(people["katherine"], cast.academy, KEYS[0], "nx", start)
    signal = make_signal(
        people["barbara"], cast.academy, assignment=KEYS[1], asset_slug="lesson-03", opened_at=start, last_seen_at=start
    )
    Progress.objects.filter(user=people["barbara"], assignment=KEYS[1]).update(
        concerns=[signal.kind], trouble_since=signal.opened_at, stuck_since=signal.opened_at
    )
    return {"ada": cast.owner, **people}


def text_of(client: Client, path: str, **headers: str) -> str:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def queries(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


def table_of(client: Client, path: str) -> list[list[str]]:
    answer = client.get(path)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    text = answer.content.decode()
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))


# What Class now tells


def test_who_needs_help_comes_first_and_each_cell_says_how_one_stands(cast: Cast, lessons: dict[str, User]) -> None:
    found = snapshot_of(ClassFilter(cast.academy))
    learners = by_need(found.learners, KEYS)
    assert [column.label for column in found.columns] == ["exercise-1", "exercise-2", "lesson-04-exercise-1"]
    # Grace teaches, and is none of the class.
    assert [one.username for one in learners] == ["barbara", "katherine", "ada", "radia"]
    states = {one.username: [cell.state if (cell := one.cells.get(key)) else "" for key in KEYS] for one in learners}
    assert states == {
        "barbara": ["done", "stuck", ""], "katherine": ["working", "", ""], "ada": ["done", "", ""], "radia": ["", "", ""],
    }  # fmt: skip
    assert done_by_column(learners, found.columns) == [2, 0, 0]


def test_an_empty_cell_leads_to_why_it_is_empty(cast: Cast, client: Client, lessons: dict[str, User]) -> None:
    page = unescape(text_of(client, "/class"))
    radia = lessons["radia"]
    (row,) = re.findall(rf'<tr data-row="{radia.pk}">.*?</tr>', page, re.DOTALL)
    cells = re.findall(
        r'<td><a class="mark" href="([^"]+)" aria-label="Not started: why is it missing\?"></a></td>', row
    )
    assert len(cells) == len(KEYS)
    asked = text_of(client, cells[0])
    assert f'value="id:{radia.pk}"' in asked or "Radia Perlman" in asked
    assert "lesson-03" in asked
    assert "why is it missing" not in text_of(client, "/class?projector=1")
    spanish = unescape(text_of(client, "/class", **{"Accept-Language": "es"}))
    assert "Sin empezar: ¿por qué falta?" in spanish


def test_a_concern_has_its_life_its_reasons_and_the_way_to_its_evidence(
    client: Client, lessons: dict[str, User]
) -> None:
    page = text_of(client, "/class")
    barbara = lessons["barbara"]
    assert "3 attempts in 9 minutes. Last error: XError: it broke" in page
    assert "Barbara Liskov ran the same code 3 times on lesson-03-exercise-2 with NameError" in page
    signal = barbara.signals.get()
    assert f'href="/assignment/lesson-03-exercise-2/learner/{barbara.pk}?signal={signal.pk}#evidence"' in page
    assert 'aria-label="Stuck for 9 min, 3 failed attempts, current assignment"' in page
    assert re.search(r'<td><a class="mark done"[^>]* aria-label="Done, \d min ago"', page)


def test_two_signals_on_an_assignment_are_one_card_with_two_reasons(
    cast: Cast, client: Client, lessons: dict[str, User]
) -> None:
    make_signal(lessons["barbara"], cast.academy, kind="stuck", assignment=KEYS[1])
    paths = ("/class", "/assignment/lesson-03-exercise-2", f"/learner/{lessons['barbara'].pk}", "/asset/lesson-03")
    for path in paths:
        page = text_of(client, path)
        assert page.count("data-concern=") == 1, path
        assert "1 more reason" in page, path


def test_a_learner_done_is_not_called_stuck_by_a_signal_that_lags(cast: Cast, lessons: dict[str, User]) -> None:
    Progress.objects.filter(user=lessons["barbara"]).update(done_at=timezone.now(), done_because="ran", done_by="run")
    barbara = next(one for one in snapshot_of(ClassFilter(cast.academy)).learners if one.username == "barbara")
    assert barbara.cells[KEYS[1]].state == "done"


def concern_of(cast: Cast) -> int:
    (concern,) = concerns_of_learner(cast.academy, User.objects.get(username="barbara"))
    return concern.concern.row.pk


def test_an_acknowledged_concern_stays_apart_and_can_be_opened_again(
    cast: Cast, client: Client, lessons: dict[str, User]
) -> None:
    number = concern_of(cast)
    client.post("/concerns", {"concern": number, "act": "acknowledge", "next": "/class?asset=lesson-03"})
    page = text_of(client, "/class")
    assert "Acknowledged (1)" in page
    assert "Acknowledged by Grace Hopper" in page
    assert "No one needs help right now" in page
    client.post("/concerns", {"concern": number, "act": "reopen"})
    assert "Acknowledged (" not in text_of(client, "/class")


def test_what_is_done_in_the_background_says_how_it_is_undone(
    cast: Cast, client: Client, lessons: dict[str, User]
) -> None:
    number = concern_of(cast)
    parts = {"Learntrace-Parts": "1"}
    told = client.post("/concerns", {"concern": number, "act": "snooze:10"}, headers=parts).json()
    assert (told["told"], told["failed"]) == ("Concern snoozed", False)
    assert "Snoozed (1)" in text_of(client, "/class")
    assert client.post("/concerns/undo", {"undo": told["undo"]}, headers=parts).json()["told"] == "Undone"
    assert "Snoozed (" not in text_of(client, "/class")


def test_what_somebody_else_has_changed_meanwhile_is_told_and_nothing_is_lost(
    cast: Cast, client: Client, lessons: dict[str, User]
) -> None:
    number = concern_of(cast)
    teaches = {"concern": number, "act": "assign", "assignee": cast.colleague.pk, "version": 0}
    client.post("/concerns", teaches)
    told = client.post("/concerns", {**teaches, "assignee": ""}, headers={"Learntrace-Parts": "1"}).json()
    assert told["failed"]
    assert told["told"].startswith("Grace Hopper changed this concern in the meantime")
    assert "Assigned to Grace Hopper" in text_of(client, "/class")


def test_notes_assignees_and_several_at_once(cast: Cast, client: Client, lessons: dict[str, User]) -> None:
    make_signal(lessons["radia"], cast.academy, assignment=KEYS[1])
    numbers = [entry.concern.row.pk for entry in snapshot_of(ClassFilter(cast.academy)).concerns.entries]
    assert len(numbers) == 2
    client.post("/concerns", {"concern": numbers[0], "act": "note", "note": "<b>asks & waits"})
    assert "“&lt;b&gt;asks &amp; waits”" in text_of(client, "/class")
    told = client.post("/concerns", {"concern": numbers, "act": "acknowledge"}, headers={"Learntrace-Parts": "1"})
    assert told.json()["told"] == "2 concerns acknowledged"
    assert "No one needs help right now" in text_of(client, "/class")


def test_a_concern_that_is_over_is_told_on_the_page(cast: Cast, client: Client, lessons: dict[str, User]) -> None:
    number = concern_of(cast)
    lessons["barbara"].signals.update(state="resolved", resolved_at=timezone.now())
    answer = client.post("/concerns", {"concern": number, "act": "acknowledge", "next": "/assignments"}, follow=True)
    assert answer.status_code == 200
    told = client.post("/concerns", {"concern": number, "act": "acknowledge"}, headers={"Learntrace-Parts": "1"})
    assert told.json() == {"told": "This concern is over: there is nothing left to handle.", "undo": [], "failed": True}


def test_a_learner_and_a_stranger_can_do_nothing_with_it(cast: Cast, lessons: dict[str, User]) -> None:
    number = concern_of(cast)
    for user in (cast.owner, cast.stranger):
        other = Client()
        other.force_login(user)
        other.post("/concerns", {"concern": number, "act": "acknowledge"})
    assert snapshot_of(ClassFilter(cast.academy)).concerns.open_count == 1


def test_filters_stand_in_the_address(cast: Cast, client: Client, lessons: dict[str, User]) -> None:
    make_task(lessons["radia"], "lesson-04", cohort=make_cohort("fall", cast.academy))
    page = text_of(client, "/class?cohort=fall")
    assert "Radia Perlman" in page
    assert "Barbara Liskov" not in page
    page = text_of(client, "/class?asset=lesson-04")
    assert '<span class="title">lesson-04-exercise-1</span>' in page
    assert "lesson-03-exercise-2" not in page
    assert "Barbara Liskov" not in page
    assert "Barbara Liskov" in text_of(client, "/class?cohort=unknown&asset=unknown")


def test_a_folded_lesson_counts_what_is_done_and_shows_the_worst(
    cast: Cast, client: Client, lessons: dict[str, User]
) -> None:
    page = text_of(client, "/class")
    title = '<span class="title">exercise-2</span>'
    assert title in page
    asset = Asset.objects.get(slug="lesson-03")
    client.cookies["learntrace_folded"] = f"{asset.pk}.x.999999999999999999999"
    page = text_of(client, "/class")
    assert f'data-folded="{asset.pk}"' in page
    assert title not in page
    barbara = page[page.index(f'data-row="{lessons["barbara"].pk}"') :]
    assert '<td class="hand"><span class="mark stuck"><svg><use href="#shape-stuck"/></svg>' in barbara[:400]
    assert "1/2</span>" in barbara[:600]
    client.cookies["learntrace_folded"] = "-"
    assert title in text_of(client, "/class")


def test_the_current_exercise_is_the_last_worked_on_wherever_it_is(
    cast: Cast, client: Client, lessons: dict[str, User]
) -> None:
    radia = lessons["radia"]
    make_attempts(radia, cast.academy, KEYS[0], "x", timezone.now() - timedelta(hours=2))
    assert "current assignment" not in row_of(client, "/class", radia)
    make_attempts(radia, cast.academy, KEYS[2], "x", timezone.now() - timedelta(minutes=2))
    # Saving is on no assignment: what was worked on before stays current.
    saved = make_attempts(radia, cast.academy, KEYS[1], " ", timezone.now())
    Activity.objects.filter(pk__in=saved).update(assignment=None)
    assert row_of(client, "/class", radia).count("current assignment") == 1
    assert "current assignment" not in row_of(client, "/class?asset=lesson-03", radia)


def row_of(client: Client, path: str, learner: User) -> str:
    page = text_of(client, path)
    return page[page.index(f'data-row="{learner.pk}"') :].partition("</tr>")[0]


def test_it_counts_who_is_here_and_how_much_fails(cast: Cast, lessons: dict[str, User]) -> None:
    now = timezone.now()
    pulse = activity_rate_of(last_half_hour(cast.academy.pk, now))
    assert (sum(pulse.attempts), sum(pulse.errors)) == (8, 6)
    assert len(pulse.attempts) == 30
    make_attempts(lessons["radia"], cast.academy, KEYS[2], "x--.", now - timedelta(seconds=60), seconds=10)
    pulse = activity_rate_of(last_half_hour(cast.academy.pk, now, [lessons["radia"].pk], [KEYS[2]]))
    assert (pulse.here, pulse.per_minute, pulse.failing_share) == (1, 0.6, 1 / 3)


def test_staff_who_try_out_a_connection_are_not_here(cast: Cast, client: Client) -> None:
    make_user("radia", "student", cast.academy)
    sent = make_attempts(cast.colleague, cast.academy, KEYS[0], "x", timezone.now())
    # A test event names no assignment, so the sender has no row in the grid.
    Activity.objects.filter(pk__in=sent).update(assignment=None)
    Progress.objects.filter(user=cast.colleague).delete()
    page = text_of(client, "/class")
    assert "<b>0</b> here now" in page
    assert "<b>0</b> attempts/min" in page


def test_most_met_now_counts_learners_and_how_long_until_solved(client: Client, lessons: dict[str, User]) -> None:
    page = text_of(client, "/class")
    met = page[page.index('data-part="met"') :]
    # Ada and Katherine met it on the first exercise; Ada succeeded a minute later.
    assert met.index("XError: it broke") < met.index("2 learners")
    assert "1 solved it, in 1 min (median)" in met


def test_live_parts_come_without_the_rest_of_the_page(client: Client, lessons: dict[str, User]) -> None:
    parts = text_of(client, "/class", **{PARTS_HEADER: "1"})
    assert "<html" not in parts
    assert 'data-part="learners"' in parts
    assert Client().get("/class", headers={PARTS_HEADER: "1"}).status_code == 401


def test_an_empty_academy_says_what_to_do(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.stranger)
    cast.strange_learner.delete()
    for path in ("/class", "/assignments", "/learners"):
        shown = client.get(path).content.decode()
        assert '<a class="button" href="/connect">Connect LearnPack or notebooks</a>' in shown, path
        assert "learntrace " not in text_of(client, path)


# Projector


def test_a_projector_shows_nobodys_name(cast: Cast, client: Client, lessons: dict[str, User]) -> None:
    make_attempts(lessons["radia"], cast.academy, KEYS[2], "x", timezone.now())
    Progress.objects.filter(user=lessons["radia"]).update(
        concerns=["stuck"], trouble_since=timezone.now(), stuck_since=timezone.now()
    )
    page = text_of(client, "/class?projector=1").casefold()
    for user in (*lessons.values(), cast.colleague):
        for name in (user.username, user.first_name, user.last_name):
            # As a word: a star may be called Hadar.
            assert not re.search(rf"\b{re.escape(name.casefold())}\b", page), name
        assert f"/learner/{user.pk}" not in page
    again = text_of(client, "/class?projector=1").casefold()
    rows = page[page.index("<tbody") : page.index("</tbody>")]
    assert rows == again[again.index("<tbody") : again.index("</tbody>")]
    other = Client()
    other.force_login(cast.colleague)
    assert rows not in text_of(other, "/class?projector=1").casefold()


def test_a_projector_leaves_out_errors_that_name_somebody(cast: Cast, client: Client, lessons: dict[str, User]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE progress_activity SET failures = %s WHERE outcome = 'error'",
            ['[["FileNotFoundError", "/home/Katherine/x.txt"]]'],
        )
    assert "/home/Katherine/x.txt" in text_of(client, "/class")
    assert "katherine" not in text_of(client, "/class?projector=1").casefold()


# Assignments, learners, search


def test_an_assignment_stands_beside_the_others_with_its_errors(client: Client, lessons: dict[str, User]) -> None:
    page = text_of(client, "/assignment/lesson-03-exercise-1")
    assert "rank 1 of 2" in page
    assert "XError: it broke" in page
    assert "Katherine Johnson" in page
    rows = table_of(client, "/assignment/lesson-03-exercise-1?format=csv")
    assert rows[0][:4] == ["Learner", "User name", "State", "Attempts"]
    assert ["Katherine Johnson", "katherine", "Working", "2", "2"] in [row[:5] for row in rows]


def test_attempts_are_told_one_by_one_and_evidence_is_pointed_out(
    cast: Cast, client: Client, lessons: dict[str, User]
) -> None:
    barbara = lessons["barbara"]
    ids = make_attempts(barbara, cast.academy, KEYS[2], "x-.")
    signal = make_signal(barbara, cast.academy, assignment=KEYS[2], evidence=ids[:1])
    address = f"/assignment/lesson-04-exercise-1/learner/{barbara.pk}"
    page = text_of(client, f"{address}?signal={signal.pk}")
    assert f'<tr data-row="{ids[0]}" class="evidence" id="evidence">' in page
    assert page.count('class="evidence"') == 1
    outcomes = [row[1] for row in table_of(client, f"{address}?format=csv")]
    assert outcomes == ["Outcome", "Error", "Success", "Aborted"]
    assert 'id="evidence"' not in text_of(client, f"{address}?signal=x")


def test_a_learners_page_has_states_signals_tasks_and_raw_telemetry_on_request(
    cast: Cast, client: Client, lessons: dict[str, User]
) -> None:
    barbara = lessons["barbara"]
    barbara.telemetry.create(asset_slug="lesson-03", telemetry={"steps": ["<b>"]}, engagement_score=30.5)
    make_task(barbara, "lesson-04", title="Read on")
    page = text_of(client, f"/learner/{barbara.pk}")
    for told in ("Stuck", "Read on", "30.50", f'data-fetch="/learner/{barbara.pk}/telemetry/lesson-03"'):
        assert told in page
    raw = text_of(client, f"/learner/{barbara.pk}/telemetry/lesson-03")
    assert "&quot;&lt;b&gt;&quot;" in raw
    assert client.get(f"/learner/{barbara.pk}/telemetry/nothing").status_code == 404


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("lisk", "Barbara Liskov"), ("barb LISK", "Barbara Liskov"), ("lesson-04", "lesson-04-exercise-1"),
        ("Lesson-03", "Lesson-03"), ("%", "No matches"), ("", "What are you looking for?"),
    ],
)  # fmt: skip
def test_one_search_finds_learners_assets_and_assignments(
    client: Client, lessons: dict[str, User], asked: str, found: str
) -> None:
    assert found in text_of(client, f"/search?q={asked.replace('%', '%25')}")


@pytest.mark.parametrize("sort", ["-attempts", "open_signals", "-error_quotient", "nonsense", ""])
def test_tables_sort_and_page_by_their_address(client: Client, lessons: dict[str, User], sort: str) -> None:
    page = text_of(client, f"/learners?sort={sort}&page=99")
    first = page.index("Barbara Liskov") < page.index("Ada Lovelace")
    # By last name, unless by something that only she leads.
    assert first == (sort != "open_signals")


# Hostile content


def test_what_learners_write_is_text_on_every_page_and_harmless_in_every_table(
    cast: Cast, client: Client, lessons: dict[str, User]
) -> None:
    barbara = lessons["barbara"]
    User.objects.filter(pk=barbara.pk).update(first_name=HOSTILE[:150], last_name=FORMULA[:150])
    User.objects.filter(pk=lessons["radia"].pk).update(first_name=FORMULA, last_name="\t=1+1")
    key = f"assignment:{HOSTILE}"
    make_attempts(barbara, cast.academy, key, "x")
    make_asset("hostile", title=HOSTILE, academy=cast.academy)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE progress_activity SET failures = %s WHERE outcome = 'error'", [f'[["{"<b>Error"}", "=1+1"]]']
        )
        cursor.execute("UPDATE progress_errorcount SET name = %s, message = %s", [HOSTILE, FORMULA])
    make_signal(barbara, cast.academy, assignment=key, facts={"error": HOSTILE})
    paths = [
        "/class", "/class?projector=1", "/assignments", "/learners", f"/learner/{barbara.pk}",
        "/assignment/lesson-03-exercise-2", f"/assignment/lesson-03-exercise-2/learner/{barbara.pk}",
        "/search?q=%3Cscript%3E", "/search?q=script",
    ]  # fmt: skip
    paths += [f"/assignment/{quote(HOSTILE)}", f"/assignment/{quote(HOSTILE)}/learner/{barbara.pk}"]
    for path in paths:
        page = text_of(client, path)
        assert page.count("<script") == page.count('<script src="/static/'), path
        for markup in ("<img src=x", "<b>Error", " onerror=alert(2)>"):
            assert markup not in page, path
    for path in ("/class", "/assignments", "/learners", f"/learner/{barbara.pk}", "/assignment/lesson-03-exercise-2",
                 f"/assignment/lesson-03-exercise-2/learner/{barbara.pk}"):  # fmt: skip
        for row in table_of(client, f"{path}?format=csv"):
            assert not [cell for cell in row if cell.lstrip().startswith(("=", "+", "@"))], path


# Size


def test_the_number_of_queries_does_not_grow_with_the_class(
    cast: Cast, client: Client, lessons: dict[str, User]
) -> None:
    paths = [
        "/class", "/class?projector=1", "/class?asset=lesson-03", "/assignments", "/assignment/lesson-03-exercise-1",
        "/learners", f"/learner/{lessons['ada'].pk}", f"/assignment/lesson-03-exercise-1/learner/{lessons['ada'].pk}",
        "/search?q=l",
    ]  # fmt: skip
    few = {path: queries(client, path) for path in paths}
    assert max(few.values()) <= 32
    _crowd(cast, 300, 60)
    many = {path: queries(client, path) for path in paths}
    assert many == few


def _crowd(cast: Cast, learners: int, assignments: int) -> None:
    """A class of that size that has been everywhere, put there at once."""
    asset = make_asset("crowd", academy=cast.academy)
    asked: dict[str, Any] = {
        "academy": cast.academy.pk, "asset": asset.pk, "learners": learners, "assignments": assignments,
    }  # fmt: skip
    with connection.cursor() as cursor:
        for statement in (
            """INSERT INTO accounts_user (id, username, first_name, last_name, email, password, language, is_superuser,
                                          is_staff, is_active, date_joined)
               SELECT 90000 + n, 'u' || n, 'First' || n, 'Last' || n, '', '', '', false, false, true, now()
                 FROM generate_series(1, %(learners)s) AS n""",
            """INSERT INTO accounts_membership (user_id, academy_id, role, status, created_at)
               SELECT 90000 + n, %(academy)s, 'student', 'ACTIVE', now() FROM generate_series(1, %(learners)s) AS n""",
            """INSERT INTO progress_assignment (academy_id, asset_id, key, title, position)
               SELECT %(academy)s, %(asset)s, 'assignment:crowd-' || n, '', n FROM generate_series(1, %(assignments)s) AS n""",
            """INSERT INTO progress_progress (user_id, academy_id, assignment, attempts, errors, aborted, last_outcome,
                      first_seen_at, last_seen_at, active_seconds, repeated_error_density, state, last_arrival, gap_seconds)
               SELECT 90000 + u, %(academy)s, 'assignment:crowd-' || a, 3, 2, 0, CASE WHEN (u + a) %% 3 = 0 THEN 'error'
                      ELSE 'ok' END, now(), now(), 60, 0, '{}', 1, 300
                 FROM generate_series(1, %(learners)s) AS u, generate_series(1, %(assignments)s) AS a""",
            """INSERT INTO signals_signal (user_id, academy_id, kind, "group", key, assignment, severity, state, count,
                      opened_at, last_seen_at, resolved_by, evidence, facts, history)
               SELECT 90000 + n, %(academy)s, 'stuck', 'g', n, 'assignment:crowd-1', 3, 'open', 5, now(), now(), '', '[]',
                      '{}', '[]' FROM generate_series(1, %(learners)s) AS n""",
        ):
            cursor.execute(statement, asked)


def test_a_browser_gets_pages_compressed_and_answers_of_the_api_as_they_are(
    lessons: dict[str, User], client: Client
) -> None:
    page = client.get("/class", headers={"accept-encoding": "gzip, br"})
    assert page.headers["Content-Encoding"] == "gzip"
    assert b"</html>" in gzip.decompress(page.content)
    plain = client.get("/class")
    assert "Content-Encoding" not in plain.headers
    assert b"</html>" in plain.content
    schema = client.get("/openapi.json", headers={"accept-encoding": "gzip"})
    assert (schema.status_code, schema.headers.get("Content-Encoding")) == (200, None)


HOSTILE_KEYS = ["line\nbreak", ".", "a/b/../c", "x/learner/5", "~x", "a//b", "/", "?q#f%41", " ", "\u202e.txt"]


@pytest.mark.parametrize("name", HOSTILE_KEYS)
def test_an_assignment_can_be_looked_at_whatever_it_is_called(cast: Cast, client: Client, name: str) -> None:
    make_attempts(cast.owner, cast.academy, f"assignment:{name}", "xx", timezone.now())
    page, attempts = (
        reverse("assignments-one", args=[name]),
        reverse("assignments-attempts", args=[name, cast.owner.pk]),
    )
    assert resolve(unquote(page)).kwargs == {"key": name}
    assert resolve(unquote(attempts)).kwargs == {"key": name, "user_id": cast.owner.pk}
    # Browsers fold these before they ask.
    assert not {"", ".", ".."}.intersection(unquote(page).split("/")[2:])
    for path in ("/class", "/assignments", "/learners", f"/learner/{cast.owner.pk}", "/search?q=assignment"):
        assert client.get(path).status_code == 200, path
    assert escape(attempts) in text_of(client, "/class")
    for path in (page, attempts):
        assert client.get(path).status_code == 200, path


def test_who_posts_after_the_session_has_ended_is_told_and_comes_back(cast: Cast) -> None:
    posted = Client().post(
        "/concerns", {"concern": "1", "act": "acknowledge"}, headers={"referer": "http://testserver/class?cohort=fall"}
    )
    assert posted.headers["Location"] == "/sign-in?ended=1&next=/class%3Fcohort%3Dfall"
    elsewhere = Client().post("/concerns", {}, headers={"referer": "https://elsewhere.example/class"})
    assert elsewhere.headers["Location"] == "/sign-in?ended=1&next=/"
