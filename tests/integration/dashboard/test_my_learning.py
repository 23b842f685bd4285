"""My learning: what it tells its learner, in how many queries, and what one may decide there without a script."""

import csv
import io
import zipfile
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from learntrace.accounts.academy_settings import NOTEBOOK, SIGNAL, merge_features
from learntrace.accounts.models import Membership, User
from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.dashboard.my_learning.active_days import DAYS, active_days, days_of
from learntrace.dashboard.my_learning.advice import LEARNER_TEXTS, own_lines
from learntrace.dashboard.my_learning.collected import collected
from learntrace.intake.models import Refusal
from learntrace.notebooks.models import Consent
from learntrace.personal.models import Erasure
from learntrace.progress.models import Activity, Progress
from learntrace.progress.reports.own_progress import own_progress
from learntrace.signals.detectors import KINDS
from tests.support.builders import (
    NOW,
    Cast,
    Response,
    make_asset,
    make_assignment,
    make_attempts,
    make_rejected,
    make_signal,
    make_stored_event,
    make_task,
    make_telemetry,
    make_translations,
    make_user,
    make_webhook,
)

KEY = "assignment:lesson-03-exercise-1"
HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)>\u202eevil'
FORMULA = '=HYPERLINK("http://evil.example","x")'


@pytest.fixture
def client(cast: Cast) -> Client:
    return signed_in(cast.owner)


def signed_in(user: User) -> Client:
    one = Client()
    one.force_login(user)
    return one


def text_of(answer: Response, status: int = 200) -> str:
    assert answer.status_code == status, answer.content
    return answer.content.decode()


def ids(cast: Cast) -> list[int]:
    return [cast.academy.pk]


# How far one is


def test_learners_begin_here_and_so_do_old_links(cast: Cast, client: Client) -> None:
    for path, place in (("/", "/me"), ("/status", "/me"), ("/status?x=1", "/me?x=1")):
        assert client.get(path).headers["Location"] == place
    page = text_of(client.get("/me"))
    assert '<a href="/me" aria-current="page">My learning</a>' in page
    assert "Nothing received from you yet" in page


def test_assets_with_their_assignments_those_worked_on_last_first(cast: Cast) -> None:
    old, new = (make_asset(slug, academy=cast.academy, title=slug.title()) for slug in ("lesson-03", "lesson-04"))
    for place in (1, 2):
        make_assignment(cast.academy, old, f"assignment:lesson-03-exercise-{place}", position=place)
    make_assignment(cast.academy, new, "assignment:lesson-04-exercise-1")
    now = timezone.now()
    make_attempts(cast.owner, cast.academy, KEY, "x-", now - timedelta(days=2))
    make_attempts(cast.owner, cast.academy, "assignment:lesson-04-exercise-1", "xxx", now - timedelta(hours=2))
    make_attempts(cast.owner, cast.academy, "assignment:unpublished", "x", now)
    make_telemetry(cast.owner, "lesson-03", completion_rate=50, engagement_score=40.5, frustration_score=10)
    make_signal(cast.owner, cast.academy, assignment="assignment:lesson-04-exercise-1")
    Progress.objects.filter(assignment__contains="04").update(
        concerns=["stuck"], trouble_since=timezone.now(), stuck_since=timezone.now()
    )
    make_attempts(cast.strange_learner, cast.academy, KEY, "x")
    found = own_progress(cast.owner, ids(cast))
    assert [(one.title, one.done, one.total, one.attempts) for one in found.assets] == [
        ("Lesson-03", 1, 2, 2), ("Lesson-04", 0, 1, 3), ("", 0, 0, 1),
    ]  # fmt: skip
    assert [one.state for one in found.assets[0].assignments] == ["done", "not_started"]
    assert found.assets[0].telemetry is not None
    assert (found.assets[0].telemetry.completion, found.assets[0].telemetry.engagement) == (50, 40.5)
    assert found.assets[1].assignments[0].state == "stuck"
    assert (found.done, found.total, found.attempts) == (1, 3, 6)
    assert found.error_quotient == pytest.approx(0.5)


def test_of_translations_the_one_that_one_works_on_is_shown(cast: Cast) -> None:
    english, spanish = make_translations(us="arrays", es="arreglos")
    for asset in (english, spanish):
        type(asset).objects.filter(pk=asset.pk).update(academy=cast.academy)
        make_assignment(cast.academy, asset, f"{asset.slug}/01")
    make_task(cast.owner, "arrays")
    assert [one.slug for one in own_progress(cast.owner, ids(cast)).assets] == ["arrays"]
    make_attempts(cast.owner, cast.academy, "arreglos/01", "-")
    make_telemetry(cast.owner, "arrays", completion_rate=10)
    found = own_progress(cast.owner, ids(cast))
    assert [(one.slug, one.telemetry and one.telemetry.completion) for one in found.assets] == [("arreglos", 10)]


def test_a_task_knows_its_telemetry_by_the_canonical_asset(cast: Cast, client: Client) -> None:
    make_asset("html-forms", academy=cast.academy, aliases=("old-name",))
    make_task(cast.owner, "old-name", title="By alias")
    make_task(cast.owner, "sql-joins", title="SQL joins")
    make_task(cast.owner, "done", title="Done", task_status="DONE")
    make_telemetry(cast.owner, "html-forms", completion_rate=62.5)
    make_task(cast.stranger, "theirs", title="Somebody else's")
    tasks = {task.title: (task.done, task.completion) for task in own_progress(cast.owner, ids(cast)).tasks}
    assert tasks == {"By alias": (False, 62.5), "SQL joins": (False, None), "Done": (True, None)}
    page = text_of(client.get("/me"))
    assert "By alias" in page
    assert "62%" in page


def test_a_tasks_status_is_told_in_the_words_that_staff_reads(cast: Cast, client: Client) -> None:
    make_task(cast.owner, "html-forms", title="Forms")
    make_telemetry(cast.owner, "html-forms", completion_rate=62.5)
    learners_page = signed_in(cast.colleague).get(f"/learner/{cast.owner.pk}")
    for page in (text_of(client.get("/me")), text_of(learners_page)):
        assert '<span class="quiet">Pending' in page
    for path, user in (("/me", cast.owner), (f"/learner/{cast.owner.pk}", cast.colleague)):
        assert ",Pending," in text_of(signed_in(user).get(f"{path}?format=csv&table=tasks"))


def test_active_time_of_the_days_adds_up_to_the_measure(cast: Cast) -> None:
    merge_features(cast.elsewhere, {"active_gap_seconds": 60}, SIGNAL)
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    for start, key, academy in (
        (now - timedelta(days=DAYS + 3), KEY, cast.academy), (now - timedelta(days=2), KEY, cast.academy),
        (now - timedelta(hours=13), KEY, cast.academy), (now - timedelta(hours=2), "a/b", cast.elsewhere),
        (now - timedelta(hours=1), "a/b", None),
    ):  # fmt: skip
        make_attempts(cast.owner, academy, key, "x" * 30, start, seconds=130)
    make_attempts(cast.stranger, cast.academy, KEY, "xx", now)
    found = active_days(cast.owner, {cast.academy.pk, cast.elsewhere.pk}, now)
    assert len(found.days) == DAYS
    assert found.days[-1].day == date(2026, 11, 20)
    by_day = {one.day: one.seconds for one in found.days if one.seconds}
    # Each block of 30 has 29 gaps; the pause before it counts as the longest gap, on the day on which it ends. One block
    # goes on over midnight.
    assert set(by_day) == {date(2026, 11, 18), date(2026, 11, 19), date(2026, 11, 20)}
    assert by_day[date(2026, 11, 18)] == 29 * 130 + 300
    assert sum(by_day.values()) == 2 * (29 * 130 + 300) + 29 * 60 + 29 * 130
    whole = sum(Progress.objects.filter(user=cast.owner).values_list("active_seconds", flat=True))
    assert whole - sum(by_day.values()) == 29 * 130  # what is older than the days shown
    assert found.active == 3


@pytest.mark.parametrize(("seconds", "top"), [(0, 10), (60, 10), (3000, 60), (3601, 120), (90_000, 1440)])
def test_the_scale_of_the_days_ends_at_a_round_number(seconds: float, top: int) -> None:
    today = date(2026, 11, 20)
    found = days_of({today: seconds} if seconds else {}, today)
    assert found.lines[0] == (top, "0.0")
    assert float(found.days[-1].height) <= found.height
    assert (float(found.days[-1].height) > 0) is bool(seconds)


# Signals


def test_every_kind_is_told_in_kind_words_in_both_languages(package_texts: Catalog) -> None:
    assert set(LEARNER_TEXTS) == set(KINDS)
    for kind, words in LEARNER_TEXTS.items():
        assert words.sentence in package_texts, kind
        assert words.advice in package_texts, kind
        places = {part.partition(")")[0] for part in words.sentence.split("%(")[1:]}
        known = {part.partition(")")[0] for part in KINDS[kind].sentence.split("%(")[1:]}
        assert places <= known - {"learner"}, kind


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_signal_is_told_whatever_facts_it_has(cast: Cast, kind: str) -> None:
    facts: dict[str, Any]
    for facts in ({}, {"error": HOSTILE, "minutes": "x", "done": None, "title": 3}):
        signal = make_signal(cast.owner, cast.academy, kind=kind, facts=facts)
        (line,) = own_lines(cast.owner, [signal])
        assert "lesson-03-exercise-1" in line.sentence
        assert line.teachers.startswith("Ada Lovelace")
        assert line.advice


def test_one_sees_what_teachers_see_and_nothing_that_was_withdrawn(cast: Cast, client: Client) -> None:
    make_signal(cast.owner, cast.academy)
    make_signal(
        cast.owner,
        cast.academy,
        kind="stuck",
        state="acknowledged",
        acknowledged_by=cast.colleague,
        facts={"minutes": 12, "error": "NameError"},
    )
    make_signal(cast.owner, cast.academy, kind="rapid_fire", state="resolved", resolved_at=timezone.now())
    make_signal(cast.owner, cast.academy, kind="wheel_spinning", state="withdrawn")
    make_signal(cast.owner, cast.academy, kind="of-a-later-version")
    make_signal(cast.strange_learner, cast.elsewhere, facts={"error": "of-lee"})
    page = text_of(client.get("/me"))
    for told in (
        "You ran the same code 3 times on lesson-03-exercise-1, and each time it ended with NameError.",
        "Your teachers read: “Ada Lovelace ran the same code 3 times on lesson-03-exercise-1 with NameError”",
        "You have worked on lesson-03-exercise-1 for 12 minutes, with 3 failed attempts.", "One of them has seen it.",
        "1 earlier signal", "Ada Lovelace: 3",
    ):  # fmt: skip
        assert told in page, told
    for hidden in ("Grace", "Hopper", "of-lee", "Wheel-spinning"):
        assert hidden not in page, hidden


def test_exercises_of_equal_titles_are_told_apart(cast: Cast, client: Client) -> None:
    for slug, title in (("basics", "Basics"), ("loops", "Loops")):
        asset = make_asset(slug, title=title, academy=cast.academy)
        make_assignment(cast.academy, asset, f"{slug}/welcome", title="Welcome")
        make_attempts(cast.owner, cast.academy, f"{slug}/welcome", "x", NOW)
    make_signal(cast.owner, cast.academy, assignment="loops/welcome")
    page = text_of(client.get("/me"))
    assert "You ran the same code 3 times on Loops: Welcome, and each time it ended with NameError." in page
    assert "Your teachers read: “Ada Lovelace ran the same code 3 times on Loops: Welcome with NameError”" in page


def test_who_runs_the_server_is_told_so_and_has_no_academy_to_ask(cast: Cast) -> None:
    operator = make_user("olga", is_superuser=True)
    page = text_of(signed_in(operator).get("/me"))
    assert "You run this server and belong to no academy yet." in page
    assert "You, and whoever else runs this server." in page
    nobody = text_of(signed_in(make_user("nobody")).get("/me"))
    assert "You belong to no academy yet. Whoever runs this server can add you." in nobody
    for told in (page, nobody):
        assert "Nothing is collected: you belong to no academy." in told
        assert "Your academy" not in told
    stored = text_of(signed_in(operator).get("/me/stored"))
    assert "You run this server, and can read everything." in stored
    assert "Whoever runs the server" not in stored


# What is collected


def test_it_says_what_came_last_from_where_and_who_may_see_it(cast: Cast, client: Client) -> None:
    make_webhook(cast.owner, payload={"agent": "vscode", "slug": "intro"}, status="DONE")
    context = {"frontend": "lab", "version": "4.6.6", "kernel": "python3"}
    event = make_stored_event(cast.owner, cast.academy, context=context)
    Activity.objects.create(
        id=event.pk,
        source="notebook",
        user=cast.owner,
        academy=cast.academy,
        assignment=KEY,
        verb="executed",
        outcome="error",
        failures=[["NameError", "x"]],
        at=event.occurred_at,
        arrival=1,
    )
    make_rejected(cast.owner, cast.academy, {"id": "x"})
    Refusal.objects.create(path="/", status_code=401, reason="expired-token", size=1, user=cast.owner)
    make_user("tess", "teacher", cast.academy)
    make_user("tim", "teacher", cast.academy)
    found = collected(cast.owner, [cast.academy])
    assert found.learnpack is not None
    assert found.notebooks is not None
    assert (found.learnpack.client, found.notebooks.client) == ("Visual Studio Code", "JupyterLab 4.6.6")
    assert found.notebooks.at == event.created_at
    assert {(one.status, one.sentence) for one in found.events} == {
        ("done", "The cell ended with NameError"),
        ("rejected", "Unknown verb danced; known are executed"),
    }
    assert [(str(role), people) for role, people in found.readers[0].roles] == [("Teachers", 2), ("Administrators", 1)]
    page = text_of(client.get("/me"))
    for told in (
        "Downtown</bdi>: Teachers (2), Administrators (1)",
        "expired key",
        "Messages of LearnPack, refused",
    ):
        assert told in page, told
    assert "The source code of your cells is not kept" in page
    merge_features(cast.academy, {"collect_source": True}, NOTEBOOK)
    assert "is kept too: Downtown has turned that on." in text_of(client.get("/me"))


def test_odd_context_costs_no_page(cast: Cast, client: Client) -> None:
    for number, context in enumerate(({"frontend": 3, "version": []}, {"frontend": HOSTILE}, {})):
        event = make_stored_event(cast.owner, cast.academy, context=context)
        Activity.objects.create(
            id=event.pk, source="notebook", user=cast.owner, verb="opened", at=timezone.now(), arrival=number
        )
        assert "Last event:" in text_of(client.get("/me"))


# What one may decide


def test_collection_is_turned_off_and_on_where_an_academy_allows_it(cast: Cast, client: Client) -> None:
    assert "Your academy doesn't allow turning this off" in text_of(client.get("/me"))
    refused = client.post("/me/consent", {"collecting": "no"})
    assert "turn the collection of events off" in text_of(refused, 403)
    Membership.objects.create(user=cast.owner, academy=cast.elsewhere, role="student")
    merge_features(cast.elsewhere, {"opt_out": True}, NOTEBOOK)
    assert '<button class="button" name="collecting" value="no">' in text_of(client.get("/me"))
    assert client.post("/me/consent", {"collecting": "no"}).headers["Location"] == "/me"
    assert Consent.objects.get().collecting is False
    page = text_of(client.get("/me"))
    assert "It is off, as you asked" in page
    merge_features(cast.elsewhere, {"opt_out": False}, NOTEBOOK)
    assert '<button class="button" name="collecting" value="yes">' in text_of(client.get("/me"))
    client.post("/me/consent", {"collecting": "yes"})
    assert Consent.objects.get().collecting is True


def test_who_has_no_academy_still_has_a_page(cast: Cast, client: Client) -> None:
    Membership.objects.filter(user=cast.owner).delete()
    page = text_of(client.get("/me"))
    assert "You belong to no academy yet." in page
    assert client.post("/me/consent", {"collecting": "no"}).status_code == 403


def test_who_was_seen_on_no_assignment_is_not_told_that_nothing_came(cast: Cast, client: Client) -> None:
    assert "Nothing received from you yet" in text_of(client.get("/me"))
    sent = make_attempts(cast.owner, cast.academy, KEY, " ")
    Activity.objects.filter(pk__in=sent).update(assignment=None)
    Progress.objects.filter(user=cast.owner).delete()
    page = text_of(client.get("/me"))
    assert "Nothing received from you yet" not in page
    assert "What you sent so far belongs to no assignment." in page
    assert "No message in the last 30 days." in page
    assert "No notebook event yet." in page


def test_the_download_is_one_click(cast: Cast, client: Client) -> None:
    make_telemetry(cast.owner, "intro")
    answer = client.get("/me/export")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="learntrace-')
    archive = zipfile.ZipFile(io.BytesIO(answer.getvalue()))
    assert archive.read("telemetry.jsonl").count(b"\n") == 1
    assert Client().get("/me/export").status_code == 302


def test_an_erasure_shows_first_what_goes_and_wants_ones_name(cast: Cast, client: Client) -> None:
    make_telemetry(cast.owner, "intro")
    make_task(cast.owner, "intro")
    page = text_of(client.get("/me/erase"))
    goes, _heading, stays = page.partition("What stays")
    assert "Telemetry of each asset" in goes
    assert "Tasks" in stays
    assert "Your academy has set them" in stays
    for wrong in ({}, {"name": ""}, {"name": "Ada"}, {"name": "grace"}):
        assert "Nothing was erased." in text_of(client.post("/me/erase", wrong), 400)
    assert AssignmentTelemetry.objects.exists()
    assert client.post("/me/erase", {"name": " ada "}).headers["Location"] == "/me"
    assert not AssignmentTelemetry.objects.exists()
    assert (Task.objects.count(), Erasure.objects.count()) == (1, 1)
    assert "Everything collected about you until" in text_of(client.get("/me"))
    assert "Nothing is stored that could be erased." in text_of(client.get("/me/erase"))


def test_an_academy_that_forbids_it_is_named(cast: Cast, client: Client) -> None:
    merge_features(cast.academy, {"erasure": False}, NOTEBOOK)
    make_telemetry(cast.owner, "intro")
    page = text_of(client.get("/me"))
    assert "Downtown doesn't let its learners erase their data here." in page
    assert "/me/erase" not in page
    assert client.get("/me/erase").status_code == 403
    assert client.post("/me/erase", {"name": "ada"}).status_code == 403
    assert AssignmentTelemetry.objects.exists()


@pytest.mark.parametrize("path", ["/me/erase", "/me/consent"])
def test_forms_need_their_token(cast: Cast, path: str) -> None:
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(cast.owner)
    assert careful.post(path, {"name": "ada", "collecting": "yes"}).status_code == 403
    assert not Erasure.objects.exists()
    assert Client().post(path).headers["Location"].startswith("/sign-in")


# Who teaches and learns


def test_staff_reaches_its_own_where_there_is_any(cast: Cast) -> None:
    client = signed_in(cast.colleague)
    assert 'href="/me"' not in text_of(client.get("/class"))
    make_attempts(cast.colleague, cast.academy, KEY, "x")
    assert '<a href="/me">My learning</a>' in text_of(client.get("/class"))
    page = text_of(client.get("/me"))
    assert 'href="/class"' in page
    assert "lesson-03-exercise-1" in page


# Bad content, size, tables


def test_whatever_stands_in_names_and_errors_is_shown_as_text(cast: Cast, client: Client) -> None:
    key = f"assignment:{HOSTILE}"
    asset = make_asset("hostile", title=HOSTILE, academy=cast.academy)
    make_assignment(cast.academy, asset, key, title=FORMULA)
    make_attempts(cast.owner, cast.academy, key, "x")
    make_task(cast.owner, "hostile", title=FORMULA)
    make_webhook(cast.owner, payload={"agent": HOSTILE}, package_slug=HOSTILE[:100])
    make_signal(cast.owner, cast.academy, assignment=key, facts={"error": HOSTILE})
    page = text_of(client.get("/me"))
    assert page.count("<script") == page.count('<script src="/static/')
    for markup in ("<img src=x", " onerror=alert(2)>", " style=", " onclick"):
        assert markup not in page
    for table in ("", "&table=days", "&table=signals", "&table=tasks"):
        answer = client.get(f"/me?format=csv{table}")
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert len(rows) > 1, table
        assert not [cell for row in rows for cell in row if cell.lstrip().startswith(("=", "+", "@"))]


def test_the_number_of_queries_does_not_grow(cast: Cast, client: Client) -> None:
    def queries() -> list[str]:
        client.get("/me")
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/me").status_code == 200
        return [one["sql"] for one in captured]

    make_assignment(cast.academy, make_asset("lesson-03", academy=cast.academy), KEY)
    make_attempts(cast.owner, cast.academy, KEY, "x")
    make_webhook(cast.owner)
    make_translations(us="first", es="primero")
    make_task(cast.owner, "first")
    make_telemetry(cast.owner, "of-no-asset")
    few = queries()
    assert len(few) <= 34
    for number in range(12):
        asset = make_asset(f"asset-{number}", academy=cast.academy)
        make_task(cast.owner, asset.slug)
        make_telemetry(cast.owner, asset.slug)
        make_webhook(cast.owner)
        make_signal(cast.owner, cast.academy)
        for step in range(5):
            make_assignment(cast.academy, asset, f"{asset.slug}/{step}", position=step)
            make_attempts(cast.owner, cast.academy, f"{asset.slug}/{step}", "x-")
    assert len(queries()) == len(few)


def test_it_is_told_in_the_readers_language(cast: Cast, client: Client) -> None:
    page = text_of(client.get("/me", headers={"Accept-Language": "es"}))
    assert '<html lang="es"' in page
    with translation.override("es"):
        assert translation.gettext("My learning") in page


def test_thousands_of_made_up_assignments_make_no_page_of_megabytes(client: Client, cast: Cast) -> None:
    rows = [
        Progress(
            user=cast.owner,
            academy=cast.academy,
            assignment=f"assignment:made-up-{number}",
            first_seen_at=NOW,
            last_seen_at=NOW + timedelta(seconds=number),
            last_arrival=number,
            gap_seconds=300,
        )
        for number in range(5000)
    ]
    Progress.objects.bulk_create(rows)
    for user, address in ((cast.owner, "/me"), (cast.colleague, f"/learner/{cast.owner.pk}")):
        client.force_login(user)
        answer = client.get(address)
        assert answer.status_code == 200
        assert len(answer.content) < 500_000
        assert "made-up-4999" in answer.content.decode()
        assert "4,700 more assignments" in answer.content.decode() or "4700 more assignments" in answer.content.decode()
    file = client.get(f"/learner/{cast.owner.pk}?format=csv").content.decode()
    assert file.count("made-up-") >= 5000
