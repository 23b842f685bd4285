"""The stream of what changes: who may follow it, and that nothing is missed or told twice, whatever happens meanwhile."""

import asyncio
import random
import threading
import time
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from learntrace.accounts.cohort_limits.changes import limit_to
from learntrace.accounts.models import Academy, Membership, Token, User
from learntrace.core.live_events import Change, forget_old, say
from learntrace.core.models import LiveEvent
from learntrace.signals.prometheus import STREAMS
from learntrace.signals.stream.app import Streams
from learntrace.signals.stream.rows import MOST_BEHIND
from tests.support.builders import Api, Cast, make_cast, make_cohort, make_key, make_task, make_user
from tests.support.streams import Follower, Told, follow, in_database
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return make_cast()


@pytest.fixture
def headers(cast: Cast) -> dict[str, str]:
    """Those of the colleague, in the academy."""
    return Api(cast.colleague, cast.academy).headers


def tell(cast: Cast, *numbers: int, kind: str = "signal") -> list[int]:
    """Say a change for each number, in one transaction; all ids that the academy has."""
    with transaction.atomic():
        say([Change(cast.academy.pk, kind, {"number": number}) for number in numbers])
    return ids_of(cast)


def ids_of(cast: Cast) -> list[int]:
    return list(LiveEvent.objects.filter(academy_id=cast.academy.pk).order_by("pk").values_list("pk", flat=True))


def numbers(told: Iterable[Told]) -> list[int]:
    return [one.data["number"] for one in told]


def session_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def who(cast: Cast, name: str) -> tuple[dict[str, str], str]:
    """Headers and query string of somebody who asks for the stream of the cast's academy, unless the name says else."""
    here, key = {"Academy": str(cast.academy.pk)}, make_key(cast.colleague)
    expired = make_key(cast.colleague, expires_at=timezone.now() - timedelta(seconds=1))
    people: dict[str, tuple[dict[str, str], str]] = {
        "owner": (Api(cast.owner, cast.academy).headers, ""),
        "colleague": (Api(cast.colleague, cast.academy).headers, ""),
        "colleague by Bearer": ({**here, "Authorization": f"Bearer {key}"}, ""),
        "colleague by query": ({"Authorization": f"Token {key}"}, f"academy={cast.academy.pk}"),
        "stranger at home": (Api(cast.stranger, cast.elsewhere).headers, ""),
        "stranger": (Api(cast.stranger, cast.academy).headers, ""),
        "nobody": (here, ""),
        "wrong key": ({**here, "Authorization": "Token " + "0" * 40}, ""),
        "expired key": ({**here, "Authorization": f"Token {expired}"}, ""),
        "no hub": ({**here, "Authorization": "JupyterHub abc"}, ""),
        "no academy": ({"Authorization": f"Token {key}"}, ""),
        "no number": ({"Authorization": f"Token {key}"}, "academy=x"),
        "colleague's session": ({"Cookie": session_of(cast.colleague)}, f"academy={cast.academy.pk}"),
        "owner's session": ({"Cookie": session_of(cast.owner)}, f"academy={cast.academy.pk}"),
        "stranger's session": ({"Cookie": session_of(cast.stranger)}, f"academy={cast.academy.pk}"),
        "no session": ({"Cookie": f"{settings.SESSION_COOKIE_NAME}=0123456789abcdef"}, f"academy={cast.academy.pk}"),
        "wrong key beside a session": (
            {**here, "Authorization": "Token " + "0" * 40, "Cookie": session_of(cast.colleague)}, "",
        ),
        "unreadable query": ({**here, "Authorization": f"Token {key}"}, "kinds=%00"),
    }  # fmt: skip
    return people[name]


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("owner", 403), ("colleague", 200), ("colleague by Bearer", 200), ("colleague by query", 200),
        ("stranger at home", 200), ("stranger", 403), ("nobody", 401), ("wrong key", 401), ("expired key", 401),
        ("no hub", 401), ("no academy", 403), ("no number", 400), ("colleague's session", 200),
        ("owner's session", 403), ("stranger's session", 403), ("no session", 401),
        ("wrong key beside a session", 401), ("unreadable query", 400),
    ],
)  # fmt: skip
def test_only_who_may_read_the_academys_signals_may_follow_them(cast: Cast, name: str, status: int) -> None:
    headers, query = who(cast, name)

    async def scenario(streams: Streams) -> None:
        async with Follower(streams, headers, query) as follower:
            assert follower.status == status
            if status == 200:
                assert follower.headers["content-type"] == "text/event-stream; charset=utf-8"
                assert follower.headers["cache-control"] == "no-store"
                assert follower.headers["x-accel-buffering"] == "no"
                assert (await follower.next()).name == "hello"
            else:
                assert f'"status_code":{status}'.encode() in follower.body
                assert int(follower.headers["content-length"]) == len(follower.body)

    follow(scenario)


def test_refusals_are_told_as_by_every_other_address(cast: Cast) -> None:
    headers, _query = who(cast, "stranger")
    spanish = {**headers, "Accept-Language": "es"}
    other = Api(cast.stranger, cast.academy).get(
        "/v1/assignment/academy/learnpack/webhook", **{"Accept-Language": "es"}
    )

    async def scenario(streams: Streams) -> None:
        async with Follower(streams, spanish) as follower:
            assert follower.body == other.content
            assert follower.headers["content-language"] == "es"

    follow(scenario)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD"])
def test_other_methods_are_answered_405(headers: dict[str, str], method: str) -> None:
    async def scenario(streams: Streams) -> None:
        async with Follower(streams, headers, method=method) as follower:
            assert follower.status == 405
            assert "GET" in follower.headers["allow"]

    follow(scenario)


def test_a_browsers_event_source_takes_nothing_but_event_streams(cast: Cast, headers: dict[str, str]) -> None:
    async def scenario(streams: Streams) -> None:
        async with Follower(streams, {**headers, "Accept": "text/event-stream"}) as follower:
            assert follower.status == 200
            assert (await follower.next()).name == "hello"

    follow(scenario)


def test_it_begins_now_and_only_with_its_academy(cast: Cast, headers: dict[str, str]) -> None:
    (before,) = tell(cast, 1)
    at_home, _query = who(cast, "stranger at home")

    async def scenario(streams: Streams) -> None:
        async with Follower(streams, headers) as follower, Follower(streams, at_home) as stranger:
            hello = await follower.next()
            assert (hello.name, hello.id) == ("hello", str(before))
            assert hello.data["now"].endswith("Z")
            assert (await stranger.next()).id == "0"
            ids = await in_database(lambda: tell(cast, 2, 3))
            told = await follower.take(2)
            assert [(one.name, int(one.id)) for one in told] == [("signal", number) for number in ids[1:]]
            assert numbers(told) == [2, 3]
            assert await stranger.silent()

    follow(scenario)


def test_an_event_comes_in_one_line_whatever_it_holds(cast: Cast, headers: dict[str, str]) -> None:
    text = 'one\r\ntwo\n\nevent: reset\n\u2028 ñ \\ " '

    def say_it() -> None:
        with transaction.atomic():
            say([Change(cast.academy.pk, "signal", {"text": text})])

    async def scenario(streams: Streams) -> None:
        async with Follower(streams, headers) as follower:
            await in_database(say_it)
            _hello, told = await follower.take(2)
            assert told.data == {"text": text}

    follow(scenario)


def write_at_random(cast: Cast, seed: int, count: int, said: list[int], lock: threading.Lock) -> None:
    """Transactions of one to five changes and of random length, some of them undone."""
    chance = random.Random(seed)
    for turn in range(count):
        mine = [seed * 100_000 + turn * 10 + one for one in range(chance.randint(1, 5))]
        undone = chance.random() < 0.1
        with transaction.atomic():
            time.sleep(chance.random() * 0.01)
            say([Change(cast.academy.pk, chance.choice(["signal", "progress"]), {"number": one}) for one in mine])
            time.sleep(chance.random() * 0.01)
            transaction.set_rollback(undone)
        if not undone:
            with lock:
                said += mine


async def write_by_four(cast: Cast, said: list[int], count: int = 40) -> None:
    lock = threading.Lock()
    writers = (in_database(partial(write_at_random, cast, seed, count, said, lock)) for seed in range(4))
    await asyncio.gather(*writers)


def test_of_what_four_write_at_once_nothing_is_missed_or_told_twice(cast: Cast, headers: dict[str, str]) -> None:
    said: list[int] = []

    async def scenario(streams: Streams) -> None:
        async with Follower(streams, headers) as one, Follower(streams, headers, "kinds=signal,progress") as two:
            await write_by_four(cast, said)
            ids = await in_database(lambda: ids_of(cast))
            assert len(ids) == len(said) > 200
            for follower in (one, two):
                told = (await follower.take(len(said) + 1))[1:]
                assert [int(event.id) for event in told] == ids
                assert sorted(numbers(told)) == sorted(said)
                assert await follower.silent()

    follow(scenario)


def test_who_leaves_and_comes_again_all_the_time_misses_nothing(cast: Cast, headers: dict[str, str]) -> None:
    said: list[int] = []
    (first,) = tell(cast, 0)

    async def scenario(streams: Streams) -> None:
        told: list[Any] = []
        last, connections = str(first), 0
        # Another one all the while, so that the feed is often ahead of who comes.
        async with Follower(streams, headers) as other:
            writing = asyncio.create_task(write_by_four(cast, said, 20))
            while not writing.done() or len(told) < len(said):
                async with Follower(streams, {**headers, "Last-Event-ID": last}) as follower:
                    hello = await follower.next()
                    assert (hello.name, hello.id) == ("hello", last)
                    connections += 1
                    for _some in range(random.Random(connections).randint(0, 15)):
                        try:
                            event = await follower.next(0.2)
                        except TimeoutError:
                            break
                        assert event.name in ("signal", "progress")
                        last, told = event.id, [*told, event]
            assert [int(event.id) for event in told] == (await in_database(lambda: ids_of(cast)))[1:]
            assert sorted(numbers(told)) == sorted(said)
            assert connections > 10
            assert len(await other.take(len(said) + 1)) == len(said) + 1

    follow(scenario)


def test_it_goes_on_after_the_last_id_and_the_header_counts_before_the_query(
    cast: Cast, headers: dict[str, str]
) -> None:
    ids = tell(cast, 0, 1, 2, 3, 4)
    asked = {
        "query": (headers, f"last_event_id={ids[1]}", [2, 3, 4]),
        "header": ({**headers, "Last-Event-ID": str(ids[2])}, f"last_event_id={ids[0]}", [3, 4]),
        "newest": ({**headers, "Last-Event-ID": str(ids[4])}, "", []),
    }

    async def scenario(streams: Streams) -> None:
        for given, query, expected in asked.values():
            async with Follower(streams, given, query) as follower:
                _hello, *told = await follower.take(len(expected) + 1)
                assert numbers(told) == expected
                assert await follower.silent(0.2)

    follow(scenario)


def test_who_saw_an_academy_begin_resumes_there(headers: dict[str, str]) -> None:
    async def scenario(streams: Streams) -> None:
        async with Follower(streams, {**headers, "Last-Event-ID": "0"}) as follower:
            assert (await follower.next()).id == "0"
            assert await follower.silent()

    follow(scenario)


@pytest.mark.parametrize("last", ["forgotten", "elsewhere", "future", "of no row", "no number", "0", "-1", "9" * 40])
def test_what_it_cannot_go_on_from_it_says_and_goes_on_now(cast: Cast, headers: dict[str, str], last: str) -> None:
    with transaction.atomic():
        say([Change(cast.elsewhere.pk, "signal", {"number": 0})])
    elsewhere = LiveEvent.objects.get().pk
    ids = tell(cast, 1, 2, 3, 4)
    LiveEvent.objects.filter(pk__lte=ids[0]).update(created_at=timezone.now() - timedelta(minutes=61))
    forget_old()
    LiveEvent.objects.filter(pk=ids[2]).delete()
    given = {"forgotten": ids[0], "elsewhere": elsewhere, "future": ids[3] + 1, "of no row": ids[2]}.get(last, last)

    async def scenario(streams: Streams) -> None:
        async with Follower(streams, {**headers, "Last-Event-ID": str(given)}) as follower:
            hello, reset = await follower.take(2)
            # Who is cut off before the reset must be told again.
            assert (hello.name, hello.id) == ("hello", "")
            assert (reset.name, reset.id, reset.data) == ("reset", str(ids[3]), {})
            await in_database(lambda: tell(cast, 5))
            assert numbers(await follower.take(1)) == [5]

    follow(scenario)


def test_who_missed_too_much_starts_anew(cast: Cast, headers: dict[str, str]) -> None:
    first, *_rest = tell(cast, 0)
    tell(cast, *range(1, MOST_BEHIND + 1))

    async def scenario(streams: Streams) -> None:
        async with Follower(streams, {**headers, "Last-Event-ID": str(first)}) as follower:
            assert numbers((await follower.take(MOST_BEHIND + 1))[1:]) == list(range(1, MOST_BEHIND + 1))
        newest = (await in_database(lambda: tell(cast, MOST_BEHIND + 1)))[-1]
        async with Follower(streams, {**headers, "Last-Event-ID": str(first)}) as follower:
            _hello, reset = await follower.take(2)
            assert (reset.name, reset.id) == ("reset", str(newest))
            assert await follower.silent(0.2)

    follow(scenario)


def test_a_filter_leaves_out_other_kinds_live_and_resumed(cast: Cast, headers: dict[str, str]) -> None:
    (first,) = tell(cast, 0, kind="progress")
    tell(cast, *range(1, MOST_BEHIND + 10), kind="progress")
    tell(cast, 5000, kind="webhook")

    async def scenario(streams: Streams) -> None:
        query = f"kinds=signal,webhook&last_event_id={first}"
        async with Follower(streams, headers, query) as follower:
            assert numbers((await follower.take(2))[1:]) == [5000]
            await in_database(lambda: tell(cast, 5001, kind="progress"))
            await in_database(lambda: tell(cast, 5002))
            assert numbers(await follower.take(1)) == [5002]
        async with Follower(streams, headers, "kinds=signal,x,y") as follower:
            assert follower.status == 400
            assert follower.body.endswith(b'`kinds` value(s): x,y","status_code":400,"slug":"invalid-filter"}')

    follow(scenario)


def test_who_is_limited_to_a_cohort_is_told_of_its_learners_only_live_and_resumed(
    cast: Cast, headers: dict[str, str]
) -> None:
    other = make_user("zoe", "student", cast.academy)
    cohort, rest = make_cohort("first", cast.academy), make_cohort("rest", cast.academy)
    make_task(cast.owner, "intro", cohort=cohort)
    make_task(other, "intro", cohort=rest)
    membership = Membership.objects.get(user=make_user("lina", "teacher", cast.academy))
    limit_to(membership, [cohort])
    limited = Api(membership.user, cast.academy).headers
    tell(cast, 0)

    def say_all() -> None:
        with transaction.atomic():
            mine, others = cast.owner.pk, other.pk
            say([
                Change(cast.academy.pk, "progress", {"learner": others, "number": 1}),
                Change(cast.academy.pk, "progress", {"learner": mine, "number": 2}),
                Change(cast.academy.pk, "signal", {"learner": {"id": others}, "number": 3}),
                Change(cast.academy.pk, "signal", {"learner": {"id": mine}, "number": 4}),
                Change(cast.academy.pk, "webhook", {"counts": {"DONE": 2}, "number": 5}),
            ])  # fmt: skip

    async def scenario(streams: Streams) -> None:
        async with Follower(streams, limited) as follower, Follower(streams, headers) as whole:
            [hello] = await follower.take(1)
            await whole.take(1)
            await in_database(say_all)
            assert numbers(await whole.take(5)) == [1, 2, 3, 4, 5]
            assert numbers(await follower.take(2)) == [2, 4]
            assert await follower.silent()
        async with Follower(streams, {**limited, "Last-Event-ID": hello.id}) as follower:
            assert numbers((await follower.take(3))[1:]) == [2, 4]
            assert await follower.silent()
        # The limit is asked for again while the stream is open.
        async with Follower(streams, limited) as follower:
            await follower.take(1)
            await in_database(partial(limit_to, membership, [rest]))
            # Several times as long as it takes to ask again, for a busy machine.
            await asyncio.sleep(3)
            await in_database(say_all)
            assert numbers(await follower.take(2)) == [1, 3]

    follow(scenario, check_seconds=0.2)


def test_a_slow_client_is_told_to_start_anew_and_costs_nobody_else_anything(
    cast: Cast, headers: dict[str, str]
) -> None:
    async def scenario(streams: Streams) -> None:
        async with Follower(streams, headers) as slow, Follower(streams, headers) as quick:
            assert (await slow.next()).name == (await quick.next()).name == "hello"
            slow.stall()
            for begin in range(0, 3 * MOST_BEHIND, 500):
                ids = await in_database(partial(tell, cast, *range(begin, begin + 500)))
                assert numbers(await quick.take(500)) == list(range(begin, begin + 500))
            slow.go_on()
            told = [await slow.next()]
            while told[-1].id != str(ids[-1]):
                told.append(await slow.next())
            resets = [place for place, one in enumerate(told) if one.name == "reset"]
            assert resets
            assert len(told) <= 2 * MOST_BEHIND
            after = told[resets[-1] :]
            # What comes after the last reset is complete.
            assert [int(one.id) for one in after] == ids[ids.index(int(after[0].id)) :]
            await in_database(lambda: tell(cast, 9999))
            assert numbers(await slow.take(1)) == [9999]

    follow(scenario)


def revoke(cast: Cast) -> None:
    Token.objects.all().delete()


def take_role(cast: Cast) -> None:
    Membership.objects.filter(user=cast.colleague).update(role="student")


def disable(cast: Cast) -> None:
    User.objects.filter(pk=cast.colleague.pk).update(is_active=False)


@pytest.mark.parametrize("kind", ["permanent", "one_time", "session"])
@pytest.mark.parametrize("lose", [revoke, take_role, disable])
def test_it_ends_when_the_access_does(cast: Cast, kind: str, lose: Any) -> None:
    if kind == "session":
        headers, query = who(cast, "colleague's session")
    else:
        headers, query = {"Authorization": f"Token {make_key(cast.colleague, kind)}"}, f"academy={cast.academy.pk}"
    # A one-time token is gone from the start, and a session needs none.
    stays = lose is revoke and kind != "permanent"

    async def scenario(streams: Streams) -> None:
        async with Follower(streams, headers, query) as follower:
            # It lasts for several checks.
            ended, _lasting = await asyncio.wait([follower.task], timeout=0.5)
            assert not ended
            await in_database(lambda: lose(cast))
            _done, pending = await asyncio.wait([follower.task], timeout=1 if stays else PATIENCE)
            assert bool(pending) == stays

    follow(scenario, check_seconds=0.1)


def end_session(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.colleague)
    client.post("/account/session/end")


def change_password(cast: Cast) -> None:
    user = User.objects.get(pk=cast.colleague.pk)
    user.set_password("another long password")
    user.save()


def expire(cast: Cast) -> None:
    Token.objects.update(expires_at=timezone.now())


def end_membership(cast: Cast) -> None:
    Membership.objects.filter(user=cast.colleague).delete()


def close_academy(cast: Cast) -> None:
    Academy.objects.filter(pk=cast.academy.pk).update(status=Academy.Status.INACTIVE)


@pytest.mark.parametrize(
    ("name", "lose"),
    [
        ("colleague", revoke), ("colleague", expire), ("colleague", take_role), ("colleague", disable),
        ("colleague", end_membership), ("colleague", close_academy),
        ("colleague's session", end_session), ("colleague's session", change_password),
        ("colleague's session", end_membership),
    ],
)  # fmt: skip
def test_it_ends_within_a_second_of_the_revocation(cast: Cast, name: str, lose: Any) -> None:
    headers, query = who(cast, name)
    others = Api(make_user("otto", "teacher", cast.academy), None).headers

    async def scenario(streams: Streams) -> None:
        # Another one's stream beside it, which goes on where the academy does.
        async with (
            Follower(streams, headers, query) as follower,
            Follower(streams, others, f"academy={cast.academy.pk}") as other,
        ):
            await asyncio.sleep(0.7)
            assert not follower.task.done()
            await in_database(lambda: lose(cast))
            _done, pending = await asyncio.wait([follower.task], timeout=1)
            assert not pending
            assert lose in (revoke, expire, close_academy) or not other.task.done()

    follow(scenario)


def test_a_stream_that_is_revoked_while_it_opens_ends_too(cast: Cast) -> None:
    headers, query = who(cast, "colleague")

    async def scenario(streams: Streams) -> None:
        async with Follower(streams, headers, query) as follower:
            await in_database(lambda: revoke(cast))
            _done, pending = await asyncio.wait([follower.task], timeout=1)
            assert not pending

    follow(scenario)


def backends() -> list[int]:
    """The processes of the database that serve the streams' two connections."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND (query LIKE 'LISTEN learntrace_live%%' OR query LIKE '%%AS watched(%%') ORDER BY query LIKE 'LISTEN%%'"
        )
        return [pid for (pid,) in cursor.fetchall()]


def terminate(pids: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", [pids])


async def connected() -> list[int]:
    async with asyncio.timeout(PATIENCE):
        while len(found := await in_database(backends)) < 2:
            await asyncio.sleep(0.05)
    return found


@pytest.mark.parametrize("which", [slice(0, 1), slice(1, 2), slice(0, 2)], ids=["reader", "listener", "both"])
def test_a_lost_connection_costs_nothing(cast: Cast, headers: dict[str, str], which: slice) -> None:
    async def scenario(streams: Streams) -> None:
        async with Follower(streams, headers) as follower:
            assert (await follower.next()).name == "hello"
            for number in range(0, 9, 3):
                await in_database(partial(tell, cast, number))
                lost = (await connected())[which]
                await in_database(partial(terminate, lost))
                await in_database(partial(tell, cast, number + 1, number + 2))
                assert numbers(await follower.take(3)) == [number, number + 1, number + 2]
                assert not set(lost) & set(await connected())

    follow(scenario)


def test_what_nobody_was_notified_of_comes_all_the_same(cast: Cast, headers: dict[str, str]) -> None:
    async def scenario(streams: Streams) -> None:
        async with Follower(streams, headers) as follower:
            await follower.next()
            await in_database(
                lambda: LiveEvent.objects.create(academy_id=cast.academy.pk, kind="signal", data={"number": 1})
            )
            assert numbers([await follower.next(8)]) == [1]

    follow(scenario)


def test_all_streams_share_two_connections_which_close_with_the_last(cast: Cast, headers: dict[str, str]) -> None:
    async def scenario(streams: Streams) -> None:
        followers = [Follower(streams, headers) for _ in range(10)]
        for follower in followers:
            await follower.__aenter__()
        assert STREAMS._value.get() == 10
        await in_database(lambda: tell(cast, 1))
        for follower in followers:
            assert numbers((await follower.take(2))[1:]) == [1]
        assert len(await connected()) == 2
        for follower in followers:
            await follower.leave()
        assert STREAMS._value.get() == 0
        async with asyncio.timeout(PATIENCE):
            while await in_database(backends):
                await asyncio.sleep(0.05)
        assert await in_database(backends) == []

    follow(scenario)


def test_silence_is_broken_by_comments(headers: dict[str, str]) -> None:
    async def scenario(streams: Streams) -> None:
        async with Follower(streams, headers) as follower:
            assert [(await follower.next()).name for _ in range(3)] == ["hello", "", ""]

    follow(scenario, silence_seconds=0.1)


def test_a_process_takes_only_so_many_and_a_user_fewer(cast: Cast, headers: dict[str, str]) -> None:
    at_home, _query = who(cast, "stranger at home")
    spanish = {**headers, "Accept-Language": "es"}

    async def scenario(streams: Streams) -> None:
        async with Follower(streams, headers) as first, Follower(streams, headers), Follower(streams, at_home):
            async with Follower(streams, headers) as refused:
                assert (refused.status, refused.headers["retry-after"]) == (503, "10")
            await first.leave()
            async with Follower(streams, headers) as again:
                assert again.status == 200

    async def of_one_user(streams: Streams) -> None:
        async with Follower(streams, headers), Follower(streams, headers) as second:
            async with Follower(streams, spanish) as refused, Follower(streams, at_home) as other:
                assert (refused.status, refused.headers["retry-after"]) == (429, "60")
                assert b'"slug":"too-many-streams-of-user"' in refused.body
                assert other.status == 200
            await second.leave()
            async with Follower(streams, headers) as again:
                assert again.status == 200

    follow(scenario, most=3)
    follow(of_one_user, most_per_user=2)


def test_a_process_that_ends_ends_its_streams_and_takes_no_more(cast: Cast, headers: dict[str, str]) -> None:
    async def scenario(streams: Streams) -> None:
        async with Follower(streams, headers) as follower, Follower(streams, headers) as stuck:
            stuck.stall()
            await in_database(lambda: tell(cast, 1))
            assert numbers((await follower.take(2))[1:]) == [1]
            began = time.monotonic()
            await streams.close()
            assert time.monotonic() - began < 3
            assert follower.task.done()
            assert stuck.task.done()
            async with Follower(streams, headers) as late:
                assert late.status == 503

    follow(scenario)


def test_what_is_old_is_forgotten_the_oldest_first_and_never_the_newest(cast: Cast) -> None:
    old = timezone.now() - timedelta(minutes=61)
    ids = tell(cast, 0, 1, 2, 3, 4)
    # A transaction that began early and ended late: 3 is old, and comes after what isn't.
    LiveEvent.objects.filter(pk__in=[ids[0], ids[1], ids[3]]).update(created_at=old)
    assert forget_old() == 2
    assert ids_of(cast) == ids[2:]
    LiveEvent.objects.update(created_at=old)
    assert forget_old() == 2
    assert ids_of(cast) == ids[4:]
    assert forget_old() == 0
