"""A class in the middle of its day, the same every time: what browser tests and screenshots show."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from learntrace.accounts.models import Academy, Cohort, Membership, User
from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.core.models import Heartbeat
from learntrace.intake.models import Refusal
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing import outcomes
from learntrace.learnpack.processing.outcomes import Outcome, done, failed
from learntrace.registry.models import Asset

PASSWORD = "correct horse battery staple"
_NAMES = (
    "Ada Lovelace", "Barbara Liskov", "Grace Hopper", "Katherine Johnson", "Radia Perlman", "Frances Allen",
    "Karen Jones", "Annie Easley", "Mary Jackson", "Lynn Conway", "Hedy Lamarr", "Sofía Kovalévskaya",
)  # fmt: skip
_ASSETS = {
    "python-beginner-exercises": "Python for beginners",
    "javascript-arrays": "JavaScript arrays",
    "html-forms": "HTML forms",
    "css-layouts": "CSS layouts",
    "react-hooks": "React hooks",
    "sql-joins": "SQL joins",
}
# How busy a class is in each of the last 24 hours, the running one last.
_BUSY = (4, 2, 0, 0, 0, 0, 1, 3, 12, 36, 58, 64, 41, 22, 55, 71, 66, 48, 30, 18, 26, 44, 61, 27)
# The newest ten, in seconds before now: one of everything that can become of a webhook.
_RECENT = (
    (81, 0.5), (70, 0.12), (52, 0.5), (38, 0.5), (26, 0.2), (21, 0.5), (13, 0.05), (9, 0.5), (4, 0.5), (1, 0.0),
)  # fmt: skip


@dataclass(frozen=True)
class Scene:
    academy: Academy
    teacher: User
    learner: User
    assets: tuple[Asset, ...]


def build_scene(crowd: int = 1) -> Scene:
    """A busy academy with a teacher and a dozen learners; `crowd` multiplies what they sent."""
    rng = random.Random(7)
    academy = Academy.objects.create(slug="downtown", name="Downtown")
    teacher = person("tomas", "Tomás Rivera", {academy: "teacher"})
    learners = [person(name.split()[0].lower(), name, {academy: "student"}) for name in _NAMES]
    assets = tuple(
        Asset.objects.create(slug=slug, title=title, lang="us", graded=True, academy=academy)
        for slug, title in _ASSETS.items()
    )
    now = timezone.now()
    earlier = [(at, rng.random()) for at in _moments(now, rng, crowd)]
    recent = [(now - timedelta(seconds=seconds), draw) for seconds, draw in _RECENT]
    Webhook.objects.bulk_create([_webhook(at, draw, rng, learners, assets) for at, draw in earlier + recent])
    _refuse(now, rng, learners)
    _give_tasks(learners[0], academy, assets)
    beat()
    return Scene(academy, teacher, learners[0], assets)


def beat() -> None:
    """Have a worker seen just now."""
    Heartbeat.objects.update_or_create(name="worker", defaults={"seen_at": timezone.now()})


def person(username: str, name: str, roles: dict[Academy, str], **fields: Any) -> User:
    """Somebody with a role in each of some academies, who can sign in with PASSWORD."""
    first, _blank, last = name.partition(" ")
    user = User.objects.create(
        username=username,
        email=f"{username}@example.org",
        first_name=first,
        last_name=last,
        password=_hashed(),
        **fields,
    )
    Membership.objects.bulk_create(Membership(user=user, academy=academy, role=role) for academy, role in roles.items())
    return user


@cache
def _hashed() -> str:
    # Once: hashing is slow by its purpose.
    return make_password(PASSWORD)


def _moments(now: datetime, rng: random.Random, crowd: int) -> list[datetime]:
    hour = now.replace(minute=0, second=0, microsecond=0)
    moments = []
    for back, busy in enumerate(reversed(_BUSY)):
        start = hour - timedelta(hours=back)
        seconds = (min(start + timedelta(hours=1), now) - start).total_seconds()
        moments += [start + timedelta(seconds=rng.uniform(0, seconds)) for _ in range(busy * crowd)]
    return sorted(moment for moment in moments if moment < now - timedelta(seconds=_RECENT[0][0]))


def _webhook(at: datetime, draw: float, rng: random.Random, learners: list[User], assets: tuple[Asset, ...]) -> Webhook:
    learner, asset = rng.choice(learners), rng.choice(assets)
    outcome: Outcome | None = done()
    event = "batch"
    if draw == 0:
        outcome = None
    elif draw < 0.1:
        event = "open_step"
        outcome = failed(outcomes.NOT_IMPLEMENTED, event=event)
    elif draw < 0.14:
        outcome = failed(outcomes.NO_TASKS, student=learner.pk, slugs=[asset.slug])
    elif draw < 0.24:
        outcome = Outcome(Webhook.Status.IGNORED, outcomes.DEDUPLICATED)
    return Webhook(
        is_streaming=event != "batch",
        event=event,
        payload={"slug": asset.slug},
        package_slug=asset.slug,
        asset=asset,
        student=learner,
        status=outcome.status if outcome else Webhook.Status.PENDING,
        status_text=outcome.text() if outcome else None,
        reason=outcome.reason if outcome else "",
        reason_values=dict(outcome.values) if outcome else {},
        created_at=at,
        updated_at=at,
    )


def _refuse(now: datetime, rng: random.Random, learners: list[User]) -> None:
    for reason, status, count, who in (
        ("expired-token", 401, 14, learners[1:3]),
        ("telemetry-of-another-user", 403, 3, learners[4:5]),
        ("body-too-large", 413, 1, learners[6:7]),
    ):
        Refusal.objects.bulk_create(
            Refusal(
                path="/v1/assignment/me/telemetry",
                status_code=status,
                reason=reason,
                user=rng.choice(who),
                size=4096,
                created_at=now - timedelta(minutes=rng.uniform(3, 900)),
            )
            for _ in range(count)
        )


def _give_tasks(learner: User, academy: Academy, assets: tuple[Asset, ...]) -> None:
    cohort = Cohort.objects.create(slug="fall", name="Fall", academy=academy)
    for asset, completion in zip(assets, (100.0, 100.0, 62.5, 12.0, None, None), strict=True):
        Task.objects.create(
            user=learner,
            title=asset.title,
            associated_slug=asset.slug,
            task_type=Task.Type.EXERCISE,
            cohort=cohort,
            task_status=Task.Status.DONE if completion == 100 else Task.Status.PENDING,
        )
        if completion is not None:
            AssignmentTelemetry.objects.create(user=learner, asset_slug=asset.slug, completion_rate=completion)
