"""The hub demo's class: three learners with the same names in the hub and in Learntrace, and their teacher."""

from typing import Any

ACADEMY, ACADEMY_SLUG = 47, "downtown"
LEARNERS = {1: ("ada", "Ada", "Lovelace"), 2: ("grace", "Grace", "Hopper"), 3: ("katherine", "Katherine", "Johnson")}
LESSONS = ("lesson_03.ipynb", "lesson_06a.ipynb")


def roster(password: str) -> dict[str, Any]:
    """Return the roster that declares the class; the lessons are published afterwards, as an author does."""
    people = {**LEARNERS, 901: ("teacher", "Tina", "Teacher")}
    return {
        "academies": [
            {
                "id": ACADEMY,
                "slug": ACADEMY_SLUG,
                "name": "Downtown",
                # So that learners can try the opt-out switch.
                "settings": {"notebook_features": {"opt_out": True}},
            }
        ],
        "users": [
            {
                "id": number,
                "username": name,
                "email": f"{name}@demo.example",
                "first_name": first,
                "last_name": last,
                "password": password,
            }
            for number, (name, first, last) in people.items()
        ],
        "memberships": [
            *({"user": number, "academy": ACADEMY, "role": "student"} for number in LEARNERS),
            {"user": 901, "academy": ACADEMY, "role": "admin"},
        ],
    }
