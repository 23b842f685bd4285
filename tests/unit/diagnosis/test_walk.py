"""The walk of a diagnosis: whatever was found, exactly one verdict of the list, and every sentence can be told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from learntrace.diagnosis.checks.front_door import VERDICT_OF
from learntrace.diagnosis.facts import (
    HERE,
    MISLED,
    UNKNOWN,
    AskedAssignment,
    Batch,
    EventGroup,
    Facts,
    ForeignSender,
    FrontEnd,
    LearnerTask,
    NewestEvent,
    Person,
    PublishedNotebooks,
    Record,
    RefusalGroup,
    RejectionGroup,
    RequestGroup,
    Target,
)
from learntrace.diagnosis.findings import NO, RESULTS, SKIPPED
from learntrace.diagnosis.labels import CHECKS, EVIDENCE
from learntrace.diagnosis.matching import Names, is_named_like
from learntrace.diagnosis.serializers import as_json
from learntrace.diagnosis.verdicts import ALL_WELL, VERDICTS
from learntrace.diagnosis.walk import LEARNPACK, NOTEBOOK, walk
from learntrace.learnpack.processing.outcomes import SENTENCES

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
TAG = "assignment:lesson-03-exercise-1"

moments = st.integers(0, 60 * 24 * 40).map(lambda minutes: NOW - timedelta(minutes=minutes))
later = st.integers(-10, 60 * 24 * 40).map(lambda minutes: NOW + timedelta(minutes=minutes))
counts = st.integers(0, 5)
texts = st.sampled_from(["", "intro", "<b>100 %</b>", "%(nothing)s %s %", "\u202egnp", "a" * 500])
statuses = st.sampled_from(["PENDING", "DONE", "ERROR", "IGNORED"])
reasons = st.sampled_from(["", "taken", *SENTENCES])
tags = st.sampled_from(["", TAG, "assignment:other", "assignment:Bad Tag"])

facts_found = st.builds(
    Facts,
    now=st.just(NOW),
    academy=texts,
    asked_user=texts,
    asked_asset=texts,
    person=st.none() | st.builds(Person, id=counts, username=texts, name=texts),
    without_academy=st.booleans(),
    target=st.none()
    | st.builds(
        Target,
        id=counts,
        slug=texts,
        canonical=texts,
        names=st.tuples(texts),
        graded=st.booleans(),
        stats_at=st.none() | moments,
        stats_failed=st.booleans(),
    ),
    assignment=st.none()
    | st.builds(
        AskedAssignment, key=texts, title=texts, full_title=texts, attempts=counts, last_seen_at=st.none() | moments
    ),
    tasks=st.lists(
        st.builds(LearnerTask, id=counts, slug=texts, type=texts, status=texts, created_at=moments), max_size=2
    ).map(tuple),
    sent=st.lists(
        st.builds(
            RequestGroup,
            place=st.sampled_from([HERE, MISLED, UNKNOWN]),
            slug=texts,
            streaming=st.booleans(),
            status=statuses,
            reason=reasons,
            rows=counts,
            first_at=moments,
            last_at=moments,
            newest=counts,
            went_to=texts,
        ),
        max_size=3,
    ).map(tuple),
    batch=st.none()
    | st.builds(
        Batch,
        id=counts,
        event=texts,
        slug=texts,
        status=statuses,
        reason=reasons,
        text=texts,
        created_at=moments,
        agent=texts,
        streaming=st.booleans(),
    ),
    refused=st.lists(
        st.builds(
            RefusalGroup,
            reason=st.sampled_from([*VERDICT_OF, "hub-busy", ""]),
            asset=texts,
            token_prefix=texts,
            requests=counts,
            first_at=moments,
            last_at=moments,
            detail=texts,
            size=counts,
        ),
        max_size=2,
    ).map(tuple),
    foreign_senders=st.lists(st.builds(ForeignSender, sender=texts, requests=counts, last_at=moments), max_size=2).map(
        tuple
    ),
    published=st.none()
    | st.builds(
        PublishedNotebooks,
        paths=st.tuples(texts),
        tags=st.sampled_from([frozenset(), frozenset({TAG})]),
        published_at=moments,
    ),
    seen=st.lists(
        st.builds(
            EventGroup,
            notebook=texts,
            tag=tags,
            malformed=st.booleans(),
            executed=st.booleans(),
            events=counts,
            last_at=moments,
        ),
        max_size=3,
    ).map(tuple),
    front_end=st.none()
    | st.builds(
        FrontEnd,
        at=moments,
        name=texts,
        version=texts,
        clock_ahead=st.none() | st.timedeltas(timedelta(days=-36_525), timedelta(days=36_525)),
    ),
    collecting=st.booleans(),
    rejected=st.lists(
        st.builds(RejectionGroup, code=texts, detail=texts, events=counts, last_at=moments, newest=counts), max_size=2
    ).map(tuple),
    newest_event=st.none()
    | st.builds(
        NewestEvent, event=texts, arrived_at=moments, taken=st.booleans(), fault=texts, stale_since=st.none() | moments
    ),
    record=st.none()
    | st.builds(
        Record,
        id=counts,
        slug=texts,
        updated_at=moments,
        from_source=st.booleans(),
        scored=st.booleans(),
        last_interaction_at=st.none() | later,
        received_at=st.none() | moments,
        made_at=st.none() | moments,
    ),
    stray=st.none()
    | st.builds(Record, id=counts, slug=texts, updated_at=moments, from_source=st.booleans(), scored=st.booleans()),
    worker_seen_at=st.none() | moments,
)


@given(facts_found)
def test_whatever_was_found_there_is_one_verdict_and_every_sentence_can_be_told(facts: Facts) -> None:
    found = walk(facts)
    assert found.verdict in VERDICTS
    expected = list(LEARNPACK if facts.published is None else NOTEBOOK)
    if facts.assignment is None:
        expected.remove("assignment")
    assert list(found.checks) == expected
    results = [check.result for check in found.checks.values()]
    assert set(results) <= set(RESULTS)
    ends = [place for place, check in enumerate(found.checks.values()) if check.ending]
    if found.verdict == ALL_WELL:
        assert not ends
        assert SKIPPED not in results
    else:
        assert len(ends) == 1
        assert results[ends[0]] == NO
        assert set(results[ends[0] + 1 :]) <= {SKIPPED}
    for language in ("en", "es"):
        with translation.override(language):
            told = as_json(found)
            assert told["explanation"]
            assert told["next_action"]
            assert all(check["detail"] for check in told["checks"])
    assert all(name in CHECKS for name in found.checks)
    assert {name for check in found.checks.values() for name in check.evidence} <= set(EVIDENCE)


WELL = Facts(
    NOW,
    "Downtown",
    "ada",
    "intro",
    person=Person(1, "ada", "Ada"),
    target=Target(7, "intro", "intro", ("intro",), stats_at=NOW),
    tasks=(LearnerTask(9, "intro", "EXERCISE", "PENDING", NOW),),
    sent=(RequestGroup(HERE, "intro", False, "DONE", "done", 1, NOW, NOW, 5),),
    batch=Batch(5, "batch", "intro", "DONE", "done", "OK", NOW, "vscode"),
    record=Record(3, "intro", NOW, from_source=True, scored=True, made_at=NOW),
)


def refused(reason: str, minutes_ago: int) -> RefusalGroup:
    at = NOW - timedelta(minutes=minutes_ago)
    return RefusalGroup(reason, "intro", "abcdefgh", 3, at, at, "Nope", 10)


def test_when_nothing_is_wrong_all_is_well() -> None:
    found = walk(WELL)
    assert (found.verdict, found.reason) == ("all-well", "")
    assert (
        found.explanation
        == "The telemetry of Ada on intro has arrived and counts (last change on 22 Nov 2026, 10:30 UTC)."
    )
    assert {check.result for check in found.checks.values()} == {"ok"}


SUM = AskedAssignment("intro/02-sum", "Sum", "Intro: Sum", 4, NOW - timedelta(minutes=30))


def test_of_an_assignment_that_the_learner_has_begun_its_own_last_time_is_told() -> None:
    found = walk(replace(WELL, assignment=SUM))
    assert found.verdict == "all-well"
    assert found.explanation == (
        "The telemetry of Ada on Intro: Sum has arrived and counts (last change on 22 Nov 2026, 10:00 UTC)."
    )
    assert found.checks["assignment"].evidence["attempts"] == 4


def test_an_assignment_that_was_not_begun_is_the_answer_though_the_rest_of_the_package_arrives() -> None:
    found = walk(replace(WELL, assignment=replace(SUM, attempts=0, last_seen_at=None)))
    assert (found.verdict, found.checks["record"].result) == ("assignment-not-started", SKIPPED)
    assert found.explanation == (
        "Ada hasn't started Sum. Telemetry on intro arrives (the last on 22 Nov 2026, 10:30 UTC); none of it is about Sum."
    )


def test_a_refusal_that_is_older_than_what_was_let_in_is_worth_a_look_and_no_verdict() -> None:
    found = walk(replace(WELL, refused=(refused("expired-token", 5),)))
    assert (found.verdict, found.checks["refused"].result) == ("all-well", "warning")


def test_a_refusal_after_the_last_arrival_is_the_verdict_and_nothing_else_is_asked() -> None:
    earlier = replace(WELL, sent=(replace(WELL.sent[0], last_at=NOW - timedelta(hours=1)),))
    found = walk(replace(earlier, refused=(refused("expired-token", 5), refused("body-too-large", 90))))
    assert (found.verdict, found.reason) == ("refused-expired-token", "expired-token")
    assert found.checks["refused"].evidence["requests"] == 3
    assert [check.result for check in found.checks.values()][-1] == "skipped"


@pytest.mark.parametrize("reason", ["hub-busy", "something-new"])
def test_a_reason_that_nobody_foresaw_is_told_by_its_text(reason: str) -> None:
    found = walk(replace(WELL, sent=(), batch=None, record=None, refused=(refused(reason, 5),)))
    assert (found.verdict, found.reason) == ("refused-other", reason)
    assert "Nope" in found.explanation


def test_a_batch_that_was_overtaken_by_a_newer_one_is_no_cause() -> None:
    sent = (*WELL.sent, replace(WELL.sent[0], reason="superseded", newest=6))
    batch = replace(WELL.batch, id=6, reason="superseded") if WELL.batch else None
    record = replace(WELL.record, last_interaction_at=NOW, received_at=NOW) if WELL.record else None
    assert walk(replace(WELL, sent=sent, batch=batch, record=record)).verdict == "all-well"


def test_percent_signs_and_markup_in_names_are_told_as_they_are() -> None:
    person = Person(1, "x", "100 % <script>%(learner)s")
    assert "100 % <script>%(learner)s" in walk(replace(WELL, person=person)).explanation


@pytest.mark.parametrize(
    ("asked", "notebook", "tag", "meant"),
    [
        ("lesson-03", "lesson_03.ipynb", "", True),
        ("lesson-03", "week 1/Lesson 03.ipynb", "", True),
        ("lesson_03.ipynb", "a/b/lesson-03.ipynb", "", True),
        ("lesson-03", "x.ipynb", "assignment:lesson-03-exercise-1", True),
        (TAG, "x.ipynb", TAG, True),
        ("lesson-0", "lesson_03.ipynb", TAG, False),
        ("lesson-03", "lesson_04.ipynb", "assignment:lesson-04-exercise-1", False),
        (" ", "", "", False),
        (".ipynb", "", "", False),
    ],
)
def test_a_notebook_is_known_by_the_names_that_people_mix_up(asked: str, notebook: str, tag: str, meant: bool) -> None:
    assert is_named_like(asked, notebook, tag) is meant


@given(st.text(), st.text(), st.text())
def test_no_name_is_too_odd_to_be_compared(asked: str, notebook: str, tag: str) -> None:
    assert is_named_like(asked, notebook, tag) in (True, False)


NAMES = Names(frozenset({7, 8}), frozenset({"intro", "intro-es", "introduction"}), frozenset({555}))


@pytest.mark.parametrize(
    ("asset", "slug", "package", "missing", "place"),
    [
        (7, "x", None, False, HERE),
        (None, "introduction", None, False, HERE),
        (None, "introduction", None, True, HERE),
        (9, "intro", None, False, MISLED),
        (9, "loops", 555, False, None),
        (None, "intro-v2", None, True, UNKNOWN),
        (None, None, 555, False, HERE),
        (None, "loops", None, False, None),
        (None, None, None, False, None),
    ],
)
def test_a_request_is_placed_by_what_it_names(
    asset: int | None, slug: str | None, package: int | None, missing: bool, place: str | None
) -> None:
    assert NAMES.place(asset, slug, package, missing) == place


@pytest.mark.parametrize(
    ("named", "mentioned"), [("", True), ("intro", True), ("9, 8", True), ("9", False), ("x", False)]
)
def test_a_refusal_mentions_an_asset_by_any_of_its_names_or_says_nothing(named: str, mentioned: bool) -> None:
    assert NAMES.mentioned(named) is mentioned
