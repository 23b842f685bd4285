"""Imports of rosters by the API: a file is uploaded, looked at, applied and undone, as on the pages."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from learntrace.accounts.audit.models import AuditEntry
from learntrace.accounts.models import RosterJob, User
from learntrace.accounts.roster.jobs.running import take_job
from tests.support.builders import Api, Cast, make_cohort

pytestmark = pytest.mark.django_db

IMPORTS = "/v1/auth/academy/roster-import"
PEOPLE = b"email,first_name,cohort\r\nlina@example.org,Lina,fall\r\nada@example.org,Ada,\r\n"
Upload = Callable[..., dict[str, Any]]


@pytest.fixture
def api(cast: Cast) -> Api:
    return Api(cast.colleague, cast.academy)


@pytest.fixture
def upload(api: Api) -> Upload:
    def uploaded(content: bytes, name: str = "people.csv", *, status: int = 202, **headers: str) -> dict[str, Any]:
        file = SimpleUploadedFile(name, content)
        given = {**api.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        answer = Client().post(IMPORTS, {"file": file}, headers=given)
        assert answer.status_code == status, answer.content
        told: dict[str, Any] = json.loads(answer.content)
        return told

    return uploaded


def worked(api: Api, told: dict[str, Any], **headers: str) -> dict[str, Any]:
    take_job()
    found: dict[str, Any] = api.get(f"{IMPORTS}/{told['id']}", **headers).json()
    return found


def test_a_roster_is_looked_at_applied_and_undone(api: Api, upload: Upload, cast: Cast) -> None:
    make_cohort("fall", cast.academy)
    told = upload(PEOPLE)
    assert told["state"] == "reading"
    told = worked(api, told)
    assert (told["state"], told["form"], told["problem_count"]) == ("ready", "CSV", 0)
    assert told["counts"]["users"] == {"new": 1, "changed": 0, "same": 1}
    changes = api.get(f"{IMPORTS}/{told['id']}/change").json()
    assert {(change["line"], change["section"], change["what"]) for change in changes} == {
        ("2", "users", "new"),
        ("2", "memberships", "new"),
        ("2", "cohort_learners", "new"),
    }
    assert len(api.get(f"{IMPORTS}/{told['id']}/change?lines=all").json()) == 5
    asked = api.post(f"{IMPORTS}/{told['id']}/apply", {"fingerprint": told["fingerprint"]})
    assert (asked.status_code, asked.json()["state"]) == (202, "applying")
    assert worked(api, told)["state"] == "applied"
    assert User.objects.filter(username="lina@example.org").exists()
    assert api.post(f"{IMPORTS}/{told['id']}/undo").status_code == 202
    assert worked(api, told)["state"] == "undone"
    assert not User.objects.filter(username="lina@example.org").exists()
    assert [(entry.action, entry.door, entry.actor_id) for entry in AuditEntry.objects.order_by("pk")] == [
        ("roster.imported", "api", cast.colleague.pk),
        ("roster.undone", "api", cast.colleague.pk),
    ]


@pytest.mark.parametrize(
    ("content", "line", "english", "spanish"),
    [
        (b"email\nlee@example.org\n", "2", "belongs to somebody outside your academy", "academia"),
        (b"username,email\nlina,l@example.org\nlena,l@example.org\n", "3", "two rows for one person", "dos filas"),
        ("name;shoe\n".encode("utf-16"), "1", "unknown columns `name", "columnas desconocidas `name"),
        (b"", "", "", ""),
    ],
    ids=["another academy's", "two rows for one person", "unknown column", "nothing"],
)
def test_a_bad_file_is_refused_in_the_readers_language_and_nothing_is_changed(
    api: Api, upload: Upload, content: bytes, line: str, english: str, spanish: str
) -> None:
    before = list(User.objects.order_by("pk").values())
    if not content:
        assert "isn't empty" in upload(content, status=400)["file"][0]
        assert not RosterJob.objects.exists()
        return
    told = upload(content)
    for language, part in (("en", english), ("es", spanish)):
        found = worked(api, told, Accept_Language=language)
        assert found["state"] == "refused"
        assert [problem["line"] for problem in found["problems"] if part in problem["text"]] == [line]
    refused = api.post(f"{IMPORTS}/{told['id']}/apply", {"fingerprint": "x"})
    assert (refused.status_code, refused.json()["slug"]) == (409, "import-not-now")
    assert list(User.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
def test_excels_files_are_read_with_semicolons_and_any_of_its_encodings(
    api: Api, upload: Upload, encoding: str
) -> None:
    told = worked(api, upload("E-mail;Apellidos\r\nlina@example.org;Müller\r\n".encode(encoding)))
    assert told["state"] == "ready"
    [user, *_rest] = api.get(f"{IMPORTS}/{told['id']}/change").json()
    assert {"name": "last_name", "before": "", "after": "Müller"} in user["columns"]
    assert bool(told["notes"]) == (encoding == "cp1252")


def test_a_file_may_be_as_large_as_a_request(upload: Upload, settings: Settings) -> None:
    settings.BODY_LIMIT = 256 * 1024
    upload(b"username\n" + b"#" * (180 * 1024))
    told = upload(b"username\n" + b"#" * (200 * 1024), status=400)
    assert told["file"][0].startswith("The file is larger than 192.0\xa0KB.")


def test_what_another_file_would_do_is_not_applied(api: Api, upload: Upload) -> None:
    told = worked(api, upload(PEOPLE.replace(b",cohort", b"").replace(b",fall", b"").replace(b"Ada,", b"Ada")))
    answer = api.post(f"{IMPORTS}/{told['id']}/apply", {"fingerprint": "another"})
    assert (answer.status_code, answer.json()["slug"]) == (409, "import-not-now")
    assert api.delete(f"{IMPORTS}/{told['id']}").status_code == 204
    assert api.get(f"{IMPORTS}/{told['id']}").json()["state"] == "dropped"
    assert api.get(IMPORTS).json()[0]["file_name"] == "people.csv"
