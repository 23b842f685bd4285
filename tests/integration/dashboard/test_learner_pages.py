"""Pages of learners and assignments begin with a sentence and show concerns, and all of them say the same of a state."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from learntrace.accounts.cohort_limits.changes import limit_to
from learntrace.accounts.models import User
from learntrace.measures.activity import ERROR, OK, Activity, Failure
from learntrace.progress.models import Progress
from learntrace.progress.recording.activity_store import LearnerActivity
from learntrace.progress.recording.recording import record
from learntrace.signals.help_requests.models import HelpRequest
from tests.support.builders import Cast, make_asset, make_assignment, make_cohort, make_task, make_user

TAGS = [f"assignment:lesson-02-exercise-{number}" for number in (1, 2, 3)]
_ids = iter(range(10**6))


NAME_ERROR = Failure("NameError", "name 'total' is not defined")


def run(cast: Cast, learner: User, key: str, outcomes: str, minutes: float = 3, failure: Failure = NAME_ERROR) -> None:
    """Have a learner run changed code: "x" fails, with a NameError unless told otherwise, "-" succeeds."""
    begun = timezone.now() - timedelta(minutes=minutes)
    done = []
    for place, letter in enumerate(outcomes):
        number = next(_ids)
        done.append(
            LearnerActivity(
                learner.pk,
                cast.academy.pk,
                Activity(
                    id=f"00000000-0000-4000-8000-{number:012}",
                    at=begun + timedelta(seconds=place),
                    arrival=0,
                    assignment=key,
                    verb="executed",
                    outcome=OK if letter == "-" else ERROR,
                    session_id="s",
                    object_id="c",
                    failures=() if letter == "-" else (failure,),
                    code_hash="f" * 64,
                ),
            )
        )
    record("test", done)


@pytest.fixture
def lesson(cast: Cast) -> None:
    asset = make_asset("lesson-02", academy=cast.academy, title="Loops")
    for place, (key, title) in enumerate(zip(TAGS, ("Introduction to loops", "Sums", ""), strict=True)):
        make_assignment(cast.academy, asset, key, title=title, position=place)


def page_of(user: User, path: str) -> str:
    client = Client()
    client.force_login(user)
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def test_all_pages_tell_of_a_learner_by_the_same_sentence(cast: Cast, lesson: None) -> None:
    run(cast, cast.owner, TAGS[1], "-", 60)
    run(cast, cast.owner, TAGS[0], "xxx")
    progress = Progress.objects.get(user=cast.owner, assignment=TAGS[0])
    Progress.objects.filter(pk=progress.pk).update(stuck_since=timezone.now() - timedelta(minutes=12, seconds=5))
    place = "on “Introduction to loops”, stuck for 12 min on NameError; 1 of 3 done."
    assert f"Ada is {place}" in page_of(cast.colleague, f"/learner/{cast.owner.pk}")
    assert f"You are {place}" in page_of(cast.owner, "/me")
    make_task(cast.owner, "lesson-02", cohort=make_cohort("fall", cast.academy))
    learners = page_of(cast.colleague, "/learners?cohort=fall")
    assert "1 is stuck, on “Introduction to loops”" in learners
    # Of one learner there is no half.
    assert "half have done" not in learners
    assignment = page_of(cast.colleague, "/assignment/lesson-02-exercise-1")
    told = "None of 1 has completed it yet; 1 is stuck, on NameError: name &#x27;total&#x27; is not defined."
    assert told in assignment
    # The title is the same in headings, sentences and lists; no slug stands in its place.
    for path in ("/assignment/lesson-02-exercise-1/learner/", "/learner/"):
        page = page_of(cast.colleague, f"{path}{cast.owner.pk}")
        assert "ran the same code 3 times on Introduction to loops" in page
        assert ">lesson-02-exercise-1<" not in page


def test_an_error_without_a_message_is_not_told_as_what_stops_a_class(cast: Cast, lesson: None) -> None:
    run(cast, cast.owner, TAGS[0], "xxx", failure=Failure("failed", ""))
    Progress.objects.update(stuck_since=timezone.now() - timedelta(minutes=12))
    page = page_of(cast.colleague, "/assignment/lesson-02-exercise-1")
    assert "None of 1 has completed it yet; 1 is stuck." in page


def test_the_list_of_learners_begins_with_who_needs_help_and_names_no_made_up_step(cast: Cast, lesson: None) -> None:
    calm, troubled = make_user("alan", "student", cast.academy), make_user("zoe", "student", cast.academy)
    run(cast, troubled, TAGS[2], "xxx")
    run(cast, calm, TAGS[0], "-")
    run(cast, calm, "made-up/insult", "x", 1)
    page = page_of(cast.colleague, "/learners")
    assert page.index(f"/learner/{troubled.pk}") < page.index(f"/learner/{calm.pk}")
    assert "insult" not in page
    # A first click on a column of numbers brings the most to the top, on one of completion the least.
    assert 'href="?sort=-errors"' in page
    assert 'href="?sort=completion_rate"' in page
    assert 'href="?sort=errors"' in page_of(cast.colleague, "/learners?sort=-errors")


def test_attempts_have_the_concern_that_staff_can_act_on(cast: Cast) -> None:
    run(cast, cast.owner, TAGS[0], "xxx")
    page = page_of(cast.colleague, f"/assignment/lesson-02-exercise-1/learner/{cast.owner.pk}")
    assert page.count('class="signal concern') == 1
    assert 'name="act" value="acknowledge"' in page
    assert "Other signals" not in page


def test_a_raised_hand_is_told_with_its_assignments_title(cast: Cast, lesson: None) -> None:
    HelpRequest.objects.create(user=cast.owner, academy=cast.academy, assignment=TAGS[0], open=None)
    assert ", Introduction to loops: " in page_of(cast.colleague, f"/learner/{cast.owner.pk}")


def test_a_concern_of_the_class_stands_on_its_assets_page(cast: Cast, lesson: None) -> None:
    for number in range(5):
        run(cast, make_user(f"u{number}", "student", cast.academy), TAGS[0], "x")
    page = page_of(cast.colleague, "/asset/lesson-02")
    assert "5 learners got “NameError: name &#x27;total&#x27; is not defined” on Introduction to loops" in page


def test_only_colleagues_who_see_the_learner_are_offered(cast: Cast) -> None:
    fall, spring = make_cohort("fall", cast.academy), make_cohort("spring", cast.academy)
    make_task(cast.owner, "lesson-02", cohort=fall)
    for name, cohort in (("autumn", fall), ("vernal", spring)):
        limit_to(make_user(name, "assistant", cast.academy).memberships.get(), [cohort])
    run(cast, cast.owner, TAGS[0], "xxx")
    page = page_of(cast.colleague, f"/learner/{cast.owner.pk}")
    offered = page[page.index('name="assignee"') : page.index("</select>", page.index('name="assignee"'))]
    assert ">autumn<" in offered
    assert ">Grace Hopper<" in offered
    assert ">vernal<" not in offered
