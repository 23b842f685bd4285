"""The union of what documents told, on plain values: it doesn't depend on their order, and nothing is ever lost."""

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from learntrace.learnpack.attempts.document import entries, streamed_entry
from learntrace.learnpack.attempts.new_entries import unknown
from learntrace.learnpack.attempts.run_identity import Subject
from tests.unit.learnpack.test_attempts import RECEIVED

ADA = Subject(1234, "loops")
START = 1_795_311_000_000

# Few values, so that runs are often equal, within a step and between steps.
RUN = st.fixed_dictionaries(
    {"started_at": st.integers(0, 3).map(lambda second: START + second * 1000), "exit_code": st.sampled_from([0, 1])},
    optional={"source_code": st.sampled_from(["print(1)", "print(2)", "print(1)  \n", ""])},
)
STEP = st.fixed_dictionaries(
    {"slug": st.sampled_from(["a", "b", "c"])},
    optional={
        "compilations": st.lists(RUN, max_size=4),
        "tests": st.lists(RUN, max_size=4),
        "opened_at": st.sampled_from([START, START + 1000]),
        "completed_at": st.just(START),
    },
)
DOCUMENT = st.fixed_dictionaries(
    {"steps": st.lists(STEP, max_size=4)},
    optional={
        "telemetry_id": st.sampled_from(["laptop", "tablet"]),
        "workout_session": st.just([{"started_at": START}]),
    },
)


def kinds(document: Any) -> Counter[Any]:
    """How often a document tells each run, whatever the step."""
    return Counter((one.kind.event, one.at, one.outcome, one.code_hash) for one in entries(document, ADA))


def union(documents: list[Any]) -> tuple[dict[str, str], Counter[Any]]:
    """The stored ids with their assignments after these documents, and how often each run is stored."""
    stored: dict[str, str] = {}
    counts: Counter[Any] = Counter()
    for document in documents:
        before = dict(stored)
        new = unknown(entries(document, ADA), stored)
        stored |= {one.id: one.assignment for one in new}
        counts += Counter((one.kind.event, one.at, one.outcome, one.code_hash) for one in new)
        assert before.items() <= stored.items(), "a run stays with the step that told it first"
        assert len(stored) == len(before) + len(new)
    return stored, counts


@given(st.lists(DOCUMENT, max_size=5), st.randoms())
def test_the_union_is_the_same_in_every_order(documents: list[Any], rng: Any) -> None:
    stored, counts = union(documents)
    expected: Counter[Any] = Counter()
    for document in documents:
        expected |= kinds(document)
    assert counts == expected
    shuffled = [*documents, *documents]
    rng.shuffle(shuffled)
    others, others_counts = union(shuffled)
    assert others.keys() == stored.keys()
    assert others_counts == counts


@given(DOCUMENT)
def test_a_document_tells_nothing_twice(document: Any) -> None:
    stored, _counts = union([document])
    assert unknown(entries(document, ADA), stored) == []
    repeated = document | {"steps": [*document["steps"], *document["steps"]]}
    assert unknown(entries(repeated, ADA), stored) == []


@given(DOCUMENT)
def test_equal_runs_of_two_steps_stay_with_their_steps(document: Any) -> None:
    """Also where the document that has both comes after one that had the second only."""
    read = entries(document, ADA)
    steps = list({one.assignment: None for one in read})
    if not steps:
        return
    slug = steps[-1].partition("/")[2]
    of_last = document | {"steps": [step for step in document["steps"] if step["slug"] == slug]}
    stored, _counts = union([of_last, document])
    assert Counter(stored.values()) == Counter(one.assignment for one in read)


@given(RUN, st.sampled_from(["a", "b"]), st.sampled_from(["compile", "test"]))
def test_a_streaming_event_is_what_the_document_tells(run: Any, slug: str, event: str) -> None:
    streamed = streamed_entry(event, {"slug": slug, "data": run}, RECEIVED, ADA)
    assert streamed is not None
    key = {"compile": "compilations", "test": "tests"}[event]
    for step in ("a", "b"):
        document = {"steps": [{"slug": step, key: [run]}]}
        assert unknown(entries(document, ADA), {streamed.id: streamed.assignment}) == []
