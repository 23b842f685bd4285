"""Turns are fair: who has much work delays nobody, every row is taken once, and a learner's rows in their order."""

import contextlib
from collections import Counter
from math import ceil

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from learntrace.core.fair_claims import LEARNER_LOCK, FairClaims, Row
from learntrace.notebooks.documents import arrivals
from learntrace.notebooks.models import Arrival

LIMIT = 6
# (academy, learner) and how many rows wait.
BACKLOGS = st.dictionaries(
    st.tuples(st.integers(0, 3), st.integers(0, 9)), st.integers(1, 25), min_size=1, max_size=20
)  # fmt: skip


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
