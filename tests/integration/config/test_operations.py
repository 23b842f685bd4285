"""What operators look at: health, figures, doctor, settings, the command line."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from learntrace.config import cli
from learntrace.config.commands import backup, backup_keys, doctor
from learntrace.config.environment import SETTINGS
from learntrace.config.postgres.server import EmbeddedPostgres
from learntrace.config.setting_types import SettingError
from learntrace.core.models import Heartbeat
from learntrace.core.postgresql.base import DatabaseWrapper
from learntrace.learnpack.models import Webhook


def beat(seconds: float = 0) -> None:
    Heartbeat.objects.create(name="w", seen_at=timezone.now() - timedelta(seconds=seconds))


def pending(seconds: float, deferred_by: float = 0, **fields: int) -> None:
    """A webhook as the inbox stores it, or deferred by so many seconds."""
    created = timezone.now() - timedelta(seconds=seconds)
    Webhook.objects.create(
        is_streaming=False,
        event="batch",
        payload={"slug": "x"},
        created_at=created,
        retry_at=created + timedelta(seconds=deferred_by),
        **fields,
    )


@pytest.mark.django_db
def test_live_needs_nothing(client: Client) -> None:
    assert client.get("/health/live").json() == {"status": "ok"}


@pytest.mark.django_db
def test_ready_tells_what_is_there(client: Client) -> None:
    beat(2)
    pending(7)
    answer = client.get("/health/ready")
    told = answer.json()
    assert (answer.status_code, told["status"], told["database"], told["migrations"]) == (200, "ok", True, True)
    assert 7 <= told["oldest_pending_seconds"] < 60
    assert 2 <= told["worker_seen_seconds"] < 60
    assert told["workers"] == 1


@pytest.mark.django_db
@pytest.mark.parametrize(("worker", "waiting"), [(None, 0), (31, 0), (1, 301)])
def test_not_ready_without_a_worker_or_with_a_queue_that_stands(
    client: Client, worker: int | None, waiting: int
) -> None:
    if worker is not None:
        beat(worker)
    if waiting:
        pending(waiting)
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")


@pytest.mark.django_db
@pytest.mark.parametrize("deferred_by", [500, 350])
def test_a_webhook_that_was_deferred_waits_for_no_worker_until_it_is_due(client: Client, deferred_by: float) -> None:
    beat(1)
    pending(400, deferred_by)
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    told = answer.json()["oldest_pending_seconds"]
    assert told is None if deferred_by > 400 else 50 <= told < 110


@pytest.mark.django_db
def test_a_webhook_that_waits_after_a_failure_counts_from_its_receipt(client: Client) -> None:
    beat(1)
    pending(400, deferred_by=500, attempts=3)
    assert client.get("/health/ready").status_code == 503


@pytest.mark.django_db
def test_figures_are_for_this_machine_or_by_token(client: Client) -> None:
    pending(5)
    text = client.get("/metrics", headers={"Host": "localhost"}).content.decode()
    assert 'learntrace_webhooks{status="PENDING"}' in text
    assert "learntrace_queue_age_seconds" in text
    assert "learntrace_intake_requests_total" in text
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.7", headers={"Host": "localhost"}).status_code == 403
    # A proxy on this machine must not open them to the world.
    assert client.get("/metrics", headers={"X-Forwarded-For": "1.2.3.4"}).status_code == 403


@pytest.mark.django_db
def test_a_token_opens_the_figures_from_afar(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "METRICS_TOKEN", "let-me-see")
    for header, code in (("Bearer let-me-see", 200), ("Bearer no", 403), ("", 403)):
        assert client.get("/metrics", REMOTE_ADDR="10.0.0.7", headers={"Authorization": header}).status_code == code


@pytest.mark.django_db
def test_the_doctor_finds_what_is_wrong_and_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    beat()
    # The tests' own database would not survive a loss of power.
    assert doctor.main(["--json"]) == 1
    findings = {finding["check"]: finding for finding in json.loads(capsys.readouterr().out)}
    assert [check for check, finding in findings.items() if finding["result"] == "fail"] == ["durability"]
    assert findings["durability"]["seen"] == "fsync off, synchronous_commit on"
    Heartbeat.objects.all().delete()
    doctor.main([])
    told = capsys.readouterr().out
    assert "worker: never seen" in told
    assert "Start `learntrace serve`" in told


@pytest.mark.django_db
def test_the_docs_and_the_schema_are_served_by_ourselves(client: Client) -> None:
    page = client.get("/docs").content.decode()
    assert "swagger-ui" in page
    assert 'src="http' not in page
    assert 'href="http' not in page
    assert client.get("/openapi.json").json()["info"]["title"] == "Learntrace"


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "target"), [("/admin", "/admin/"), ("/docs/", "/docs")])
def test_a_slash_too_many_or_too_few_leads_to_the_page(client: Client, path: str, target: str) -> None:
    assert client.get(path).headers["Location"] == target


def run(*words: str, **more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "learntrace.config", *words],
        capture_output=True, text=True, env={**os.environ, **more}, check=False, timeout=120,
    )  # fmt: skip


def test_settings_are_all_listed_and_secrets_are_not_shown() -> None:
    told = run("settings", LEARNTRACE_METRICS_TOKEN="hush-hush").stdout
    assert all(setting.name in told for setting in SETTINGS)
    assert "hush-hush" not in told


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LEARNTRACE_BODY_LIMIT", "much"), ("LEARNTRACE_BODY_LIMIT", "-1"), ("LEARNTRACE_DEBUG", "perhaps"),
        ("LEARNTRACE_BROKER_URL", "http://x"), ("LEARNTRACE_DATABASE_URL", "mysql://x"),
        ("LEARNTRACE_CLEAN_UP_AT", "25:00"), ("LEARNTRACE_LOG_LEVEL", "loud"),
        ("LEARNTRACE_RETENTION_DAYS", "99999999999"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    setting = next(setting for setting in SETTINGS if setting.name == name)
    with pytest.raises(SettingError, match=name):
        setting.value()


def test_serve_does_not_begin_with_a_setting_that_cannot_be_read(tmp_path: Path) -> None:
    result = run("serve", LEARNTRACE_HOME=str(tmp_path / "home"), LEARNTRACE_RETENTION_DAYS="99999999999")
    assert result.returncode == 1
    assert result.stderr == (
        "learntrace: LEARNTRACE_RETENTION_DAYS: '99999999999' can't be used: expected a whole number, 36500 or less\n"
    )
    assert not (tmp_path / "home").exists()


def test_a_backup_that_cannot_be_written_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    programs = EmbeddedPostgres(settings.HOME).binary("pg_dump").parent
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    assert backup.main([str(tmp_path / "nowhere" / "x.dump")]) == 1
    assert capsys.readouterr().err == (
        f"learntrace backup: {tmp_path}/nowhere/x.dump can't be written: No such file or directory\n"
    )


def test_a_backup_for_a_key_is_read_with_its_secret_part_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], db: None
) -> None:
    programs = EmbeddedPostgres(settings.HOME).binary("pg_dump").parent
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    secret, other, sealed, plain = (tmp_path / name for name in ("a.key", "b.key", "x.age", "x.dump"))
    assert backup_keys.make_key([str(secret)]) == backup_keys.make_key([str(other)]) == 0
    assert secret.stat().st_mode & 0o777 == 0o600
    public = capsys.readouterr().out.splitlines()[0]
    assert backup.main([str(sealed), "--key", public]) == 0
    assert b"PGDMP" not in sealed.read_bytes()
    assert backup_keys.decrypt([str(sealed), str(plain), "--key", str(other)]) == 1
    assert "can't be decrypted" in capsys.readouterr().err
    assert not list(tmp_path.glob("x.dump*"))
    assert backup_keys.decrypt([str(sealed), str(plain), "--key", str(secret)]) == 0
    assert plain.read_bytes().startswith(b"PGDMP")
    listed = subprocess.run([programs / "pg_restore", "--list", plain], capture_output=True, text=True, check=True)
    assert "Dumped by pg_dump version: 18" in listed.stdout
    # A key is never overwritten, and what is none is named.
    assert backup_keys.make_key([str(secret)]) == 1
    monkeypatch.setenv("LEARNTRACE_BACKUP_KEYS", "age1nonsense")
    assert backup.main([str(tmp_path / "y.age")]) == 1
    assert "'age1nonsense' is no public key" in capsys.readouterr().err


def test_an_unknown_command_lists_those_that_there_are() -> None:
    result = run("srve")
    assert result.returncode == 2
    assert "there is no command 'srve'" in result.stderr
    assert all(name in result.stderr for name in cli._commands())


# Each command in a process of its own, forked from one that has loaded Django, which takes a second, and nothing else.
_EXPLAIN_EACH = """
import os, sys
from learntrace.config import cli
from learntrace.config.loading import load_django

os.environ["DJANGO_SETTINGS_MODULE"] = "learntrace.config.settings"
load_django()
for name in cli._commands():
    child = os.fork()
    if not child:
        for number, kind in ((1, "out"), (2, "err")):
            os.dup2(os.open(f"{sys.argv[1]}/{name}.{kind}", os.O_WRONLY | os.O_CREAT), number)
        sys.exit(cli.main([name, "--help"]))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    open(f"{sys.argv[1]}/{name}.code", "w").write(str(code))
"""
# They need no Django to explain themselves, and so must not count on it.
_WITHOUT_DJANGO = ("serve", "web", "worker", "demo-class", "backup-key", "decrypt-backup", "settings")


def test_every_command_explains_itself(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", _EXPLAIN_EACH, tmp_path], check=True)
    explained = {name: _written(tmp_path, name) for name in cli._commands() if name != "manage"}
    for name in _WITHOUT_DJANGO:
        result = run(name, "--help")
        explained[name] = (str(result.returncode), result.stderr, result.stdout)
    for name, (code, errors, told) in explained.items():
        assert (code, errors) == ("0", ""), name
        assert "usage:" in told, name


def _written(folder: Path, name: str) -> tuple[str, ...]:
    return tuple((folder / f"{name}.{kind}").read_text() for kind in ("code", "err", "out"))


def test_a_key_that_signs_is_made_once_and_is_nobody_else_s(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for _ in range(2):
        code = "from learntrace.config.keys import secret_key; print(secret_key())"
        keys = {
            subprocess.run(
                [sys.executable, "-c", code],
                capture_output=True,
                text=True,
                check=True,
                env={**os.environ, "LEARNTRACE_HOME": str(home)},
            ).stdout
            for _ in range(2)
        }
        assert len(keys) == 1
    assert (home / "secret_key").stat().st_mode & 0o777 == 0o600


@pytest.mark.django_db(transaction=True)
def test_a_pool_survives_a_restart_of_the_database() -> None:
    given = settings.DATABASES["default"]
    pooled = {**connection.settings_dict, "OPTIONS": {**given["OPTIONS"], "pool": {"max_size": 8, "timeout": 4}}}
    wrapper = DatabaseWrapper(pooled, "pooled")
    try:
        wrapper.pool.open()
        held = [wrapper.pool.getconn() for _ in range(8)]
        for one in held:
            wrapper.pool.putconn(one)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM unnest(%s) AS pid", [[one.info.backend_pid for one in held]]
            )
        with wrapper.cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchone() == (1,)
    finally:
        wrapper.close()
        wrapper.close_pool()


@pytest.mark.django_db(transaction=True)
def test_an_absent_database_is_a_503_that_says_so(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_arguments: object) -> None:
        raise OperationalError("the database system is starting up")

    monkeypatch.setattr(DatabaseWrapper, "get_new_connection", away)
    connection.close()
    client.raise_request_exception = False
    client.cookies["sessionid"] = "x" * 32
    for path in ("/v1/registry/asset", "/admin/"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2"), path
        assert "starting up" not in answer.content.decode()
    monkeypatch.undo()
