"""Two academies that know nothing of each other, and one learner who belongs to both."""

import hashlib
from dataclasses import dataclass
from typing import Any

ALPHA, BETA = 1, 2


@dataclass(frozen=True)
class Person:
    """Somebody with a token; `id` is that of the user."""

    id: int
    name: str

    @property
    def key(self) -> str:
        return hashlib.sha1(f"{self.id} {self.name}".encode()).hexdigest()

    @property
    def email(self) -> str:
        return f"{self.name}@example.org"

    @property
    def password(self) -> str:
        return f"the-password-of-{self.name}"


LEARNER = Person(101, "alpha-learner")
OTHER_LEARNER = Person(102, "alpha-other")
LEARNER_OF_BOTH = Person(103, "both-learner")
BETA_LEARNER = Person(104, "beta-learner")
TEACHER = Person(111, "alpha-teacher")
BETA_TEACHER = Person(112, "beta-teacher")
# Sees the cohort of LEARNER, and not that of OTHER_LEARNER.
LIMITED_TEACHER = Person(113, "morning-teacher")
ASSISTANT = Person(114, "alpha-assistant")
ADMIN = Person(115, "alpha-admin")
BETA_ADMIN = Person(116, "beta-admin")
SERVICE = Person(121, "alpha-service")
BETA_SERVICE = Person(122, "beta-service")
# Belongs to one academy, and may send for learners of all of them: a grant of whoever runs the server.
GRANTED = Person(123, "alpha-granted")
# Twelve accounts with one e-mail address.
NAMESAKES = [Person(200 + number, f"namesake-{number}") for number in range(12)]
# The many of the other academy.
BETA_CROWD = [Person(300 + number, f"beta-{number}") for number in range(30)]
NAMESAKES_EMAIL = "namesake@example.org"

INTRO, OPEN, HIDDEN, ABSENT = 301, 401, 402, 999_402
SLUGS = {INTRO: "alpha-intro", OPEN: "beta-open", HIDDEN: "beta-hidden"}


def roster() -> dict[str, Any]:
    """Return the roster of the two academies."""
    people = [
        (LEARNER, ALPHA, "student"), (OTHER_LEARNER, ALPHA, "student"), (LEARNER_OF_BOTH, ALPHA, "student"),
        (LEARNER_OF_BOTH, BETA, "student"), (BETA_LEARNER, BETA, "student"), (TEACHER, ALPHA, "teacher"),
        (BETA_TEACHER, BETA, "teacher"), (SERVICE, ALPHA, "staff"), (BETA_SERVICE, BETA, "staff"),
        (LIMITED_TEACHER, ALPHA, "teacher"), (ASSISTANT, ALPHA, "assistant"), (ADMIN, ALPHA, "admin"),
        (BETA_ADMIN, BETA, "admin"), (GRANTED, ALPHA, "staff"),
    ]  # fmt: skip
    users = list(dict.fromkeys(person for person, _academy, _role in people))
    exercise = {"asset_type": "EXERCISE", "graded": True, "lang": "us", "status": "PUBLISHED"}
    tasks = [
        (LEARNER, INTRO), (OTHER_LEARNER, INTRO), (LEARNER_OF_BOTH, INTRO), (LEARNER, OPEN), (LEARNER_OF_BOTH, OPEN),
        (LEARNER_OF_BOTH, HIDDEN), (BETA_LEARNER, OPEN), (BETA_LEARNER, HIDDEN),
    ]  # fmt: skip
    cohorts = {LEARNER: "morning", OTHER_LEARNER: "evening"}
    return {
        "academies": [{"id": ALPHA, "slug": "alpha", "name": "Alpha"}, {"id": BETA, "slug": "beta", "name": "Beta"}],
        "users": [
            *({"id": one.id, "username": one.name, "email": one.email, "password": one.password} for one in users),
            *({"id": one.id, "username": one.name, "email": NAMESAKES_EMAIL, "password": one.password}
              for one in NAMESAKES),
            *({"id": one.id, "username": one.name} for one in BETA_CROWD),
        ],
        "memberships": [
            *({"user": person.id, "academy": academy, "role": role,
               **({"cohorts": ["morning"]} if person is LIMITED_TEACHER else {})} for person, academy, role in people),
            *({"user": one.id, "academy": ALPHA} for one in NAMESAKES),
            *({"user": one.id, "academy": BETA} for one in BETA_CROWD),
        ],
        "permissions": [{"user": GRANTED.id, "permission": "upload_any_telemetry"}],
        "tokens": [{"user": one.id, "key": one.key, "expires_at": None} for one in users],
        "assets": [
            {"id": INTRO, "slug": SLUGS[INTRO], "title": "Intro", "academy": ALPHA, "visibility": "PUBLIC", **exercise},
            {"id": OPEN, "slug": SLUGS[OPEN], "title": "Open", "academy": BETA, "visibility": "PUBLIC", **exercise},
            {"id": HIDDEN, "slug": SLUGS[HIDDEN], "title": "Hidden", "academy": BETA, "visibility": "PRIVATE",
             **exercise},
        ],
        "cohorts": [{"slug": slug, "academy": ALPHA} for slug in ("morning", "evening")],
        "tasks": [
            {"user": person.id, "title": SLUGS[asset], "associated_slug": SLUGS[asset], "task_type": "EXERCISE",
             **({"cohort": cohorts[person]} if person in cohorts and asset == INTRO else {})}
            for person, asset in tasks
        ],
    }  # fmt: skip
