"""The pages of people in a browser: both languages and schemes, wide and narrow, and the ways from a file to a class."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.utils import timezone
from playwright.sync_api import expect

from learntrace.accounts.invitations import inviting
from learntrace.accounts.models import Cohort, CohortLearner, Invitation, Membership, RosterJob, User
from learntrace.accounts.roster.jobs.running import take_job
from learntrace.assignments.due_dates.models import DueDate, Extension
from learntrace.assignments.models import Task
from tests.browser.pages import LEAST_CONTRAST, MARKUP, OUTSIDE, Faults, Visit, complaints
from tests.browser.scene import PASSWORD, Scene

PEOPLE = (
    "email;first_name;last_name;role;cohort\r\n"
    "lina@example.org;Lina;Müller;;winter\r\n"
    "noor@example.org;Noor;<b>X</b>;;winter\r\n"
)


@contextmanager
def working() -> Iterator[None]:
    """A worker that takes imports, as `learntrace worker` does."""
    over = threading.Event()

    def work() -> None:
        try:
            while not over.wait(0.05):
                take_job()
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.fixture
def staffed(scene: Scene) -> Scene:
    """An academy whose teacher is an admin, with cohorts, due dates, invitations and imports, some with hostile words."""
    admin = scene.teacher
    Membership.objects.filter(user=admin).update(role="admin")
    winter = Cohort.objects.create(
        slug="winter", name="Winter", academy=scene.academy, starts_on=datetime(2026, 9, 1, tzinfo=UTC).date()
    )
    Cohort.objects.create(slug="old", name="Old " + "w" * 60, academy=scene.academy, archived_at=timezone.now())
    CohortLearner.objects.create(cohort=winter, user=scene.learner)
    User.objects.filter(username="hedy").update(first_name=MARKUP[:100], last_name="L" * 80)
    Membership.objects.filter(user__username="lynn").update(status="INACTIVE")
    now = timezone.now()
    due = DueDate.objects.create(cohort=winter, asset=scene.assets[0], due_at=now + timedelta(days=3))
    Extension.objects.create(due_date=due, user=scene.learner, due_at=now + timedelta(days=9), reason=MARKUP)
    DueDate.objects.create(cohort=winter, asset=scene.assets[1], due_at=now - timedelta(days=3))
    for number, email in enumerate(("", "x" * 60 + "@example.org")):
        Invitation.objects.create(
            academy=scene.academy,
            email=email,
            role="teacher",
            token_hash=str(number),
            made_by=admin,
            expires_at=now + timedelta(days=3),
        )
    change = {
        "order": 2, "section": "users", "about": MARKUP, "what": "new",
        "fields": [{"name": "first_name", "before": "", "after": "w" * 200}],
    }  # fmt: skip
    preview = [change | {"line": str(line)} for line in range(2, 122)]
    told = {"academy": scene.academy, "made_by": admin, "file_name": "f" * 120 + ".csv", "preview": preview}
    RosterJob.objects.create(**told, state="ready", counts={"users": {"new": 120, "changed": 0, "same": 0}})
    RosterJob.objects.create(**told, state="refused", problems=[["2", MARKUP + "w" * 200]], counts={"problems": 900})
    RosterJob.objects.create(**told, state="undone", left=[{"line": "2", "about": MARKUP, "reason": "was changed"}])
    RosterJob.objects.create(**told, state="applying")
    return scene


def test_a_problem_of_every_line_of_a_file_is_shown_once(visit: Visit, scene: Scene) -> None:
    Membership.objects.filter(user=scene.teacher).update(role="admin")
    bad = {"text": "`%(key)s`: there is no cohort %(name)s", "before": "cohort_learners"}
    problems = [[str(line), bad | {"values": {"key": "cohort", "name": f"N{line}"}}] for line in range(2, 8)]
    problems += [
        [str(line), {"text": "`username` is missing", "before": "users", "values": {}}] for line in range(2, 8)
    ]
    RosterJob.objects.create(
        academy=scene.academy, made_by=scene.teacher, file_name="fall.csv", form="CSV", state="refused",
        problems=problems, counts={"problems": 12},
    )  # fmt: skip
    page = visit("/people/import", scene.teacher)
    page.get_by_role("link", name="fall.csv").click()
    problems_shown = page.get_by_role("region", name="12 problems; nothing was changed").get_by_role("listitem")
    expect(problems_shown).to_have_count(5)
    expect(problems_shown.nth(2)).to_have_text("Line 4 `cohort`: there is no cohort N4")
    expect(problems_shown.nth(3)).to_have_text("3 more problems of this kind")
    expect(problems_shown.nth(4)).to_have_text("Lines 2-7 `username` is missing")


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("es", "dark")])
def test_the_pages_fit_and_read_well(visit: Visit, staffed: Scene, faults: Faults, language: str, scheme: str) -> None:
    faults.allow("410 (Gone)")
    page = visit("/people", staffed.teacher, language=language, scheme=scheme)
    cohort = Cohort.objects.get(slug="winter")
    jobs = [f"/people/import/{job.pk}" for job in RosterJob.objects.exclude(state="applying")]
    paths = [
        "/people", "/people?archived=archived", "/people?q=nobody", "/people/add", f"/people/{staffed.learner.pk}",
        f"/people/{staffed.learner.pk}/merge?other=grace", "/people/cohorts", f"/people/cohort/{cohort.pk}",
        "/people/due-dates", "/people/invitations", "/people/import", *jobs, "/invitation/none",
    ]  # fmt: skip
    for path in paths:
        page.goto(path)
        page.locator("details:not(.menu)").evaluate_all("all => all.forEach(one => { one.open = true })")
        assert page.locator("main img").count() == 0
        for width in (1440, 360):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
            assert page.evaluate(OUTSIDE) == [], (path, width)
            assert complaints(page) == [], (path, width)
        contrast, text = page.evaluate(LEAST_CONTRAST)
        assert contrast >= 4.5, (path, text)


def test_a_file_of_excel_becomes_a_class_and_is_undone(visit: Visit, staffed: Scene) -> None:
    page = visit("/people", staffed.teacher)
    before = User.objects.count()
    page.get_by_role("link", name="Import a roster").click()
    page.get_by_label("File", exact=True).set_input_files(
        {"name": "class.csv", "mimeType": "text/csv", "buffer": PEOPLE.encode("cp1252")}
    )
    page.get_by_role("button", name="Check the file").click()
    # No worker yet: the bar waits, also after a reload.
    expect(page.locator("progress")).to_be_visible()
    page.reload()
    expect(page.locator("progress")).to_be_visible()
    with working():
        expect(page.get_by_role("button", name="Apply")).to_be_visible()
        expect(page.locator(".lines")).to_contain_text("Müller")
        assert User.objects.count() == before
        page.get_by_role("button", name="Apply").click()
        expect(page.get_by_role("heading", name="Applied", exact=True)).to_be_visible()
        assert CohortLearner.objects.filter(cohort__slug="winter", user__first_name="Lina").exists()
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_role("heading", name="Undone", exact=True)).to_be_visible()
    assert User.objects.count() == before


def test_somebody_is_invited_by_a_link_and_signs_up(visit: Visit, staffed: Scene, faults: Faults) -> None:
    faults.allow("410 (Gone)")
    page = visit("/people/invitations", staffed.teacher)
    page.get_by_label("Winter").check()
    page.get_by_role("button", name="Create a link").click()
    link = page.locator("code.key").text_content()
    assert link is not None
    page.locator(".account summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.goto(link)
    page.get_by_label("First name").fill("Zoë")
    page.get_by_label("User name").fill("zoe")
    page.get_by_label("Password", exact=True).fill("staple horse battery")
    page.get_by_label("Password again").fill("staple horse battery")
    page.get_by_role("button", name="Create my account").click()
    page.wait_for_url("**/me")
    assert CohortLearner.objects.filter(cohort__slug="winter", user__username="zoe").exists()
    page.goto(link)
    expect(page.get_by_role("alert")).to_contain_text("already been used")


def test_what_was_typed_when_the_session_ended_is_there_again(visit: Visit, staffed: Scene) -> None:
    page = visit("/people/add", staffed.teacher)
    page.get_by_label("First name").fill("Zoë")
    page.get_by_label("E-mail address").fill("zoe@example.org")
    page.get_by_label("Role").select_option("teacher")
    page.get_by_label("Winter").check()
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("Your session has ended")).to_be_visible()
    page.get_by_label("E-mail address or user name").fill(staffed.teacher.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("First name")).to_have_value("Zoë")
    expect(page.get_by_label("Role")).to_have_value("teacher")
    expect(page.get_by_label("Winter")).to_be_checked()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Zoë")
    assert Membership.objects.get(user__email="zoe@example.org").cohorts.get().slug == "winter"


def test_two_records_become_one_and_two_again(visit: Visit, staffed: Scene) -> None:
    double = User.objects.create(username="ada.l", first_name="Ada", last_name="L.")
    Membership.objects.create(user=double, academy=staffed.academy, role="student")
    Task.objects.create(user=double, title="T", associated_slug="t", task_type="EXERCISE")
    page = visit(f"/people/{staffed.learner.pk}", staffed.teacher)
    page.get_by_role("link", name="Merge with another record").click()
    page.get_by_label("User name, address or id").fill("ada.l")
    page.get_by_role("button", name="Show what it would do").click()
    expect(page.get_by_role("row", name="Tasks")).to_contain_text("1")
    page.get_by_role("button", name="Merge", exact=True).click()
    page.get_by_role("button", name="Undo the merge").click()
    expect(page.get_by_role("status")).to_contain_text("The merge was undone")
    assert Task.objects.get(title="T").user == double


def test_a_double_click_sends_a_form_once(visit: Visit, staffed: Scene) -> None:
    page = visit("/people/invitations", staffed.teacher)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    invite, asked_again = inviting.invite, threading.Event()

    def late(*args: Any, **fields: Any) -> tuple[Invitation, str]:
        asked_again.wait(10)
        return invite(*args, **fields)

    button = page.get_by_role("button", name="Create a link")
    with patch.object(inviting, "invite", late):
        # The server has the first request and answers it after the second click.
        page.evaluate(
            """() => {
                const button = [...document.querySelectorAll("main button.main")].at(-1);
                button.click();
                setTimeout(() => button.click(), 300);
            }"""
        )
        page.wait_for_timeout(600)
        asked_again.set()
        expect(page.locator("#made")).to_be_visible()
    assert len(sent) == 1
    button.click()
    expect(page.locator("#made")).to_be_visible()
    assert len(sent) == 2, "another page, another form"
