"""What the administration and commands do leaves entries in the audit log too."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.core.management import call_command, get_commands, load_command_class
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from learntrace.accounts.audit.administration import RecordedAdmin
from learntrace.accounts.audit.commands import RecordedCommand
from learntrace.accounts.audit.models import AuditEntry
from learntrace.accounts.cohort_limits import command as limit_command
from learntrace.accounts.models import Membership, Token, User
from learntrace.accounts.second_factor.models import AuthenticatorApp
from learntrace.accounts.signing_in import unlock_command
from learntrace.accounts.signing_in.models import GuessCount
from learntrace.accounts.tokens import command as token_command
from learntrace.config.commands.roster import import_roster
from learntrace.learnpack.models import Webhook
from learntrace.signals.models import NotificationRule
from tests.integration.config.test_admin import MODELS, browser, cast, one_of_each, url
from tests.support.builders import Cast, make_attempts, make_cohort, make_user

__all__ = ["browser", "cast", "one_of_each"]

# The log itself, which nobody deletes.
DELETABLE = [model for model in MODELS if not model.__name__.startswith("Audit")]


def entries() -> list[AuditEntry]:
    return list(AuditEntry.objects.select_related("values").order_by("id"))


def new_entries(seen: int) -> list[AuditEntry]:
    return entries()[seen:]


def form_of(browser: Client, address: str) -> dict[str, Any]:
    """The fields of a form of the administration as a browser would send them."""
    page = browser.get(address)
    form = page.context["adminform"].form
    given = dict(form.initial)
    for inline in page.context["inline_admin_formsets"]:
        given |= {
            f"{inline.formset.prefix}-{name}": value for name, value in inline.formset.management_form.initial.items()
        }
        for row in inline.formset.initial_forms:
            given |= {f"{row.prefix}-{name}": row[name].value() for name in row.fields}
    joined = given.pop("date_joined", None)
    if joined is not None:
        given |= {"date_joined_0": f"{joined:%Y-%m-%d}", "date_joined_1": f"{joined:%H:%M:%S}"}
    return {name: value for name, value in given.items() if value is not None and value is not False}


def test_every_page_of_the_administration_records() -> None:
    assert all(isinstance(page, RecordedAdmin) for page in admin.site._registry.values())


@pytest.mark.parametrize("way", ["page", "selected"])
@pytest.mark.parametrize("model", DELETABLE, ids=lambda model: model.__name__)
def test_a_deletion_leaves_one_entry(browser: Client, one_of_each: None, model: type[Model], way: str) -> None:
    rows = model._default_manager.exclude(username="root") if model is User else model._default_manager.all()
    row = rows.order_by("pk").first()
    assert row is not None
    seen = len(entries())
    if way == "page":
        browser.post(url(model, "delete", row.pk), {"post": "yes"})
    else:
        chosen = {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"}
        browser.post(url(model, "changelist"), chosen)
    if model._default_manager.filter(pk=row.pk).exists():
        # Rows of this table can't be deleted, and what isn't done leaves no entry.
        assert len(entries()) == seen
        return
    (entry,) = new_entries(seen)
    assert (entry.action, entry.object_type, entry.door) == ("row.deleted", model._meta.label_lower, "administration")
    assert entry.object_id == (row.pk if isinstance(row.pk, int) else None)
    assert not LogEntry.objects.exists()


def test_a_role_that_is_given_on_a_users_page_is_an_entry_of_its_academy(browser: Client, cast: Cast) -> None:
    role = Membership.objects.get(user=cast.owner)
    address = url(User, "change", cast.owner.pk)
    given = form_of(browser, address) | {"memberships-0-role": "admin"}
    answer = browser.post(address, given)
    assert answer.status_code == 302, answer.context["errors"]
    (entry,) = entries()
    assert (entry.action, entry.object_type, entry.object_id) == ("row.changed", "accounts.membership", role.pk)
    assert (entry.academy_id, entry.subject_id) == (cast.academy.pk, cast.owner.pk)
    assert (entry.values.before, entry.values.after) == ({"role": "student"}, {"role": "admin"})
    browser.post(address, form_of(browser, address))
    assert len(entries()) == 1, "saved without a change"
    browser.post(address, form_of(browser, address) | {"memberships-0-DELETE": "on"})
    taken = entries()[1]
    assert (taken.action, taken.object_id, taken.values.before["role"]) == ("row.deleted", role.pk, "admin")


def test_a_password_that_is_set_is_told_without_it(browser: Client, cast: Cast) -> None:
    address = f"/admin/accounts/user/{cast.owner.pk}/password/"
    secret = "correct horse battery staple"
    browser.post(address, {"password1": secret, "password2": secret, "usable_password": "true"})
    (entry,) = entries()
    assert (entry.action, entry.subject_id, entry.fields) == ("row.changed", cast.owner.pk, ["password"])
    assert entry.values.after == {"password": "***"}


def test_a_token_that_is_made_is_told_without_its_key(browser: Client, cast: Cast) -> None:
    browser.post(url(Token, "add"), {"user": cast.owner.pk, "kind": "permanent"})
    (entry,) = entries()
    assert (entry.action, entry.object_id, entry.subject_id) == ("row.added", Token.objects.get().pk, cast.owner.pk)
    assert entry.values.after["kind"] == "permanent"


def test_where_a_rule_sends_is_not_told_when_it_is_deleted(browser: Client, cast: Cast) -> None:
    rule = NotificationRule.objects.create(
        user=cast.colleague, academy=cast.academy, channel="chat", target="slack://T1/secret", secret="hush"
    )
    browser.post(url(NotificationRule, "delete", rule.pk), {"post": "yes"})
    (entry,) = entries()
    assert entry.values.before["target"] == entry.values.before["secret"] == "***"


def test_webhooks_that_are_processed_again_are_one_entry(browser: Client, one_of_each: None) -> None:
    Webhook.objects.update(status="ERROR")
    seen = len(entries())
    chosen = [str(pk) for pk in Webhook.objects.values_list("pk", flat=True)]
    browser.post(url(Webhook, "changelist"), {"action": "process_again", "_selected_action": chosen})
    (entry,) = new_entries(seen)
    assert (entry.action, entry.door) == ("webhooks.retried", "administration")


def test_what_is_told_of_a_user_goes_with_the_account(browser: Client, cast: Cast) -> None:
    address = url(User, "change", cast.owner.pk)
    browser.post(address, form_of(browser, address) | {"first_name": "Augusta"})
    assert entries()[0].values.after == {"first_name": "Augusta"}
    browser.post(url(User, "delete", cast.owner.pk), {"post": "yes"})
    assert [(entry.values.before, entry.values.after) for entry in entries()] == [(None, None), (None, None)]


# Commands


def test_every_management_command_is_recorded() -> None:
    by_themselves = {"exclude_attempts", "rename_step", "erase_personal_data", "export_personal_data"}
    ours = {name: app for name, app in get_commands().items() if str(app).startswith("learntrace.")}
    recorded = {name for name, app in ours.items() if isinstance(load_command_class(app, name), RecordedCommand)}
    assert recorded | by_themselves == set(ours)


def test_a_command_that_runs_is_recorded_and_one_that_only_tells_is_not(cast: Cast) -> None:
    call_command("begin_course_runs", dry_run=True, stdout=StringIO())
    assert entries() == []
    call_command("begin_course_runs", stdout=StringIO())
    (entry,) = entries()
    assert (entry.action, entry.door, entry.actor_id) == ("command.run", "command", None)
    assert entry.values.after == {"command": "begin_course_runs"}
    assert entry.values.actor_name


@pytest.mark.parametrize(
    ("command", "arguments", "action"),
    [
        ("exclude_attempts", ["downtown", "--learner=ada", "--reason=ill", "--confirm=1"], "attempts.excluded"),
        ("erase_personal_data", ["ada"], "data.erased"),
        ("export_personal_data", ["ada", "--output={folder}/ada.zip"], "data.exported"),
    ],
)
def test_a_command_that_does_what_a_page_does_leaves_its_entry(
    cast: Cast, tmp_path: Path, command: str, arguments: list[str], action: str
) -> None:
    make_attempts(cast.owner, cast.academy, "intro/01", "x")
    call_command(command, *(argument.format(folder=tmp_path) for argument in arguments), stdout=StringIO())
    (entry,) = entries()
    assert (entry.action, entry.door, entry.subject_id) == (action, "command", cast.owner.pk)


def test_tokens_of_the_command_line_are_recorded(cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    assert token_command.main(["create", "--user", "ada"]) == 0
    key = capsys.readouterr().out.strip()
    token = Token.objects.get(user=cast.owner)
    assert token_command.main(["revoke", token.prefix]) == 0
    made, revoked = entries()
    assert (made.action, revoked.action) == ("token.made", "token.revoked")
    assert (made.subject_id, made.object_id) == (revoked.subject_id, revoked.object_id) == (cast.owner.pk, token.pk)
    told = {"prefix": token.prefix, "kind": "permanent", "scope": "write"}
    assert made.values.after == revoked.values.before == told
    assert key not in json.dumps([made.values.after, revoked.values.before])


def test_a_roster_is_one_entry_of_its_academy_with_the_roles_that_it_gives(cast: Cast, tmp_path: Path) -> None:
    file = tmp_path / "roster.json"
    roster = {
        "users": [{"username": "new", "first_name": "Nora"}],
        "memberships": [
            {"user": "ada", "academy": "downtown", "role": "teacher"},
            {"user": "new", "academy": "downtown", "role": "student"},
        ],
    }
    file.write_text(json.dumps(roster))
    import_roster(file)
    (entry,) = entries()
    assert (entry.action, entry.academy_id, entry.door) == ("roster.imported", cast.academy.pk, "command")
    role = f"role of user {cast.owner.pk}"
    assert entry.values.before == {role: "student (ACTIVE)"}
    assert entry.values.after == {
        role: "teacher (ACTIVE)",
        "users": {"created": 1, "updated": 0, "unchanged": 0},
        "memberships": {"created": 1, "updated": 1, "unchanged": 0},
    }
    assert "Nora" not in json.dumps(entry.values.after)
    import_roster(file)
    assert len(entries()) == 1, "imported again, it changes nothing"


def test_the_roster_of_several_academies_tells_each_its_own(cast: Cast, tmp_path: Path) -> None:
    file = tmp_path / "roster.json"
    make_user("pat")
    roster = {
        "memberships": [{"user": "pat", "academy": slug, "role": "admin"} for slug in ("downtown", "elsewhere")],
    }
    file.write_text(json.dumps(roster))
    import_roster(file)
    told = {entry.academy_id: entry.values.after["memberships"]["created"] for entry in entries()}
    assert told == {cast.academy.pk: 1, cast.elsewhere.pk: 1}


def test_a_limit_to_cohorts_is_recorded_by_command_and_roster_alike(cast: Cast, tmp_path: Path) -> None:
    teacher = make_user("pat", "teacher", cast.academy)
    cohort = make_cohort("mornings", cast.academy)
    who = ["--user", "pat", "--academy", "downtown"]
    assert limit_command.main(["set", *who, "--cohort", "mornings"]) == 0
    assert limit_command.main(["set", *who, "--cohort", "mornings"]) == 0
    (entry,) = entries()
    assert (entry.action, entry.academy_id, entry.subject_id) == ("cohort_limit.changed", cast.academy.pk, teacher.pk)
    assert (entry.values.before, entry.values.after) == ({"cohorts": None}, {"cohorts": [cohort.pk]})
    file = tmp_path / "roster.json"
    file.write_text(json.dumps({"memberships": [{"user": "pat", "academy": "downtown", "cohorts": None}]}))
    import_roster(file)
    (told,) = new_entries(1)
    limit = f"cohorts of user {teacher.pk}"
    assert told.values.before == {limit: [cohort.pk]}
    assert limit in told.fields
    import_roster(file)
    limit_command.main(["lift", *who])
    assert len(entries()) == 2, "what changes nothing more leaves no entry"


def test_what_an_operator_does_for_who_cannot_sign_in_is_recorded(cast: Cast) -> None:
    GuessCount.objects.create(subject=f"account:{cast.owner.pk}", failures=20, ends_at=timezone.now())
    AuthenticatorApp.objects.create(user=cast.owner, secret="A" * 32, confirmed_at=timezone.now())
    assert unlock_command.main(["ada", "--second-factors"]) == 0
    assert unlock_command.main(["ada", "--second-factors"]) == 0
    told = [(entry.action, entry.subject_id, entry.door, entry.values.before) for entry in entries()]
    assert told == [
        ("second_factor.removed", cast.owner.pk, "command", {"app": True, "passkeys": 0}),
        ("sign_in.unlocked", cast.owner.pk, "command", {"counts": 1}),
    ]


def test_a_roster_that_changes_a_password_tells_whose_and_not_which(cast: Cast, tmp_path: Path) -> None:
    file = tmp_path / "roster.json"
    file.write_text(json.dumps({"users": [{"username": "ada", "password": "correct horse battery"}]}))
    import_roster(file)
    (entry,) = entries()
    assert entry.values.after[f"password of user {cast.owner.pk}"] == "changed"
    assert "horse" not in json.dumps(entry.values.after)
