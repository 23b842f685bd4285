"""What an academy's staff finds of notebook events."""

from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from learntrace.accounts.models import Membership
from learntrace.notebooks.models import Event
from tests.support.builders import NOW, Api, Cast, Response, make_notebook, make_stored_event, make_user

EVENTS = "/v1/notebook/academy/event"
TAG = "assignment:lesson-03-exercise-1"


def ids(answer: Response) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [event["id"] for event in answer.json()]


def test_an_event_is_told_whole(cast: Cast, teacher: Api) -> None:
    event = make_stored_event(
        cast.owner,
        cast.academy,
        about={"assignment": TAG},
        result={"outcome": "error"},
        context={"frontend": "lab"},
        code_hash="a" * 64,
        flags=["clock-behind"],
    )
    (told,) = teacher.get(EVENTS).json()
    assert told.pop("created_at").endswith("Z")
    assert told == {
        "id": str(event.pk), "actor": "ada", "academy": cast.academy.pk, "verb": "executed", "object": event.object,
        "learner": {"id": cast.owner.pk, "username": "ada", "first_name": "Ada", "last_name": "Lovelace"},
        "result": {"outcome": "error"}, "context": {"frontend": "lab"}, "session_id": "session-1",
        "object_id": "cell-1", "code_hash": "a" * 64, "flags": ["clock-behind"], "occurred_at": "2026-11-22T10:30:00Z",
        "clock_offset_ms": None,
    }  # fmt: skip


def test_what_came_last_is_first_whatever_its_clock_says(cast: Cast, teacher: Api) -> None:
    stored = [
        make_stored_event(cast.owner, cast.academy, occurred_at=NOW + timedelta(days=days)) for days in (0, 900, -9)
    ]
    assert ids(teacher.get(EVENTS)) == [str(event.pk) for event in reversed(stored)]
    assert ids(teacher.get(f"{EVENTS}?sort=occurred_at")) == [str(stored[place].pk) for place in (2, 0, 1)]
    assert teacher.get(f"{EVENTS}?sort=nothing").status_code == 400


def test_events_of_other_academies_and_of_none_are_not_there(cast: Cast, teacher: Api) -> None:
    make_stored_event(cast.strange_learner, cast.elsewhere)
    make_stored_event(cast.owner, cast.elsewhere)
    make_stored_event(cast.owner, None)
    assert ids(teacher.get(EVENTS)) == []


@pytest.fixture
def varied(cast: Cast) -> dict[str, Event]:
    """Events that differ in everything that can be asked for."""
    grace = cast.colleague
    return {
        "first": make_stored_event(cast.owner, cast.academy, about={"assignment": TAG}),
        "other assignment": make_stored_event(cast.owner, cast.academy, about={"assignment": "assignment:b"}),
        "no assignment": make_stored_event(cast.owner, cast.academy, session_id="s2", result={}),
        "learner": make_stored_event(grace, cast.academy, about={"assignment": TAG}, verb="saved", result={}),
        "error": make_stored_event(cast.owner, cast.academy, result={"outcome": "error"}, flags=["no-session"]),
        "other notebook": make_stored_event(
            cast.owner, cast.academy, about={"notebook": "b.ipynb"}, occurred_at=NOW + timedelta(hours=2)
        ),
    }


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("learner={owner}", {"first", "other assignment", "no assignment", "error", "other notebook"}),
        ("learner=grace", {"learner"}),
        ("learner=grace,{owner}&verb=saved", {"learner"}),
        ("learner=nobody", set()),
        (f"assignment={TAG}", {"first", "learner"}),
        ("assignment=lesson-03-exercise-1", {"first", "learner"}),
        ("assignment=b,lesson-03-exercise-1&learner=ada", {"first", "other assignment"}),
        ("session=s2", {"no assignment"}),
        ("verb=saved,opened", {"learner"}),
        ("outcome=error", {"error"}),
        ("outcome=ok", {"first", "other assignment", "other notebook"}),
        ("flag=no-session", {"error"}),
        ("notebook=b.ipynb", {"other notebook"}),
        ("asset=b", {"other assignment", "other notebook"}),
        ("asset={asset}", {"other assignment", "other notebook"}),
        ("asset=missing", set()),
        ("since=2026-11-22T11:00:00Z", {"other notebook"}),
        ("since=2026-11-22T13:00:00%2B01:00&until=2026-11-22T13:30:00%2B01:00", set()),
        ("since=2026-11-22T13:00:00+01:00&until=2026-11-22T14:00:00+01:00", {"other notebook"}),
        ("until=2026-11-22T10:30:00Z", set()),
        ("since=2026-11-22&verb=saved", {"learner"}),
    ],
)
def test_events_are_filtered_by_the_query(
    cast: Cast, teacher: Api, varied: dict[str, Event], query: str, wanted: set[str]
) -> None:
    notebook = make_notebook("b", cast.academy, "assignment:b", path="b.ipynb")
    found = ids(teacher.get(f"{EVENTS}?{query.format(owner=cast.owner.pk, asset=notebook.pk)}"))
    assert {name for name, event in varied.items() if str(event.pk) in found} == wanted
    assert len(found) == len(wanted)


@pytest.mark.parametrize("query", ["since=yesterday", "until=x", "since=2026-13-01", "since=2026", "until=1795343400"])
def test_a_time_that_is_none_is_refused(teacher: Api, query: str) -> None:
    answer = teacher.get(f"{EVENTS}?{query}")
    assert (answer.status_code, answer.json()["slug"]) == (400, "invalid-filter")


def test_lists_are_paged_like_all_others(cast: Cast, teacher: Api) -> None:
    for _ in range(5):
        make_stored_event(cast.owner, cast.academy)
    page = teacher.get(f"{EVENTS}?limit=2&offset=2")
    assert (page.json()["count"], len(page.json()["results"]), page.headers["X-Total-Count"]) == (5, 2, "5")
    pages = [teacher.get(f"{EVENTS}?limit=2&offset={offset}").json()["results"] for offset in (0, 2, 4)]
    assert len({event["id"] for page in pages for event in page}) == 5


def test_events_stay_when_their_learner_is_deleted(cast: Cast, teacher: Api) -> None:
    make_stored_event(cast.owner, cast.academy)
    cast.owner.delete()
    (told,) = teacher.get(EVENTS).json()
    assert (told["actor"], told["learner"]) == ("ada", None)


def test_an_assistant_reads_and_a_learner_does_not(cast: Cast) -> None:
    make_stored_event(cast.owner, cast.academy)
    helper = make_user("helper", "assistant", cast.academy)
    assert len(ids(Api(helper, cast.academy).get(EVENTS))) == 1
    assert Api(cast.owner, cast.academy).get(EVENTS).status_code == 403
    Membership.objects.filter(user=helper).update(status="INACTIVE")
    assert Api(helper, cast.academy).get(EVENTS).status_code == 403


def test_a_page_takes_few_queries(
    cast: Cast, teacher: Api, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        make_stored_event(make_user(f"learner-{number}", "student", cast.academy), cast.academy)
    # Four of them record that staff has read what may hold source code.
    with django_assert_max_num_queries(11):
        assert len(ids(teacher.get(EVENTS))) == 20


def test_the_events_of_a_large_page_are_shortened_once_they_are_8_mib(cast: Cast, teacher: Api) -> None:
    source = "x" * 60_000
    for _number in range(150):
        make_stored_event(
            cast.owner,
            cast.academy,
            about={"assignment": TAG},
            result={"outcome": "error", "error_name": "NameError"},
            context={"source": source},
        )
    answer = teacher.get(f"{EVENTS}?limit=1000&envelope=false")
    told = answer.json()
    assert (len(told), len(answer.content) < 9 * 1024 * 1024) == (150, True)
    whole = [event for event in told if "shortened" not in event]
    assert 130 < len(whole) < 140
    assert whole == told[: len(whole)]
    assert {event["context"]["source"] for event in whole} == {source}
    last = told[-1]
    assert (last["shortened"], last["bytes"] > 60_000, last["context"]) == (True, True, {})
    assert last["object"]["assignment"] == TAG
    assert last["result"] == {"outcome": "error", "error_name": "NameError"}
