"""What pages tell of excluded attempts, and of those that count again."""

import uuid
from typing import Any

import pytest
from django.test import Client

from learntrace.accounts.models import User
from learntrace.dashboard.layout.page import PARTS_HEADER
from learntrace.progress.corrections import exclusions
from learntrace.progress.corrections.exclusions import Meant
from learntrace.progress.models import Exclusion, Progress, StepRename
from tests.support.builders import Cast, make_asset, make_assignment, make_attempts, make_user

pytestmark = pytest.mark.django_db

KEY = "assignment:lesson-03-exercise-1"
PAGE = "/assignment/lesson-03-exercise-1"


@pytest.fixture
def client(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.colleague)
    return client


def text_at(client: Client, url: str) -> str:
    return client.get(url).content.decode()


class TestWhatALiftTells:
    def excluded(self, cast: Cast) -> Exclusion:
        make_attempts(cast.owner, cast.academy, KEY, "N-")
        (made,) = exclusions.exclude(cast.academy, Meant(frozenset({cast.owner.pk})), "junk", cast.colleague, None)
        return made

    def test_one_that_is_sent_in_the_background_leaves_no_message_for_the_next_page(
        self, cast: Cast, client: Client
    ) -> None:
        url = f"/exclusion/{self.excluded(cast).pk}/lift"
        client.post(url, {"next": PAGE}, headers={PARTS_HEADER: "1"})
        assert Exclusion.objects.get().lifted_at is not None
        assert "These attempts count again." not in text_at(client, PAGE)

    def test_one_that_is_sent_as_a_form_is_told_on_the_page_that_it_leads_to(self, cast: Cast, client: Client) -> None:
        url = f"/exclusion/{self.excluded(cast).pk}/lift"
        client.post(url, {"next": PAGE})
        assert "These attempts count again." in text_at(client, PAGE)


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        ("", "There is no attempt yet that this excludes."),
        ("N", "1 attempt was excluded. It stays visible, struck out"),
        ("NN", "2 attempts were excluded. They stay visible, struck out"),
    ],
)
def test_a_period_that_is_excluded_is_told_with_its_attempts(
    cast: Cast, client: Client, outcomes: str, told: str
) -> None:
    make_assignment(cast.academy, make_asset("lesson-03", academy=cast.academy), KEY)
    make_attempts(cast.owner, cast.academy, KEY, outcomes)
    url = f"{PAGE}/learner/{cast.owner.pk}"
    form = {"what": "span", "since": "2020-01-02T03:00", "until": "2100-01-01T00:00", "reason": "a preview"}
    client.post(f"{url}/exclude", form)
    assert told in text_at(client, url)
    assert "2 Jan 2020, 03:00" in text_at(client, PAGE)


def exclude(cast: Cast, *learners: User, **fields: Any) -> list[Exclusion]:
    meant = Meant(frozenset(learner.pk for learner in learners), **fields)
    return exclusions.exclude(
        cast.academy, meant, "a preview", cast.colleague, exclusions.count(cast.academy, meant).attempts
    )


class TestTheCard:
    def test_what_is_excluded_of_all_can_be_found_and_counted_again_in_one_go(self, cast: Cast, client: Client) -> None:
        class_ = [make_user(f"l{number}", "student", cast.academy) for number in range(3)]
        for learner in class_:
            make_attempts(learner, cast.academy, KEY, "N-")
        make_assignment(cast.academy, make_asset("lesson-03", academy=cast.academy), KEY)
        exclude(cast, *class_, assignment=KEY)
        page = text_at(client, PAGE)
        for words in ("Excluded attempts", "All attempts", "3 learners", "a preview", "Grace Hopper", "Count again"):
            assert words in page
        made = Exclusion.objects.latest("pk")
        assert page.count(f"/exclusion/{made.pk}/lift") == 1
        of_learner = text_at(client, f"/learner/{made.user_id}")
        assert "All attempts are excluded" in of_learner
        assert "No attempts yet" not in of_learner
        client.post(f"/exclusion/{made.pk}/lift", {"next": PAGE, "together": "1"})
        assert not Exclusion.objects.filter(lifted_at__isnull=True).exists()
        assert Progress.objects.filter(attempts=2).count() == 3
        assert "Excluded attempts" not in text_at(client, f"/learner/{made.user_id}")

    def test_without_asking_for_all_one_learners_exclusion_is_lifted(self, cast: Cast, client: Client) -> None:
        other = make_user("other", "student", cast.academy)
        for learner in (cast.owner, other):
            make_attempts(learner, cast.academy, KEY, "N-")
        first, _second = exclude(cast, cast.owner, other, assignment=KEY)
        client.post(f"/exclusion/{first.pk}/lift", {"next": PAGE})
        assert Exclusion.objects.filter(lifted_at__isnull=True).count() == 1

    def test_one_learners_name_leads_to_the_attempts(self, cast: Cast, client: Client) -> None:
        attempt, _other = make_attempts(cast.owner, cast.academy, KEY, "N-")
        make_attempts(cast.owner, cast.academy, "assignment:other", "N")
        make_assignment(cast.academy, make_asset("lesson-03", academy=cast.academy), KEY)
        exclude(cast, cast.owner, activity_id=uuid.UUID(attempt))
        link = f'<a href="{PAGE}/learner/{cast.owner.pk}">{cast.owner.display_name}</a></td>'
        for url in (PAGE, f"/learner/{cast.owner.pk}"):
            page = text_at(client, url)
            assert "One attempt" in page
            assert link in page
        assert "Excluded attempts" not in text_at(client, "/assignment/other")

    def test_a_session_stands_at_each_assignment_that_it_has_attempts_at(self, cast: Cast, client: Client) -> None:
        make_attempts(cast.owner, cast.academy, KEY, "N-")
        for key in (KEY, "assignment:other"):
            make_assignment(cast.academy, make_asset(key.removeprefix("assignment:"), academy=cast.academy), key)
        exclude(cast, cast.owner, session_id="session-1")
        assert "A session" in text_at(client, PAGE)
        assert "Excluded attempts" not in text_at(client, "/assignment/other")
        assert "at all assignments" in text_at(client, f"/learner/{cast.owner.pk}")

    def test_who_is_no_member_and_has_excluded_attempts_only_can_still_be_reached(
        self, cast: Cast, client: Client
    ) -> None:
        make_attempts(cast.stranger, cast.academy, KEY, "N-")
        assert text_at(client, f"/learner/{cast.stranger.pk}")
        exclude(cast, cast.stranger, assignment=KEY)
        for url in (f"/learner/{cast.stranger.pk}", f"{PAGE}/learner/{cast.stranger.pk}"):
            assert client.get(url).status_code == 200

    def test_an_assistant_sees_them_without_a_button(self, cast: Cast) -> None:
        make_attempts(cast.owner, cast.academy, KEY, "N-")
        (made,) = exclude(cast, cast.owner)
        client = Client()
        client.force_login(make_user("ann", "assistant", cast.academy))
        page = text_at(client, f"/learner/{cast.owner.pk}")
        assert "Excluded attempts" in page
        assert "Count again" not in page
        assert client.post(f"/exclusion/{made.pk}/lift", {"together": "1"}).status_code == 403

    def test_the_newest_fifty_are_shown_and_the_rest_is_told(self, cast: Cast, client: Client) -> None:
        make_attempts(cast.owner, cast.academy, KEY, "N-")
        for number in range(52):
            exclude(cast, cast.owner, session_id=f"s{number:02}")
        page = text_at(client, f"/learner/{cast.owner.pk}")
        assert page.count("/lift") == 50
        assert "2 more, excluded earlier" in page
        assert page.index("<bdi>s51</bdi>") < page.index("<bdi>s02</bdi>")
        assert "<bdi>s01</bdi>" not in page

    def test_another_academys_exclusions_are_not_told(self, cast: Cast, client: Client) -> None:
        make_attempts(cast.owner, cast.elsewhere, KEY, "N-")
        exclusions.exclude(cast.elsewhere, Meant(frozenset({cast.owner.pk})), "theirs", None, None)
        assert "Excluded attempts" not in text_at(client, f"/learner/{cast.owner.pk}")

    def test_what_was_excluded_of_a_step_under_its_former_name_stands_at_the_new_one(
        self, cast: Cast, client: Client
    ) -> None:
        asset = make_asset("intro", academy=cast.academy)
        make_assignment(cast.academy, asset, "intro/01-greeting")
        make_attempts(cast.owner, cast.academy, "intro/01-hello", "N-")
        exclude(cast, cast.owner, assignment="intro/01-hello")
        assert "Excluded attempts" not in text_at(client, "/assignment/intro/01-greeting")
        StepRename.objects.create(
            academy=cast.academy,
            asset=asset,
            old_key="intro/01-hello",
            new_key="intro/01-greeting",
            read_as="intro/01-greeting",
        )
        assert "Excluded attempts" in text_at(client, "/assignment/intro/01-greeting")
