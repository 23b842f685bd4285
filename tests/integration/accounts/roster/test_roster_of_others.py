"""An import and what isn't its academy's: people, tasks and ids of others, and files that are far more than they seem."""

import io
import zipfile
from functools import partial
from unittest.mock import patch

import pytest
from django.test import TestCase
from pytest_django import Settings

from learntrace.accounts.models import Grant, Membership, RosterJob, User
from learntrace.accounts.roster.jobs import asking
from learntrace.accounts.roster.jobs.running import take_job
from learntrace.accounts.roster.jobs.telling import left_of, problems_of
from learntrace.accounts.signing_in import reset
from learntrace.assignments.models import Task
from tests.support.builders import Cast, make_asset, make_cohort, make_task, make_user

pytestmark = pytest.mark.django_db


def upload(cast: Cast, content: str | bytes, name: str = "people.yaml") -> RosterJob:
    data = content.encode() if isinstance(content, str) else content
    asking.upload(cast.academy, cast.colleague, name, data)
    return last()


def last() -> RosterJob:
    take_job()
    return RosterJob.objects.latest("pk")


def apply(job: RosterJob) -> RosterJob:
    assert job.state == "ready", job.problems
    asking.ask_to_apply(job.academy, job.pk, job.fingerprint)
    return last()


def task(**fields: object) -> str:
    given = {"task_type": "EXERCISE", "task_status": "DONE", **fields}
    return f"tasks: [{{{', '.join(f'{name}: {value}' for name, value in given.items())}}}]"


def test_tasks_of_another_academy_are_that_academys(cast: Cast) -> None:
    both = make_user("both", "student", cast.academy, cast.elsewhere)
    make_asset("theirs", academy=cast.elsewhere)
    there = make_cohort("there", cast.elsewhere)
    tasks = [
        make_task(cast.strange_learner, "theirs"),
        make_task(both, "theirs"),
        make_task(both, "anything", cohort=there),
    ]
    before = list(Task.objects.order_by("pk").values())
    for entry in (
        # Taken over by its id for a learner of one's own, changed by its id, and by its learner and slug.
        *(task(id=one.pk, user=cast.owner.username, associated_slug="own") for one in tasks),
        *(task(id=one.pk, user="both", associated_slug=one.associated_slug) for one in tasks[1:]),
        *(task(user="both", associated_slug=one.associated_slug) for one in tasks[1:]),
        task(user="both", associated_slug="theirs", task_type="LESSON"),
        task(user=cast.owner.username, associated_slug="own", cohort="there"),
    ):
        assert upload(cast, entry).state == "refused", entry
    assert list(Task.objects.order_by("pk").values()) == before


def test_tasks_of_the_own_academy_are_imported(cast: Cast) -> None:
    both = make_user("both", "student", cast.academy, cast.elsewhere)
    make_asset("mine", academy=cast.academy)
    here = make_cohort("here", cast.academy)
    make_asset("theirs", academy=cast.elsewhere)
    apply(upload(cast, task(user="both", associated_slug="mine")))
    apply(upload(cast, task(user="both", associated_slug="theirs", cohort="here")))
    apply(upload(cast, task(id=Task.objects.earliest("pk").pk, user="both", associated_slug="mine", title="New")))
    assert list(Task.objects.order_by("pk").values_list("user", "associated_slug", "cohort", "title")) == [
        (both.pk, "mine", None, "New"),
        (both.pk, "theirs", here.pk, "theirs"),
    ]


@pytest.mark.parametrize(
    "entry",
    [
        "cohorts: [{id: 9007199254740991, slug: x, name: X}]",
        "users: [{id: 9007199254740991, username: x}]",
        task(id=9007199254740991, user="ada", associated_slug="own"),
    ],
)
def test_an_import_spends_no_ids(cast: Cast, entry: str) -> None:
    job = upload(cast, entry)
    assert job.state == "refused"
    assert "the server gives ids itself" in str(problems_of(job))


@pytest.mark.parametrize("how", ["member", "grant"])
def test_what_an_import_told_of_somebody_who_acts_elsewhere_since_stays(cast: Cast, how: str) -> None:
    # Else an admin would import the right address, wait for the invitation of another academy, and take the account back.
    ada = cast.owner
    row = f"username,email\n{ada.username},ada@new.example.org\n"
    job = apply(upload(cast, row, "people.csv"))
    if how == "member":
        Membership.objects.create(user=ada, academy=cast.elsewhere, role="teacher")
    else:
        Grant.objects.create(user=ada, permission="upload_any_telemetry")
    asking.ask_to_undo(job.academy, job.pk)
    job = last()
    assert "a role outside this academy" in left_of(job)[0].text
    assert User.objects.get(pk=ada.pk).email == "ada@new.example.org"
    assert upload(cast, f"username,email\n{ada.username},me@example.org\n", "people.csv").state == "refused"


def test_former_addresses_hear_of_an_import_and_of_its_undoing(cast: Cast, settings: Settings) -> None:
    settings.EMAIL_HOST, settings.PUBLIC_URL = "mail", "https://learn.example.org"
    with patch.object(reset, "post") as post, TestCase.captureOnCommitCallbacks(execute=True):
        job = apply(upload(cast, "username,email\nada,ada@new.example.org\nnew,new@example.org\n", "people.csv"))
        asking.ask_to_undo(job.academy, job.pk)
        last()
    told = [call.args[0].to for call in post.call_args_list]
    assert told == [["ada@example.org"], ["ada@new.example.org"]]


def packed(content: bytes, times: int = 1) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(times):
            archive.writestr(f"{number}/users.csv", content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", b"username," * 200_000, "more than 100 columns"),
        ("a.csv", b"username\n" + b"a\n" * 600_000, "more than 500,000 values"),
        ("a.json", b'{"users": [' + b"[]," * 600_000 + b"[]]}", "more than 500,000 values"),
        ("a.yaml", b"users:\n" + b"- 1\n" * 300_000, "more than 500,000 values"),
        ("a.zip", partial(packed, b"sourcedId,username\n" + b"a,b\n" * 100_000, 3), "more than 500,000 values"),
        (
            "a.zip",
            partial(packed, b"sourcedId,username\n" + b"a" * 30_000_000, 3),
            "unpacks to more than a roster can be",
        ),
    ],
)
def test_a_file_that_stands_for_millions_of_values_is_refused_unread(
    cast: Cast, name: str, content: "bytes | partial[bytes]", reason: str
) -> None:
    # To pack it takes a third of a second, which no worker spends that runs other tests.
    job = upload(cast, content() if isinstance(content, partial) else content, name)
    assert (job.state, job.preview) == ("refused", [])
    assert reason in str(problems_of(job))


def test_files_that_nobody_applies_are_limited(cast: Cast) -> None:
    RosterJob.objects.bulk_create(
        RosterJob(academy=cast.academy, file_name="a.csv", content=b"a", state="refused")
        for _number in range(asking.MOST_FILES)
    )
    with pytest.raises(asking.TooManyFiles, match="30 files are here"):
        upload(cast, "username\nx\n", "a.csv")
    asking.drop(cast.academy, RosterJob.objects.earliest("pk").pk)
    assert upload(cast, "username\nx\n", "a.csv").state == "ready"
