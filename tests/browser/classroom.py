"""A class at work in its lessons, the same every time: what tests and pictures of the teachers' pages show."""

import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from learntrace.accounts.models import Academy, Cohort, Membership, User
from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.measures.activity import ERROR, OK, Activity, Failure
from learntrace.progress.models import Assignment
from learntrace.progress.recording.activity_store import LearnerActivity
from learntrace.progress.recording.recording import record
from learntrace.registry.models import Asset
from tests.browser.scene import beat, person
from tests.support.packages import work_on

_FIRST = (
    "Ada", "Barbara", "Grace", "Katherine", "Radia", "Frances", "Karen", "Annie", "Mary", "Lynn", "Hedy", "Sofía", "Alan",
    "Edsger", "Donald", "Ken", "Dennis", "Tony", "Niklaus", "Leslie", "Shafi", "Tim", "Vint", "Margaret", "Jean",
)  # fmt: skip
_LAST = (
    "Lovelace", "Liskov", "Hopper", "Johnson", "Perlman", "Allen", "Jones", "Easley", "Jackson", "Conway", "Lamarr",
    "Kovalévskaya", "Turing", "Dijkstra", "Knuth", "Thompson", "Ritchie", "Hoare", "Wirth", "Lamport", "Goldwasser",
    "Berners-Lee", "Cerf", "Hamilton", "Bartik",
)  # fmt: skip
_TITLES = (
    "Variables",
    "Strings",
    "Lists",
    "Loops",
    "Functions",
    "Dictionaries",
    "Files",
    "Classes",
    "Recursion",
    "Tests",
)
_ERRORS = (
    ("NameError", "name 'total' is not defined"), ("TypeError", "can only concatenate str (not \"int\") to str"),
    ("IndentationError", "expected an indented block after 'for' statement"), ("IndexError", "list index out of range"),
    ("SyntaxError", "invalid syntax"), ("KeyError", "'name'"),
)  # fmt: skip


@dataclass(frozen=True)
class Classroom:
    academy: Academy
    teacher: User
    learners: list[User]
    assets: list[Asset]
    keys: list[str]


def build_classroom(learners: int = 24, lessons: int = 2, exercises: int = 6, *, slug: str = "downtown") -> Classroom:
    """An academy whose learners are somewhere in the last of its lessons; measures and signals follow as in life."""
    rng = random.Random(11)
    academy = Academy.objects.create(slug=slug, name=slug.title())
    teacher = person(f"teacher-{slug}", "Tomás Rivera", {academy: "teacher"})
    people = [_learner(academy, number) for number in range(learners)]
    cohort = Cohort.objects.create(slug=f"{slug}-fall", name="Fall", academy=academy)
    assets, keys = _publish(academy, lessons, exercises)
    for one in people:
        for asset in assets:
            Task.objects.create(
                user=one, title=asset.title, associated_slug=asset.slug, task_type=Task.Type.EXERCISE, cohort=cohort
            )
    now = timezone.now()
    done = [activity for one in people for activity in _work(rng, academy, one, keys, now)]
    # A learner after the other, as measures are kept in step with each.
    for start in range(0, len(done), 5000):
        record("test", done[start : start + 5000])
    for place, asset in enumerate(assets):
        for one in people[:3]:
            AssignmentTelemetry.objects.create(
                user=one,
                asset_slug=asset.slug,
                telemetry={"slug": asset.slug, "steps": []},
                engagement_score=30 + 17 * place % 60,
                frustration_score=12 + 23 * place % 70,
                completion_rate=80.0,
            )
    beat()
    return Classroom(academy, teacher, people, assets, keys)


def fail(classroom: Classroom, learner: User, key: str, times: int = 3, at: datetime | None = None) -> None:
    """Have a learner run the same failing code again and again, just now."""
    begun = (at or timezone.now()) - timedelta(seconds=times)
    record(
        "test",
        [
            _done(classroom.academy, learner, key, begun + timedelta(seconds=n), _ERRORS[0], "f" * 64)
            for n in range(times)
        ],
    )


def _learner(academy: Academy, number: int) -> User:
    first, last = _FIRST[number % len(_FIRST)], _LAST[(number + number // len(_FIRST)) % len(_LAST)]
    username = f"{first.lower()}{number}-{academy.slug}"
    user = User.objects.create(username=username, email=f"{username}@example.org", first_name=first, last_name=last)
    Membership.objects.create(user=user, academy=academy, role="student")
    return user


def _publish(academy: Academy, lessons: int, exercises: int) -> tuple[list[Asset], list[str]]:
    assets, keys = [], []
    for lesson in range(1, lessons + 1):
        slug = f"{academy.slug}-lesson-{lesson:02}"
        asset = Asset.objects.create(slug=slug, title=_TITLES[(lesson - 1) % len(_TITLES)], lang="us", academy=academy)
        assets.append(asset)
        for number in range(1, exercises + 1):
            key = f"assignment:lesson-{lesson:02}-exercise-{number}"
            Assignment.objects.create(academy=academy, asset=asset, key=key, position=number)
            keys.append(key)
    return assets, keys


def build_package(room: Classroom, slug: str, titles: Sequence[str], works: Sequence[str]) -> Asset:
    """A LearnPack package in the class's hands: each of the first learners has done what `works` tells by a letter a step
    (`tests.support.packages`), all but the last have a task on it, and statistics were computed until two days ago."""
    asset = Asset.objects.create(slug=slug, title="Python", lang="us", graded=True, academy=room.academy)
    steps = [f"{place + 1:02}-step" for place in range(len(titles))]
    for place, (step, title) in enumerate(zip(steps, titles, strict=True)):
        Assignment.objects.create(academy=room.academy, asset=asset, key=f"{slug}/{step}", title=title, position=place)
    for user, work in zip(room.learners, works, strict=False):
        work_on(user, slug, work)
    for user in room.learners[:-1]:
        user.tasks.create(title="Python", associated_slug=slug, task_type="EXERCISE")
    now = timezone.now()
    days = {
        (now - timedelta(days=ago)).date().isoformat(): {
            "engagement_avg": 40.5 - ago, "frustration_avg": 20.25, "completion_avg": 60.0 - 3 * ago, "total_sessions": 13 - ago
        }
        for ago in (9, 8, 7, 3, 2)
    }  # fmt: skip
    stats = {"last_sync_at": (now - timedelta(days=2)).isoformat(), "days": days}
    Asset.objects.filter(pk=asset.pk).update(telemetry_stats=stats, last_synch_at=now - timedelta(days=2))
    return asset


def _work(
    rng: random.Random, academy: Academy, learner: User, keys: list[str], now: datetime
) -> Iterator[LearnerActivity]:
    """From the first assignment on, faster or slower; the last of them within this half hour."""
    reached = min(len(keys), max(1, round(len(keys) * rng.betavariate(6, 2))))
    at = now - timedelta(minutes=rng.uniform(8, 28))
    spans = [timedelta(days=1, minutes=-3 * place) if place < reached - 2 else timedelta() for place in range(reached)]
    for place, key in enumerate(keys[:reached]):
        moment = at - spans[place]
        hard = rng.random()
        failures = 0 if hard < 0.55 else rng.randint(1, 3) if hard < 0.9 else rng.randint(4, 8)
        error = rng.choices(_ERRORS, weights=(8, 5, 3, 2, 2, 1))[0]
        for _attempt in range(failures):
            moment += timedelta(seconds=rng.uniform(20, 140))
            yield _done(academy, learner, key, min(moment, now), error, f"{rng.randint(0, 2)}" * 64)
        if place < reached - 1 or rng.random() < 0.35:
            moment += timedelta(seconds=rng.uniform(20, 90))
            yield _done(academy, learner, key, min(moment, now), None, "d" * 64)
        at = max(at, moment) if not spans[place] else at


_arrivals = iter(range(1, 10**9))


def _done(
    academy: Academy, learner: User, key: str, at: datetime, error: tuple[str, str] | None, code: str
) -> LearnerActivity:
    activity = Activity(
        id=str(uuid.uuid4()),
        at=at,
        arrival=next(_arrivals),
        assignment=key,
        verb="executed",
        outcome=ERROR if error else OK,
        session_id=f"session-{at:%j}",
        object_id=key,
        code_hash=code,
        failures=(Failure(*error),) if error else (),
    )
    return LearnerActivity(learner.pk, academy.pk, activity)
