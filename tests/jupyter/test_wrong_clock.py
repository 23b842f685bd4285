"""A learner's computer whose clock is wrong: what is done there counts when it happened, by the clock of Learntrace."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page

from tests.jupyter.classroom import Classroom
from tests.jupyter.conftest import NewPage, Sit
from tests.jupyter.front_ends import Classic
from tests.jupyter.lesson import WORKS, write_lesson
from tests.jupyter.servers import JupyterServer
from tests.support.waiting import wait_until

HOUR = timedelta(hours=1)
# The browser's clock, for all that its pages ask: `Date` and what is made of it; timers go on.
SHIFT = """
const real = Date, by = %d;
const shifted = function Date(...given) {
  return new.target ? Reflect.construct(real, given.length ? given : [real.now() + by], new.target) : new shifted().toString();
};
Object.setPrototypeOf(shifted, real);
shifted.prototype = real.prototype;
shifted.now = () => real.now() + by;
globalThis.Date = shifted;
"""


def set_wrong(page: Page, ahead: timedelta) -> None:
    page.add_init_script(SHIFT % (ahead // timedelta(milliseconds=1)))


def assert_counted_rightly(classroom: Classroom, notebook: str, ahead: timedelta, begun: datetime) -> None:
    """Every event of the notebook has what its clock told and the correction, and counts when it happened."""
    events = classroom.learntrace.rows("SELECT * FROM events WHERE object->>'notebook' = %s", notebook)
    assert {"opened", "executed"} <= {event["verb"] for event in events}
    now = datetime.now(UTC)
    for event in events:
        offset = timedelta(milliseconds=event["clock_offset_ms"])
        assert abs(offset - ahead) < timedelta(seconds=20)
        assert event["flags"] == ["clock-corrected"]
        assert begun + ahead - HOUR / 60 <= event["occurred_at"] <= now + ahead + HOUR / 60, "as its clock told"
        assert begun - HOUR / 60 <= event["occurred_at"] - offset <= now + HOUR / 60
    assert len({event["clock_offset_ms"] for event in events}) == 1, "one clock, one correction"
    counted = "SELECT at FROM progress_activity WHERE id = ANY(%s) ORDER BY at"
    ids = [event["id"] for event in events]
    wait_until(lambda: len(classroom.learntrace.rows(counted, ids)) == len(ids), "all are counted")
    for row in classroom.learntrace.rows(counted, ids):
        assert begun - HOUR / 60 <= row["at"] <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("front_end", "place", "ahead"),
    [
        ("lab", "alone", 2 * HOUR),
        ("notebook7", "alone", -3 * HOUR),
        ("classic", "alone", 26 * HOUR),
        ("lab", "hub", 2 * HOUR),
        ("classic", "hub", -365 * 24 * HOUR),
    ],
)
def test_a_wrong_clock_is_corrected(sit: Sit, front_end: str, place: str, ahead: timedelta) -> None:
    desk = sit(front_end, place)
    set_wrong(desk.page, ahead)
    begun = datetime.now(UTC)
    opened = desk.open((WORKS,), f"clock-{front_end}-{place}.ipynb")
    opened.run_cell(0)
    desk.classroom.learntrace.wait_for_executions(desk.notebook, 1)
    assert_counted_rightly(desk.classroom, desk.notebook, ahead, begun)


def test_what_has_waited_on_a_wrong_clock_is_corrected_as_it_is_sent(
    sit: Sit, custom_alone: JupyterServer, new_page: NewPage
) -> None:
    """Learntrace is away for as long as the learner works: the Jupyter server keeps by how much the browser's clock is off."""
    classroom = sit("classic", "alone").classroom
    write_lesson(custom_alone.notebooks / "clock-custom.ipynb", (WORKS,))
    classic = Classic(new_page())
    set_wrong(classic.page, 5 * HOUR)
    classic.page.goto(f"{custom_alone.url}tree?token={custom_alone.token}")
    classroom.learntrace.stop()
    begun = datetime.now(UTC)
    classic.open(custom_alone.url, "clock-custom.ipynb")
    classic.run_cell(0)
    wait_until(lambda: custom_alone.ask("GET", "learntrace/state").json()["waiting"] >= 2, "all on disk")
    custom_alone.stop()
    classroom.learntrace.start()
    custom_alone.start()
    classroom.learntrace.wait_for_executions("clock-custom.ipynb", 1)
    assert_counted_rightly(classroom, "clock-custom.ipynb", 5 * HOUR, begun)
