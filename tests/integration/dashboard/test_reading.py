"""Attempts to be read: what changed from one to the next, only where code is collected, and who looked."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from learntrace.accounts.academy_settings import NOTEBOOK, merge_features
from learntrace.accounts.audit.models import AuditEntry
from learntrace.accounts.cohort_limits.changes import limit_to
from learntrace.accounts.models import Membership
from learntrace.assignments.models import AssignmentTelemetry
from learntrace.learnpack.attempts.document import entries
from learntrace.learnpack.attempts.run_identity import Subject
from learntrace.measures.activity import ERROR, OK, Activity, Failure
from learntrace.measures.code_hash import code_hash
from learntrace.notebooks.models import Consent
from learntrace.personal.models import Erasure
from learntrace.progress.recording.activity_store import LearnerActivity
from learntrace.progress.recording.recording import record
from tests.support.builders import Cast, make_asset, make_assignment, make_cohort, make_user

KEY, TAG = "intro/01-hello", "assignment:lesson-03-exercise-1"
PNG = "data:image/png;base64,iVBORw0KGgo" + "A" * 80
HTML = "<script>alert(1)</script>"
RUNS = (
    ("total = 0\nprint(totl)", 1, "", "NameError: name 'totl' is not defined"),
    ("total = 0\nprint(total)", 0, f"\x1b[32m{HTML}\x1b[0m", ""),
    ("total = 0\nprint(total)", 0, PNG, ""),
)


@pytest.fixture
def client(cast: Cast) -> Client:
    merge_features(cast.academy, {"collect_source": True}, NOTEBOOK)
    client = Client()
    client.force_login(cast.colleague)
    return client


def work_on_package(cast: Cast, runs: Any = RUNS) -> None:
    """Have the owner's runs of a step recorded, with the document that told them."""
    asset = make_asset("intro", academy=cast.academy)
    make_assignment(cast.academy, asset, KEY)
    begun = timezone.now() - timedelta(hours=1)
    compilations = [
        {"started_at": (begun + timedelta(minutes=place)).timestamp() * 1000, "exit_code": code, "source_code": source,
         "stdout": out, "stderr": err}
        for place, (source, code, out, err) in enumerate(runs)
    ]  # fmt: skip
    document = {"slug": "intro", "steps": [{"slug": "01-hello", "compilations": compilations}]}
    AssignmentTelemetry.objects.create(user=cast.owner, asset_slug="intro", telemetry=document)
    read = [entry for entry in entries(document, Subject(cast.owner.pk, "intro")) if entry.outcome]
    rows = [
        LearnerActivity(cast.owner.pk, cast.academy.pk, entry.activity(timezone.now()), entry.code()) for entry in read
    ]
    record("test", rows)


def run_cells(cast: Cast, *codes: str | None) -> None:
    """Have the owner run a cell with these texts; None: only its hash came."""
    begun = timezone.now() - timedelta(hours=1)
    rows = []
    for place, code in enumerate(codes):
        activity = Activity(
            id=f"00000000-0000-4000-8000-{place:012}",
            at=begun + timedelta(minutes=place),
            arrival=place,
            assignment=TAG,
            outcome=ERROR if code is None else OK,
            failures=(Failure("NameError", "x"),) if code is None else (),
            object_id="cell-1",
            code_hash="a" * 64 if code is None else code_hash(code),
        )
        rows.append(LearnerActivity(cast.owner.pk, cast.academy.pk, activity, code))
    record("test", rows)


def read(client: Client, cast: Cast, key: str = KEY, query: str = "", status: int = 200) -> str:
    answer = client.get(f"/assignment/{key.removeprefix('assignment:')}/learner/{cast.owner.pk}/read{query}")
    assert answer.status_code == status
    return answer.content.decode()


def looks() -> list[tuple[int | None, int | None]]:
    return list(AuditEntry.objects.filter(action="source.read").values_list("actor_id", "subject_id"))


def test_code_output_and_error_stand_beside_the_attempt_before(cast: Cast, client: Client) -> None:
    work_on_package(cast)
    page = read(client, cast)
    assert page.count("data-step ") == 3
    assert "<code>print(<mark>totl</mark>)</code>" in page
    assert "<code>print(<mark>total</mark>)</code>" in page
    assert "+1 \u22121" in page
    assert "the same code as before" in page
    # HTML is text, colours are gone, a picture is one.
    assert (HTML in page, "&lt;script&gt;alert(1)&lt;/script&gt;" in page, "\x1b" in page) == (False, True, False)
    assert f'<img class="read-picture" src="{PNG}"' in page
    # One entry a look, whatever number of attempts are stepped through.
    assert looks() == [(cast.colleague.pk, cast.owner.pk)]


def test_a_page_begins_at_the_attempt_that_its_url_names(cast: Cast, client: Client) -> None:
    run_cells(cast, *(f"x = {number}" for number in range(35)))
    wanted = "00000000-0000-4000-8000-000000000032"
    page = read(client, cast, TAG, f"?attempt={wanted}")
    assert (page.count("data-step "), f'data-first="step-{wanted}"' in page) == (5, True)
    # The first one of the page is compared with the last one of the page before.
    assert "<mark>29</mark>" in page
    assert read(client, cast, TAG, "?attempt=x").count("data-step ") == 30
    assert read(client, cast, TAG, f"?attempt={wanted}&page=1").count("data-step ") == 30


def test_nothing_is_shown_where_it_isnt_collected_and_it_says_why(cast: Cast, client: Client) -> None:
    work_on_package(cast)
    run_cells(cast, "secret = 1", None)
    merge_features(cast.academy, {"collect_source": False}, NOTEBOOK)
    for key in (KEY, TAG):
        page = read(client, cast, key)
        assert "Downtown doesn&#x27;t collect source code" in page
        assert ("total" in page, "secret" in page, "diff" in page) == (False, False, False)
    assert looks() == []
    merge_features(cast.academy, {"collect_source": True}, NOTEBOOK)
    page = read(client, cast, TAG)
    assert "secret" in page
    assert looks() == [(cast.colleague.pk, cast.owner.pk)]
    assert "Only a fingerprint of this code is stored" in page
    assert "Outputs of notebook cells are never collected." in page
    Consent.objects.create(user=cast.owner, collecting=False)
    assert "secret" not in (page := read(client, cast, TAG))
    assert "Ada Lovelace has turned off the collection of notebook events" in page
    attempts = f"/assignment/{TAG.removeprefix('assignment:')}/learner/{cast.owner.pk}"
    assert "secret" not in client.get(attempts).content.decode()
    # That choice is not about LearnPack.
    assert "total" in read(client, cast)
    Erasure.objects.create(user=cast.owner, erased_at=timezone.now(), counts={})
    assert "was erased: earlier attempts aren't here" in read(client, cast)


def test_an_output_that_is_gone_or_was_never_sent_is_told(cast: Cast, client: Client) -> None:
    work_on_package(cast)
    AssignmentTelemetry.objects.update(telemetry={"slug": "intro", "steps": "broken"})
    page = read(client, cast)
    assert page.count("No output is stored") == 3
    assert "<mark>totl</mark>" in page
    AssignmentTelemetry.objects.all().delete()
    assert read(client, cast).count("No output is stored") == 3


def test_code_of_a_megabyte_is_cut_and_the_page_still_comes(cast: Cast, client: Client) -> None:
    long = "x" * 1_000_000
    work_on_package(
        cast, [(f"a = '{long}'", 1, long, ""), (f"a = '{long}'\nb = 1", 0, "\n".join(["y = 1"] * 50_000), "")]
    )
    page = read(client, cast)
    assert len(page) < 200_000
    assert "<code>b = 1</code>" in page
    assert "more lines" in page


def test_a_teacher_who_is_limited_to_cohorts_sees_none_of_another(cast: Cast, client: Client) -> None:
    work_on_package(cast)
    teacher = make_user("tomas", "teacher", cast.academy)
    limit_to(Membership.objects.get(user=teacher), [make_cohort("mine", cast.academy)])
    client.force_login(teacher)
    read(client, cast, status=404)
    client.force_login(cast.owner)
    read(client, cast, status=403)
    client.force_login(cast.stranger)
    read(client, cast, status=404)
    assert looks() == []
