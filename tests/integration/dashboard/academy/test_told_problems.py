"""What pages say of problems: sentences that end, in words that don't presume the API."""

import html

import pytest
from django.test import Client

from learntrace.core.words.sentences import ended
from tests.support.builders import Cast, make_cohort

VALUE = "This page's address contains a value that can't be used: x. Choose another one on the page."


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("/telemetry/webhooks?status=x", VALUE),
        ("/assignments?since=x", VALUE),
        ("/assignments?since=2026-05-02&until=2026-04-02", "The period ends before it begins."),
        (
            "/diagnosis?task=x",
            "x isn't the id of a task, which is a number. To ask about an asset, choose a learner too.",
        ),
        ("/assignment/nowhere", "Assignment nowhere not found."),
    ],
)
def test_a_page_says_in_a_sentence_what_is_wrong_with_its_address(cast: Cast, address: str, told: str) -> None:
    client = Client(headers={"accept": "text/html"})
    client.force_login(cast.colleague)
    assert told in html.unescape(client.get(address).content.decode())


def test_a_sentence_ends_once() -> None:
    assert [ended(text) for text in ("Try again", "Try again.", "Who?", "")] == ["Try again.", "Try again.", "Who?", ""]


def test_a_due_date_without_an_asset_asks_for_it(cast: Cast) -> None:
    make_cohort("fall", cast.academy)
    due = {"cohort": "fall", "asset": " ", "due_at": "2026-10-01T12:00"}
    client = Client()
    client.force_login(cast.colleague)
    page = client.post("/people/due-dates", due).content.decode()
    assert "Enter the asset: its id, slug or alias." in page
