"""The roster of the replayed class: an academy of its own, 295 students with invented names, a teacher, a service."""

import json
import secrets
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from learntrace.config.demo.class_events import username_of
from learntrace.config.demo.cs1 import Homework

TITLES: dict[Homework, str] = {"hw03": "Homework 3", "hw04": "Homework 4"}


@dataclass(frozen=True)
class Access:
    """Keys and passwords of the class: made at the first replay into an academy and kept in the home folder."""

    academy: str
    password: str
    teacher_key: str
    service_key: str

    @property
    def teacher(self) -> str:
        return f"{self.academy}-teacher"

    @property
    def service(self) -> str:
        return f"{self.academy}-replay"

    @property
    def email(self) -> str:
        return f"teacher@{self.academy}.example"


def access_to(home: Path, academy: str) -> Access:
    """Return the access data of the class in that academy, the same at each replay."""
    path = home / f"demo-class-{academy}.json"
    if path.exists():
        return Access(**json.loads(path.read_text()))
    made = Access(academy, secrets.token_urlsafe(12), secrets.token_hex(20), secrets.token_hex(20))
    home.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(asdict(made)))
    return made


def slug_of(academy: str, homework: Homework) -> str:
    """Return the slug of a homework's notebook; slugs are unique over all academies."""
    return f"{academy}-{homework}"


def roster(access: Access, students: Iterable[str], homeworks: Iterable[Homework]) -> dict[str, Any]:
    """Return the roster that declares the class. The service may send for this academy's learners only."""
    named = {student: username_of(student) for student in sorted(students)}
    cohort = f"{access.academy}-students"
    return {
        "academies": [{"slug": access.academy, "name": "CS1, fall 2020 (replayed)"}],
        "users": [
            {
                "username": access.teacher,
                "email": access.email,
                "first_name": "Tina",
                "last_name": "Teacher",
                "password": access.password,
            },
            {"username": access.service, "first_name": "Replay", "last_name": "Service"},
            *({"username": name, "first_name": "Student", "last_name": name[:6]} for name in named.values()),
        ],
        "memberships": [
            {"user": access.teacher, "academy": access.academy, "role": "teacher"},
            {"user": access.service, "academy": access.academy, "role": "staff"},
            *({"user": name, "academy": access.academy, "role": "student"} for name in named.values()),
        ],
        "tokens": [
            {"user": access.teacher, "key": access.teacher_key, "kind": "permanent"},
            {"user": access.service, "key": access.service_key, "kind": "permanent"},
        ],
        "cohorts": [{"slug": cohort, "name": "Students", "academy": access.academy}],
        "tasks": [
            {
                "user": name,
                "title": TITLES[homework],
                "associated_slug": slug_of(access.academy, homework),
                "task_type": "EXERCISE",
                "cohort": cohort,
            }
            for name in named.values()
            for homework in homeworks
        ],
    }


def declare(declared: dict[str, Any], academy: str) -> int:
    """Import the roster into the installation; return the academy's id.

    Raises RosterError.
    """
    from learntrace.accounts.models import Academy
    from learntrace.config.commands.roster import import_roster

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "class.json"
        path.write_text(json.dumps(declared))
        import_roster(path)
    return Academy.objects.values_list("pk", flat=True).get(slug=academy)
