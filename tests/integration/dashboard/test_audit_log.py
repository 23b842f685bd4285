"""The audit log as the academy's admins read it: page, CSV file, API."""

import csv
import io
from html import unescape
from typing import Any

import pytest
from django.test import Client

from learntrace.accounts.academy_settings import LEARNPACK, NOTEBOOK, merge_features
from learntrace.accounts.audit.actions import (
    COHORT_CHANGED,
    COHORT_LEARNERS_CHANGED,
    CONCERN_HANDLED,
    DATA_ERASED,
    DUE_DATE_CHANGED,
    NOTEBOOK_PUBLISHED,
    NOTIFICATION_RULE_MADE,
    NOTIFICATION_RULE_TRIED,
    ROLE_CHANGED,
    ROSTER_IMPORTED,
    SAMPLE_PUT_IN,
    SESSIONS_ENDED,
    SIGNAL_STATE_CHANGED,
    SOURCE_READ,
    TOKEN_MADE,
    USERS_MERGED,
)
from learntrace.accounts.audit.models import AuditEntry, AuditValues
from learntrace.accounts.audit.recording import record
from learntrace.accounts.models import MergedUser, User
from learntrace.personal.erasing import erase
from tests.support.builders import Api, Cast, make_asset, make_assignment, make_cohort, make_signal, make_user

LOG = "/v1/auth/academy/audit"


@pytest.fixture
def admin(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.colleague)
    return client


def acknowledge(cast: Cast, by: User | None = None) -> None:
    """An entry about the learner, made by the API."""
    signal = make_signal(cast.owner, cast.academy)
    Api(by or cast.colleague, cast.academy).put(f"/v1/signal/academy/signal/{signal.pk}", {"state": "acknowledged"})


def told(teacher: Api, query: str = "") -> list[dict[str, Any]]:
    answer = teacher.get(LOG + query)
    assert answer.status_code == 200, answer.content
    rows: list[dict[str, Any]] = answer.json()
    return rows


def test_an_entry_says_who_did_what_to_whom_from_where_and_what_it_changed(cast: Cast, teacher: Api) -> None:
    acknowledge(cast)
    (entry,) = told(teacher)
    assert (entry["action"], entry["door"], entry["address"]) == ("signal.state_changed", "api", "127.0.0.1")
    assert entry["actor"] == {"id": cast.colleague.pk, "name": "Grace Hopper"}
    assert entry["subject"] == {"id": cast.owner.pk, "name": "Ada Lovelace"}
    assert entry["changes"] == [{"field": "state", "before": "open", "after": "acknowledged"}]
    assert entry["intact"] is True


def test_what_was_only_added_has_no_arrow_and_its_values_have_words(cast: Cast, admin: Client) -> None:
    record(TOKEN_MADE, academy_id=cast.academy.pk, object_id=1, after={"kind": "permanent", "scope": "write"})
    page = unescape(admin.get("/audit").content.decode())
    assert "kind: <bdi>Permanent</bdi>" in page
    assert "allows: <bdi>Everything that its user may do</bdi>" in page
    acknowledge(cast)
    assert "state: <bdi>Open</bdi> → <bdi>Acknowledged</bdi>" in unescape(admin.get("/audit").content.decode())


def test_a_merge_is_told_by_names_and_a_role_for_all_cohorts_in_words(cast: Cast, admin: Client) -> None:
    MergedUser.objects.create(former_id=9_999_999, former_name="ada-lovelace", user=cast.owner)
    both = {"merged": 9_999_999, "into": cast.owner.pk}
    record(USERS_MERGED, academy_id=cast.academy.pk, object_id=1, subject_id=cast.owner.pk, after=both)
    cohort = make_cohort("java", cast.academy)
    before, after = {"role": "teacher", "cohorts": [cohort.pk]}, {"role": "teacher", "cohorts": None}
    record(ROLE_CHANGED, academy_id=cast.academy.pk, object_id=1, before=before, after=after)
    page = unescape(admin.get("/audit").content.decode())
    assert "merged record: <bdi>ada-lovelace</bdi>" in page
    assert "record that stays: <bdi>Ada Lovelace</bdi>" in page
    assert f"cohorts: <bdi>{cohort.name}</bdi> → <bdi>the whole academy</bdi>" in page
    assert "role: <bdi>Teacher</bdi> → <bdi>Teacher</bdi>" not in page


def test_values_are_told_as_the_page_that_sets_them_calls_them(cast: Cast, admin: Client) -> None:
    cohort = make_cohort("fall", cast.academy)
    merge_features(cast.academy, {"collect_source": True}, NOTEBOOK)
    merge_features(cast.academy, {"telemetry_webhook_ignore": {"rules": [{"package_slugs": ["sandbox"]}]}}, LEARNPACK)
    cells = [["assignment:one", "Count", "cell-1", False], ["assignment:two", "", "cell-2", True]]
    record(NOTEBOOK_PUBLISHED, academy_id=cast.academy.pk, after={"lang": "us", "assignments": cells})
    owner = cast.owner.pk
    imported = {f"role of user {owner}": "student (ACTIVE)", f"cohorts of user {owner}": [cohort.pk]}
    record(ROSTER_IMPORTED, academy_id=cast.academy.pk, after=imported)
    act = {"act": "snoozed", "until": "2026-11-30T12:00:00Z", "assignee": cast.colleague.pk}
    record(CONCERN_HANDLED, academy_id=cast.academy.pk, after=act)
    asset = make_asset("loops", academy=cast.academy)
    make_assignment(cast.academy, asset, "loops/welcome", title="Welcome")
    record(SOURCE_READ, academy_id=cast.academy.pk, after={"of": "loops/welcome"})
    told = {"assignment": "loops/welcome", "session 7": "127.0.0.1"}
    record(SESSIONS_ENDED, academy_id=cast.academy.pk, before=told)
    page = unescape(admin.get("/audit").content.decode())
    for line in (
        "what was read: <bdi>Welcome</bdi>",
        "assignment: <bdi>Welcome</bdi>",
        "session 7: <bdi>127.0.0.1</bdi>",
        "Source code: <bdi>on</bdi>",
        "Ignore rules: <bdi>rules: Package slugs: sandbox</bdi>",
        "language: <bdi>English</bdi>",
        "assignments: <bdi>Count (assignment:one, cell cell-1); assignment:two (assignment:two, cell cell-2, checked)</bdi>",
        "role of Ada Lovelace: <bdi>Learner (Active)</bdi>",
        "cohorts of Ada Lovelace: <bdi>Fall</bdi>",
        "action: <bdi>Snoozed</bdi>",
        "until: <bdi>30 Nov 2026, 12:00</bdi>",
        "assignee: <bdi>Grace Hopper</bdi>",
    ):
        assert line in page, line


def test_what_is_recorded_by_id_is_told_by_name_and_days_and_grades_in_words(cast: Cast, admin: Client) -> None:
    cohort, asset = make_cohort("fall", cast.academy), make_asset("loops", academy=cast.academy, title="Loops")
    academy, owner = cast.academy.pk, cast.owner.pk
    record(COHORT_LEARNERS_CHANGED, academy_id=academy, object_id=cohort.pk, after={"put in": [owner, 999_999]})
    record(COHORT_CHANGED, academy_id=academy, object_id=cohort.pk, after={"ends_on": "2027-01-31", "archived": True})
    record(DUE_DATE_CHANGED, academy_id=academy, after={"cohort": cohort.pk, "asset": asset.pk})
    record(
        NOTIFICATION_RULE_MADE,
        academy_id=academy,
        after={"least_severity": 3, "digest_minutes": 0, "cohort_id": cohort.pk},
    )
    record(NOTIFICATION_RULE_TRIED, academy_id=academy, after={"outcome": "refused", "sent_to": "a@example.org"})
    record(SAMPLE_PUT_IN, academy_id=academy, after={"learners": owner})
    page = unescape(admin.get("/audit").content.decode())
    for line in (
        "added: <bdi>Ada Lovelace, 999999</bdi>",
        "last day: <bdi>31 Jan 2027</bdi>",
        "archived: <bdi>yes</bdi>",
        "cohort: <bdi>Fall</bdi>",
        "asset: <bdi>Loops</bdi>",
        "least severity: <bdi>High</bdi>",
        "how often: <bdi>at once</bdi>",
        "outcome: <bdi>The receiving server refused it</bdi>",
        "sent to: <bdi>a@example.org</bdi>",
        f"learners: <bdi>{owner}</bdi>",
    ):
        assert line in page, line
    spanish = unescape(admin.get("/audit", HTTP_ACCEPT_LANGUAGE="es").content.decode())
    for line in (
        "añadidos: <bdi>Ada",
        "último día: <bdi>31 ene 2027",
        "gravedad mínima: <bdi>Alta",
        f"(cohorte {cohort.pk})",
    ):
        assert line in spanish, line


def test_only_admins_read_it_and_only_that_of_their_academy(cast: Cast, teacher: Api) -> None:
    acknowledge(cast)
    assert Api(make_user("tom", "teacher", cast.academy), cast.academy).get(LOG).status_code == 403
    assert told(Api(cast.stranger, cast.elsewhere)) == []
    client = Client()
    client.force_login(User.objects.get(username="tom"))
    assert client.get("/audit").status_code == 403
    assert 'href="/audit"' not in client.get("/class").content.decode()


def test_what_concerns_a_member_is_read_by_the_admins_of_the_academy(cast: Cast, teacher: Api) -> None:
    erase(cast.owner, by_operator=True)
    erase(cast.strange_learner, by_operator=True)
    assert [(one["action"], one["subject"]["id"]) for one in told(teacher)] == [("data.erased", cast.owner.pk)]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("actor=grace", 1), ("actor=ada", 0), ("subject=ada", 1), ("subject=ada,grace", 1),
        ("action=signal.state_changed", 1), ("action=settings.changed", 1), ("door=api", 1), ("door=page", 0),
        ("object_type=academy", 1), ("since=2026-01-01", 2), ("until=2026-01-01", 0),
        ("since=2026-01-01&until=2099-01-01&action=settings.changed", 1),
    ],
)  # fmt: skip
def test_it_is_filtered(cast: Cast, teacher: Api, admin: Client, query: str, count: int) -> None:
    acknowledge(cast)
    merge_features(cast.academy, {"erasure": False}, NOTEBOOK)
    assert len(told(teacher, f"?{query}")) == count
    assert admin.get(f"/audit?{query}").content.decode().count("What changed") == count


def test_a_filter_that_names_no_action_is_refused(teacher: Api, admin: Client) -> None:
    assert teacher.get(f"{LOG}?action=danced").json()["slug"] == "invalid-filter"
    page = admin.get("/audit?action=danced")
    assert page.status_code == 400
    assert "danced" in page.content.decode()


def test_it_is_paged_newest_first(cast: Cast, teacher: Api, admin: Client) -> None:
    for number in range(60):
        record(SOURCE_READ, academy_id=cast.academy.pk, after={"of": f"webhook {number}"})
    answer = teacher.get(f"{LOG}?limit=2&offset=1").json()
    assert answer["count"] == 60
    assert [one["changes"][0]["after"] for one in answer["results"]] == ["webhook 58", "webhook 57"]
    assert "1 to 50 of 60" in admin.get("/audit").content.decode()
    assert "51 to 60 of 60" in admin.get("/audit?page=2").content.decode()


def test_the_file_has_what_the_page_has_with_whole_values(cast: Cast, admin: Client) -> None:
    acknowledge(cast)
    rows = list(csv.reader(io.StringIO(admin.get("/audit?format=csv").content.decode("utf-8-sig"))))
    assert rows[0][1:6] == ["Action", "What was done", "Who", "Who: user id", "Through"]
    assert rows[1][1:7] == [
        "signal.state_changed", "Changed a signal's state", "Grace Hopper", str(cast.colleague.pk), "api", "127.0.0.1",
    ]  # fmt: skip
    assert rows[1][-2:] == ['{"state": "open"}', '{"state": "acknowledged"}']


def test_after_an_erasure_the_entry_stays_without_what_it_told(cast: Cast, teacher: Api, admin: Client) -> None:
    acknowledge(cast)
    erase(cast.owner)
    erased, entry = told(teacher)
    assert (erased["action"], erased["address"]) == (DATA_ERASED.slug, "")
    assert entry["action"] == SIGNAL_STATE_CHANGED.slug
    assert entry["changes"] == [{"field": "state", "before": None, "after": None}]
    assert (entry["intact"], entry["address"]) == (None, "127.0.0.1"), "whose address it is has erased nothing"
    assert "The values were erased with the person" in admin.get("/audit").content.decode()


def test_an_entry_that_was_changed_past_the_log_is_pointed_out(cast: Cast, teacher: Api, admin: Client) -> None:
    entry = AuditEntry.objects.create(
        action="source.read", door="api", academy_id=cast.academy.pk, actor_id=cast.colleague.pk, digest="0" * 64
    )
    AuditValues.objects.create(entry=entry, after={"of": "task"}, salt="s")
    assert told(teacher)[0]["intact"] is False
    assert "its digest doesn" in admin.get("/audit").content.decode()


def test_hostile_texts_are_text(cast: Cast, admin: Client) -> None:
    record(SOURCE_READ, academy_id=cast.academy.pk, after={"of": "<script>alert(1)</script>", "=cmd()": "=1+1"})
    assert "<script>alert" not in admin.get("/audit").content.decode()
    assert not any(cell.startswith("=") for cell in admin.get("/audit?format=csv").content.decode().split(","))


def test_its_page_is_in_the_menu_and_in_spanish(cast: Cast, admin: Client) -> None:
    acknowledge(cast)
    assert 'href="/audit"' in admin.get("/class").content.decode()
    page = admin.get("/audit", headers={"Accept-Language": "es"}).content.decode()
    assert "Registro de auditoría" in page
    assert "Cambió el estado de una señal" in page


def test_a_page_costs_as_many_queries_with_many_entries(
    cast: Cast, teacher: Api, django_assert_max_num_queries: Any
) -> None:
    for _number in range(40):
        record(SOURCE_READ, academy_id=cast.academy.pk, subject_id=cast.owner.pk, after={"of": "task"})
    with django_assert_max_num_queries(8):
        assert len(told(teacher, "?limit=40&envelope=0")) == 40
