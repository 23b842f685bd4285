"""The cells of a class that a process remembers: the same as the rows, whoever changes these, and however."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from learntrace.accounts.models import Academy, User
from learntrace.core.sql import execute
from learntrace.progress.class_cells import kept
from learntrace.progress.class_cells.cells import LearnerCells
from learntrace.progress.class_cells.kept import cells_in
from learntrace.progress.models import Progress
from tests.support.builders import make_academy, make_attempts, make_user
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
KEYS = [f"assignment:lesson-{number}" for number in range(3)]


@pytest.fixture
def learners() -> Iterator[tuple[Academy, list[User]]]:
    kept.forget_all()
    academy = make_academy("kept")
    users = [make_user(name, "student", academy) for name in ("ada", "grace", "radia")]
    for user in users:
        for key in KEYS:
            make_attempts(user, academy, key, "xx-")
    yield academy, users
    kept.forget_all()


def states(academy: Academy, keys: list[str] | None = None) -> dict[int, dict[str, tuple[str, int]]]:
    cells = cells_in(academy.pk, keys).by_learner
    return {
        user_id: {key: (cell.state, cell.attempts) for key, cell in sorted(own.items())}
        for user_id, own in cells.items()
        if own
    }


def read_anew(academy: Academy, keys: list[str] | None = None) -> dict[int, dict[str, tuple[str, int]]]:
    remembered = states(academy, keys)
    kept.forget_all()
    assert states(academy, keys) == remembered
    return remembered


def rows_read(academy: Academy) -> int:
    """Read the cells; return of how many learners they are other ones than before."""
    before = cells_in(academy.pk, None).by_learner
    after = cells_in(academy.pk, None).by_learner
    return sum(after[user_id] is not own for user_id, own in before.items())


def test_what_has_not_changed_is_the_same_object(learners: tuple[Academy, list[User]]) -> None:
    academy, users = learners

    def is_kept() -> bool:
        before = cells_in(academy.pk, None).by_learner
        make_attempts(users[0], academy, KEYS[0], "xx")
        after = cells_in(academy.pk, None).by_learner
        assert isinstance(after[users[1].pk], LearnerCells)
        assert after[users[0].pk][KEYS[0]].attempts == before[users[0].pk][KEYS[0]].attempts + 2
        return after[users[1].pk] is before[users[1].pk]

    # A transaction that is still running, as of another test beside this one, could have written what is read again.
    wait_until(is_kept, "what has not changed is kept")


@pytest.mark.parametrize("keys", [None, KEYS[:2]])
def test_each_kind_of_change_is_seen(learners: tuple[Academy, list[User]], keys: list[str] | None) -> None:
    academy, users = learners
    states(academy, keys)
    Progress.objects.filter(user=users[0], assignment=KEYS[0]).update(done_at=None, stuck_since="2026-01-01T00:00Z")
    assert read_anew(academy, keys)[users[0].pk][KEYS[0]][0] == "stuck"
    Progress.objects.filter(user=users[1], assignment=KEYS[1]).delete()
    assert KEYS[1] not in read_anew(academy, keys)[users[1].pk]
    # As many go as come.
    Progress.objects.filter(user=users[1], assignment=KEYS[0]).delete()
    make_attempts(users[1], academy, KEYS[1], "x")
    assert set(read_anew(academy, keys)[users[1].pk]) == {KEYS[1], *({KEYS[2]} if keys is None else ())}
    execute(
        "UPDATE progress_progress SET user_id = %s WHERE user_id = %s AND assignment = %s",
        [users[1].pk, users[0].pk, KEYS[0]],
    )
    moved = read_anew(academy, keys)
    assert moved[users[1].pk][KEYS[0]][0] == "stuck"
    assert KEYS[0] not in moved[users[0].pk]
    Progress.objects.filter(academy=academy).delete()
    assert read_anew(academy, keys) == {}


def test_what_is_taken_back_is_not_kept(learners: tuple[Academy, list[User]]) -> None:
    academy, users = learners
    before = states(academy)
    with transaction.atomic():
        Progress.objects.filter(user=users[0]).update(attempts=99)
        assert states(academy)[users[0].pk][KEYS[0]][1] == 99
        transaction.set_rollback(True)
    assert states(academy) == before


def test_what_was_open_when_it_was_looked_at_is_seen_when_it_is_over(learners: tuple[Academy, list[User]]) -> None:
    academy, users = learners
    states(academy)
    with psycopg.connect(**_parameters()) as other:
        other.execute("UPDATE progress_progress SET attempts = 7 WHERE user_id = %s", [users[0].pk])
        make_attempts(users[1], academy, KEYS[0], "-")
        assert states(academy)[users[0].pk][KEYS[0]][1] == 3
        assert states(academy)[users[1].pk][KEYS[0]][1] == 4
    assert read_anew(academy)[users[0].pk][KEYS[0]][1] == 7


def test_too_many_are_forgotten(learners: tuple[Academy, list[User]], monkeypatch: pytest.MonkeyPatch) -> None:
    academy, users = learners
    monkeypatch.setattr(kept, "MOST_KEPT", 4)
    before = cells_in(academy.pk, None).by_learner
    assert cells_in(academy.pk, None).by_learner[users[0].pk] is not before[users[0].pk]
    assert read_anew(academy)


def _parameters() -> dict[str, Any]:
    told = connection.settings_dict
    return {"dbname": told["NAME"], "user": told["USER"], "host": told["HOST"], "port": told["PORT"] or 5432}
