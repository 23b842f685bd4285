"""Reading a document from where the one before was read: the same as reading each whole, whatever the documents."""

import copy
import json
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from learntrace.learnpack.attempts import content as reading
from learntrace.learnpack.attempts.document import entries
from learntrace.learnpack.attempts.new_entries import unknown
from learntrace.learnpack.attempts.outline import outline_of
from learntrace.learnpack.attempts.positions import Position, position_after
from tests.unit.learnpack.test_union import ADA, DOCUMENT, RUN, START

KEYS = st.sampled_from(["compilations", "tests", "ai_interactions", "quiz_submissions"])
TIMES = st.sampled_from([None, START, START + 5000, str(START), "soon"])
RUNS = RUN | st.fixed_dictionaries({"status": st.sampled_from(["SUCCESS", "ERROR"]), "started_at": st.just(START)})


def text_of(document: Any) -> str:
    """As PostgreSQL writes JSON: the same document as the same text."""
    return json.dumps(document, sort_keys=True)


@st.composite
def changes(draw: st.DrawFn) -> list[Any]:
    """Documents as a client sends them one after the other: mostly, one grows from the one before."""
    document = cast("dict[str, Any]", draw(DOCUMENT))
    sent = [document]
    for _number in range(draw(st.integers(1, 6))):
        document = copy.deepcopy(document)
        how = draw(st.sampled_from(["grow", "grow", "grow", "head", "shrink", "shuffle", "other", "replay", "same"]))
        listed = document["steps"]
        if how == "grow":
            if not listed or draw(st.booleans()):
                listed.append({"slug": draw(st.sampled_from(["d", "e", "f", "a"]))})
            step = draw(st.sampled_from(listed))
            step.setdefault(draw(KEYS), []).extend(draw(st.lists(RUNS, max_size=3)))
        elif how == "head" and listed:
            step = draw(st.sampled_from(listed))
            step[draw(st.sampled_from(["opened_at", "completed_at"]))] = draw(TIMES)
            step["is_completed"] = draw(st.booleans())
            document["last_interaction_at"] = draw(TIMES)
        elif how == "shrink" and listed:
            step = draw(st.sampled_from(listed))
            key = draw(KEYS)
            step[key] = step.get(key, [])[1:]
        elif how == "shuffle":
            document["steps"] = draw(st.permutations(listed))
        elif how == "other":
            document = cast("dict[str, Any]", draw(DOCUMENT))
        elif how == "replay":
            document = copy.deepcopy(draw(st.sampled_from(sent)))
        sent.append(document)
    return sent


class Whole:
    """What is stored where each document is read whole."""

    def __init__(self) -> None:
        self.stored: dict[str, str] = {}

    def read(self, document: Any) -> set[str]:
        """Store what a document tells; return what it doesn't tell of what was stored."""
        read = entries(document, ADA)
        untold = self.stored.keys() - {entry.id for entry in read}
        self.stored |= {entry.id: entry.assignment for entry in unknown(read, self.stored)}
        return untold


class FromPositions(Whole):
    """What is stored where documents are read from positions, as far as they hold."""

    def __init__(self) -> None:
        super().__init__()
        self.position: Position | None = None
        self.of_stored: dict[str, str] = {}
        self.tails: list[int] = []

    def read(self, document: Any) -> set[str]:
        outline = outline_of(text_of(document))
        assert outline is not None
        tail = self.position.go_on(outline, ADA) if self.position and self.of_stored == self.stored else None
        if tail is not None and not self.stored.keys() & {entry.id for entry in tail.entries}:
            self.tails.append(len(tail.entries))
            self.stored |= {entry.id: entry.assignment for entry in tail.entries}
            position, untold = tail.position, tail.position.untold_ids()
        else:
            untold = super().read(document)
            position = position_after(outline, ADA, entries(document, ADA), untold)
        if position is not None:
            # An earlier one stands for what was stored then.
            self.position, self.of_stored = position, dict(self.stored)
        return untold


@given(changes(), st.data())
def test_from_positions_it_comes_to_the_same_as_whole(documents: list[Any], data: st.DataObject) -> None:
    whole, going_on = Whole(), FromPositions()
    for document in documents:
        assert whole.read(document) == going_on.read(document)
        assert whole.stored == going_on.stored
        if whole.stored and data.draw(st.integers(0, 9)) == 0:
            # An erasure, or what comes from elsewhere: then the position doesn't hold.
            gone = data.draw(st.sampled_from(sorted(whole.stored)))
            for each in (whole, going_on):
                del each.stored[gone]


@given(changes())
def test_an_outline_tells_the_steps_and_the_runs_of_its_document(documents: list[Any]) -> None:
    for document in documents:
        outline = outline_of(text_of(document))
        assert reading.steps(outline.shown()) == reading.steps(document)
        assert reading.testable_steps(outline.shown()) == reading.testable_steps(document)
        assert outline.count_runs() == sum(len(step.get(key, [])) for step in document["steps"] for key in LISTS)


LISTS = ("compilations", "tests", "ai_interactions", "quiz_submissions")


def run(second: int) -> dict[str, Any]:
    return {"started_at": START + second * 1000, "exit_code": 1, "source_code": f"print({second})"}


def test_of_a_live_learners_document_only_the_new_run_is_read() -> None:
    reader = FromPositions()
    document: dict[str, Any] = {"steps": [{"slug": "a", "opened_at": START, "compilations": []}, {"slug": "b"}]}
    for second in range(20):
        document["steps"][0]["compilations"].append(run(second))
        document["last_interaction_at"] = START + second * 1000
        reader.read(document)
    document["steps"][0] |= {"completed_at": START + 20_000, "is_completed": True}
    document["steps"][1]["opened_at"] = START + 21_000
    reader.read(document)
    assert reader.tails == [*[1] * 19, 2]
    assert len(reader.stored) == 23


def test_documents_of_another_shape_are_read_whole() -> None:
    others: list[Any] = [[], {"steps": {}}, {"steps": ["a"]}, {"steps": None}, "text", None]
    assert [outline_of(text_of(other)) for other in others] == [None] * 6
    twice = {"steps": [{"slug": "a"}, {"slug": " a "}]}
    assert position_after(outline_of(text_of(twice)), ADA, entries(twice, ADA), []) is None


def test_the_position_of_another_version_does_not_hold() -> None:
    document = {"steps": [{"slug": "a", "compilations": [run(1)]}]}
    outline = outline_of(text_of(document))
    position = position_after(outline, ADA, entries(document, ADA), [])
    assert position.go_on(outline, ADA).entries == []
    assert Position(position.reader + 1, position.steps).go_on(outline, ADA) is None
