"""What pages make of values before anything is drawn: labels, order, lines, marks in time, harmless cells, other names."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learntrace.core.cells import harmless
from learntrace.dashboard.attempts import Attempt, places, shortened, timeline_of
from learntrace.dashboard.charts import sparkline, strip_of
from learntrace.dashboard.class_grid import Cell, Learner, by_need, columns_of, current_column, labels_of, state_shown
from learntrace.dashboard.pseudonyms import names_somebody, pseudonyms
from learntrace.dashboard.templatetags.pages import attempt_marks

NOW = datetime(2026, 11, 25, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["lesson-03-exercise-1", "lesson-03-exercise-2"], ["1", "2"]),
        (["lesson-01-exercise-1", "lesson-01-practice-1"], ["exercise-1", "practice-1"]),
        (["python/01-hello-world", "python/02-numbers"], ["01", "02"]),
        (["python/intro"], ["intro"]),
        (["alone"], ["alone"]),
        ([], []),
    ],
)
def test_a_columns_label_is_what_tells_it_from_its_neighbours(names: list[str], labels: list[str]) -> None:
    assert labels_of(names) == labels


def _learner(name: str, severity: int = 0, seen: int = 0, **cells: Cell) -> Learner:
    return Learner(1, name, name, "", NOW - timedelta(minutes=seen), cells, severity)


def test_need_goes_by_severity_then_trouble_then_failures_then_who_was_here_last() -> None:
    stuck, failing = Cell("stuck", 9, 9), Cell("working", 4, 4)
    learners = [
        _learner("idle", seen=60), _learner("here"), _learner("failing", a=failing), _learner("troubled", a=stuck),
        _learner("done", a=Cell("done", 30, 29), seen=1), _learner("signalled", severity=3),
        _learner("elsewhere", b=stuck, seen=2),
    ]  # fmt: skip
    ordered = [one.username for one in by_need(learners, ["a"])]
    assert ordered == ["signalled", "troubled", "failing", "here", "done", "elsewhere", "idle"]


@pytest.mark.parametrize(
    ("state", "concerns", "shown"),
    [
        ("struggling", ["stuck"], "stuck"), ("struggling", ["repeated_error"], "struggling"), ("done", ["stuck"], "done"),
        ("struggling", ["consecutive_errors", "x"], "stuck"), ("working", [], "working"),
    ],
)  # fmt: skip
def test_only_who_struggles_under_a_grave_signal_is_stuck(state: str, concerns: list[str], shown: str) -> None:
    assert state_shown(state, concerns) == shown


def test_a_wide_grid_begins_at_the_lesson_that_half_of_the_class_has_not_done() -> None:
    columns = columns_of([(f"{slug}-{n}", "", 1, slug, slug) for slug in ("one", "two") for n in (1, 2)], [])
    assert current_column([9, 8, 7, 1], 10, columns) == 2
    assert current_column([9, 4, 0, 0], 10, columns) == 0
    assert current_column([10, 10, 10, 10], 10, columns) == 2
    assert current_column([], 0, []) == 0


def test_a_line_leaves_gaps_and_shows_lone_values() -> None:
    spark = sparkline([1.0, None, 0.5, 0.25], top=1)
    assert spark.trace == "M0.0 1.0 1.5 1.0M80.0 12.0 120.0 17.5"
    assert sparkline([None, None]).trace == ""
    assert sparkline([]).trace == ""


def test_one_stands_in_its_place_among_others() -> None:
    strip = strip_of([("a", 10.0), ("b", 40.0), ("c", None)], "a")
    assert (strip.place, strip.count, strip.top) == (2, 2, 40.0)
    assert [tick.x for tick in strip.ticks] == ["100.00%", "25.00%"]
    assert strip_of([("c", None)], "c").place is None


def test_pauses_count_up_to_five_minutes_and_another_session_is_a_fold() -> None:
    moments = [NOW + timedelta(minutes=minutes) for minutes in (0, 1, 21, 81)]
    assert places(moments) == [0.0, 7.0, 37.0, 73.0]
    assert places([]) == []


def test_a_timeline_has_a_lane_for_each_assignment_and_folds_idle_time() -> None:
    attempts = [
        Attempt("1", NOW, "a", "error", ("NameError: x",)), Attempt("2", NOW + timedelta(minutes=1), "b", "ok"),
        Attempt("3", NOW + timedelta(days=1), "a", "ok"),
    ]  # fmt: skip
    names = {"a": ("a", "/a"), "b": ("b", "/b")}
    signals = [(NOW + timedelta(seconds=30), "stuck", "told", "/s"), (NOW - timedelta(days=1), "stuck", "before", "")]
    timeline = timeline_of(attempts, names, signals, frozenset({"1"}))
    assert [lane.name for lane in timeline.lanes] == ["a", "b"]
    assert [mark.evidence for mark in timeline.marks] == [True, False, False]
    assert [at for _x, at in timeline.folds] == [NOW, NOW + timedelta(days=1)]
    assert [mark.title for mark in timeline.signals] == ["told"]
    assert timeline_of([], {}).marks == ()


def test_a_timeline_fills_its_width_unless_there_is_little() -> None:
    def drawn(count: int) -> tuple[int, list[str]]:
        attempts = [Attempt(str(n), NOW + timedelta(minutes=5 * n), "a", "ok") for n in range(count)]
        timeline = timeline_of(attempts, {"a": ("a", "")})
        return timeline.width, [mark.x for mark in timeline.marks]

    assert drawn(1) == (296, ["0.000%"])
    assert drawn(3) == (296, ["0.000%", "12.500%", "25.000%"])
    assert drawn(21) == (656, [f"{5 * n}.000%" for n in range(21)])


def test_steps_stand_under_their_asset_and_are_told_by_their_own_names() -> None:
    keys = ["py/01-hello", "assignment:sum", "js/01-hello", "py/02-" + "x" * 30 + "-end"]
    attempts = [Attempt(str(n), NOW + timedelta(minutes=n), key, "ok") for n, key in enumerate(keys)]
    timeline = timeline_of(attempts, {key: (key.removeprefix("assignment:"), "") for key in keys})
    assert [lane.label for lane in timeline.lanes] == ["sum", "01-hello", "02-xxxxxxxxxx…xxxxxxxx-end", "01-hello"]
    assert timeline.headings == (("py", "66"), ("js", "130"))
    assert [lane.y for lane in timeline.lanes] == ["40", "82", "104", "146"]
    assert [mark.y for mark in timeline.marks] == ["82", "40", "146", "104"]


def test_a_long_name_loses_its_middle() -> None:
    assert shortened("abcdefgh", 8) == "abcdefgh"
    assert shortened("abcdefghi", 8) == "abcd…ghi"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "'\t=1"), ("\r=1", "'\r=1"),
        ("  =1", "'  =1"), ("\uff1d1", "'\uff1d1"), ("plain", "plain"), (-1.5, -1.5), (None, ""), ("a\0b", "ab"),
        (NOW, "2026-11-25T10:30:00Z"),
    ],
)  # fmt: skip
def test_a_cell_is_no_formula(value: object, cell: object) -> None:
    assert harmless(value) == cell


@given(st.text())
def test_no_text_begins_as_a_formula(text: str) -> None:
    assert not str(harmless(text)).lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


@given(st.sets(st.integers(1, 10**6), max_size=300), st.text(max_size=8))
def test_no_two_of_a_class_share_a_pseudonym(ids: set[int], secret: str) -> None:
    found = pseudonyms(ids, secret)
    assert found.keys() == ids
    assert len(set(found.values())) == len(ids)
    assert pseudonyms(ids, secret) == found


def test_a_text_that_names_somebody_is_recognised() -> None:
    assert names_somebody("/home/ADA/x.py", ["ada"])
    assert not names_somebody("name 'total' is not defined", ["ada", "to", ""])


def test_marks_of_attempts_show_hostile_errors_as_text_and_point_out_evidence() -> None:
    attempts = [Attempt("1", NOW, "a", "error", ('<script>"&',)), Attempt("2", NOW + timedelta(minutes=1), "a", "ok")]
    made = attempt_marks(timeline_of(attempts, {"a": ("A", "")}, (), frozenset({"1"})).marks)
    assert "<script" not in made
    assert "&lt;script&gt;&quot;&amp;</title>" in made
    assert [word for word in ("shape error evidence", "shape done") if word in made] == [
        "shape error evidence",
        "shape done",
    ]
    assert made.count("<svg ") == 2
