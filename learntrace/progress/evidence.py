"""The stored evidence of a learner's state on an assignment: what SQL and rows of `Progress` give to `learner_state`.

SQL that only counts who is done asks for `done_at IS NOT NULL`, which is the same decision.
"""

from learntrace.measures.learner_state import Evidence, Standing, learner_state
from learntrace.progress.models import Progress

# The columns of `measures.learner_state.Evidence` in their order; `row` is the table's name in the statement.
EVIDENCE = """{row}.first_seen_at, {row}.done_at, {row}.done_because, {row}.done_by, {row}.failed_again_at, {row}.stuck_since,
       {row}.trouble_since"""


def standing_of(progress: Progress) -> Standing:
    """Return how the learner stands according to stored measures and signals."""
    return learner_state(
        Evidence(
            seen_at=progress.first_seen_at,
            done_at=progress.done_at,
            done_because=progress.done_because,
            done_by=progress.done_by,
            failed_again_at=progress.failed_again_at,
            stuck_since=progress.stuck_since,
            trouble_since=progress.trouble_since,
        )
    )
