"""What is read: the pages of a teacher, an administrator and a learner, and the API's lists; and how long each may take."""

from typing import NamedTuple

from benchmarks.reading.database import People
from benchmarks.reading.visits import PARTS

# Milliseconds at p95: Class now of an academy of 300, of one of 3,000 in 20 cohorts, and anything else.
CLASS_NOW, CLASS_NOW_OF_MANY, OTHERS = 150.0, 250.0, 150.0


class Place(NamedTuple):
    """A path of the server; `reader` is who asks: teacher, admin, learner or key."""

    title: str
    path: str
    reader: str = "teacher"
    target: float = OTHERS


_LEARNERS = ("Class now's moving parts", f"/class{PARTS}moved,columns,learners,class,pulse,signals,path,met")
_PAGES = {
    "Assignments": "/assignments",
    "an assignment": "/assignment/lesson-7-exercise-1",
    "a learner's attempts": "/assignment/lesson-7-exercise-1/learner/LEARNER",
    "Learners": "/learners",
    "a learner": "/learner/LEARNER",
    "Assets": "/assets",
    "an asset": "/asset/PREFIX-lesson-3",
    "Telemetry health": "/telemetry",
    "the webhook log": "/telemetry/webhooks",
    "the rejected events": "/telemetry/rejected",
    "the ignore rules": "/telemetry/ignore",
    "Diagnosis": "/diagnosis?user=PREFIX-learner-7&asset=PREFIX-lesson-3",
    "a search": "/search?q=lesson-7",
    "a search's suggestions": "/search/suggest?q=learner-7",
    "Reports, the week": "/reports",
    "Reports, cohorts": "/reports/cohorts",
    "People": "/people",
    "Cohorts": "/people/cohorts",
    "due dates": "/people/due-dates",
    "Settings": "/settings",
    "Notifications": "/notifications",
    "Account": "/account",
    "Connect": "/connect",
    "Status": "/status",
}
_ADMIN_PAGES = {"the audit log": "/audit", "invitations": "/people/invitations", "Keys": "/keys"}
_OWN_PAGES = {"My learning": "/me", "My learning, what is stored": "/me/stored"}
_TAG = "/v1/progress/academy/assignment/assignment:lesson-7-exercise-1"
_LISTS = {
    "assignments": "/v1/progress/academy/assignment",
    "an assignment's learners": f"{_TAG}/learner",
    "attempts": f"{_TAG}/learner/LEARNER/attempt",
    "an assignment's errors": f"{_TAG}/error",
    "errors": "/v1/progress/academy/error",
    "learners": "/v1/progress/academy/learner",
    "a learner": "/v1/progress/academy/learner/LEARNER",
    "assets": "/v1/progress/academy/asset",
    "cohorts": "/v1/progress/academy/cohort",
    "events": "/v1/notebook/academy/event",
    "signals": "/v1/signal/academy/signal",
    "concerns": "/v1/signal/academy/concern",
    "raised hands": "/v1/signal/academy/help-request",
    "webhooks": "/v1/assignment/academy/learnpack/webhook",
    "telemetry's diagnosis": "/v1/diagnosis/academy/telemetry?user=LEARNER&asset=PREFIX-lesson-3",
}


def places_of(people: People, prefix: str, *, many: bool) -> list[Place]:
    """Return what is read of an academy."""
    target = CLASS_NOW_OF_MANY if many else CLASS_NOW
    title, parts = _LEARNERS
    places = [
        Place("Class now", "/class", target=target),
        Place(title, parts, target=target),
        Place("Class now, a cohort", f"/class?cohort={prefix}-cohort-1", target=target),
        Place("Class now, a lesson", f"/class?asset={prefix}-lesson-3", target=target),
        *(Place(title, path) for title, path in _PAGES.items()),
        *(Place(title, path, "admin") for title, path in _ADMIN_PAGES.items()),
        *(Place(title, path, "learner") for title, path in _OWN_PAGES.items()),
        *(Place(f"API, {title}", path, "key") for title, path in _LISTS.items()),
    ]
    return [
        place._replace(path=place.path.replace("LEARNER", str(people.learner_id)).replace("PREFIX", prefix))
        for place in places
    ]
