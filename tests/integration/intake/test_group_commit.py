"""Requests of both sources that wait together are one transaction, and each gets its own answer."""

import asyncio
import json
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

from learntrace.intake.front_door import FrontDoor
from learntrace.intake.group_commit import ENOUGH, MANY_SENDERS, GroupCommit
from learntrace.intake.known_keys import KnownKeys
from learntrace.intake.models import Refusal
from learntrace.learnpack.inbox.source import LearnPackInbox
from learntrace.learnpack.models import Webhook
from learntrace.notebooks.inbox.source import EventsInbox
from learntrace.notebooks.models import Event
from tests.support.asgi import asgi_client
from tests.support.builders import make_academy, make_key, make_user
from tests.support.notebooks import LIMIT, database_url, make_event

pytestmark = pytest.mark.django_db(transaction=True)

EVENTS, TELEMETRY = EventsInbox.path, LearnPackInbox.path
Request = tuple[str, str, Any]
"""Path, key and body."""


class Door:
    """A front door for both sources in this process."""

    def __init__(self) -> None:
        self.announced: list[str] = []
        self.door = FrontDoor(
            self._django, [EventsInbox(), LearnPackInbox()], self._commits, body_limit=LIMIT, unpacked_limit=LIMIT,
            keys=KnownKeys(database_url()),
        )  # fmt: skip

    async def _django(self, scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("passed on to Django")

    def _commits(self) -> GroupCommit:
        return GroupCommit(database_url(), self.announced.append)

    def post(self, *rounds: list[Request]) -> list[httpx.Response]:
        """Send each round at once, one after the other; return all answers in order."""

        async def send() -> list[httpx.Response]:
            answers = []
            async with asgi_client(self.door) as client:
                for requests in rounds:
                    posts = [
                        client.post(path, content=json.dumps(body), headers={"Authorization": f"Token {key}"})
                        for path, key, body in requests
                    ]
                    answers += await asyncio.gather(*posts)
            await self.door.close()
            return answers

        return asyncio.run(send())


def transactions(*tables: str) -> set[int]:
    """Return the transactions that wrote the rows of these tables."""
    statement = sql.SQL(" UNION ").join(
        sql.SQL("SELECT xmin::text::bigint FROM {}").format(sql.Identifier(table)) for table in tables
    )
    with psycopg.connect(database_url()) as connection:
        return {number for (number,) in connection.execute(statement)}


def state(learner: int) -> dict[str, Any]:
    return {"asset_id": 1, "slug": f"package-{learner}", "steps": []}


def learners(count: int) -> list[str]:
    academy = make_academy("downtown")
    return [make_key(make_user(f"learner-{number}", "student", academy)) for number in range(count)]


def test_both_sources_and_a_refusal_share_transactions_and_each_gets_its_answer() -> None:
    keys = learners(6)
    stranger = make_key(make_user("stranger"))
    mixed: list[Request] = []
    for number, key in enumerate(keys):
        mixed += [(EVENTS, key, [make_event()]), (TELEMETRY, key, state(number))]
    mixed += [(EVENTS, stranger, [make_event()]), (TELEMETRY, keys[0], {"event": 5, "user_id": 10**12})]
    door = Door()
    # The keys are looked up with the first round: the others come together.
    answers = door.post([(EVENTS, key, [make_event()]) for key in [*keys, stranger]], mixed)[len(keys) + 1 :]
    for number in range(len(keys)):
        events, batch = answers[2 * number : 2 * number + 2]
        assert events.json() == {"accepted": 1, "duplicates": 0, "rejected": []}
        assert (batch.status_code, batch.text) == (200, "ok")
    assert [answer.status_code for answer in answers[-2:]] == [403, 403]
    assert Event.objects.count() == 12
    assert set(Webhook.objects.values_list("package_slug", flat=True)) == {f"package-{n}" for n in range(6)}
    assert Refusal.objects.count() >= 2
    # 14 requests: one commit for the first, and one for those that came while it ran.
    assert len(transactions("learnpack_webhook") | transactions("events")) <= 5
    assert transactions("learnpack_webhook") & transactions("events")
    assert {EventsInbox.topic, LearnPackInbox.topic} <= set(door.announced)


def test_large_batches_that_come_at_once_are_several_groups() -> None:
    keys = learners(9)
    door = Door()
    small: list[Request] = [(EVENTS, key, [make_event()]) for key in keys]
    large: list[Request] = [(EVENTS, key, [make_event() for _ in range(100)]) for key in keys]
    answers = door.post(small, large)[len(keys) :]
    assert [answer.json()["accepted"] for answer in answers] == [100] * len(keys)
    rows = "SELECT count(*) FROM events GROUP BY xmin::text"
    with psycopg.connect(database_url()) as connection:
        sizes = [size for (size,) in connection.execute(rows)]
    # While PostgreSQL writes some, the next are read.
    assert sum(size >= 100 for size in sizes) >= 3
    assert any(size >= 200 for size in sizes)


def test_where_many_send_one_after_another_commits_are_shared() -> None:
    keys = learners(MANY_SENDERS + 10)

    async def send() -> int:
        door = Door()
        async with asgi_client(door.door) as client:

            async def post(key: str, seconds: float = 0.0) -> None:
                await asyncio.sleep(seconds)
                headers = {"Authorization": f"Token {key}"}
                answer = await client.post(EVENTS, content=json.dumps([make_event()]), headers=headers)
                assert answer.json()["accepted"] == 1

            # A second counts once it is over.
            for _second in range(2):
                await asyncio.gather(*(post(key) for key in keys))
                await asyncio.sleep(1.0)
            before = transactions("events")
            await asyncio.gather(*(post(key, 0.004 * number) for number, key in enumerate(keys)))
            after = transactions("events")
        await door.door.close()
        return len(after - before)

    commits = asyncio.run(send())
    assert commits <= len(keys) * 2 / 3
    assert ENOUGH < MANY_SENDERS


def test_a_commit_that_waits_holds_up_no_crowd() -> None:
    keys = learners(ENOUGH + 1)
    # Whoever stores an event with this id has to wait for what becomes of this transaction.
    held = make_event()
    insert = """
    CREATE TEMP TABLE held ON COMMIT DROP AS SELECT * FROM events LIMIT 1;
    UPDATE held SET id = {}, arrival = -1;
    INSERT INTO events SELECT * FROM held
    """
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

    async def send() -> None:
        door = Door()
        async with asgi_client(door.door) as client:

            async def post(key: str, event: dict[str, Any] | None = None) -> int:
                headers = {"Authorization": f"Token {key}"}
                answer = await client.post(EVENTS, content=json.dumps([event or make_event()]), headers=headers)
                return int(answer.json()["accepted"])

            # Their keys are known then, so that the others come together.
            await asyncio.gather(*(post(key) for key in keys))
            with psycopg.connect(database_url()) as other, psycopg.connect(database_url(), autocommit=True) as watching:
                other.execute(sql.SQL(insert).format(held["id"]))
                first = asyncio.create_task(post(keys[0], held))
                while watching.execute(waiting).fetchone() != (1,):
                    await asyncio.sleep(0.01)
                async with asyncio.timeout(60):
                    assert await asyncio.gather(*(post(key) for key in keys[1:])) == [1] * ENOUGH
                assert not first.done()
                other.rollback()
                assert await first == 1
        await door.door.close()

    asyncio.run(send())


def test_lanes_that_have_ended_by_a_fault_are_followed_by_others() -> None:
    (key,) = learners(1)

    async def send() -> None:
        announced: list[str] = []
        commits = GroupCommit(database_url(), announced.append)
        door = FrontDoor(
            Door()._django,
            [EventsInbox()],
            lambda: commits,
            body_limit=LIMIT,
            unpacked_limit=LIMIT,
            keys=KnownKeys(database_url()),
        )
        async with asgi_client(door) as client:

            async def post() -> int:
                headers = {"Authorization": f"Token {key}"}
                answer = await client.post(EVENTS, content=json.dumps([make_event()]), headers=headers)
                return int(answer.json()["accepted"])

            assert await post() == 1
            for task in commits._tasks.values():
                task.cancel()
            await asyncio.gather(*commits._tasks.values(), return_exceptions=True)
            async with asyncio.timeout(60):
                assert await post() == 1
        await door.close()

    asyncio.run(send())
