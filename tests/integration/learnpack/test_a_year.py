"""A learner's year: documents as LearnPack's clients recorded them, through all that happens to them in twelve months.

After each step the stored activities are the union of all that was told, by a count of its own below, and a recomputation
changes nothing.
"""

import copy
import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from learntrace.accounts.academy_settings import merge_features
from learntrace.accounts.models import Academy, User
from learntrace.assignments.models import AssignmentTelemetry
from learntrace.learnpack.attempts.derivation import take_attempts
from learntrace.learnpack.attempts.encoding import decoded
from learntrace.learnpack.models import UnreadDocument, Webhook
from learntrace.learnpack.processing import drain, queueing
from learntrace.learnpack.webhook_log.retention import delete_old_webhooks
from learntrace.measures.code_hash import code_hash
from learntrace.progress.models import Activity, Code, Progress
from learntrace.progress.recording import recomputation
from tests.support.builders import make_academy, make_graded_asset, make_key, make_task, make_user
from tests.support.learnpack_inbox import Client
from tests.support.recorded_cases import RECORDED, batch

pytestmark = pytest.mark.django_db(transaction=True)

CLI, IDE, CLOUD = (
    "python-hello-tutorial",
    "python-beginner-programming-exercises",
    "introduction-to-generative-ai-for-beginners",
)
LINES = [json.loads(line)["body"] for line in (RECORDED / "recorded_cli_requests.jsonl").read_text().splitlines()]
BATCHES = [body for body in LINES if "event" not in body]
STREAMED = [body for body in LINES if "event" in body]
DAY = 86_400_000
TIMES = {
    "opened_at", "completed_at", "starting_at", "started_at", "ended_at", "ending_at", "tutorial_started_at",
    "last_interaction_at",
}  # fmt: skip
LISTS = {"compilations": "compile", "tests": "test", "ai_interactions": "asked", "quiz_submissions": "quiz"}

ANSWERS = {"SUCCESS": "ok", "ERROR": "error"}

Told = tuple[str, str, int, str | None, str | None]
"""What makes a run that run: asset, kind, time in milliseconds, outcome, hash of the code."""


def moved(document: Any, days: float) -> Any:
    """The same document so many days later, or earlier."""
    if isinstance(document, dict):
        return {
            name: value + int(days * DAY) if name in TIMES and isinstance(value, int) else moved(value, days)
            for name, value in document.items()
        }
    return [moved(one, days) for one in document] if isinstance(document, list) else document


def joined(*documents: Any) -> Any:
    """The document of a client that has done all of these: the last one with the runs of those before it."""
    last = copy.deepcopy(documents[-1])
    for step in last["steps"]:
        for before in documents[:-1]:
            earlier: Any = next((one for one in before["steps"] if one["slug"] == step["slug"]), {})
            for name in LISTS:
                step[name] = [*earlier.get(name, []), *step.get(name, [])]
    return last


def truncated(document: Any, kept: int = 1) -> Any:
    """The document as the browser IDE has it, which shifts the oldest tests out of its shared array."""
    steps = [step | {"tests": (step.get("tests") or [])[-kept:]} for step in document["steps"]]
    return document | {"steps": steps}


def renamed(document: Any, number: int = 1) -> Any:
    steps = copy.deepcopy(document["steps"])
    steps[number]["slug"] += "-new"
    return document | {"steps": steps}


def newer(document: Any, milliseconds: int = 1000) -> Any:
    return document | {"last_interaction_at": document["last_interaction_at"] + milliseconds}


def told_by(document: Any) -> Counter[Told]:
    """What a document tells, counted as simply as can be."""
    told: Counter[Told] = Counter()
    steps = document.get("steps")
    by_slug: dict[str, Counter[Told]] = {}
    for step in steps if isinstance(steps, list) else []:
        runs: Counter[Told] = Counter()
        for name, verb in (("opened_at", "opened"), ("completed_at", "completed")):
            if isinstance(step.get(name), int):
                runs[document["slug"], verb, step[name], None, None] += 1
        for name, kind in LISTS.items():
            listed = step.get(name)
            for run in listed if isinstance(listed, list) else []:
                runs[told_run(document["slug"], kind, run)] += 1
        # A step that is listed twice is one step.
        by_slug[step["slug"]] = by_slug.get(step["slug"], Counter()) | runs
    for runs in by_slug.values():
        told += runs
    return told


def told_run(slug: str, kind: str, run: Mapping[str, Any]) -> Told:
    code = run.get("exit_code", run.get("exitCode"))
    outcome = "ok" if code == 0 else "error"
    if kind in {"asked", "quiz"}:
        outcome = ANSWERS.get(run.get("status"))
    source = decoded(run.get("source_code"))
    return slug, kind, run.get("started_at", run.get("starting_at")), outcome, code_hash(source) if source else None


def stored(user: User) -> Counter[Told]:
    return Counter(
        (
            (row.assignment or "").partition("/")[0],
            row.object_id or row.verb,
            round(row.at.timestamp() * 1000),
            row.outcome,
            row.code_hash,
        )
        for row in Activity.objects.filter(user=user)
    )


class Year:
    """A learner whose clients send; `expected` is the union of all that they told."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.client = Client(make_key(user))
        self.expected: Counter[Told] = Counter()
        self.sent: list[Any] = []

    def post(self, *documents: Any) -> None:
        for document in documents:
            body = document | {"user_id": self.user.pk}
            answer = self.client.post(body, f"asset_id={body['asset_id']}" if "asset_id" in body else "")
            assert answer.text == "ok", answer.text
            if "event" in document:
                self._count_event(document)
            else:
                self.expected |= told_by(document)
                self.sent.append(document)

    def _count_event(self, event: Any) -> None:
        if event["event"] == "open_step":
            received = Webhook.objects.latest("pk").created_at
            run: Told = (CLI, "opened", round(received.timestamp() * 1000), None, None)
        else:
            kind = {"ai_interaction": "asked"}.get(event["event"], event["event"])
            run = told_run(CLI, kind, event["data"])
        self.expected |= Counter([run])

    def check(self) -> None:
        """Work everything off, and see that the union is there, also after a recomputation."""
        drain.drain_webhooks()
        assert not Webhook.objects.filter(status="PENDING").exists()
        while take_attempts():
            pass
        assert not UnreadDocument.objects.exists()
        assert stored(self.user) == self.expected
        assert recomputation.recompute_learner(self.user.pk) == recomputation.Changed()
        assert stored(self.user) == self.expected

    def passes(self, *documents: Any) -> None:
        """Documents come one after the other."""
        for document in documents:
            self.post(document)
            self.check()


@pytest.fixture
def academy() -> Academy:
    academy = make_academy("downtown")
    merge_features(academy, {"streaming_events": True})
    for number, slug in enumerate([CLI, IDE, CLOUD], 145):
        make_graded_asset(slug, id=number, academy=academy)
    return academy


def learner(academy: Academy, name: str) -> User:
    user = make_user(name, "student", academy)
    for slug in (CLI, IDE, CLOUD):
        make_task(user, slug)
    return user


@pytest.fixture
def year(academy: Academy) -> Iterator[Year]:
    year = Year(learner(academy, "ada"))
    yield year
    year.client.close()


def month(number: int) -> Any:
    """The session of a month by itself: the recorded one, so many months before it was recorded."""
    return moved(BATCHES[-1] | {"asset_id": 145}, -30 * (12 - number))


def of_months(*numbers: int) -> Any:
    return joined(*(month(number) for number in numbers))


def test_a_year(year: Year, academy: Academy) -> None:
    january_to_march(year)
    april(year)
    may_to_july(year)
    august_and_september(year)
    october_and_november(year)
    december(year)
    assert_all_is_counted_and_readable(year, academy)


def january_to_march(year: Year) -> None:
    # January: the recorded session as it was, events between batches. The other clients' states.
    for body in LINES:
        year.passes(moved(body | {"asset_id": 145}, -330) if "event" not in body else body | {"asset_id": 145})
    year.passes(batch("learnpack_batch_1.json"), batch("learnpack_batch_2.json"))
    assert len(year.expected) > 30

    # February: the next session; the client has shifted out the older tests.
    year.passes(truncated(of_months(1, 2)), truncated(newer(batch("learnpack_batch_2.json"))))

    # March: a second device that knows only its own, then one that is behind.
    tablet = month(3) | {"telemetry_id": "tablet", "workout_session": [{"started_at": month(3)["tutorial_started_at"]}]}
    year.passes(tablet, of_months(1, 2) | {"last_interaction_at": 1_600_000_000_000}, newer(month(2)))


def april(year: Year) -> None:
    # April: a step is called otherwise, in one language and then in another.
    year.passes(renamed(of_months(1, 2, 3, 4)), renamed(of_months(1, 4), 2))
    first = Activity.objects.filter(user=year.user, assignment=f"{CLI}/01-hello-world", outcome__isnull=False)
    assert first.count() > 5
    # Only the session of April was told by that step first.
    named = Activity.objects.filter(user=year.user, assignment=f"{CLI}/01-hello-world-new", outcome__isnull=False)
    assert {row.at.month for row in named} == {
        datetime.fromtimestamp(month(4)["last_interaction_at"] / 1000, UTC).month
    }


def may_to_july(year: Year) -> None:
    # May: all that was ever sent again, shuffled.
    again = list(year.sent)
    random.Random(11).shuffle(again)
    year.passes(*again[:12])
    year.post(*again[12:])
    year.check()

    # June: many batches wait and are coalesced, the last knows least.
    year.post(*(truncated(of_months(*numbers)) for numbers in ((5,), (6,), (4, 6), (6,))), newer(month(1), 200 * DAY))
    year.check()

    # July: a queue that was emptied of all but the newest.
    july = [truncated(of_months(1, 7)), newer(month(7)), newer(renamed(month(7)), 2000)]
    year.post(*july)
    assert queueing.queue_pending().ignored == 2
    assert Webhook.objects.filter(reason="deduplicated").count() == 2
    year.check()


def august_and_september(year: Year) -> None:
    # August: a batch becomes the record and is replaced before anybody reads it; the webhooks are deleted.
    for document in (newer(month(8)), newer(month(1), 250 * DAY)):
        year.post(document)
        drain.drain_webhooks()
    delete_everything_old()
    year.check()

    # September: nothing is kept but what was recorded.
    delete_everything_old()
    AssignmentTelemetry.objects.filter(user=year.user, asset_slug=IDE).delete()
    year.check()
    year.passes(truncated(newer(month(9))))


def october_and_november(year: Year) -> None:
    # October: documents that shrink, repeat, change type or go back in time.
    october = month(10)
    steps = october["steps"]
    year.passes(
        newer(october) | {"steps": []},
        newer(october, 2000) | {"steps": [*steps, *steps, steps[1]]},
        newer(october, 3000) | {"steps": {"01-hello-world": steps[1]}},
        newer(october, 4000) | {"steps": [step | {"tests": "none", "compilations": {}} for step in steps]},
        october | {"last_interaction_at": 1_000_000_000_000},
        newer(october, 5000) | {"steps": "all"},
    )

    # November: events that come after the documents that cover them, and twice.
    for event in (body for body in STREAMED if body["event"] != "open_step"):
        late = event | {"asset_id": 145, "data": moved(event["data"], -45)}
        year.passes(late, late)


def december(year: Year) -> None:
    # December: a client that computes its own measures.
    lying = newer(month(12), 60_000)
    lying |= {"global_metrics": {"completion_rate": 100.0}, "global_indicators": {"frustration_indicator": 99}}
    lying["steps"] = [step | {"metrics": {"status": "completed", "total_test_attempts": 99}} for step in lying["steps"]]
    year.passes(lying)
    record = AssignmentTelemetry.objects.get(user=year.user, asset_slug=CLI)
    assert record.telemetry["global_metrics"] == {"completion_rate": 100.0}
    assert record.completion_rate is not None
    assert record.completion_rate < 100


def assert_all_is_counted_and_readable(year: Year, academy: Academy) -> None:
    counted = Progress.objects.filter(user=year.user).values_list("assignment", "attempts")
    for assignment, attempts in counted:
        rows = Activity.objects.filter(user=year.user, assignment=assignment, outcome__in=["ok", "error"])
        assert rows.count() == attempts
    assert sum(attempts for _assignment, attempts in counted) > 50
    # Whatever was run can still be read, though its webhooks are long gone.
    hashes = set(Activity.objects.filter(user=year.user).exclude(code_hash=None).values_list("code_hash", flat=True))
    assert set(Code.objects.filter(academy=academy).values_list("hash", flat=True)) == hashes


def delete_everything_old() -> None:
    """What the retention does to webhooks once their time has come."""
    Webhook.objects.exclude(status="PENDING").update(created_at=timezone.now() - timedelta(days=60))
    delete_old_webhooks(days=30)
    assert not Webhook.objects.exists()


@pytest.mark.parametrize("seed", range(3))
def test_two_learners_who_are_told_the_same_in_another_order_have_the_same(academy: Academy, seed: int) -> None:
    documents: Sequence[Any] = [
        of_months(1), truncated(of_months(1, 2)), month(2) | {"telemetry_id": "tablet"}, renamed(of_months(1, 2, 3)),
        renamed(month(3), 2), truncated(of_months(2, 4)), of_months(1, 4) | {"steps": []}, newer(month(1), 400 * DAY),
        batch("learnpack_batch_1.json"), batch("learnpack_batch_2.json"),
    ]  # fmt: skip
    rng = random.Random(seed)
    years = [Year(learner(academy, name)) for name in ("ada", "grace")]
    for year in years:
        shuffled = list(documents)
        rng.shuffle(shuffled)
        for document in shuffled:
            year.post(document)
            if rng.random() < 0.4:
                drain.drain_webhooks(limit=3)
            if rng.random() < 0.4:
                take_attempts()
        year.check()
        year.client.close()
    assert stored(years[0].user) == stored(years[1].user) == years[0].expected == years[1].expected
