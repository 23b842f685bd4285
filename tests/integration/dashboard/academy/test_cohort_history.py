"""The history of a cohort on its page: dates, learners, due dates and limits, with who changed them, page by page."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.test import Client

from learntrace.accounts.models import Cohort, User
from learntrace.accounts.people.models import CohortLearner
from tests.support.builders import Cast, make_cohort, make_graded_asset, make_user

pytestmark = pytest.mark.django_db


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def history(user: User, cohort: Cohort, query: str = "", language: str = "en") -> str:
    answer = signed_in(user).get(f"/people/cohort/{cohort.pk}{query}", headers={"Accept-Language": language})
    part = answer.content.decode().partition('aria-labelledby="history"')[2]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", part)).split())


@pytest.fixture
def cohort(cast: Cast) -> Cohort:
    """A cohort that an admin has changed in every way by the pages."""
    make_graded_asset("intro", academy=cast.academy, title="Introduction")
    teacher = make_user("tess", "teacher", cast.academy, first_name="Tess", last_name="Teacher")
    admin = signed_in(cast.colleague)
    admin.post("/people/cohorts", {"name": "Fall", "starts_on": "2026-09-01"})
    cohort = Cohort.objects.get(name="Fall")
    admin.post(f"/people/cohort/{cohort.pk}", {"name": "Fall", "slug": "fall", "starts_on": "2026-09-14"})
    admin.post(f"/people/cohort/{cohort.pk}/learners", {"names": "ada"})
    due = {"cohort": "fall", "asset": "intro", "due_at": "2026-10-01T12:00"}
    admin.post("/people/due-dates", due)
    admin.post("/people/due-dates", {**due, "due_at": "2026-10-02T12:00"})
    row = cohort.due_dates.get()
    later = {"learner": "ada", "due_at": "2026-10-09T12:00", "reason": "was ill"}
    admin.post(f"/people/due-date/{row.pk}/extension", later)
    admin.post(f"/people/{teacher.pk}/role", {"role": "teacher", "limit": "yes", "cohorts": [cohort.pk]})
    return cohort


def test_a_cohorts_page_tells_who_changed_what(cast: Cast, cohort: Cohort) -> None:
    told = history(cast.colleague, cohort)
    assert told.count("Grace Hopper :") == 7
    for sentence in (
        "First day: 1 Sep 2026 → 14 Sep 2026",
        "Changed who is in a cohort · added: Ada Lovelace",
        "Changed a due date · Introduction Due: 1 Oct 2026, 12:00 → 2 Oct 2026, 12:00",
        "Changed somebody's extension · Introduction, Ada Lovelace",
        "→ was ill",
        "Limited to this cohort · Tess Teacher",
        "Created a cohort",
    ):
        assert sentence in told, told
    # What ends is told with what it was, also after its row is gone.
    admin = signed_in(cast.colleague)
    admin.post(f"/people/due-date/{cohort.due_dates.get().pk}/end")
    admin.post(f"/people/{User.objects.get(username='tess').pk}/role", {"role": "teacher", "limit": "no"})
    told = history(cast.colleague, cohort)
    assert "Changed a due date · Introduction Due: 2 Oct 2026, 12:00 →" in told
    assert "No longer limited to this cohort · Tess Teacher" in told
    assert "Deja de estar limitado a esta cohorte · Tess Teacher" in history(cast.colleague, cohort, language="es")


def test_another_cohorts_history_is_not_told(cast: Cast, cohort: Cohort) -> None:
    other = make_cohort("other", cast.academy)
    assert "No changes are recorded" in history(cast.colleague, other)
    limited = User.objects.get(username="tess")
    assert "added: Ada Lovelace" in history(limited, cohort)
    assert signed_in(limited).get(f"/people/cohort/{other.pk}").status_code == 404
    assert signed_in(cast.stranger).get(f"/people/cohort/{cohort.pk}").status_code == 404


def test_a_long_history_has_pages(cast: Cast, cohort: Cohort) -> None:
    admin = signed_in(cast.colleague)
    day = datetime(2027, 1, 1, tzinfo=UTC)
    for number in range(14):
        fields = {"name": "Fall", "slug": "fall", "starts_on": f"{day + timedelta(days=number):%Y-%m-%d}"}
        admin.post(f"/people/cohort/{cohort.pk}", fields)
    first, second, last = (history(cast.colleague, cohort, f"?history={page}") for page in (1, 2, 3))
    assert "1 to 10 of 21" in first
    assert "14 Jan 2027" in first
    assert "1 Jan 2027" in second
    assert "Created a cohort" in last
    assert "Created a cohort" not in first + second


def test_whoever_is_limited_reads_nothing_of_learners_who_are_not_theirs(cast: Cast, cohort: Cohort) -> None:
    admin = signed_in(cast.colleague)
    bob = make_user("bob", "student", cast.academy, first_name="Bob", last_name="Builder")
    admin.post(f"/people/cohort/{cohort.pk}/learners", {"names": "bob"})
    row = cohort.due_dates.get()
    later = {"learner": "bob", "due_at": "2026-10-09T12:00", "reason": "in hospital"}
    admin.post(f"/people/due-date/{row.pk}/extension", later)
    CohortLearner.objects.filter(user=bob).delete()
    limited = User.objects.get(username="tess")
    told = history(limited, cohort)
    assert "was ill" in told
    assert "added: somebody else" in told
    assert "Bob" not in told
    assert "in hospital" not in told
    everything = history(cast.colleague, cohort)
    assert "Bob Builder" in everything
    assert "in hospital" in everything
