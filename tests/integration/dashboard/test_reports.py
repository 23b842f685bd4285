"""Reports: a week's figures, cohorts side by side, as pages, CSV and by mail."""

import csv
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core import mail as sent_mail
from django.test import Client

from learntrace.accounts.models import Cohort, CohortLearner, Membership, User
from learntrace.progress.models import SummarySubscription
from learntrace.progress.summaries import mail
from tests.integration.progress.test_recording import TAGS, a_lesson, take
from tests.support.builders import NOW, Cast, make_asset, make_assignment, make_cohort, make_task, make_user

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def course(cast: Cast) -> tuple[Cohort, list[User]]:
    """A cohort of four: three worked in both weeks, the fourth only in the first one."""
    asset = make_asset("lesson-03", academy=cast.academy)
    for tag in TAGS:
        make_assignment(cast.academy, asset, tag)
    cohort = make_cohort("morning", cast.academy)
    cohort.starts_on = date(2026, 11, 16)
    cohort.save()
    learners = [make_user(f"l{number}", "student", cast.academy) for number in range(4)]
    for number, learner in enumerate(learners):
        make_task(learner, "lesson-03", cohort=cohort)
        for week in (0, 1) if number < 3 else (0,):
            by = MONDAY + timedelta(days=7 * (week - 1)) - NOW
            lesson = a_lesson(number + 10 * week)[: None if number < 3 else 4]
            take(learner, cast.academy, [replace(one, at=one.at + by) for one in lesson])
    return cohort, learners


def page(user: User, path: str) -> str:
    client = Client()
    client.force_login(user)
    answer = client.get(path)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def rows_of(client: Client, path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(client.get(path).content.decode("utf-8-sig").splitlines()))


WEEK = "first=2026-11-23&last=2026-11-29"


def test_a_week_names_who_went_quiet_and_counts_who_worked(cast: Cast, course: tuple[Cohort, list[User]]) -> None:
    text = page(cast.colleague, f"/reports?{WEEK}")
    assert "3 learners worked (4 in the period before)" in text
    slipped = text[text.index("Who slipped") : text.index("What was hard")]
    assert f'href="/learner/{course[1][3].pk}?since=2026-11-23&amp;until=2026-11-30"' in slipped
    assert "no attempts this week" in slipped
    client = Client()
    client.force_login(cast.colleague)
    rows = rows_of(client, f"/reports?{WEEK}&format=csv&table=exercises")
    assert {row["Assignment"] for row in rows} <= set(TAGS)
    assert all(int(row["Learners"]) == 3 for row in rows)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("first=2026-11-23&last=2026-11-20", "The last day is before the first."),
        ("first=2026-02-31&last=2026-11-20", "Enter both days"),
        ("first=2026-11-23", "Enter both days"),
        ("first=2001-01-01&last=2026-11-20", "days at most"),
        ("first=9999-12-30&last=9999-12-31", "days at most"),
    ],
)
def test_days_that_can_not_be_are_told(cast: Cast, query: str, says: str) -> None:
    assert says in page(cast.colleague, f"/reports?{query}")


def test_cohorts_are_compared_from_their_first_day(cast: Cast, course: tuple[Cohort, list[User]]) -> None:
    other = make_cohort("evening", cast.academy)
    text = page(cast.colleague, "/reports/cohorts")
    assert course[0].name in text
    assert other.name in text
    client = Client()
    client.force_login(cast.colleague)
    (row,) = rows_of(client, "/reports/cohorts?with=morning&format=csv")
    assert (row["Learners"], row["Learners with attempts"]) == ("4", "4")
    curve = rows_of(client, "/reports/cohorts?with=morning&format=csv&table=curves")
    shares = [float(day[course[0].name]) for day in curve]
    assert shares == sorted(shares)
    assert shares[0] > 0


def test_learners_without_a_task_of_their_cohort_are_compared_too(
    cast: Cast, course: tuple[Cohort, list[User]]
) -> None:
    # As after an import or on the page of a cohort: notebooks need no tasks.
    notebooks = make_cohort("notebooks", cast.academy)
    for learner in course[1][:2]:
        CohortLearner.objects.create(cohort=notebooks, user=learner)
    CohortLearner.objects.create(cohort=course[0], user=course[1][0])
    client = Client()
    client.force_login(cast.colleague)
    rows = rows_of(client, "/reports/cohorts?with=morning&with=notebooks&format=csv")
    assert sorted((row["Learners"], row["Learners with attempts"]) for row in rows) == [("2", "2"), ("4", "4")]


def test_a_member_limited_to_a_cohort_sees_nobody_else(cast: Cast, course: tuple[Cohort, list[User]]) -> None:
    evening = make_cohort("evening", cast.academy)
    limited = make_user("lim", "teacher", cast.academy)
    membership = Membership.objects.get(user=limited)
    membership.only_cohorts = True
    membership.save()
    membership.cohorts.add(evening)
    text = page(limited, f"/reports?{WEEK}")
    assert "nobody worked (0 in the period before)" in text
    assert course[0].name not in page(limited, "/reports/cohorts?with=morning").replace("with=morning", "")


@pytest.fixture
def subscribed(cast: Cast, course: Any, settings: Any) -> SummarySubscription:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.EMAIL_HOST, settings.PUBLIC_URL = "mail.example.org", "https://learn.example.org"
    client = Client()
    client.force_login(cast.colleague)
    assert client.post("/reports/mail", {"weekly": "yes", "cohort": "morning"}).status_code == 302
    subscription = SummarySubscription.objects.get()
    SummarySubscription.objects.update(sent_for=date(2026, 11, 16))
    return subscription


MONDAY_AFTER = datetime(2026, 11, 30, 7, tzinfo=UTC)


def test_the_summary_comes_once_every_monday(cast: Cast, subscribed: SummarySubscription) -> None:
    assert mail.send_due(MONDAY_AFTER - timedelta(hours=2)) == 0
    assert mail.send_due(MONDAY_AFTER) == 1
    assert mail.send_due(MONDAY_AFTER + timedelta(hours=3)) == 0
    (message,) = sent_mail.outbox
    assert message.to == [cast.colleague.email]
    assert "3 learners worked, 4 the week before." in message.body
    assert "no attempts this week" in message.body
    assert "https://learn.example.org/reports?academy=" in message.body


def test_it_is_in_the_readers_language(cast: Cast, subscribed: SummarySubscription) -> None:
    User.objects.filter(pk=cast.colleague.pk).update(language="es")
    assert mail.send_due(MONDAY_AFTER) == 1
    assert "Trabajaron 3 estudiantes" in sent_mail.outbox[0].body


def test_who_is_no_longer_staff_gets_none(cast: Cast, subscribed: SummarySubscription) -> None:
    Membership.objects.filter(user=cast.colleague).update(status=Membership.Status.INACTIVE)
    assert mail.send_due(MONDAY_AFTER) == 0
    assert sent_mail.outbox == []


def test_a_mail_server_that_is_away_is_asked_again(cast: Cast, subscribed: SummarySubscription, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 1, 2
    assert mail.send_due(MONDAY_AFTER) == 0
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert mail.send_due(MONDAY_AFTER + timedelta(minutes=10)) == 1


def test_it_can_be_stopped(cast: Cast, subscribed: SummarySubscription) -> None:
    client = Client()
    client.force_login(cast.colleague)
    assert "You get the summary of" in client.get("/reports").content.decode()
    client.post("/reports/mail", {"weekly": "no"})
    assert not SummarySubscription.objects.exists()


def test_a_span_in_which_nobody_slipped_says_what_to_look_at_next(
    cast: Cast, course: tuple[Cohort, list[User]]
) -> None:
    make_task(course[1][0], "lesson-03", cohort=make_cohort("alone", cast.academy))
    assert "See who needs help now" in page(cast.colleague, f"/reports?{WEEK}&cohort=alone")
    nobody = page(cast.colleague, "/reports?first=2020-01-06&last=2020-01-12")
    assert "so nobody can have slipped" in nobody
    assert 'href="/reports?span=30-days"' in nobody
    assert 'href="/assignments?since=2020-01-06&amp;until=2020-01-13"' in nobody
