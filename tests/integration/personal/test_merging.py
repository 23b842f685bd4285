"""Two users who are one person: the merge, its dry run, and the undo."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client as Browser
from django.urls import reverse

from learntrace.accounts.audit.models import AuditEntry
from learntrace.accounts.jupyterhub.members import find_hub_member
from learntrace.accounts.models import Academy, Grant, Membership, MergedUser, Token, User
from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.config.commands import users
from learntrace.core.sql import fetch
from learntrace.intake.models import Refusal
from learntrace.learnpack.attempts.derivation import take_attempts
from learntrace.learnpack.models import UnreadDocument, Webhook
from learntrace.learnpack.processing.drain import drain_webhooks
from learntrace.notebooks.documents.arrivals import take_arrivals
from learntrace.notebooks.inbox.admission_queries import PEOPLE, by_name, people_from
from learntrace.notebooks.models import Arrival, Consent, Event
from learntrace.personal.merging.merging import CannotMerge, merge, plan_of, undo
from learntrace.personal.merging.tables import unlisted, user_columns
from learntrace.personal.models import Erasure, PendingErasure, UserMerge
from learntrace.progress.models import (
    Activity,
    Code,
    CodeUse,
    CourseRun,
    EarlierRun,
    Exclusion,
    Floor,
    Progress,
    Recomputation,
    Stale,
)
from learntrace.progress.recording.recomputation import take_recomputation
from learntrace.signals.models import NotificationRule, Signal
from tests.support.builders import (
    Cast,
    make_academy,
    make_graded_asset,
    make_key,
    make_rejected,
    make_signal,
    make_stored_event,
    make_task,
    make_user,
    make_webhook,
)
from tests.support.learnpack_inbox import Client

pytestmark = pytest.mark.django_db(transaction=True)

START = datetime(2026, 10, 5, 9, tzinfo=UTC)
Output = pytest.CaptureFixture[str]


def ms(minutes: float) -> int:
    return int((START + timedelta(minutes=minutes)).timestamp() * 1000)


def a_document(first: int, last: int) -> dict[str, Any]:
    """A document with one failed run a minute."""
    runs = [{"started_at": ms(run), "ended_at": ms(run + 0.1), "exit_code": 1} for run in range(first, last)]
    return {
        "slug": "intro", "steps": [{"slug": "one", "opened_at": ms(first), "compilations": runs}],
        "workout_session": [], "tutorial_started_at": ms(first), "last_interaction_at": ms(last),
    }  # fmt: skip


def send(user: User, payload: dict[str, Any]) -> Webhook:
    return make_webhook(
        user,
        payload={**payload, "user_id": user.pk},
        status="PENDING",
        status_text=None,
        package_slug="intro",
        sender=user,
        turn_learner=user.pk,
    )


def work() -> None:
    while drain_webhooks() + take_arrivals() + take_attempts() + recompute():
        pass


def recompute() -> int:
    Recomputation.objects.filter(done_at=None).update(due_at=Now())
    return take_recomputation()


def attempts(user: User) -> list[tuple[str, int]]:
    return list(Progress.objects.filter(user=user).order_by("assignment").values_list("assignment", "attempts"))


def trouble() -> set[tuple[int, str, int]]:
    rows = Signal.objects.filter(kind="repeated_error").exclude(state="withdrawn")
    return set(rows.values_list("user", "kind", "count"))


@pytest.fixture
def old(cast: Cast) -> User:
    return make_user("ana.old", "student", cast.academy, id=7001, first_name="Ana")


@pytest.fixture
def new(cast: Cast) -> User:
    return make_user("ana", "student", cast.academy, id=7002, email="")


@pytest.fixture
def both(cast: Cast, old: User, new: User) -> None:
    """Two halves: three runs of the old account, of which the new one repeats the last, and two more."""
    make_graded_asset("intro", academy=cast.academy)
    for user, document in ((old, a_document(0, 3)), (new, a_document(2, 5))):
        make_task(user, "intro")
        send(user, document)
    work()
    assert (attempts(old), attempts(new)) == ([("intro/one", 3)], [("intro/one", 3)])


def test_every_table_that_names_users_has_a_policy() -> None:
    assert unlisted() == []
    assert len(list(user_columns())) > 30


def test_both_halves_are_one_history_and_nothing_counts_twice(both: None, old: User, new: User) -> None:
    merge(new, old)
    work()
    assert (attempts(old), attempts(new)) == ([("intro/one", 5)], [])
    record = AssignmentTelemetry.objects.get()
    assert (record.user, record.telemetry["last_interaction_at"]) == (old, ms(5))
    # The client repeats everything, under either id.
    for user in (old, new):
        Webhook.objects.create(
            is_streaming=False, event="batch", payload={**a_document(0, 6), "user_id": user.pk}, student=old, sender=old
        )
    work()
    assert attempts(old) == [("intro/one", 6)]
    assert Activity.objects.filter(user=old, outcome="error").count() == 6


def test_everything_of_one_goes_to_the_other(cast: Cast, both: None, old: User, new: User) -> None:
    key = make_key(new)
    signal = make_signal(new, cast.academy)
    event = make_stored_event(new, cast.academy)
    second = make_academy("second")
    Membership.objects.create(user=new, academy=second, role="student")
    Grant.objects.create(user=new, permission="upload_assignment_telemetry")
    plan = plan_of(new, old)
    record = merge(new, old)
    # Of the runs that both had one stays, which a plan doesn't look for.
    assert {label for label, count in plan.moved.items() if count} == set(record.moved)
    assert all(record.moved[label] == count for label, count in plan.moved.items() if count and "Activity" not in label)
    assert record.dropped == plan.dropped
    assert Token.objects.get(prefix=key[:8]).user == old
    assert Signal.objects.get(pk=signal.pk).user == old
    stored = Event.objects.get(pk=event.pk)
    assert (stored.user, stored.actor) == (old, "ana.old")
    assert set(old.memberships.values_list("academy__slug", "role")) == {("downtown", "student"), ("second", "student")}
    assert old.grants.count() == 1
    assert Task.objects.filter(user=old).count() == 2
    assert Webhook.objects.filter(student=old, sender=old).count() == 2
    for column in user_columns():
        if column.label not in {"personal.UserMerge.merged", "progress.Recomputation.user"}:
            assert column.count(new.pk) == 0, column.label


def test_a_learners_keys_end_where_the_one_who_stays_is_staff_and_come_back_by_an_undo(
    cast: Cast, old: User, new: User
) -> None:
    key = make_key(new)
    Membership.objects.filter(user=old).update(role="teacher")
    assert plan_of(new, old).dropped == {"accounts.Membership.user": 1, "accounts.Token.user": 1}
    record = merge(new, old)
    assert not Token.objects.filter(prefix=key[:8]).exists()
    undo(record.pk)
    assert Token.objects.get(prefix=key[:8]).user == new


@pytest.mark.parametrize("more", ["elsewhere", "grant", "superuser"])
def test_a_learners_keys_end_where_the_one_who_stays_acts_for_more(cast: Cast, old: User, new: User, more: str) -> None:
    make_key(new)
    if more == "elsewhere":
        Membership.objects.create(user=old, academy=cast.elsewhere, role="student")
    elif more == "grant":
        Grant.objects.create(user=old, permission="upload_any_telemetry")
    else:
        User.objects.filter(pk=old.pk).update(is_superuser=True)
        old.refresh_from_db()
    merge(new, old)
    assert not Token.objects.exists()


def test_a_dry_run_changes_nothing(both: None, old: User, new: User, capsys: Output) -> None:
    before = list(Activity.objects.order_by("pk").values())
    assert users.main(["merge", "id:7002", "id:7001", "--dry-run"]) == 0
    assert "Would merge ana (7002) into ana.old (7001)" in capsys.readouterr().out
    assert list(Activity.objects.order_by("pk").values()) == before
    assert not UserMerge.objects.exists()
    new.refresh_from_db()
    assert (new.username, new.is_active) == ("ana", True)


def test_an_undo_gives_everything_back(cast: Cast, both: None, old: User, new: User) -> None:
    Membership.objects.filter(user=new).update(role="assistant")
    Arrival.objects.create(events=[make_stored_event(new, cast.academy).pk])
    work()
    late = make_stored_event(new, cast.academy)
    tables = (Activity, AssignmentTelemetry, Task, Webhook, Event, Membership, User)
    before = {table: list(table.objects.order_by("pk").values()) for table in tables}
    signals = trouble()
    progress = (attempts(old), attempts(new))
    record = merge(new, old)
    work()
    undo(record.pk)
    work()
    for table, rows in before.items():
        found = table.objects.exclude(pk=late.pk) if table is Activity else table.objects.all()
        assert list(found.order_by("pk").values()) == rows, table
    assert trouble() == signals
    assert (attempts(old), attempts(new)) == progress
    assert Activity.objects.get(pk=late.pk).user == new
    with pytest.raises(CannotMerge):
        undo(record.pk)


def test_the_one_who_stays_keeps_the_role_and_an_opt_out_holds(cast: Cast, old: User, new: User) -> None:
    Membership.objects.filter(user=new).update(role="admin")
    Consent.objects.create(user=new, collecting=False)
    Consent.objects.create(user=old, collecting=True)
    record = merge(new, old)
    assert old.memberships.get().role == "student"
    assert Consent.objects.get().collecting is False
    assert Consent.objects.get().user == old
    assert set(record.dropped) == {"accounts.Membership.user", "notebooks.Consent.user"}


def test_what_comes_under_the_former_names_is_of_the_one_who_stays(
    cast: Cast, both: None, old: User, new: User, settings: Any
) -> None:
    settings.HUB_ACADEMY = cast.academy.slug
    key = make_key(new)
    merge(new, old)
    assert find_hub_member("ana").user_id == old.pk
    assert find_hub_member("ana.old").user_id == old.pk
    people = by_name(people_from(fetch(PEOPLE, {"ids": [], "names": ["ana"]})))
    assert people["ana"].id == old.pk
    client = Client(key)
    assert client.post({**a_document(0, 9), "user_id": new.pk}).text == "ok"
    client.close()
    work()
    assert Webhook.objects.latest("pk").student == old
    assert attempts(old) == [("intro/one", 9)]


def test_the_name_is_free_for_the_roster(old: User, new: User) -> None:
    merge(new, old)
    old.username = "ana"
    old.save()
    assert MergedUser.objects.get().former_name == "ana"
    with pytest.raises(CannotMerge):
        undo(UserMerge.objects.get().pk)
    new.refresh_from_db()
    assert (new.username, new.is_active) == ("merged-7002", False)


def test_nobody_is_merged_while_an_erasure_is_waiting(old: User, new: User) -> None:
    PendingErasure.objects.create(user=old, erases_at=START)
    for merged, into in ((old, new), (new, old)):
        with pytest.raises(CannotMerge, match="erasure is waiting"):
            merge(merged, into)


def test_what_cannot_be_merged_is_refused_with_why(cast: Cast, old: User, new: User, capsys: Output) -> None:
    with pytest.raises(CannotMerge):
        merge(old, old)
    root = make_user("root", is_superuser=True)
    with pytest.raises(CannotMerge):
        merge(root, old)
    merge(new, old)
    other = make_user("other", "student", cast.academy)
    with pytest.raises(CannotMerge):
        merge(new, other)
    assert users.main(["merge", "nobody", "other"]) == 1
    assert "There is no user nobody" in capsys.readouterr().err
    assert users.main(["unmerge", "99"]) == 1


def rows_of_everything(user: User, academy: Academy) -> None:
    """Rows in the tables that are rare, each alike for whoever they are of."""
    moment = START + timedelta(days=1)
    for hour in (START, None):
        Refusal.objects.create(user=user, path="/", status_code=401, reason="expired-token", size=1, hour=hour)
    CourseRun.objects.create(user=user, academy=academy, name="fall", starts_on=START.date())
    floor = {"user": user, "academy": academy, "cause": Floor.Cause.RETENTION}
    Floor.objects.create(**floor, scope="", at=START - timedelta(days=900))
    EarlierRun.objects.create(**floor, assignment="intro/one", until=START - timedelta(days=900))
    Exclusion.objects.create(academy=academy, user=user, since=moment, reason="junk", excluded_by=user)
    code, _new = Code.objects.get_or_create(academy=academy, hash="a" * 64, text="x")
    CodeUse.objects.create(code=code, user=user)
    Grant.objects.create(user=user, permission="upload_assignment_telemetry")
    NotificationRule.objects.create(user=user, academy=academy)
    make_rejected(user, academy, {"id": "x"})
    Stale.objects.create(user=user, asset_slug="intro", source="learnpack")
    UnreadDocument.objects.create(
        user=user, asset_slug="intro", receipt=user.pk, received_at=moment, document=a_document(0, 1)
    )
    erasing = {"erased_at": START - timedelta(days=999)}
    Erasure.objects.create(user=user, **erasing)
    Recomputation.objects.create(run=uuid.uuid4(), user=user)


def test_rows_of_all_tables_go_over_and_come_back(cast: Cast, both: None, old: User, new: User) -> None:
    for user in (old, new):
        rows_of_everything(user, cast.academy)
    derived = {"progress.Progress.user", "progress.Recomputation.user", "signals.Watch.user"}
    derived |= {"learnpack.ReadingPosition.user", "personal.UserMerge.merged"}
    columns = [column for column in user_columns() if column.label not in derived]
    before = {(column.label, user.pk): column.count(user.pk) for column in columns for user in (old, new)}
    record = merge(new, old)
    for column in columns:
        assert column.count(new.pk) == 0, column.label
    # A refusal that no other is counted in conflicts with none.
    assert Refusal.objects.filter(user=old).count() == 3
    assert Exclusion.objects.filter(user=old, excluded_by=old).count() == 2
    undo(record.pk)
    # What nobody had read of the records that both had is kept besides.
    kept = ("personal.UserMerge", "learnpack.UnreadDocument")
    columns = [column for column in columns if not column.label.startswith(kept)]
    after = {(column.label, user.pk): column.count(user.pk) for column in columns for user in (old, new)}
    assert after == {key: before[key] for key in after}
    work()
    assert (attempts(old), attempts(new)) == ([("intro/one", 3)], [("intro/one", 4)])


def test_the_commands_merge_list_and_undo(both: None, old: User, new: User, capsys: Output) -> None:
    assert users.main(["merge", "name:ana", "id:7001"]) == 0
    out = capsys.readouterr().out
    number = UserMerge.objects.get().pk
    assert f"learntrace users unmerge {number}" in out
    assert "assignments.AssignmentTelemetry.user" in out
    assert users.main(["merges", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["merged"], told["into"], told["undone_at"]) == (7002, 7001, None)
    assert users.main(["unmerge", str(number)]) == 0
    assert users.main(["merges"]) == 0
    assert "undone" in capsys.readouterr().out
    new.refresh_from_db()
    assert (new.username, new.is_active) == ("ana", True)


def test_a_merge_and_its_undoing_are_recorded_with_the_ids_of_both(both: None, old: User, new: User) -> None:
    undo(merge(new, old).pk)
    told = [(entry.action, entry.subject_id, entry.values.after) for entry in AuditEntry.objects.order_by("id")]
    ids = {"merged": new.pk, "into": old.pk}
    assert told == [("users.merged", old.pk, ids), ("users.separated", old.pk, ids)]


def test_the_administration_offers_both(old: User, new: User) -> None:
    root = make_user("root", is_superuser=True, is_staff=True)
    browser = Browser()
    browser.force_login(root)
    add = reverse("admin:personal_usermerge_add")
    assert "merged" in browser.get(add).content.decode()
    answer = browser.post(add, {"merged": old.pk, "into": old.pk})
    assert "merged into the same user" in answer.content.decode().replace("&#x27;", "'")
    browser.post(add, {"merged": new.pk, "into": old.pk})
    record = UserMerge.objects.get()
    assert (record.merged, record.into, record.merged_by) == (new, old, root)
    browser.post(
        reverse("admin:personal_usermerge_changelist"), {"action": "undo_merges", "_selected_action": [record.pk]}
    )
    record.refresh_from_db()
    assert (record.undone_by, MergedUser.objects.exists()) == (root, False)
