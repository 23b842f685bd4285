"""The way from a learner and an assignment to the question why something is missing."""

from learntrace.accounts.people.naming import unambiguous
from learntrace.dashboard.layout.page import AcademyPage


def diagnosis_url(page: AcademyPage, user_id: int, key: str) -> str:
    """Return the URL that asks why a learner's telemetry on an assignment is missing."""
    return page.address("diagnosis", user=unambiguous(user_id), asset=key)
