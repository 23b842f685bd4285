"""Who lives in an installation of these tests: 32 learners with tasks on two assets, one of them translated."""

import hashlib
from dataclasses import dataclass
from typing import Any

ACADEMY = 1
# The names under which an asset is sent to us, by the slug of its canonical translation.
NAMES_OF = {"intro": ("intro", "intro-es", "introduction"), "loops": ("loops",)}


@dataclass(frozen=True)
class Learner:
    id: int

    @property
    def key(self) -> str:
        return hashlib.sha1(f"learner {self.id}".encode()).hexdigest()

    def task(self, slug: str) -> int:
        return self.id * 10 + list(NAMES_OF).index(slug)


LEARNERS = [Learner(501 + number) for number in range(32)]


def roster() -> dict[str, Any]:
    common = {"asset_type": "EXERCISE", "graded": True, "academy": ACADEMY}
    return {
        "academies": [{"id": ACADEMY, "slug": "downtown", "name": "Downtown"}],
        "users": [{"id": one.id, "username": f"learner-{one.id}"} for one in LEARNERS],
        "memberships": [{"user": one.id, "academy": ACADEMY, "role": "student"} for one in LEARNERS],
        "tokens": [{"user": one.id, "key": one.key, "expires_at": None} for one in LEARNERS],
        "assets": [
            {"id": 301, "slug": "intro", "title": "Intro", "lang": "us", "translations": ["intro-es"],
             "aliases": ["introduction"], **common},
            {"id": 302, "slug": "intro-es", "title": "Introducción", "lang": "es", **common},
            {"id": 303, "slug": "loops", "title": "Loops", "lang": "us", **common},
        ],
        "tasks": [
            {"id": one.task(slug), "user": one.id, "title": slug, "associated_slug": slug, "task_type": "EXERCISE"}
            for one in LEARNERS for slug in NAMES_OF
        ],
    }  # fmt: skip
