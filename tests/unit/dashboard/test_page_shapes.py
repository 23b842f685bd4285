"""What pages make of values before anything is drawn: labels, order, lines, marks in time, escaped cells, other names."""

from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from learntrace.core.csv_cells import escape_cell
from learntrace.dashboard.classroom.grid import (
    Learner,
    by_need,
    columns_of,
    current_column,
    grid_of,
    labels_of,
)
from learntrace.dashboard.classroom.path_chart import path_chart
from learntrace.dashboard.classroom.pseudonyms import names_somebody, pseudonyms
from learntrace.dashboard.components.attempts import failure_texts
from learntrace.dashboard.components.charts.sparkline import sparkline, strip_of
from learntrace.dashboard.components.timeline import LONGEST, Attempt, axis_of, shortened, timeline_of
from learntrace.dashboard.templatetags.pages import attempt_marks
from learntrace.measures.learner_state import Standing
from learntrace.progress.class_cells.cells import Cell
from learntrace.progress.reports.class_now import PublishedAssignment

NOW = datetime(2026, 11, 25, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["lesson-03-exercise-1", "lesson-03-exercise-2"], ["exercise-1", "exercise-2"]),
        (["lesson-01-exercise-1", "lesson-01-practice-1"], ["exercise-1", "practice-1"]),
        (["python/01-hello-world", "python/02-numbers"], ["01-hello-world", "02-numbers"]),
        (["python/intro"], ["intro"]),
        (["alone"], ["alone"]),
        (["1", "2"], ["1", "2"]),
        ([], []),
    ],
)
def test_a_columns_label_is_what_tells_it_from_its_neighbours(names: list[str], labels: list[str]) -> None:
    assert labels_of(names) == labels


def _learner(name: str, severity: int = 0, seen: int = 0, **cells: Cell) -> Learner:
    return _with_cells(name, cells, severity, seen)


def _with_cells(name: str, cells: dict[str, Cell], severity: int = 0, seen: int = 0) -> Learner:
    return Learner(1, name, name, "", NOW - timedelta(minutes=seen), cells, severity=severity)


def test_need_goes_by_severity_then_trouble_then_failures_and_equals_never_change_places() -> None:
    stuck, failing = Cell(Standing("stuck", NOW), 9, 9), Cell(Standing("working", NOW), 4, 4)
    learners = [
        _learner("idle", seen=60), _learner("here"), _learner("failing", a=failing), _learner("troubled", a=stuck),
        _learner("done", a=Cell(Standing("done", NOW), 30, 29), seen=1), _learner("signalled", severity=3),
        _learner("elsewhere", b=stuck, seen=2),
    ]  # fmt: skip
    ordered = [one.username for one in by_need(learners, ["a"])]
    assert ordered == ["signalled", "troubled", "failing", "done", "elsewhere", "here", "idle"]


def test_a_wide_grid_begins_at_the_lesson_that_half_of_the_class_has_not_done() -> None:
    columns = columns_of(
        [PublishedAssignment(f"{slug}-{n}", "", 1, slug, slug) for slug in ("one", "two") for n in (1, 2)], []
    )
    assert current_column([9, 8, 7, 1], 10, columns) == 2
    assert current_column([9, 4, 0, 0], 10, columns) == 0
    assert current_column([10, 10, 10, 10], 10, columns) == 2
    assert current_column([], 0, []) == 0


def test_a_wide_grid_begins_with_the_other_lessons_folded_until_somebody_chooses() -> None:
    lessons = ("one", "two", "three")
    published = [
        PublishedAssignment(f"{slug}-{n}", f"Task {n}", place, slug, slug)
        for place, slug in enumerate(lessons, 1)
        for n in range(6)
    ]
    columns = columns_of(published, [])
    assert columns[0].label == "Task 0"
    done = {f"one-{n}": Cell(Standing("done", NOW), 1, 0, NOW) for n in range(6)}
    learners = [_with_cells("ada", done), _learner("barbara")]
    assert [group.folded for group in grid_of(columns, learners).groups] == [True, False, True]
    grid = grid_of(columns, learners, {1, 3})
    assert [(group.folded, list(group.done)) for group in grid.groups] == [
        (True, [1]),
        (False, [0] * 6),
        (True, [0]),
    ]
    assert grid.folded == "1.3"
    assert not grid_of(columns[:6], learners, {1}).groups[0].folded


def test_the_class_path_is_told_drawn_and_tabled() -> None:
    columns = columns_of([PublishedAssignment(f"one-{n}", f"Task {n}", 1, "one", "One") for n in (1, 2, 3)], [])

    def walker(name: str, *minutes: int) -> Learner:
        cells = {
            f"one-{n}": Cell(Standing("working", NOW), 1, 0, NOW - timedelta(minutes=ago))
            for n, ago in enumerate(minutes, 1)
        }
        return _with_cells(name, cells)

    learners = [walker("a", 60), walker("b", 60, 30), walker("c", 60, 30), walker("d", 60, 20, 10), walker("e")]
    chart = path_chart(columns, learners, NOW)
    assert chart is not None
    assert chart.sentence == "The median learner has reached “Task 2” (2 of 3), the middle half “Task 1” to “Task 2”."
    assert chart.begun == "4 of 5 learners have begun."
    assert [tick.label for tick in chart.ticks] == ["Task 1", "Task 2", "Task 3"]
    assert list(chart.times) == ["09:30", "10:00"]
    assert chart.rows[0].median == "Task 1"
    assert (chart.rows[-1].at, chart.rows[-1].lower, chart.rows[-1].upper) == ("now", "Task 1", "Task 2")
    assert path_chart(columns, [walker("e")], NOW) is None
    assert path_chart(columns[:1], learners, NOW) is None


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


def test_the_axis_is_to_scale_but_for_long_gaps() -> None:
    moments = [NOW + timedelta(minutes=minutes) for minutes in (0, 1, 21, 81)]
    assert axis_of(moments).places == pytest.approx([0.0, 6.0, 126.0, 186.0])
    assert list(axis_of([]).places) == []


@given(st.lists(st.floats(0, 86400), min_size=1, max_size=60))
def test_equal_times_are_equally_long_and_a_fold_is_as_wide_as_another(gaps: list[float]) -> None:
    moments = list(accumulate((timedelta(seconds=gap) for gap in gaps), datetime.__add__, initial=NOW))
    axis = axis_of(moments)
    drawn = [after - before for before, after in pairwise(axis.places)]
    told = [(after - before).total_seconds() for before, after in pairwise(moments)]
    for width, gap in zip(drawn, told, strict=True):
        expected = 60.0 if gap > LONGEST.total_seconds() else gap / axis.seconds_per_pixel
        assert width == pytest.approx(expected, abs=1e-6)
    assert axis.seconds_per_pixel >= 1
    assert [axis.place_of(moment) for moment in moments] == sorted(axis.places)


def test_a_timeline_has_a_lane_for_each_assignment_and_folds_idle_time() -> None:
    attempts = [
        Attempt("1", NOW, "a", "error", ("NameError: x",)),
        Attempt("2", NOW + timedelta(minutes=1), "b", "ok"),
        Attempt("3", NOW + timedelta(days=1), "a", "ok"),
    ]
    names = {"a": ("a", "/a"), "b": ("b", "/b")}
    signals = [(NOW + timedelta(seconds=30), "stuck", "told", "/s"), (NOW - timedelta(days=1), "stuck", "before", "")]
    timeline = timeline_of(attempts, names, signals, frozenset({"1"}))
    assert [lane.name for lane in timeline.lanes] == ["a", "b"]
    assert [mark.evidence for mark in timeline.marks] == [True, False, False]
    assert [(fold.at, fold.seconds) for fold in timeline.folds] == [(NOW, None), (NOW + timedelta(days=1), 86340.0)]
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


def test_ticks_stand_at_round_times_of_the_readers_zone() -> None:
    attempts = [Attempt(str(n), NOW + timedelta(minutes=5 * n), "a", "ok") for n in range(13)]
    with timezone.override(ZoneInfo("Asia/Kolkata")):
        ticks = timeline_of(attempts, {"a": ("a", "")}).ticks
        assert [f"{timezone.localtime(at):%H:%M}" for _x, at, _where in ticks] == ["16:15", "16:30", "16:45", "17:00"]
    assert [x for x, _at, _where in ticks] == ["25.000%", "50.000%", "75.000%", "100.000%"]


def test_labels_of_the_axis_that_would_overprint_each_other_are_left_out() -> None:
    # Minutes of work on one day, one attempt on the next two, and an hour after that.
    minutes = [*range(0, 20, 2), 1440, 2880, *range(4320, 4380, 2)]
    attempts = [Attempt(str(n), NOW + timedelta(minutes=m), "a", "ok") for n, m in enumerate(minutes)]
    timeline = timeline_of(attempts, {"a": ("a", "")})
    assert [(bool(fold.timed), bool(fold.measured)) for fold in timeline.folds] == [
        (True, True), (True, True), (True, False), (True, False),
    ]  # fmt: skip
    for width, shown in ((timeline.width - 56, ("screen", "paper")), (380, ("paper",))):
        days = [(day.x, -5, 80 if day.of_year else 42, day.dated) for day in timeline.days]
        times = [
            *((fold.after, -5, 32, fold.timed) for fold in timeline.folds),
            *((fold.x, -32, -6, fold.measured) for fold in timeline.folds if fold.seconds),
            *((x, -17, 17, where) for x, _at, where in timeline.ticks),
        ]
        for labels in (days, times):
            reaches = [
                (float(x.rstrip("%")) * width / 100 + begin, float(x.rstrip("%")) * width / 100 + end)
                for x, begin, end, where in labels
                if where in shown
            ]
            assert len(reaches) > 1
            assert all(before[1] <= after[0] for before, after in pairwise(sorted(reaches)))


def test_a_new_day_is_told_on_paper_rather_than_what_stands_beside_it() -> None:
    # A minute of work in the evening; hours of it from the next morning on, of which the first is told beside a pause.
    evening, morning = datetime(2026, 11, 30, 20, tzinfo=UTC), datetime(2026, 12, 1, 8, tzinfo=UTC)
    minutes = [*range(0, 120, 3), *range(200, 400, 3), *range(450, 900, 3)]
    moments = [evening, *(morning + timedelta(minutes=minute) for minute in minutes)]
    timeline = timeline_of([Attempt(str(at), at, "a", "ok") for at in moments], {"a": ("a", "")})
    assert [(day.at, day.midnight, day.dated) for day in timeline.days] == [
        (evening, False, "screen"),
        (morning, False, "paper"),
    ]
    # The time of the day that isn't told would seem to be of another.
    assert [fold.timed for fold in timeline.folds[:2]] == ["screen", "paper"]


def test_a_midnight_at_work_is_told_in_the_readers_zone() -> None:
    begun = datetime(2026, 11, 30, 22, 30, tzinfo=UTC)
    attempts = [Attempt(str(n), begun + timedelta(minutes=5 * n), "a", "ok") for n in range(13)]
    with timezone.override(ZoneInfo("Europe/Madrid")):
        first, second = timeline_of(attempts, {"a": ("a", "")}).days
    assert (first.midnight, second.midnight, second.x) == (False, True, "50.000%")
    assert f"{second.at:%d %H:%M}" == "01 00:00"


def test_a_days_name_with_its_year_stays_within_the_picture() -> None:
    moments = [datetime(2019, 11, 30, 8, tzinfo=UTC) + timedelta(minutes=40 * n) for n in range(40)]
    days = timeline_of([Attempt(str(at), at, "a", "ok") for at in moments], {"a": ("a", "")}).days
    assert [(day.of_year, day.backwards) for day in days] == [(True, False), (True, False)]
    last = [*moments[:20], datetime(2019, 12, 1, 9, tzinfo=UTC)]
    days = timeline_of([Attempt(str(at), at, "a", "ok") for at in last], {"a": ("a", "")}).days
    assert [day.backwards for day in days] == [False, True]


def test_an_attempt_that_failed_without_a_message_says_so() -> None:
    assert failure_texts([["failed", ""], ["NameError", "x"]]) == ("failed, without an error message", "NameError: x")


def test_steps_stand_under_their_asset_and_are_told_by_their_own_names() -> None:
    keys = ["py/01-hello", "assignment:sum", "js/01-hello", "py/02-" + "x" * 30 + "-end"]
    attempts = [Attempt(str(n), NOW + timedelta(minutes=n), key, "ok") for n, key in enumerate(keys)]
    timeline = timeline_of(attempts, {key: (key.removeprefix("assignment:"), "") for key in keys})
    assert [lane.label for lane in timeline.lanes] == [
        "sum",
        "01-hello",
        "02-xxxxxxxxxxxxxx…xxxxxxxxxxxx-end",
        "01-hello",
    ]
    assert timeline.headings == (("py", "92"), ("js", "164"))
    assert [lane.y for lane in timeline.lanes] == ["62", "108", "134", "180"]
    assert [mark.y for mark in timeline.marks] == ["108", "62", "180", "134"]
    titles = {"py/01-hello": "Python", keys[3]: "Python", "assignment:sum": "Lesson 3"}
    timeline = timeline_of(attempts, {key: (key, "") for key in keys}, assets=titles)
    assert [heading for heading, _y in timeline.headings] == ["Python", "Lesson 3", "js"]


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
    assert escape_cell(value) == cell


@given(st.text())
def test_no_text_begins_as_a_formula(text: str) -> None:
    assert not str(escape_cell(text)).lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


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
