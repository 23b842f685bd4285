import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from learntrace.accounts.models import Membership
from tests.support.builders import (
    Api,
    Cast,
    Response,
    make_asset,
    make_cohort,
    make_task,
    make_telemetry,
    make_translations,
    make_user,
)

TASK = "/v1/assignment/task/{}"
MY_TASK = "/v1/assignment/user/me/task/{}"
MY_TASKS = "/v1/assignment/user/me/task"
NOT_FOUND = {"detail": "Task not found", "status_code": 404, "slug": "task-not-found"}
FIELDS = [
    "id", "title", "task_status", "associated_slug", "description", "revision_status", "github_url", "live_url",
    "task_type", "user", "opened_at", "read_at", "reviewed_at", "delivered_at", "cohort", "assignment_telemetry",
    "created_at", "updated_at",
]  # fmt: skip


def titles(answer: Response) -> list[str]:
    return [task["title"] for task in answer.json()]


@pytest.mark.parametrize("path", [TASK, MY_TASK])
def test_a_learner_reads_an_own_task(cast: Cast, learner: Api, path: str) -> None:
    cohort = make_cohort("fall", cast.academy)
    task = make_task(cast.owner, "intro", cohort=cohort)
    answer = learner.get(path.format(task.pk))
    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == FIELDS
    assert body["user"] == {"id": cast.owner.pk, "first_name": "Ada", "last_name": "Lovelace"}
    assert list(body["cohort"].items()) == [("id", cohort.pk), ("name", "Fall"), ("slug", "fall")]
    assert (body["task_status"], body["revision_status"], body["assignment_telemetry"]) == ("PENDING", "PENDING", None)


@pytest.mark.parametrize("path", [TASK, MY_TASK])
@pytest.mark.parametrize("task_id", [1, 2**63, 10**30, "9" * 5000])
def test_what_is_not_ones_own_is_not_found(cast: Cast, learner: Api, path: str, task_id: int | str) -> None:
    other = make_task(cast.colleague, "intro")
    for missing in (other.pk, task_id):
        answer = learner.get(path.format(missing))
        assert answer.status_code == 404
        if len(str(missing)) < 4000:
            assert answer.json() == NOT_FOUND


def test_a_tasks_telemetry_is_that_of_its_user_and_canonical_slug(cast: Cast, learner: Api) -> None:
    make_translations(us="intro", es="intro-es")
    make_asset("other", aliases=("old-name",))
    make_telemetry(cast.owner, "intro", telemetry={"n": 1})
    make_telemetry(cast.owner, "other", telemetry={"n": 2})
    make_telemetry(cast.owner, "no-asset", telemetry={"n": 3})
    make_telemetry(cast.colleague, "lonely", telemetry={"n": 4})
    found = {}
    for slug in ("intro", "intro-es", "old-name", "no-asset", "lonely"):
        task = make_task(cast.owner, slug)
        found[slug] = learner.get(TASK.format(task.pk)).json()["assignment_telemetry"]
    expected = {"intro": {"n": 1}, "intro-es": {"n": 1}, "old-name": {"n": 2}, "no-asset": {"n": 3}, "lonely": None}
    assert found == expected


def test_staff_reads_the_tasks_of_its_academy(cast: Cast, teacher: Api) -> None:
    task = make_task(cast.owner, "intro")
    make_telemetry(cast.owner, "intro")
    answer = teacher.get(TASK.format(task.pk))
    assert (answer.status_code, answer.json()["assignment_telemetry"]) == (200, {"slug": "intro"})
    query = Api(cast.colleague).get(f"{TASK.format(task.pk)}?academy={cast.academy.pk}")
    assert query.status_code == 200
    assert teacher.get(MY_TASK.format(task.pk)).json() == NOT_FOUND


def test_nobody_else_reads_a_task(cast: Cast) -> None:
    task = make_task(cast.owner, "intro")
    classmate = make_user("tim", "student", cast.academy)
    for api in (
        Api(cast.colleague),
        Api(cast.colleague, cast.elsewhere),
        Api(cast.stranger, cast.elsewhere),
        Api(cast.stranger, cast.academy),
        Api(classmate, cast.academy),
    ):
        answer = api.get(TASK.format(task.pk))
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


def test_an_own_task_is_read_whatever_academy_the_client_names(cast: Cast) -> None:
    task = make_task(cast.owner, "intro")
    for academy in (str(cast.academy.pk), str(cast.elsewhere.pk), "downtown"):
        assert Api(cast.owner)("GET", TASK.format(task.pk), Academy=academy).status_code == 200


def test_a_task_of_somebody_in_two_academies_is_seen_where_it_belongs(cast: Cast, teacher: Api) -> None:
    Membership.objects.create(user=cast.owner, academy=cast.elsewhere, role="student")
    stranger = Api(cast.stranger, cast.elsewhere)
    make_asset("ours", academy=cast.academy)
    make_asset("theirs", academy=cast.elsewhere, aliases=("theirs-too",))
    make_asset("nobodys")
    tasks = {
        "our cohort": make_task(cast.owner, "theirs", cohort=make_cohort("a", cast.academy)),
        "their cohort": make_task(cast.owner, "ours", cohort=make_cohort("b", cast.elsewhere)),
        "our asset": make_task(cast.owner, "ours"),
        "their asset": make_task(cast.owner, "theirs"),
        "their alias": make_task(cast.owner, "theirs-too"),
        "nobody's asset": make_task(cast.owner, "nobodys"),
        "no asset": make_task(cast.owner, "nothing"),
    }
    seen = {
        name: tuple(api.get(TASK.format(task.pk)).status_code == 200 for api in (teacher, stranger))
        for name, task in tasks.items()
    }
    assert seen == {
        "our cohort": (True, False),
        "their cohort": (False, True),
        "our asset": (True, False),
        "their asset": (False, True),
        "their alias": (False, True),
        "nobody's asset": (True, True),
        "no asset": (True, True),
    }


def test_the_list_has_own_tasks_without_user_and_telemetry(cast: Cast, learner: Api) -> None:
    make_task(cast.owner, "first")
    make_task(cast.owner, "second")
    make_task(cast.colleague, "not-mine")
    answer = learner.get(MY_TASKS)
    assert titles(answer) == ["Second", "First"]
    assert list(answer.json()[0]) == [name for name in FIELDS if name not in ("user", "assignment_telemetry")]


def test_the_list_asks_two_questions_however_long_it_is(cast: Cast, learner: Api) -> None:
    for number in range(6):
        make_task(cast.owner, f"task-{number}", cohort=make_cohort(f"cohort-{number}", cast.academy))
    with CaptureQueriesContext(connection) as queries:
        assert len(learner.get(MY_TASKS).json()) == 6
    about_tasks = [query["sql"] for query in queries if "assignments_task" in query["sql"]]
    assert len(about_tasks) == 2


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("task_type=QUIZ", ["B"]),
        ("task_type=QUIZ,EXERCISE", ["A", "B", "C"]),
        ("task_status=DONE", ["A"]),
        ("revision_status=APPROVED", ["A"]),
        ("associated_slug=a,c", ["A", "C"]),
        ("cohort=fall", ["A"]),
        ("cohort={fall}", ["A"]),
        ("cohort=null", ["C"]),
        ("cohort=null,{fall},spring", ["A", "B", "C"]),
        ("cohort=unknown", []),
        ("task_type=nothing", []),
        ("task_type=", ["A", "B", "C"]),
        ("sort=-task_type,title", ["B", "A", "C"]),
    ],
)
def test_tasks_are_filtered_and_sorted_by_the_query(cast: Cast, learner: Api, query: str, expected: list[str]) -> None:
    fall, spring = make_cohort("fall", cast.academy), make_cohort("spring", cast.academy)
    make_task(cast.owner, "a", cohort=fall, task_status="DONE", revision_status="APPROVED")
    make_task(cast.owner, "b", cohort=spring, task_type="QUIZ")
    make_task(cast.owner, "c")
    order = "" if "sort" in query else "sort=title&"
    assert titles(learner.get(f"{MY_TASKS}?{order}{query.format(fall=fall.pk)}")) == expected
