"""The demo's academy: two cohorts of learners, real assets, staff, and one cause for each status."""

import json
import secrets
import unicodedata
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ACADEMY, OTHER_ACADEMY = 47, 48
TUTORIAL, TUTORIAL_ES = 145, 146
IGNORED_SLUG = "sandbox"
PASSWORD = "learntrace-demo"  # noqa: S105 (printed on the screen; the demo listens on this machine only)

_FIRST = [
    "Ada",
    "Grace",
    "Barbara",
    "Katherine",
    "Radia",
    "Frances",
    "Evelyn",
    "Hedy",
    "Joan",
    "Karen",
    "Lynn",
    "Margaret",
    "Shafi",
    "Sophie",
    "Susan",
    "Adele",
    "Anita",
    "Betty",
    "Carol",
    "Dorothy",
    "Edith",
    "Fernanda",
    "Inés",
    "Lucía",
]
_LAST = [
    "Lovelace",
    "Hopper",
    "Liskov",
    "Johnson",
    "Perlman",
    "Allen",
    "Boyd",
    "Lamarr",
    "Clarke",
    "Spärck",
    "Conway",
    "Hamilton",
    "Goldwasser",
    "Wilson",
    "Kare",
    "Goldberg",
    "Borg",
    "Holberton",
    "Shaw",
    "Vaughan",
    "Clarke",
    "Núñez",
    "García",
    "Márquez",
]


@dataclass(frozen=True)
class Learner:
    """A demo learner with a pace, a skill and perhaps a kind of trouble."""

    id: int
    username: str
    first_name: str
    last_name: str
    key: str
    cohort: int
    pace: float
    skill: float
    trouble: str = ""


def _plain(name: str) -> str:
    """Return a name without accents, for a user name."""
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()


def make_learners(count: int = 24) -> list[Learner]:
    """Return learners whose pace and skill differ, five of them with a trouble that staff can find."""
    troubles = {3: "expired-token", 7: "ignored", 11: "no-task", 15: "unknown-asset", 19: "new-event"}
    return [
        Learner(
            id=1001 + number,
            username=_plain(f"{_FIRST[number]}.{_LAST[number]}"),
            first_name=_FIRST[number],
            last_name=_LAST[number],
            key=secrets.token_hex(20),
            cohort=1 + number % 2,
            pace=0.6 + (number * 7 % 10) / 8,
            skill=0.25 + (number * 3 % 8) / 10,
            trouble=troubles.get(number, ""),
        )
        for number in range(min(count, len(_FIRST)))
    ]


def learners_of(home: Path) -> list[Learner]:
    """Return the demo's learners, the same at each start: their keys are kept in the home folder."""
    path = home / "demo.json"
    if path.exists():
        return [Learner(**learner) for learner in json.loads(path.read_text())]
    learners = make_learners()
    path.touch(mode=0o600)
    path.write_text(json.dumps([asdict(learner) for learner in learners]))
    return learners


# The steps of the packages in the recorded data, with the titles that their authors gave them.
_STEPS = {
    "python-hello-tutorial": {
        "00-welcome": "Welcome", "01-hello-world": "Hello, world", "02-sum-two-numbers": "Sum of two numbers",
        "03-goodbye": "Goodbye",
    },
    "python-beginner-programming-exercises": {
        "00-welcome": "Welcome", "01-hello-world": "Hello, world", "02-sum-two-numbers": "Sum of two numbers",
        "03-square-a-number": "Square of a number",
    },
    "introduction-to-generative-ai-for-beginners": {
        "00-welcome": "Welcome", "01-what-is-an-llm": "What is an LLM?", "02-first-call": "A first call",
        "03-wrap-up": "Wrap-up",
    },
}  # fmt: skip


def _manifest(slug: str) -> dict[str, Any]:
    return {"manifest": {"steps": [{"slug": step, "title": title} for step, title in _STEPS[slug].items()]}}


def _assets() -> list[dict[str, Any]]:
    common = {"asset_type": "EXERCISE", "graded": True, "interactive": True, "academy": ACADEMY}
    return [
        {"id": TUTORIAL, "slug": "python-hello-tutorial", "title": "Hello, Python", "lang": "us",
         "translations": ["python-hello-tutorial-es"], "aliases": ["hello-python"], **_manifest("python-hello-tutorial"),
         **common},
        {"id": TUTORIAL_ES, "slug": "python-hello-tutorial-es", "title": "Hola, Python", "lang": "es", **common},
        {"id": 201, "slug": "python-beginner-programming-exercises", "title": "Python for beginners", "lang": "us",
         **_manifest("python-beginner-programming-exercises"), **common},
        {"id": 202, "slug": "introduction-to-generative-ai-for-beginners", "title": "Generative AI for beginners",
         "lang": "us", "learnpack_id": 13190, **_manifest("introduction-to-generative-ai-for-beginners"), **common},
        {"id": 203, "slug": IGNORED_SLUG, "title": "Sandbox", "lang": "us", **common | {"graded": False}},
    ]  # fmt: skip


def first_task(learner: Learner) -> int:
    """Return the id of the learner's task on the tutorial."""
    return learner.id * 100 + 1


def roster(learners: list[Learner], password: str = PASSWORD, now: datetime | None = None) -> dict[str, Any]:
    """Return the roster that declares the whole demo."""
    now = now or datetime.now(UTC)
    slugs = ["python-hello-tutorial", "python-beginner-programming-exercises",
             "introduction-to-generative-ai-for-beginners", IGNORED_SLUG]  # fmt: skip
    staff = [
        {"id": 901, "username": "teacher", "email": "teacher@demo.example", "first_name": "Tina", "last_name": "Teacher"},
        {"id": 902, "username": "stranger", "email": "stranger@demo.example", "first_name": "Sam",
         "last_name": "Stranger"},
    ]  # fmt: skip
    rules = {"rules": [{"package_slugs": [IGNORED_SLUG]}]}
    titles = {asset["slug"]: asset["title"] for asset in _assets()}
    began = (now - timedelta(days=7)).date().isoformat()
    return {
        "academies": [
            {"id": ACADEMY, "slug": "downtown", "name": "Downtown",
             # Its learners are invented: their code is collected, so that attempts can be compared.
             "settings": {"learnpack_features": {"telemetry_webhook_ignore": rules, "streaming_events": True},
                          "notebook_features": {"collect_source": True}}},
            {"id": OTHER_ACADEMY, "slug": "uptown", "name": "Uptown"},
        ],
        "users": [{**person, "password": password} for person in staff] + [
            {"id": learner.id, "username": learner.username, "email": f"{learner.username}@demo.example",
             "first_name": learner.first_name, "last_name": learner.last_name,
             **({"password": password} if learner is learners[0] else {})}
            for learner in learners
        ],
        "memberships": [
            {"user": 901, "academy": ACADEMY, "role": "admin"},
            {"user": 902, "academy": OTHER_ACADEMY, "role": "admin"},
            *({"user": learner.id, "academy": ACADEMY, "role": "student"} for learner in learners),
        ],
        "tokens": [
            {"user": learner.id, "key": learner.key, "kind": "permanent",
             "expires_at": (now - timedelta(days=1)).isoformat() if learner.trouble == "expired-token" else None}
            for learner in learners
        ],
        "cohorts": [{"id": 1, "slug": "fall-morning", "name": "Fall, morning", "academy": ACADEMY, "starts_on": began},
                    {"id": 2, "slug": "fall-evening", "name": "Fall, evening", "academy": ACADEMY, "starts_on": began}],
        "assets": _assets(),
        "tasks": [
            {"id": learner.id * 100 + number, "user": learner.id, "title": titles[slug],
             "associated_slug": slug, "task_type": "EXERCISE", "cohort": learner.cohort}
            for learner in learners if learner.trouble != "no-task"
            for number, slug in enumerate(slugs, 1)
        ],
    }  # fmt: skip
