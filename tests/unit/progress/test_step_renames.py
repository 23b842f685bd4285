"""Which current step may be a former one under another name: pure, and for any lists."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from learntrace.progress.corrections.step_renames import Step, proposals

THEN = datetime(2026, 1, 1, tzinfo=UTC)
steps = st.lists(
    st.builds(
        Step,
        key=st.text("abc", min_size=1, max_size=3),
        title=st.sampled_from(["", "Hello", "hello ", "Loops"]),
        position=st.integers(0, 4),
        published_at=st.integers(0, 3).map(lambda days: THEN + timedelta(days=days)),
    ),
    max_size=6,
    unique_by=lambda step: step.key,
)


@given(steps, steps)
def test_a_proposal_has_the_same_title_or_place_is_newer_and_stands_alone(
    former: list[Step], current: list[Step]
) -> None:
    proposed = proposals(former, current)
    assert len(set(proposed.values())) == len(proposed)
    for old_key, new_key in proposed.items():
        old = next(step for step in former if step.key == old_key)
        new = next(step for step in current if step.key == new_key)
        same_title = bool(old.title.strip()) and old.title.strip().casefold() == new.title.strip().casefold()
        assert new.published_at > old.published_at
        assert same_title or old.position == new.position


def test_a_title_says_more_than_a_place() -> None:
    gone = Step("p/02-loops", "Loops", 1, THEN)
    later = THEN + timedelta(days=1)
    current = [Step("p/02-new", "Lists", 1, later), Step("p/03-for", "loops", 2, later)]
    assert proposals([gone], current) == {"p/02-loops": "p/03-for"}
    assert proposals([gone], [Step("p/01", "Loops", 1, THEN)]) == {}
