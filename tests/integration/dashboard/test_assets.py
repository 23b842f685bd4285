"""The pages of assets: what they count, whom they show it, and that nothing in them is taken for markup."""

import csv
import io
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from learntrace.accounts.models import Membership, User
from learntrace.assignments.asset_reports import learners_on
from learntrace.assignments.models import AssignmentTelemetry
from learntrace.assignments.telemetry_stats import drain_stats, stats_of
from learntrace.dashboard.assets.statistics_page import days_of, figures_of
from learntrace.progress.models import StepRename
from learntrace.progress.reports.asset_steps import steps_of
from learntrace.registry.models import Asset
from learntrace.registry.translated_assets import translated_asset
from tests.support.builders import (
    Cast,
    make_asset,
    make_assignment,
    make_attempts,
    make_notebook,
    make_signal,
    make_task,
    make_user,
    translate,
)
from tests.support.packages import work_on

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'
FORMULA = "=1+1"


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    cache.clear()


@pytest.fixture
def client(cast: Cast) -> Client:
    return signed_in(cast.colleague)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def intro(cast: Cast) -> Asset:
    """A package of four steps with a translation and an alias, on which three of four learners have worked."""
    asset = make_asset(
        "intro", title="Introduction", lang="us", graded=True, academy=cast.academy, aliases=("beginning",)
    )
    spanish = make_asset("intro-es", title="Introducción", lang="es", academy=cast.academy)
    translate(asset, spanish)
    for place in range(4):
        make_assignment(cast.academy, asset, f"intro/{place + 1:02}-step", title=f"Step {place + 1}", position=place)
    people = [cast.owner, *(make_user(name, "student", cast.academy) for name in ("barbara", "katherine", "radia"))]
    for user, work in zip(people, ("cccc", "cfas", "fcsu"), strict=False):
        work_on(user, "intro", work)
    for user in people:
        make_task(user, "intro-es" if user.username == "radia" else "intro")
    asset.refresh_from_db()
    return asset


def text_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def table_of(client: Client, path: str) -> list[list[str]]:
    answer = client.get(path)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.reader(io.StringIO(answer.content.decode().removeprefix("\ufeff"))))


def queries(client: Client, path: str) -> int:
    client.get(path)
    cache.clear()
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


# The list


def test_the_list_has_an_asset_once_for_all_its_translations(client: Client, intro: Asset) -> None:
    titles, row = table_of(client, "/assets?format=csv")
    found = dict(zip(titles, row, strict=True))
    rows = AssignmentTelemetry.objects.all()
    mean = round(sum(one.engagement_score or 0 for one in rows) / 3, 2)
    assert [found[name] for name in ("Title", "Slug", "Type", "Languages", "Graded", "Learners")] == [
        "Introduction", "intro", "Exercise", "English, Spanish", "yes", "3",
    ]  # fmt: skip
    assert (float(found["Engagement"]), float(found["Completed (%)"])) == (mean, round((100 + 50 + 50) / 3, 2))
    assert (found["Statistics computed (UTC)"], found["Out of date"]) == ("", "yes")
    assert "never computed" in text_of(client, "/assets")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Introduction", "Loops", "Quiz"]), ("q=intro", ["Introduction"]), ("q=INTRODUCCI%C3%93N", ["Introduction"]),
        ("q=loops+quiz", []), ("type=QUIZ", ["Quiz"]), ("lang=es", ["Introduction"]), ("graded=yes", ["Introduction"]),
        ("graded=no", ["Loops", "Quiz"]), ("telemetry=with", ["Introduction", "Loops"]), ("telemetry=without", ["Quiz"]),
        ("sort=-title", ["Quiz", "Loops", "Introduction"]), ("sort=learners", ["Loops", "Introduction", "Quiz"]),
        ("sort=-learners", ["Introduction", "Loops", "Quiz"]), ("sort=nonsense&page=7", ["Introduction", "Loops", "Quiz"]),
    ],
)  # fmt: skip
def test_the_list_is_narrowed_and_sorted_by_its_address(
    cast: Cast, client: Client, intro: Asset, query: str, found: list[str]
) -> None:
    make_asset("loops", title="Loops", academy=cast.academy)
    make_asset("quiz", title="Quiz", asset_type="QUIZ", lang="", academy=cast.academy)
    work_on(cast.owner, "loops", "cu")
    assert [row[0] for row in table_of(client, f"/assets?format=csv&{query}")[1:]] == found
    page = text_of(client, f"/assets?{query}")
    places = [page.index(f"<bdi>{title}</bdi>") for title in found]
    assert places == sorted(places)
    assert page.count("data-row=") == len(found)
    assert ("No asset matches" in page) == (not found)


def test_an_academy_without_assets_is_told_where_they_come_from(cast: Cast) -> None:
    page = text_of(signed_in(cast.stranger), "/assets")
    assert (
        "Packages become assets when a roster with them is imported, notebooks when their author publishes them."
        in page
    )
    # Connect is a button beside it; what is to be typed in a terminal is in the documentation.
    assert "Connect LearnPack or notebooks" in page
    assert "learntrace roster import" not in page


# One asset


@pytest.mark.parametrize("name", ["intro-es", "beginning", "INTRO", "{id}", "{other}"])
def test_every_name_of_an_asset_leads_to_its_canonical_page(client: Client, intro: Asset, name: str) -> None:
    other = Asset.objects.get(slug="intro-es").pk
    answer = client.get(f"/asset/{name.format(id=intro.pk, other=other)}?sort=time&name=x")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/asset/intro?sort=time&name=x")


def test_an_assets_own_slug_comes_before_ids_and_aliases(cast: Cast, client: Client, intro: Asset) -> None:
    make_asset(str(intro.pk), title="A number", academy=cast.academy)
    assert "A number" in text_of(client, f"/asset/{intro.pk}")


def test_an_unknown_or_foreign_asset_is_not_found(cast: Cast, client: Client, intro: Asset) -> None:
    foreign = make_asset("theirs", title="Theirs", academy=cast.elsewhere)
    for name in ("nothing", "theirs", str(foreign.pk), "9" * 30, "a/b"):
        answer = client.get(f"/asset/{name}")
        assert answer.status_code == 404
        assert "Theirs" not in answer.content.decode()
    assert signed_in(cast.stranger).get("/asset/intro").status_code == 404
    assert signed_in(cast.owner).get("/asset/intro").status_code == 403


def test_steps_are_counted_in_the_order_of_the_package(cast: Cast, client: Client, intro: Asset) -> None:
    rows = table_of(client, "/asset/intro?format=csv&table=steps")
    assert [row[0] for row in rows] == ["Step", "01-step", "02-step", "03-step", "04-step"]
    # Completed, attempted, skipped, not opened; stopped here; struggles of compilations and tests; median time; done.
    assert [[float(cell) for cell in row[3:]] for row in rows[1:]] == [
        [3, 0, 0, 0, 0, 0.67, 0.33, 60, 0], [3, 0, 0, 0, 0, 0.67, 0.33, 120, 0], [1, 1, 1, 0, 1, 1, 0, 180, 0],
        [1, 0, 1, 1, 1, 0, 0, 240, 0],
    ]  # fmt: skip
    page = text_of(client, "/asset/intro")
    assert '<a href="/assignment/intro/03-step"><bdi>Step 3</bdi></a>' in page
    assert page.count("where most stop: ") == 2


def renamed(cast: Cast, asset: Asset, old: str, new: str) -> StepRename:
    return StepRename.objects.create(academy=cast.academy, asset=asset, old_key=old, new_key=new, read_as=new)


def test_a_renamed_step_is_counted_as_the_one_that_replaced_it(cast: Cast, client: Client, intro: Asset) -> None:
    # Ada and Barbara tell the step by its old name, Radia by both.
    names = ["01-step", "02-step", "old-step", "04-step"]
    for username, work in (("ada", "cccc"), ("barbara", "cfas")):
        work_on(User.objects.get(username=username), "intro", work, names)
    work_on(User.objects.get(username="radia"), "intro", "cca", ["01-step", "old-step", "03-step"])

    def counts() -> list[list[float]]:
        rows = table_of(client, "/asset/intro?format=csv&table=steps")
        return [[float(cell or "nan") for cell in row[3:]] for row in rows[1:]]

    _first, _second, apart, last = counts()
    assert apart[:5] == [0, 1, 1, 2, 2]
    renamed(cast, intro, "intro/old-step", "intro/03-step")
    _first, _second, joined, last_then = counts()
    # Completed, attempted, skipped, not opened; stopped here; struggles; median time; done.
    assert joined[:5] == [2, 1, 1, 0, 2]
    assert joined[5:8] == [0.75, 0, 180]
    assert last_then == last
    assert "/assignment/intro/old-step" not in text_of(client, "/asset/intro")


def test_the_pages_of_a_renamed_step_lead_to_the_new_one_with_the_rest_of_their_urls(
    cast: Cast, client: Client, intro: Asset
) -> None:
    make_attempts(cast.owner, cast.academy, "intro/03-step", "N-")
    rename = renamed(cast, intro, "intro/old-step", "intro/03-step")
    of_learner = f"/learner/{cast.owner.pk}"
    for rest in ("", of_learner, f"{of_learner}?signal=7&page=1", f"{of_learner}/exclude", "/exclude", "?format=csv"):
        for asset in ("intro", "beginning"):
            answer = client.get(f"/assignment/{asset}/old-step{rest}")
            assert (answer.status_code, answer.headers["Location"]) == (302, f"/assignment/intro/03-step{rest}")
        assert client.get(f"/assignment/intro/03-step{rest}").status_code == 200
    StepRename.objects.filter(pk=rename.pk).update(undone_at=timezone.now())
    assert client.get("/assignment/intro/old-step").status_code == 404


def test_a_step_that_was_renamed_to_and_fro_stays_where_it_is(cast: Cast, client: Client, intro: Asset) -> None:
    rename = renamed(cast, intro, "intro/03-step", "intro/02-step")
    StepRename.objects.filter(pk=rename.pk).update(read_as="intro/03-step")
    assert client.get("/assignment/intro/03-step").status_code == 200


def test_a_step_that_nobody_has_is_told_and_one_that_is_not_published_is_not(
    cast: Cast, client: Client, intro: Asset
) -> None:
    """A learner can send steps with any slug: those are on that learner's own pages only."""
    make_assignment(cast.academy, intro, "intro/05-new", position=9)
    work_on(cast.owner, "intro", "cc", ["01-step", "00-old"])
    steps = steps_of(cast.academy, translated_asset(cast.academy, "intro"), learners_on(cast.academy, "intro"))
    assert [(one.slug, one.counts.opened, one.unread) for one in steps.rows] == [
        ("01-step", 3, 0), ("02-step", 2, 1), ("03-step", 2, 1), ("04-step", 1, 2), ("05-new", 0, 3),
    ]  # fmt: skip
    assert "00-old" not in text_of(client, "/asset/intro")


@pytest.mark.parametrize(
    "metrics",
    [
        None, [], "x", {"steps": None}, {"steps": "x"}, {"steps": [1, None, "x", []]}, {"steps": [{"slug": "01-step"}]},
        {"steps": [{"slug": None, "metrics": {"status": "completed", "time_spent": 1}}]},
        {"steps": [{"slug": "01-step", "metrics": {"status": "completed", "time_spent": "long", "comp_struggles": {}}}]},
        {"steps": [{"slug": "01-step", "metrics": {"status": "completed", "time_spent": 1e300, "test_struggles": -1}}]},
    ],
)  # fmt: skip
def test_metrics_that_staff_has_written_break_nothing(cast: Cast, client: Client, intro: Asset, metrics: Any) -> None:
    radia = User.objects.get(username="radia")
    AssignmentTelemetry.objects.create(user=radia, asset_slug="intro", metrics=metrics)
    rows = table_of(client, "/asset/intro?format=csv&table=steps")
    assert rows[2][3:] == table_of(client, "/asset/intro?format=csv&table=steps")[2][3:]
    assert [int(cell) for cell in rows[2][3:6]] == [3, 0, 0]
    assert "Step 4" in text_of(client, "/asset/intro")


def test_what_costs_much_is_kept_until_something_comes_and_a_while_longer(
    cast: Cast, intro: Asset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("learntrace.assignments.step_reports.CHEAP_SECONDS", -1.0)
    monkeypatch.setattr("learntrace.assignments.step_reports.KEPT_TIMES", 0)

    def completed() -> int:
        shelved = translated_asset(cast.academy, "intro")
        return steps_of(cast.academy, shelved, learners_on(cast.academy, "intro")).rows[3].counts.completed

    assert completed() == 1
    with connection.cursor() as cursor:
        cursor.execute("UPDATE assignments_assignmenttelemetry SET metrics = NULL")
    assert completed() == 1
    work_on(cast.owner, "intro", "cccc")
    assert completed() == 1
    AssignmentTelemetry.objects.update(updated_at=timezone.now())
    monkeypatch.setattr("learntrace.assignments.step_reports.KEPT_TIMES", 10**9)
    work_on(User.objects.get(username="barbara"), "intro", "cccc")
    assert completed() == 2
    work_on(User.objects.get(username="katherine"), "intro", "cccc")
    assert completed() == 2


def test_statistics_stand_by_day_beside_what_they_would_be_now(client: Client, intro: Asset) -> None:
    day = {"frustration_avg": 11.5, "engagement_avg": 40, "completion_avg": 90.25, "total_sessions": 2}
    days = {"2026-11-20": day, "2026-11-18": {**day, "frustration_avg": None}, "nonsense": day, "2026-11-19": 3}
    Asset.objects.filter(pk=intro.pk).update(telemetry_stats={"last_sync_at": "x", "days": days})
    assert table_of(client, "/asset/intro?format=csv&table=days") == [
        ["Day (UTC)", "Engagement", "Frustration", "Completed (%)", "Learners"],
        ["2026-11-18", "40", "", "90.25", "2"], ["2026-11-20", "40", "11.5", "90.25", "2"],
    ]  # fmt: skip
    now = stats_of("intro")
    page = text_of(client, "/asset/intro")
    assert f"<b>{now and now['engagement_avg']:.2f}</b> now" in page
    assert "40.00 when computed" in page
    assert "20 Nov 2026: 40.00" in page


def test_a_day_without_statistics_is_a_gap(cast: Cast) -> None:
    def day(number: int, value: float) -> tuple[str, dict[str, float]]:
        return f"2026-11-{number:02}", {"engagement_avg": value}

    days = days_of(Asset(telemetry_stats={"days": dict([day(1, 10), day(2, 20), day(5, 130)])}))
    chart = figures_of(days, None)[0].chart
    assert [point.day for point in chart.points] == [date(2026, 11, 1), date(2026, 11, 2), date(2026, 11, 5)]
    assert [(one.x1, one.x2) for one in chart.segments] == [(chart.points[0].x, chart.points[1].x)]
    assert float(chart.points[2].y) == 4.0
    assert (chart.points[0].x, chart.points[2].x) == ("2.00%", "98.00%")
    assert figures_of([], None)[3].chart.points == ()


def test_statistics_are_asked_for_and_the_page_says_when_they_are_there(
    cast: Cast, client: Client, intro: Asset
) -> None:
    assert "Never computed:" in text_of(client, "/asset/intro")
    address = "/asset/intro-es/action/sync_telemetry_stats"
    answer = client.post(address, {"next": "/asset/intro?sort=time"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/asset/intro?sort=time")
    page = text_of(client, "/asset/intro")
    assert "Being computed." in page
    assert "data-soon" in page
    assert drain_stats() == 1
    page = text_of(client, "/asset/intro")
    assert "no telemetry since" in page
    assert "data-soon" not in page
    AssignmentTelemetry.objects.filter(user=cast.owner).update(updated_at=timezone.now() + timedelta(seconds=5))
    assert "Out of date:" in text_of(client, "/asset/intro")
    assert "out of date" in text_of(client, "/assets")
    Asset.objects.update(sync_status="ERROR")
    assert "They could not be computed." in text_of(client, "/asset/intro")


def test_statistics_are_asked_for_by_who_may_alone(cast: Cast, intro: Asset) -> None:
    address = "/asset/intro/action/sync_telemetry_stats"
    assistant = signed_in(make_user("ann", "assistant", cast.academy))
    assert "Compute now" not in text_of(assistant, "/asset/intro")
    assert assistant.post(address).status_code == 403
    assert signed_in(cast.owner).post(address).status_code == 403
    assert signed_in(cast.stranger).post(address).status_code == 404
    assert signed_in(cast.stranger).post(f"{address}?academy={cast.academy.pk}").status_code == 403
    assert Client().post(address).status_code == 302
    enforcing = Client(enforce_csrf_checks=True)
    enforcing.force_login(cast.colleague)
    assert enforcing.post(address).status_code == 403
    assert signed_in(cast.colleague).get(address).status_code == 405
    assert signed_in(cast.colleague).post("/asset/intro/action/destroy").status_code == 400
    intro.refresh_from_db()
    assert intro.sync_status is None


def test_learners_stand_with_their_scores_and_the_ways_to_them(cast: Cast, client: Client, intro: Asset) -> None:
    rows = table_of(client, "/asset/intro?format=csv&table=learners&sort=-completion")
    assert (rows[1][0], rows[1][4], float(rows[1][5])) == ("Ada Lovelace", "100", 600)
    page = text_of(client, "/asset/intro")
    assert f'href="/learner/{cast.owner.pk}"' in page
    assert f'href="/diagnosis?user=id:{cast.owner.pk}&amp;asset=intro"' in page


def test_who_has_a_task_and_no_telemetry_is_missing(client: Client, intro: Asset) -> None:
    assert table_of(client, "/asset/intro?format=csv&table=missing") == [["Learner", "User name"], ["radia", "radia"]]
    page = text_of(client, "/asset/intro")
    radia = User.objects.get(username="radia")
    assert f'href="/diagnosis?user=id:{radia.pk}&amp;asset=intro"' in page
    work_on(radia, "intro", "u")
    assert "Nobody." in text_of(client, "/asset/intro")


def test_scores_are_spread_over_bars(client: Client, intro: Asset) -> None:
    page = text_of(client, "/asset/intro")
    spread = page[page.index('id="spread-mean_completion"') :]
    rows = spread[: spread.index("</table>")]
    assert '50 \u2013 60</th><td class="number">2</td>' in rows
    assert '90 \u2013 100</th><td class="number">1</td>' in rows
    assert '3 d or more</th><td class="number">0</td>' in page


def test_the_registrys_facts_stand_with_links_to_the_web_alone(cast: Cast, client: Client, intro: Asset) -> None:
    Asset.objects.filter(pk=intro.pk).update(
        learnpack_deploy_url="javascript:alert(1)",
        url="https://example.org/intro",
        learnpack_id=555,
        technologies=["python", HOSTILE],
        config={"version": "5.0.1"},
        manifest=["version"],
    )
    page = text_of(client, "/asset/intro")
    for told in ("beginning", "intro-es", "555", "python", "5.0.1", "Version (config)", "javascript:alert(1)"):
        assert told in page
    assert 'href="https://example.org/intro"' in page
    assert 'href="javascript' not in page
    Asset.objects.filter(pk=intro.pk).update(learnpack_deploy_url="http://[broken", technologies={"a": 1})
    assert "http://[broken" in text_of(client, "/asset/intro")


def test_a_notebook_tells_its_path_and_its_tags(cast: Cast, client: Client) -> None:
    tag = "assignment:lesson-03-exercise-1"
    notebook = make_notebook("lesson-03", cast.academy, tag, path="lessons/lesson_03.ipynb")
    Asset.objects.filter(pk=notebook.pk).update(graded=True)
    make_assignment(cast.academy, notebook.asset, tag, title="Sum it")
    work_on(cast.owner, "lesson-03", "a", ["lesson-03-exercise-1"])
    page = text_of(client, "/asset/lesson-03")
    for told in ("lessons/lesson_03.ipynb", f"<code>{tag}</code>", '<a href="/assignment/lesson-03-exercise-1"'):
        assert told in page
    assert table_of(client, "/asset/lesson-03?format=csv")[1][:5] == [
        "lesson-03-exercise-1", "Sum it", "lesson-03-exercise-1", "0", "1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("graded", "telemetry", "told"),
    [
        (True, False, "Nobody has worked on it yet"), (False, True, "Steps are counted for graded assets only"),
        (True, True, "No steps yet"),
    ],
)  # fmt: skip
def test_without_steps_the_page_says_why_and_what_to_do(
    cast: Cast, client: Client, graded: bool, telemetry: bool, told: str
) -> None:
    make_asset("loops", graded=graded, academy=cast.academy)
    if telemetry:
        AssignmentTelemetry.objects.create(user=cast.owner, asset_slug="loops")
    assert told in text_of(client, "/asset/loops")


# Scope


def test_of_a_shared_asset_only_the_academys_learners_are_shown(cast: Cast, client: Client) -> None:
    shared = make_asset("shared", graded=True, academy=None)
    work_on(cast.owner, "shared", "cu")
    work_on(cast.strange_learner, "shared", "ss")
    make_task(cast.strange_learner, "shared")
    make_assignment(cast.elsewhere, shared, "shared/02-step")
    make_assignment(cast.academy, shared, "shared/01-step")
    page = text_of(client, "/asset/shared")
    assert "These also count 1 learner whom you don't see" in page
    assert "Elsewhere" not in page
    assert [row[3:7] for row in table_of(client, "/asset/shared?format=csv&table=steps")[1:]] == [["1", "0", "0", "0"]]
    assert len(table_of(client, "/asset/shared?format=csv&table=learners")) == 2
    assert len(table_of(client, "/asset/shared?format=csv&table=missing")) == 1
    assert table_of(client, "/assets?format=csv")[1][5] == "1"


def test_what_was_learned_at_another_academy_is_seen_there_only(cast: Cast, client: Client) -> None:
    ours, theirs = make_asset("ours", lang="es", academy=cast.academy), make_asset("theirs", academy=cast.elsewhere)
    # The canonical asset is theirs: it is the older one.
    Asset.objects.filter(pk=theirs.pk).update(id=ours.pk - 1)
    translate(ours, Asset.objects.get(slug="theirs"))
    Membership.objects.create(user=cast.owner, academy=cast.elsewhere, role="student")
    work_on(cast.owner, "theirs", "cc")
    work_on(make_user("barbara", "student", cast.academy), "theirs", "sc")
    page = text_of(client, "/asset/ours")
    assert "barbara" in page
    assert "Lovelace" not in page
    assert client.get("/asset/theirs").status_code == 404
    assert table_of(client, "/assets?format=csv")[1][1:6] == ["ours", "Exercise", "Spanish", "", "1"]


# Around


def test_other_pages_lead_to_the_asset(cast: Cast, client: Client, intro: Asset) -> None:
    AssignmentTelemetry.objects.create(user=cast.owner, asset_slug="gone")
    page = text_of(client, f"/learner/{cast.owner.pk}")
    assert '<a href="/asset/intro">Introduction</a>' in page
    assert "/asset/gone" not in page
    assert '<a href="/asset/intro">' in text_of(client, "/search?q=introd")
    spanish = Asset.objects.get(slug="intro-es")
    assert f'href="/asset/{spanish.pk}"' in text_of(client, "/diagnosis?user=ada&asset=intro-es")


def test_every_table_of_a_learner_and_of_an_assignment_is_given_out(cast: Cast, client: Client, intro: Asset) -> None:
    make_attempts(cast.owner, cast.academy, "intro/01-step", "nx-")
    make_signal(cast.owner, cast.academy, assignment="intro/01-step")
    address = f"/learner/{cast.owner.pk}?format=csv"
    assert table_of(client, address)[0][1] == "Assignment"
    assert table_of(client, f"{address}&table=nonsense")[0][1] == "Assignment"
    assert [row[:2] for row in table_of(client, f"{address}&table=telemetry")[1:]] == [["intro", "Introduction"]]
    signal = table_of(client, f"{address}&table=signals")[1]
    assert signal[1:4] == ["High", "Open", "Step 1"]
    assert "Ada Lovelace ran the same code 3 times" in signal[6]
    assert table_of(client, f"{address}&table=tasks")[1][2:5] == ["intro", "Exercise", "Pending"]
    learners = table_of(client, "/assignment/intro/01-step?format=csv&table=learners")
    assert learners == table_of(client, "/assignment/intro/01-step?format=csv")
    errors = table_of(client, "/assignment/intro/01-step?format=csv&table=errors")
    assert sorted(row[0] for row in errors[1:]) == ["NError: it broke", "XError: it broke"]


def test_what_others_wrote_is_text_on_every_page_and_harmless_in_every_table(
    cast: Cast, client: Client, intro: Asset
) -> None:
    User.objects.filter(pk=cast.owner.pk).update(first_name=HOSTILE, last_name=FORMULA)
    User.objects.filter(username="radia").update(first_name=FORMULA, last_name="")
    Asset.objects.filter(pk=intro.pk).update(title=HOSTILE, learnpack_deploy_url=HOSTILE, config={"version": HOSTILE})
    Asset.objects.filter(slug="intro-es").update(title=FORMULA, lang="<b>")
    make_assignment(cast.academy, intro, "intro/x", title=HOSTILE)
    work_on(cast.owner, "intro", "cc", [FORMULA, HOSTILE])
    for path in ("/assets", "/asset/intro"):
        page = text_of(client, path)
        assert page.count("<script") == page.count('<script src="/static/')
        for markup in ("<img src=x", " onerror=alert(2)>", "<b>,"):
            assert markup not in page
    tables = [
        "/assets?format=csv",
        *(f"/asset/intro?format=csv&table={one}" for one in ("steps", "learners", "missing")),
    ]
    for path in tables:
        rows = table_of(client, path)
        assert len(rows) > 1
        assert not [cell for row in rows for cell in row if cell.lstrip().startswith(("=", "+", "@"))], path


def test_the_number_of_queries_does_not_grow(cast: Cast, client: Client, intro: Asset) -> None:
    paths = ["/assets", "/assets?sort=-learners", "/asset/intro"]
    few = {path: queries(client, path) for path in paths}
    assert max(few.values()) <= 30
    for number in range(40):
        user = make_user(f"u{number}", "student", cast.academy)
        slug = f"asset-{number}"
        asset = make_asset(slug, academy=cast.academy, graded=True)
        translate(asset, make_asset(f"{slug}-es", lang="es", academy=cast.academy))
        work_on(user, slug, "cu")
        work_on(user, "intro", "cfas"[number % 4] * 4)
        make_task(make_user(f"m{number}", "student", cast.academy), "intro")
    assert {path: queries(client, path) for path in paths} == few
