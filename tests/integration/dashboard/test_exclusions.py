"""What pages tell of excluded attempts, and of those that count again."""

import pytest
from django.test import Client

from learntrace.dashboard.layout.page import PARTS_HEADER
from learntrace.progress.corrections import exclusions
from learntrace.progress.corrections.exclusions import Meant
from learntrace.progress.models import Exclusion
from tests.support.builders import Cast, make_attempts

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
