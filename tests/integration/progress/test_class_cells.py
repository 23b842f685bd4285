"""The cells of a class that a process remembers: the same as the rows, whoever changes these, and however."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from learntrace.accounts.models import Academy, User
from learntrace.core.sql import execute
from learntrace.progress.class_cells import kept
from learntrace.progress.class_cells.cells import LearnerCells
from learntrace.progress.class_cells.kept import cells_in
from learntrace.progress.models import Assignment, Progress
from learntrace.progress.reports import selection
from learntrace.progress.reports.assets_and_cohorts import asset_rows
from learntrace.progress.reports.assignments import assignments_of
from learntrace.progress.reports.learner_assets import learner_assets_of
from learntrace.progress.reports.learners import learner_rows
from learntrace.progress.reports.selection import Selection
from learntrace.progress.standings.current_work import works_of_class
from tests.support.builders import make_academy, make_asset, make_assignment, make_attempts, make_user
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE = datetime(2026, 1, 1, tzinfo=UTC)
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


def reports_of(academy: Academy, learners: frozenset[int] | None) -> list[Any]:
    about = Selection(academy, learners=learners)
    works = works_of_class(about, [row.learner.pk for row in learner_rows(about)])
    rows = learner_assets_of(about)
    return [
        *assignments_of(about),
        # PostgreSQL sums floats by their first 15 digits.
        *(replace(row, repeated_error_density=round(row.repeated_error_density or 0.0, 9)) for row in rows),
        *asset_rows(about),
        *((user_id, replace(work, error="")) for user_id, work in sorted(works.items())),
    ]


@pytest.mark.parametrize("of_some", [False, True])
def test_reports_tell_the_same_from_kept_cells_as_from_rows(
    learners: tuple[Academy, list[User]], monkeypatch: pytest.MonkeyPatch, *, of_some: bool
) -> None:
    """After each kind of change, for a whole class and for some of it."""
    academy, users = learners
    for number, asset in enumerate(make_asset(slug, academy=academy) for slug in ("intro", "loops")):
        make_assignment(academy, asset, KEYS[number])
    own = Progress.objects.filter(academy=academy, user=users[0])
    changes: list[Callable[[], object]] = [
        lambda: None,
        lambda: make_attempts(users[1], academy, KEYS[0], "x-"),
        lambda: own.filter(assignment=KEYS[1]).update(done_at=None, active_seconds=1.25, last_seen_at=BEFORE),
        lambda: own.filter(assignment=KEYS[1]).update(error_quotient=None, attempts=99, stuck_since=BEFORE),
        lambda: Progress.objects.filter(user=users[2], assignment=KEYS[1]).delete(),
        lambda: Assignment.objects.filter(key=KEYS[0]).delete(),
    ]
    monkeypatch.setattr(selection, "_MANY_LEARNERS", 2)
    some = frozenset({users[0].pk, users[1].pk}) if of_some else None
    for change in changes:
        change()
        from_cells = reports_of(academy, some)
        with monkeypatch.context() as patched:
            patched.setattr(selection, "kept_cells", lambda _academy: None)
            assert reports_of(academy, some) == from_cells


def test_too_many_cells_are_left_to_rows(learners: tuple[Academy, list[User]], monkeypatch: pytest.MonkeyPatch) -> None:
    academy, _users = learners
    before = assignments_of(Selection(academy))
    monkeypatch.setattr(kept, "MOST_KEPT", 4)
    assert kept.kept_cells(academy.pk) is None
    assert assignments_of(Selection(academy)) == before
