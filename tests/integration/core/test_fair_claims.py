"""Turns are fair: who has much work delays nobody, every row is taken once, and a learner's rows in their order."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from math import ceil

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from learntrace.core.fair_claims import LEARNER_LOCK, SHARE, FairClaims, Row
from learntrace.core.sql import fetch
from learntrace.notebooks.documents import arrivals
from learntrace.notebooks.models import Arrival

LIMIT = 6
# (academy, learner) and how many rows wait.
BACKLOGS = st.dictionaries(st.tuples(st.integers(0, 3), st.integers(0, 9)), st.integers(1, 25), min_size=1, max_size=20)


def new_claims() -> FairClaims:
    return FairClaims(arrivals.TABLE)


def add(academy: int, learner: int, count: int = 1, events: int = 0) -> None:
    row = {"events": ["00000000-0000-0000-0000-000000000000"] * events}
    Arrival.objects.bulk_create(Arrival(turn_academy=academy, turn_learner=learner, **row) for _ in range(count))


def take(claims: FairClaims, limit: int = LIMIT, most_weight: int = 10**6) -> list[Row]:
    """Take one turn, whose work is to delete its rows."""
    with transaction.atomic():
        rows = claims.claim(limit, most_weight, older_than=0)
        Arrival.objects.filter(pk__in=[row.id for row in rows]).delete()
    return rows


@pytest.mark.django_db
@given(backlog=BACKLOGS)
@given_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_row_is_taken_once_and_a_learners_rows_in_their_order(backlog: dict[tuple[int, int], int]) -> None:
    Arrival.objects.all().delete()
    for (academy, learner), count in backlog.items():
        add(academy, learner, count)
    claims = new_claims()
    taken: list[Row] = []
    while rows := take(claims):
        assert len(rows) <= LIMIT
        taken += rows
    assert Counter((row.academy, row.learner) for row in taken) == backlog
    assert len({row.id for row in taken}) == len(taken)
    for key in backlog:
        own = [row.id for row in taken if (row.academy, row.learner) == key]
        assert own == sorted(own)


@pytest.mark.django_db
@given(backlog=BACKLOGS, seed=st.integers(0, 9))
@given_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_everybody_gets_a_turn_though_others_send_without_end(backlog: dict[tuple[int, int], int], seed: int) -> None:
    Arrival.objects.all().delete()
    for (academy, learner), count in backlog.items():
        add(academy, learner, count)
    academies = Counter(academy for academy, _learner in backlog)
    most = max(academies.values())
    # Of each academy at least so many learners get a turn each time.
    turns = ceil(most / (LIMIT // len(academies)))
    claims = new_claims()
    for _earlier in range(seed):
        for academy, learner in {(row.academy, row.learner) for row in take(claims)}:
            add(academy, learner, 25)
    served: set[tuple[int, int]] = set()
    for _turn in range(turns):
        for key in {(row.academy, row.learner) for row in take(claims)}:
            served.add(key)
            add(*key, 25)
    assert served == backlog.keys()


@pytest.mark.django_db
def test_an_academy_that_sends_nearly_everything_takes_no_more_than_its_share() -> None:
    for learner in range(50):
        add(1, learner, 20)
    add(2, 99, 3)
    rows = take(new_claims(), limit=10)
    assert {row.learner for row in rows if row.academy == 2} == {99}
    assert len({row.learner for row in rows if row.academy == 1}) == 9


@pytest.mark.django_db
def test_a_learner_alone_has_the_whole_turn() -> None:
    add(1, 1, 20)
    assert len(take(new_claims(), limit=10)) == 10


@pytest.mark.django_db
def test_rows_beyond_the_weight_of_a_turn_are_next() -> None:
    add(1, 1, 5, events=100)
    add(1, 2, 1, events=1)
    add(1, 3, 1, events=1)
    claims = new_claims()
    # The first row of each, before the second of anybody.
    assert [row.learner for row in take(claims, limit=9, most_weight=102)] == [1, 2, 3]
    add(1, 2, 1, events=1)
    assert [row.learner for row in take(claims, limit=9, most_weight=100)] == [1]
    assert [row.learner for row in take(claims, limit=9, most_weight=101)] == [2, 1]


@pytest.mark.django_db(transaction=True)
def test_a_learner_whom_another_worker_has_locked_is_left_to_it() -> None:
    add(1, 7)
    add(1, 8)
    other = connection.copy()
    with contextlib.closing(other), other.cursor() as cursor:
        other.set_autocommit(False)
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{LEARNER_LOCK}7"])
        assert [row.learner for row in take(new_claims())] == [8]
        # The server ends a connection that was closed a moment later.
        other.rollback()
    assert [row.learner for row in take(new_claims())] == [7]


@pytest.mark.django_db
def test_a_claim_reads_few_rows_of_a_long_backlog() -> None:
    add(1, 1, 20_000)
    add(1, 2)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_get_xact_tuples_returned('notebooks_arrival'::regclass)")
        (before,) = cursor.fetchone()
        with transaction.atomic():
            assert {row.learner for row in new_claims().claim(10, 10**6, older_than=0)} == {1, 2}
        cursor.execute("SELECT pg_stat_get_xact_tuples_returned('notebooks_arrival'::regclass)")
        (after,) = cursor.fetchone()
    assert after - before < 100


@contextlib.contextmanager
def sharing(parts: int, *own: int) -> Iterator[None]:
    SHARE.take(parts, own)
    try:
        yield
    finally:
        SHARE.take(1, [0])


@pytest.mark.django_db
@given(backlog=BACKLOGS, parts=st.integers(1, 4))
@given_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_workers_that_divide_the_learners_take_each_learner_in_one_of_them(
    backlog: dict[tuple[int, int], int], parts: int
) -> None:
    Arrival.objects.all().delete()
    for (academy, learner), count in backlog.items():
        add(academy, learner, count)
    taken: list[Counter[tuple[int, int]]] = []
    for part in range(parts):
        claims, own = new_claims(), Counter[tuple[int, int]]()
        with sharing(parts, part):
            # Where very many rows wait, there may be none of this share among them.
            while look()[0] and (rows := take(claims)):
                own.update((row.academy, row.learner) for row in rows)
            assert not take(claims)
        taken.append(own)
    assert sum(taken, Counter()) == backlog
    learners = [{learner for _academy, learner in own} for own in taken]
    assert sum(map(len, learners)) == len(set().union(*learners))


@pytest.mark.django_db
def test_whoever_stands_in_for_another_takes_his_learners_too() -> None:
    for learner in range(20):
        add(1, learner)
    with sharing(2, 0, 1):
        assert len(take(new_claims(), limit=40)) == 20


@pytest.mark.django_db
def test_many_learners_of_others_hide_none_of_ones_own() -> None:
    """A claim goes on after the last learner of the share, however many of others wait before the next."""
    for learner in range(300):
        add(1, learner)
    with sharing(2, 0):
        claims, own = new_claims(), set[int]()
        while rows := take(claims):
            own |= {row.learner for row in rows}
    left = set(Arrival.objects.values_list("turn_learner", flat=True))
    assert own | left == set(range(300))
    only = min(own)
    add(1, only)
    with sharing(2, 0):
        assert [row.learner for row in take(claims)] == [only]


def look() -> tuple[bool, float | None]:
    ((due, pause),) = fetch(arrivals.TABLE.look, {**SHARE.parameters(), "older_than": 0.0})
    return due, pause


@pytest.mark.django_db
def test_a_look_tells_what_a_claim_would_find_and_when_there_will_be_more() -> None:
    assert look() == (False, None)
    add(1, 1)
    Arrival.objects.update(retry_at=timezone.now() + timedelta(seconds=30))
    due, pause = look()
    assert not due
    assert pause is not None
    assert 0 < pause <= 30
    add(1, 1)
    assert look()[0]
    with sharing(2, 0):
        first = look()[0]
    with sharing(2, 1):
        assert look()[0] != first


@pytest.mark.django_db
def test_a_look_at_very_many_rows_says_that_there_may_be_some() -> None:
    add(1, 1, 200)
    Arrival.objects.update(retry_at=timezone.now() + timedelta(seconds=300))
    assert look()[0]
