"""What is held about oneself: all of it as a download, and erased without a trace, whatever is under way meanwhile."""

import csv
import io
import json
import os
import random
import subprocess
import tempfile
import threading
import tracemalloc
import uuid
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, connections, transaction
from django.test import AsyncClient, Client
from django.utils import timezone
from psycopg.conninfo import make_conninfo

from learntrace.accounts.academy_settings import NOTEBOOK, merge_features
from learntrace.accounts.audit.actions import ATTEMPTS_EXCLUDED
from learntrace.accounts.audit.recording import record
from learntrace.accounts.models import Membership, Token, User
from learntrace.accounts.roster.jobs.models import RosterJob
from learntrace.accounts.signing_in.models import GuessCount
from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.config.postgres.server import EmbeddedPostgres
from learntrace.core.personal_data import registered_datasets, to_erase
from learntrace.intake.models import Refusal
from learntrace.learnpack.attempts import derivation
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing import drain
from learntrace.notebooks.documents import activities, arrivals
from learntrace.notebooks.documents import telemetry_queue as notebook_telemetry
from learntrace.notebooks.models import Arrival, Event, RejectedEvent
from learntrace.personal import erasing, pending
from learntrace.personal.exporting import write_export
from learntrace.personal.models import Erasure, PendingErasure, UserMerge
from learntrace.progress.models import Activity, CourseRun, EarlierRun, Exclusion, Floor, Progress, Stale
from learntrace.progress.recording import recomputation, recording
from learntrace.signals.help_requests.models import HelpRequest
from learntrace.signals.models import Concern, ConcernAct, Notification, NotificationRule
from tests.support.builders import (
    Api,
    Cast,
    Response,
    make_rejected,
    make_stored_event,
    make_telemetry,
    make_user,
    make_webhook,
)
from tests.support.diagnosis import Scene
from tests.support.notebooks import TAG, make_event

ID, NAME = 424242424, "zaphod-beeblebrox"
EXPORT, DATA = "/v1/me/export", "/v1/me/data"
PASSWORD = "correct horse battery"


def erase_at_once(user: User, query: str = "", api: Api | None = None) -> Response:
    """Ask for an erasure with the password."""
    if not user.check_password(PASSWORD):
        user.set_password(PASSWORD)
        user.save()
    return (api or Api(user))("DELETE", DATA + query, {"password": PASSWORD})


# What may still name the learner: the account, what the academy has set, what the learner said, and that it was done.
STAYS = {
    "accounts_user", "accounts_membership", "accounts_token", "assignments_task", "notebooks_consent", "personal_erasure",
    "progress_courserun", "accounts_auditentry",
}  # fmt: skip
PATIENCE = 60


@pytest.fixture
def zaphod(cast: Cast) -> Cast:
    """The cast, with a learner whom no other row can be taken for."""
    learner = make_user(NAME, "student", cast.academy, id=ID, first_name="Zaphod", last_name="Beeblebrox")
    return replace(cast, owner=learner)


@pytest.fixture
def scene(zaphod: Cast) -> Iterator[Scene]:
    one = Scene(zaphod)
    yield one
    one.close()


def traces() -> set[str]:
    """The tables of the database in which any column of any row names the learner."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        found = set()
        for (table,) in cursor.fetchall():
            cursor.execute(
                f'SELECT count(*) FROM "{table}" t WHERE t::text ILIKE %s OR t::text LIKE %s', [f"%{NAME}%", f"%{ID}%"]
            )
            if cursor.fetchone()[0]:
                found.add(table)
    return found


def mentions(texts: list[str]) -> set[str]:
    """The tables in which any of these texts, such as ids of events, stands anywhere."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        found = set()
        for (table,) in cursor.fetchall():
            cursor.execute(
                f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE ANY(%s)', [[f"%{text}%" for text in texts]]
            )
            if cursor.fetchone()[0]:
                found.add(table)
    return found


def work() -> None:
    """What workers do until nothing waits."""
    drain.drain_webhooks()
    turns = (arrivals.take_arrivals, derivation.take_attempts, notebook_telemetry.make_documents)
    while sum(turn() for turn in turns):
        pass


def fill(scene: Scene) -> list[str]:
    """Have the learner do something of every kind, through the interfaces of clients; the ids of the notebook events."""
    scene.settings(learnpack_features={"streaming_events": True})
    NotificationRule.objects.create(user=scene.cast.colleague, academy=scene.cast.academy, channel="email")
    asset = scene.ready()
    scene.publish(TAG)
    at = 1_790_000_000_000
    run = {"exit_code": 1, "stderr": "NameError: name 'x'", "source_code": "print(x)"}
    runs = [run | {"started_at": at + 60_000 * n} for n in range(2)]
    steps = [{"slug": "00-welcome", "opened_at": at, "compilations": runs}]
    assert scene.batch(steps=steps, user_id=ID, last_interaction_at=at + 60_000).text == "ok"
    step = {"event": "compile", "slug": "00-welcome", "asset_id": asset.pk, "user_id": str(ID)}
    assert scene.batch(step | {"data": {"started_at": at + 120_000, "exit_code": 0}}).text == "ok"
    assert scene.batch({"slug": "nowhere", "event": "open_step"}).text == "ok"
    now = timezone.now()
    events = [make_event(timestamp=(now - timedelta(seconds=60 - n)).isoformat()) for n in range(5)]
    assert scene.events(*events).json()["accepted"] == 5
    assert scene.events(make_event(verb="danced"), make_event(actor="somebody")).json()["accepted"] == 0
    assert scene.batch(user_id=1).status_code == 403
    service = make_user("service", "staff", scene.cast.elsewhere)
    scene.events(make_event(actor=NAME), key=Token.issue(service)[1])
    work()
    # And now what waits at each of the stations on the way.
    scene.batch(steps=steps, last_interaction_at=at + 120_000)
    scene.batch(steps=[steps[0] | {"slug": "older"}], last_interaction_at=at)
    drain.drain_webhooks()
    scene.batch(steps=[])
    scene.events(make_event())
    recomputation.enqueue([ID])
    UserMerge.objects.create(merged=make_user("half", "student", scene.cast.academy), into_id=ID)
    of_ada: dict[str, Any] = {"user_id": ID, "academy": scene.cast.academy}
    concern, _made = Concern.objects.get_or_create(**of_ada, assignment=TAG)
    ConcernAct.objects.create(concern=concern, number=1, what="noted", clock=now, note=f"{NAME} asked for time")
    Exclusion.objects.create(**of_ada, activity_id=uuid.uuid4(), reason="a preview")
    with transaction.atomic():
        record(ATTEMPTS_EXCLUDED, academy_id=scene.cast.academy.pk, subject_id=ID, after={"reason": f"{NAME} was ill"})
    RosterJob.objects.create(
        made_by_id=ID, academy=scene.cast.academy, file_name=f"{NAME}.csv", content=b"a", state="ready"
    )
    HelpRequest.objects.create(**of_ada, text=f"{NAME} asks")
    CourseRun.objects.create(**of_ada, name="Spring", starts_on=now.date())
    Floor.objects.create(**of_ada, scope="nowhere/", at=now, cause="course_run")
    EarlierRun.objects.create(**of_ada, assignment=TAG, until=now, cause="course_run")
    return [event["id"] for event in events]


def opened(answer: Response) -> zipfile.ZipFile:
    assert answer.status_code == 200, getattr(answer, "content", b"")
    return zipfile.ZipFile(io.BytesIO(answer.getvalue()))


def documents(archive: zipfile.ZipFile, name: str) -> list[Any]:
    return [json.loads(line) for line in archive.read(f"{name}.jsonl").decode().splitlines()]


def table(archive: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archive.read(f"{name}.csv").decode("utf-8-sig"))))


# Erasing


@pytest.mark.django_db(transaction=True)
def test_after_an_erasure_no_table_knows_what_the_learner_did(scene: Scene) -> None:
    ids = fill(scene)
    before = traces()
    assert before >= {
        "learnpack_webhook", "events", "notebooks_rejectedevent", "intake_refusal", "assignments_assignmenttelemetry",
        "progress_activity", "progress_progress", "progress_recomputation", "progress_stale", "signals_signal",
        "signals_watch", "core_liveevent",
    }, before  # fmt: skip
    assert Notification.objects.exists()
    assert Arrival.objects.exists()
    me = Api(scene.ada)
    planned = me.delete(f"{DATA}?dry_run=1").json()
    assert (planned["dry_run"], planned["erased_at"]) == (True, None)
    assert traces() == before
    empty = [name for name, count in planned["erased"].items() if not count]
    assert not empty, "the test fills every kind that can be erased"
    answer = erase_at_once(scene.ada, api=me)
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert {**told, "erased_at": None, "dry_run": True} == planned
    assert traces() <= STAYS
    assert mentions(ids) == set()
    assert not Notification.objects.exists()
    # What waited is not made anew of nothing, and what was made is not made again.
    work()
    while recomputation.take_recomputation():
        pass
    assert traces() <= STAYS
    kept = Erasure.objects.get()
    assert (kept.user, kept.by_operator, kept.counts) == (scene.ada, False, told["erased"])
    assert Task.objects.filter(user=scene.ada).count() == told["stays"]["tasks"] == 1
    assert scene.ada.memberships.count() == 1


@pytest.mark.django_db(transaction=True)
def test_after_an_erasure_a_dump_tells_nothing_and_neither_do_logs_nor_files_of_exports(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """What the learner did is looked for in a dump as the backup makes it, in what was logged, and in left files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ids = fill(scene)
    work()
    done = (*ids, "NameError: name", "print(x)", f"{NAME} was ill")
    # Else the search would find nothing anyway.
    assert [text for text in done if text not in dumped()] == []
    answer = Api(scene.ada).get(EXPORT)
    opened(answer).close()
    answer.close()
    assert erase_at_once(scene.ada).status_code == 200
    work()
    dump = dumped()
    assert [text for text in done if text in dump] == []
    named = {line.split("\t", 1)[0] for line in rows_of(dump) if NAME in line}
    assert named <= STAYS, "the account alone has the name"
    assert list(tmp_path.iterdir()) == []
    logged = "".join(capfd.readouterr())
    assert [text for text in (*done, NAME) if text in logged] == []


def dumped() -> str:
    """All rows of the database as pg_dump writes them."""
    known = connection.settings_dict
    address = make_conninfo(dbname=known["NAME"], user=known["USER"], host=known["HOST"], port=known["PORT"] or None)
    # Of the package, whose version is that of the tests' server.
    program = EmbeddedPostgres(django_settings.HOME).binary("pg_dump")
    command = [str(program), "--data-only", "--dbname", address]
    env = {**os.environ, "PGPASSWORD": str(known["PASSWORD"])}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout


def rows_of(dump: str) -> Iterator[str]:
    """The rows of a dump, each after its table and a tab."""
    table = ""
    for line in dump.splitlines():
        if line.startswith("COPY "):
            table = line.split(" ")[1].removeprefix("public.")
        elif table:
            yield f"{table}\t{line}"


@pytest.mark.django_db(transaction=True)
def test_others_keep_what_is_theirs(scene: Scene) -> None:
    fill(scene)
    lee = make_user("lee2", "student", scene.cast.academy)
    make_webhook(lee)
    make_webhook(lee, sender=scene.ada)
    make_webhook(None, payload={"user_id": 77}, sender=scene.ada)
    event = make_stored_event(lee, scene.cast.academy, sender=scene.ada)
    mine = make_stored_event(scene.ada, scene.cast.academy)
    Arrival.objects.all().delete()
    Arrival.objects.create(events=[event.pk, mine.pk])
    make_rejected(lee, scene.cast.academy, {"id": "x"}, sender=scene.ada)
    make_telemetry(lee, "intro")
    Refusal.objects.create(path="/", status_code=401, reason="x", size=1, user=lee)
    assert erase_at_once(scene.ada).status_code == 200
    assert Webhook.objects.filter(student=lee).count() == 2
    assert Webhook.objects.filter(student=None).count() == 1
    assert [row.events for row in Arrival.objects.all()] == [[event.pk]]
    assert Event.objects.get() == event
    assert RejectedEvent.objects.get().user == lee
    assert AssignmentTelemetry.objects.get().user == lee
    assert Refusal.objects.filter(user=lee).exists()
    work()
    assert set(Activity.objects.values_list("user", flat=True)) == {lee.pk}


@pytest.mark.django_db(transaction=True)
def test_who_goes_on_is_collected_anew_and_what_happened_before_stays_erased(scene: Scene) -> None:
    happened = make_event()
    scene.events(happened)
    erase_at_once(scene.ada)
    # The client's answer was lost, so that it sends once more.
    again = scene.events(happened, make_event(timestamp=(timezone.now() - timedelta(days=3)).isoformat())).json()
    assert [one["code"] for one in again["rejected"]] == ["erased", "erased"]
    assert not RejectedEvent.objects.exists()
    old = make_event(timestamp="2020-01-01T00:00:00.000Z")
    new = make_event(timestamp=(timezone.now() + timedelta(seconds=1)).isoformat())
    # By a clock that is years behind, nothing that is still to come could be told from what was.
    assert scene.events(old, new).json() == {"accepted": 2, "duplicates": 0, "rejected": []}
    work()
    assert Progress.objects.get().attempts == 2
    planned = Api(scene.ada).delete(f"{DATA}?dry_run=true").json()
    assert planned["erased"]["notebook-events"] == 2
    assert planned["stays"]["erasures"] == 1


@pytest.mark.parametrize("allowed", [(True, True), (None, None), (False, True), (True, False)])
def test_each_academy_has_its_say(cast: Cast, learner: Api, allowed: tuple[bool | None, ...]) -> None:
    Membership.objects.create(user=cast.owner, academy=cast.elsewhere, role="student")
    for academy, flag in zip((cast.academy, cast.elsewhere), allowed, strict=True):
        if flag is not None:
            merge_features(academy, {"erasure": flag}, NOTEBOOK)
    make_telemetry(cast.owner, "intro")
    for query in ("", "?dry_run=1"):
        answer = erase_at_once(cast.owner, query)
        if False not in allowed:
            assert answer.status_code == 200
            continue
        against = cast.academy if allowed[0] is False else cast.elsewhere
        assert (answer.status_code, answer.json()["slug"]) == (403, "erasure-not-allowed")
        assert against.name in answer.json()["detail"]
        assert AssignmentTelemetry.objects.exists()
    # One that the learner has left has none.
    Membership.objects.filter(user=cast.owner).update(status="INACTIVE")
    assert erase_at_once(cast.owner).status_code == 200


def test_an_academys_setting_is_a_flag(cast: Cast, teacher: Api) -> None:
    settings = "/v1/auth/academy/settings"
    assert teacher.get(settings).json()["notebook_features"]["erasure"] is True
    answer = teacher.put(settings, {"notebook_features": {"erasure": "no"}})
    assert (answer.status_code, answer.json()) == (400, {"notebook_features": ["`erasure` must be true or false"]})
    told = teacher.put(settings, {"notebook_features": {"erasure": False}}).json()["notebook_features"]
    assert told == {"collect_source": False, "opt_out": False, "erasure": False}


def test_an_erasure_that_fails_erases_nothing(cast: Cast, learner: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    make_telemetry(cast.owner, "intro")
    make_webhook(cast.owner)

    def fail(_user_id: int) -> int:
        raise OperationalError("away")

    broken = [replace(one, erase=fail) if one.name == "telemetry" else one for one in to_erase()]
    monkeypatch.setattr(erasing, "to_erase", lambda: broken)
    assert erase_at_once(cast.owner).status_code == 503
    assert (Webhook.objects.count(), AssignmentTelemetry.objects.count(), Erasure.objects.count()) == (1, 1, 0)


def test_a_deadlock_with_a_worker_begins_again(cast: Cast, learner: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    make_telemetry(cast.owner, "intro")
    attempts: list[int] = []

    def in_the_way(user_id: int) -> int:
        attempts.append(user_id)
        if len(attempts) < 3:
            raise OperationalError("deadlock detected") from psycopg.errors.DeadlockDetected()
        return AssignmentTelemetry.objects.filter(user=user_id).delete()[0]

    others = [replace(one, erase=in_the_way) if one.name == "telemetry" else one for one in to_erase()]
    monkeypatch.setattr(erasing, "to_erase", lambda: others)
    assert erase_at_once(cast.owner).json()["erased"]["telemetry"] == 1
    assert len(attempts) == 3
    assert Erasure.objects.count() == 1


# While others are at work


class Held:
    """Stops whoever comes by until it is let go on."""

    def __init__(self) -> None:
        self.reached, self.free = threading.Event(), threading.Event()

    def before(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def wait(*given: Any, **named: Any) -> Any:
            self.reached.set()
            assert self.free.wait(PATIENCE)
            return original(*given, **named)

        return wait


def in_thread(task: Callable[[], object]) -> tuple[threading.Thread, list[BaseException]]:
    raised: list[BaseException] = []

    def run() -> None:
        try:
            task()
        except BaseException as error:
            raised.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, raised


def erase_while(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, target: object, name: str, turn: Callable[[], object], waits: bool
) -> None:
    """Erase while a worker has its rows in hand and stands still before a function of its own."""
    held = Held()
    original = getattr(target, name)
    monkeypatch.setattr(target, name, held.before(original))
    worker, worker_raised = in_thread(turn)
    assert held.reached.wait(PATIENCE)
    monkeypatch.setattr(target, name, original)
    eraser, raised = in_thread(lambda: erasing.erase(scene.ada))
    # Longer than PostgreSQL takes to look for a deadlock: in one that comes later the worker would lose, and be heard.
    eraser.join(1.3)
    assert eraser.is_alive() is waits
    held.free.set()
    for thread in (worker, eraser):
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert raised + worker_raised == []
    work()
    assert traces() <= STAYS


@pytest.mark.django_db(transaction=True)
def test_an_erasure_waits_for_events_that_a_worker_has_in_hand(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.publish(TAG)
    scene.events(make_event(), make_event())
    erase_while(scene, monkeypatch, activities, "read", arrivals.take_arrivals, waits=True)
    assert not Arrival.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_erasure_waits_for_events_that_are_being_taken(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.publish(TAG)
    scene.events(make_event(), make_event())
    erase_while(scene, monkeypatch, arrivals, "flag_unknown", arrivals.take_arrivals, waits=True)
    assert not Arrival.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_erasure_leaves_no_events_in_hand_whose_learner_is_not_known_yet(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.publish(TAG)
    scene.events(make_event(), make_event())
    # As an older version of the inbox left them: the worker locks their learner after its claim, and then finds no events.
    assert Arrival.objects.update(turn_learner=0) > 0
    erase_while(scene, monkeypatch, recording, "lock_learners", arrivals.take_arrivals, waits=False)
    assert not Arrival.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_erasure_waits_for_a_webhook_that_is_being_processed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.ready()
    scene.batch(user_id=ID)
    erase_while(scene, monkeypatch, drain, "process_batches", drain.process_next, waits=True)
    assert not Webhook.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_and_holds_up_no_worker_that_then_wants_its_learner(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.settings(learnpack_features={"streaming_events": True})
    asset = scene.ready()
    data = {"started_at": 1_790_000_000_000, "exit_code": 1}
    scene.batch({"event": "compile", "slug": "00-welcome", "asset_id": asset.pk, "data": data})
    erase_while(scene, monkeypatch, drain, "process_streamed", drain.process_next, waits=True)
    assert not Webhook.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_erasure_waits_for_telemetry_that_is_being_made(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.publish(TAG)
    scene.events(make_event())
    arrivals.take_arrivals()
    turn = notebook_telemetry.make_documents
    erase_while(scene, monkeypatch, notebook_telemetry, "store_documents", turn, waits=True)
    assert not AssignmentTelemetry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_erasure_waits_for_attempts_that_are_being_read_from_a_document(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.ready()
    run = {"started_at": 1_790_000_000_000, "exit_code": 1}
    scene.batch(steps=[{"slug": "00-welcome", "compilations": [run]}], user_id=ID)
    drain.drain_webhooks()
    assert Stale.objects.exists()
    erase_while(scene, monkeypatch, derivation, "change_earlier_ids", derivation.take_attempts, waits=True)


@pytest.mark.django_db(transaction=True)
def test_what_comes_while_it_runs_is_taken_whole_or_not_at_all(scene: Scene) -> None:
    scene.publish(TAG)
    scene.events(*(make_event() for _ in range(50)))
    stop = threading.Event()

    def workers() -> None:
        while not stop.is_set():
            work()

    threads = [in_thread(workers) for _ in range(2)]
    eraser, raised = in_thread(lambda: [erasing.erase(scene.ada) for _ in range(5)])
    sent = 0
    while eraser.is_alive() or sent < 5:
        future = timezone.now() + timedelta(seconds=2)
        scene.events(*(make_event(timestamp=future.isoformat()) for _ in range(5)))
        sent += 1
    eraser.join(PATIENCE)
    stop.set()
    for thread, faults in threads:
        thread.join(PATIENCE)
        assert faults == []
    assert raised == []
    work()
    left = Event.objects.filter(user=ID).count()
    assert Activity.objects.filter(user=ID).count() == left
    assert sum(Progress.objects.filter(user=ID).values_list("attempts", flat=True)) == left
    with transaction.atomic():
        assert recomputation.recompute_learner(ID) == recomputation.Changed()
    erasing.erase(scene.ada)
    assert traces() <= STAYS


# The download


@pytest.mark.django_db(transaction=True)
def test_the_download_holds_everything_and_nothing_of_others(scene: Scene) -> None:
    ids = fill(scene)
    NotificationRule.objects.create(
        user=scene.ada,
        academy=scene.cast.academy,
        channel="webhook",
        target="https://example.org/secret-path",
        secret="s" * 64,
    )
    make_telemetry(scene.cast.strange_learner, "of-lee")
    make_stored_event(scene.cast.strange_learner, scene.cast.elsewhere, about={"notebook": "of-lee.ipynb"})
    scene.ada.set_password("correct horse")
    scene.ada.save()
    me = Api(scene.ada)
    # Before, as the download itself is recorded.
    planned = erasing.plan_of(scene.ada)
    answer = me.get(EXPORT, Accept="application/zip")
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Cache-Control"] == "no-store"
    size = int(answer.headers["Content-Length"])
    archive = opened(answer)
    assert archive.testzip() is None
    assert size == archive.fp.seek(0, 2)
    names = {one.name: one for one in registered_datasets()}
    assert {name.partition(".")[0] for name in archive.namelist()} == {*names, "README"}
    for holding in names.values():
        rows = table(archive, holding.name) if holding.table else documents(archive, holding.name)
        assert len(rows) == {**planned.goes, **planned.stays}[holding], holding.name
    assert set(ids) <= {event["id"] for event in documents(archive, "notebook-events")}
    assert documents(archive, "learnpack-messages")[0]["payload"]["agent"] == "vscode"
    assert documents(archive, "telemetry")[0]["telemetry"]["steps"]
    assert table(archive, "account")[0]["username"] == NAME
    assert table(archive, "memberships")[0]["academy_slug"] == "downtown"
    assert documents(archive, "notification-rules")[0]["target"] == "https://example.org/…"
    assert documents(archive, "signals")[0]["notifications_of_it"] == 1
    everything = b"\n".join(archive.read(name) for name in archive.namelist()).decode()
    token = Token.objects.filter(user=scene.ada).first()
    assert token is not None
    assert token.prefix in everything
    for secret in (token.key_hash, scene.ada.password, "scrypt", "secret-path", "s" * 64, "of-lee", "Grace", "grace"):
        assert secret not in everything, secret


def test_the_server_sends_it_in_parts(cast: Cast, learner: Api) -> None:
    """As it is served: under ASGI Django would put all of an ordinary iterator into memory, with a warning."""
    rng = random.Random(1)
    make_telemetry(cast.owner, "intro", telemetry={"code": rng.randbytes(1_000_000).hex()})

    async def load() -> list[bytes]:
        answer: Any = await AsyncClient().get(EXPORT, headers=learner.headers)
        return [part async for part in answer.streaming_content]

    parts = async_to_sync(load)()
    assert len(parts) > 2
    archive = zipfile.ZipFile(io.BytesIO(b"".join(parts)))
    assert documents(archive, "telemetry")[0]["asset_slug"] == "intro"


def test_its_readme_speaks_the_readers_language(cast: Cast, learner: Api) -> None:
    make_telemetry(cast.owner, "intro")
    readme = opened(learner.get(EXPORT)).read("README.txt").decode()
    assert "Learntrace: all that is held about ada" in readme
    assert "        1  telemetry.jsonl" in readme
    assert all(one.name in readme and str(one.title) in readme for one in registered_datasets())


def test_a_spreadsheet_runs_nothing_of_it(cast: Cast, learner: Api) -> None:
    User.objects.filter(pk=cast.owner.pk).update(first_name='=HYPERLINK("http://evil.example")', last_name="@SUM(1)")
    Refusal.objects.create(path="/", status_code=400, reason="x", detail="+1", asset="\t=1", size=1, user=cast.owner)
    archive = opened(learner.get(EXPORT))
    for name in archive.namelist():
        if name.endswith(".csv"):
            for row in csv.reader(io.StringIO(archive.read(name).decode("utf-8-sig"))):
                assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t"))], name


def test_who_has_nothing_gets_empty_files(cast: Cast, learner: Api) -> None:
    archive = opened(learner.get(EXPORT))
    assert archive.read("notebook-events.jsonl") == b""
    assert archive.read("tasks.csv") == b""


def test_however_much_there_is_little_of_it_is_in_memory(cast: Cast) -> None:
    def peak(events: int) -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                """INSERT INTO events (id, actor, user_id, academy_id, verb, object, result, occurred_at)
                   SELECT gen_random_uuid(), 'ada', %s, %s, 'executed', '{"notebook": "x.ipynb"}', %s::jsonb, now()
                     FROM generate_series(1, %s)""",
                [cast.owner.pk, cast.academy.pk, json.dumps({"error_value": "x" * 500}), events],
            )
        tracemalloc.start()
        with open("/dev/null", "wb") as nothing:
            counts = write_export(cast.owner, nothing, "en")
            used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert counts["notebook-events"] == Event.objects.count()
        return used

    few = peak(2_000)
    assert peak(18_000) < few * 1.5


def test_a_key_of_somebody_else_or_none_opens_nothing(cast: Cast) -> None:
    assert Api(None).get(EXPORT).status_code == 401
    assert Api(None).delete(DATA).status_code == 401
    assert "ada" not in opened(Api(cast.stranger).get(EXPORT)).read("account.csv").decode()


# For whoever runs the server


def test_operators_serve_whom_no_page_serves(cast: Cast, tmp_path: Path) -> None:
    merge_features(cast.academy, {"erasure": False}, NOTEBOOK)
    make_telemetry(cast.owner, "intro")
    make_stored_event(cast.owner, cast.academy)
    out = StringIO()
    file = tmp_path / "ada.zip"
    call_command("export_personal_data", "ada", "--output", str(file), stdout=out)
    assert documents(zipfile.ZipFile(file), "notebook-events")[0]["actor"] == "ada"
    assert f"rows of ada to {file}." in out.getvalue()
    with pytest.raises(CommandError, match="File exists"):
        call_command("export_personal_data", "ada", "--output", str(file))
    call_command("erase_personal_data", "ada@example.org", "--dry-run", stdout=out)
    assert "Would erase 2 rows of ada." in out.getvalue()
    assert Event.objects.exists()
    call_command("erase_personal_data", str(cast.owner.pk), stdout=out)
    assert "        1  notebook-events" in out.getvalue()
    assert out.getvalue().splitlines()[-1] == "Erased 2 rows of ada."
    assert not Event.objects.exists()
    assert Erasure.objects.get().by_operator is True
    with pytest.raises(CommandError, match="There is no user nobody"):
        call_command("erase_personal_data", "nobody")


# A source that comes later


def test_every_table_that_names_users_is_held_by_a_room(cast: Cast) -> None:
    """A new table with a learner in it has to be offered by its room, or to be among those that hold nothing to give."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT DISTINCT table_name FROM information_schema.columns
                WHERE table_schema = 'public' AND column_name IN ('user_id', 'student_id', 'sender_id', 'actor')"""
        )
        tables = {row[0] for row in cursor.fetchall()}
    offered = {one.find(cast.owner.pk).model._meta.db_table for one in registered_datasets()}
    queued = {"progress_stale", "progress_recomputation"}
    # What was sent to a teacher; Django's own.
    others = {"signals_notification", "django_admin_log", "accounts_user_groups", "accounts_user_user_permissions"}
    assert tables <= offered | queued | others


def test_what_had_happened_before_and_came_in_meanwhile_is_swept(zaphod: Cast) -> None:
    """A request that had read before the erasure that there was none writes after it."""
    done = erasing.erase(zaphod.owner)
    before = make_stored_event(zaphod.owner, zaphod.academy, occurred_at=done.erased_at - timedelta(hours=5))
    after = make_stored_event(zaphod.owner, zaphod.academy, occurred_at=done.erased_at + timedelta(seconds=5))
    Arrival.objects.create(events=[before.pk, after.pk])
    arrivals.take_arrivals()
    assert Activity.objects.filter(user=zaphod.owner).count() == 2
    assert erasing.sweep_recent() == 1
    assert [one.pk for one in Event.objects.filter(user=zaphod.owner)] == [after.pk]
    while recomputation.take_recomputation():
        pass
    assert [one.pk for one in Activity.objects.filter(user=zaphod.owner)] == [after.pk]
    assert erasing.sweep_recent() == 0


@pytest.mark.parametrize("query", ["?dry_run", "?dry_run=on", "?dry_run=y", "?dry_run=TRUE", "?dry_run=maybe"])
def test_what_may_be_a_dry_run_erases_nothing(zaphod: Cast, query: str) -> None:
    make_stored_event(zaphod.owner, zaphod.academy)
    answer = erase_at_once(zaphod.owner, query)
    assert answer.status_code == (400 if "maybe" in query else 200)
    assert Event.objects.filter(user=zaphod.owner).exists()


@pytest.mark.django_db
def test_with_a_key_alone_an_erasure_waits_for_a_day_and_can_be_undone(cast: Cast, learner: Api) -> None:
    make_telemetry(cast.owner, "intro")
    first, again = learner.delete(DATA), learner.delete(DATA)
    assert (first.status_code, first.json()["erased"], first.json()["erased_at"]) == (202, {}, None)
    assert first.json()["erases_at"] == again.json()["erases_at"]
    assert learner.delete(f"{DATA}?dry_run=1").json()["erases_at"] == first.json()["erases_at"]
    assert pending.erase_due() == 0
    assert learner.post(f"{DATA}/keep").status_code == 204
    PendingErasure.objects.update(erases_at=timezone.now())
    assert pending.erase_due() == 0
    assert AssignmentTelemetry.objects.exists()


@pytest.mark.django_db
def test_what_nobody_undoes_is_erased_after_the_day(cast: Cast, learner: Api) -> None:
    make_telemetry(cast.owner, "intro")
    learner.delete(DATA)
    PendingErasure.objects.update(erases_at=timezone.now())
    assert pending.erase_due() == 1
    assert not AssignmentTelemetry.objects.exists()
    assert (Erasure.objects.count(), PendingErasure.objects.count()) == (1, 0)


@pytest.mark.django_db
def test_what_an_academy_forbids_meanwhile_is_not_erased(cast: Cast, learner: Api) -> None:
    make_telemetry(cast.owner, "intro")
    learner.delete(DATA)
    merge_features(cast.academy, {"erasure": False}, NOTEBOOK)
    PendingErasure.objects.update(erases_at=timezone.now())
    assert pending.erase_due() == 0
    assert AssignmentTelemetry.objects.exists()


@pytest.mark.django_db
def test_a_wrong_password_erases_nothing_and_counts_as_a_guess(cast: Cast, learner: Api) -> None:
    make_telemetry(cast.owner, "intro")
    answer = learner("DELETE", DATA, {"password": "wrong"})
    assert (answer.status_code, answer.json()) == (400, {"password": ["This is not your password."]})
    assert AssignmentTelemetry.objects.exists()
    assert GuessCount.objects.get(subject=f"account:{cast.owner.pk}").failures == 1


@pytest.mark.django_db
def test_the_page_asks_for_the_password_and_undoes(cast: Cast, learner: Api) -> None:
    make_telemetry(cast.owner, "intro")
    cast.owner.set_password(PASSWORD)
    cast.owner.save()
    browser = Client()
    browser.force_login(cast.owner)
    learner.delete(DATA)
    assert "Keep my data" in browser.get("/me").content.decode()
    browser.post("/me/keep")
    assert "Keep my data" not in browser.get("/me").content.decode()
    for wrong in ({}, {"password": "wrong"}):
        assert browser.post("/me/erase", {"name": "ada", **wrong}).status_code == 400
    assert AssignmentTelemetry.objects.exists()
    assert browser.post("/me/erase", {"name": "ada", "password": PASSWORD}).status_code == 302
    assert not AssignmentTelemetry.objects.exists()
