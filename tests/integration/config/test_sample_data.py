"""Sample data in and out: an academy of its own, processed like any other, and nothing else is touched."""

import re
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import connections
from django.test import Client

from learntrace.accounts.audit.models import AuditEntry
from learntrace.accounts.first_setup.models import SampleData
from learntrace.accounts.models import Academy, Membership, User
from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.config.demo.replay import recorded_batches, recorded_session
from learntrace.config.demo.sample import Sample
from learntrace.config.runtime.queues import QUEUES
from learntrace.diagnosis.sample_progress import sample_progress
from learntrace.learnpack.models import Webhook
from learntrace.notebooks.models import Event, RejectedEvent
from learntrace.progress.models import Progress
from learntrace.registry.models import Asset
from tests.support.builders import make_academy, make_asset, make_cohort, make_task, make_user, make_webhook
from tests.support.paths import CHECKOUT

# What stays of what was done, what sessions and workers write about themselves, and the queue of changes of any asset,
# which a trigger fills and a thread of a worker empties.
OF_ITSELF = {"AuditEntry", "AuditValues", "Session", "SignInSession", "Heartbeat", "LiveEvent", "AssetChange"}


def counts() -> dict[str, int]:
    return {
        model.__name__: model._default_manager.count() for model in apps.get_models() if model.__name__ not in OF_ITSELF
    }


def work_off() -> None:
    """Take turns of the queues, as workers do, until nothing waits."""
    until = time.monotonic() + 60
    queues = [queue for queue in QUEUES.values() if not queue.threads]
    while sum(queue.work(0) for queue in queues):
        assert time.monotonic() < until


@pytest.fixture
def operator() -> User:
    """An operator whose academy has names like the sample's, and a learner with telemetry."""
    academy = make_academy("downtown")
    user = make_user("olga", "admin", academy, is_superuser=True, is_staff=True)
    learner = make_user("ada.lovelace", "student", academy, email="ada.lovelace@demo.example")
    asset = make_asset("python-hello-tutorial", academy=academy)
    make_task(learner, asset.slug, cohort=make_cohort("fall-morning", academy))
    make_webhook(learner, asset=asset, status="DONE")
    return user


def click(user: User, do: str) -> Any:
    client = Client()
    client.force_login(user)
    return client.post("/connect/sample", {"do": do}, follow=True)


@pytest.mark.django_db(transaction=True)
def test_sample_data_goes_in_by_a_click_is_processed_and_goes_out_without_a_trace(operator: User) -> None:
    work_off()
    before = counts()
    page = click(operator, "in").content.decode()
    assert "messages are processed" in page
    assert "being processed" not in page, "a message stays when that is over"
    academy = Academy.objects.get(slug="sample")
    assert Membership.objects.get(user=operator, academy=academy).role == "admin"
    assert AuditEntry.objects.get(action="sample.put_in").academy_id == academy.pk
    # Those that a rule ignores wait for nobody.
    ignored = Webhook.objects.filter(status="IGNORED").count()
    assert (sample_progress().processed, sample_progress().is_done) == (ignored, False)
    work_off()
    assert sample_progress().is_done
    learners = User.objects.filter(memberships__academy=academy, memberships__role="student")
    assert learners.count() == 24
    webhooks = Webhook.objects.filter(student__in=learners)
    # One of everything that becomes of telemetry; nobody else's was touched.
    assert set(webhooks.values_list("status", flat=True)) == {"DONE", "ERROR", "IGNORED"}
    assert Webhook.objects.exclude(student__in=learners).count() == 1
    assert AssignmentTelemetry.objects.filter(user__in=learners).count() > 40
    assert Task.objects.filter(user__in=learners, task_status="DONE").exists()
    assert Progress.objects.filter(academy=academy, assignment__startswith="assignment:sample-lesson").exists()
    assert Progress.objects.filter(academy=academy, assignment__startswith="sample-python-hello").exists()
    client = Client()
    client.force_login(operator)
    shown = client.get(f"/class?academy={academy.pk}").content.decode()
    assert "Barbara Liskov" in shown
    page = client.get("/connect").content.decode()
    assert "Look at its class" in page
    assert "Its academy is removed, with 24 learners and" in page
    assert '<h3 class="effects-title">What this changes</h3>' in page
    gone = re.search(
        r"With them go (\d+) tasks, (\d+) telemetry records, (\d+) webhooks and (\d+) notebook events", page
    )
    assert gone is not None
    events = Event.objects.filter(academy=academy).count() + RejectedEvent.objects.filter(academy=academy).count()
    tasks, records = (model.objects.filter(user__in=learners).count() for model in (Task, AssignmentTelemetry))
    assert [int(number) for number in gone.groups()] == [tasks, records, webhooks.count(), events]

    assert "sample data was removed" in click(operator, "out").content.decode()
    work_off()
    assert counts() == before
    assert AuditEntry.objects.filter(action="sample.taken_out", actor_id=operator.pk).count() == 1
    # Again, and there is nothing to take out.
    assert not Sample().take_out()
    assert counts() == before


@pytest.mark.django_db(transaction=True)
def test_sample_data_that_is_put_in_twice_at_once_is_in_once(operator: User) -> None:
    def put_in(_number: int) -> int:
        try:
            return Sample().put_in(operator).pk
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as threads:
        academies = set(threads.map(put_in, range(3)))
    assert len(academies) == 1
    assert (SampleData.objects.count(), Academy.objects.count()) == (1, 2)
    assert AuditEntry.objects.filter(action="sample.put_in").count() == 1

    def take_out(_number: int) -> bool:
        try:
            return Sample().take_out()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as threads:
        assert sorted(threads.map(take_out, range(3))) == [False, False, True]


@pytest.mark.django_db
def test_sample_data_takes_no_name_that_somebody_has(operator: User) -> None:
    real = make_academy("sample", name="Sample & Sons")
    asset = make_asset("sample-2-lesson", academy=real)
    made = Sample().put_in(operator)
    assert made.slug == "sample-3"
    Sample().take_out()
    assert Academy.objects.filter(pk=real.pk).exists()
    assert Asset.objects.filter(pk=asset.pk).exists()


def test_an_installed_package_has_the_recordings_that_sample_data_are_made_of(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=CHECKOUT, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    read = (
        "import learntrace.config.demo.replay as replay; print(replay.__file__);"
        "print(len(replay.recorded_session()), len(replay.recorded_batches()))"
    )
    # Away from the checkout, which the environment of the tests would find first.
    told = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(installed)!r}); {read}"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    where, counted = told.stdout.split("\n")[:2]
    assert where.startswith(str(installed))
    assert counted == f"{len(recorded_session())} {len(recorded_batches())}"


@pytest.mark.django_db
def test_only_an_operator_puts_sample_data_in() -> None:
    admin = make_user("grace", "admin", make_academy())
    assert "Sample data" not in click(admin, "in").content.decode()
    assert not SampleData.objects.exists()
