# ruff: noqa: F811 (imported fixtures are named as parameters)
"""Keys of an academy's people and programs: made, rotated and ended by its admins, and by nobody else."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from learntrace.accounts.audit.models import AuditEntry
from learntrace.accounts.invitations.inviting import invite
from learntrace.accounts.models import Grant, Membership, Token, User
from learntrace.accounts.tokens.own import MOST
from learntrace.intake.models import Refusal
from learntrace.personal.merging.merging import merge
from tests.support.builders import Api, Cast, make_graded_asset, make_task, make_user
from tests.support.rosters import Import, imported, write  # noqa: F401 (fixtures)

ME = "/v1/auth/user/me"
pytestmark = pytest.mark.django_db


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def opens(key: str) -> bool:
    api = Api(None)
    api.headers["Authorization"] = f"Token {key}"
    return bool(api.get(ME).status_code == 200)


def key_in(answer: Any) -> str:
    found = re.search(r'<code class="key">([0-9a-f]{40})</code>', answer.content.decode())
    assert found is not None, answer.content.decode()[-3000:]
    return found[1]


def made(client: Client, **fields: str) -> Any:
    return client.post(
        "/keys/make", {"account": "ada", "scope": "telemetry", "days": "180", "name": "laptop", **fields}
    )


def test_a_key_is_shown_once_and_opens_what_it_is_for(cast: Cast) -> None:
    admin = client_of(cast.colleague)
    key = key_in(made(admin))
    token = Token.objects.get()
    assert (token.user, token.scope, token.name, token.prefix) == (cast.owner, "telemetry", "laptop", key[:8])
    assert token.expires_at is not None
    assert opens(key)
    page = admin.get("/keys").content.decode()
    assert key not in page
    assert f"{token.prefix}…" in page
    assert "laptop" in page


def test_a_rotated_key_ends_after_the_grace_and_the_new_one_takes_its_place(cast: Cast) -> None:
    old, old_key = Token.issue(
        cast.owner, expires_at=timezone.now() + timedelta(days=30), scope="telemetry", name="lab"
    )
    admin = client_of(cast.colleague)
    key = key_in(admin.post("/keys/rotate", {"key": old.pk, "grace": "1"}))
    new = Token.objects.exclude(pk=old.pk).get()
    assert (new.user, new.scope, new.name) == (cast.owner, "telemetry", "lab")
    assert new.expires_at is not None
    assert abs(new.expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)
    assert opens(key)
    assert opens(old_key)
    old.refresh_from_db()
    assert old.expires_at is not None
    assert timedelta() < old.expires_at - timezone.now() <= timedelta(hours=1)
    at_once = key_in(admin.post("/keys/rotate", {"key": new.pk, "grace": "0"}))
    assert not opens(key)
    assert opens(at_once)


def test_a_grace_gives_no_key_a_longer_life(cast: Cast) -> None:
    until = timezone.now() + timedelta(minutes=5)
    old, _key = Token.issue(cast.owner, expires_at=until, scope="telemetry")
    client_of(cast.colleague).post("/keys/rotate", {"key": old.pk, "grace": "168"})
    old.refresh_from_db()
    assert old.expires_at == until


def test_a_key_of_a_sign_in_is_ended_and_not_rotated(cast: Cast) -> None:
    token, key = Token.issue(cast.owner, Token.Kind.LOGIN, scope="telemetry")
    admin = client_of(cast.colleague)
    answer = admin.post("/keys/rotate", {"key": token.pk, "grace": "0"})
    assert answer.status_code == 400
    assert "revoke it instead" in answer.content.decode()
    assert admin.post("/keys/end", {"key": token.pk}).status_code == 302
    assert not opens(key)


@pytest.mark.parametrize("path", ["/keys/end", "/keys/rotate"])
def test_a_key_that_was_ended_while_the_page_was_open_says_by_whom(cast: Cast, path: str) -> None:
    token, _key = Token.issue(cast.owner)
    admin, other = client_of(cast.colleague), client_of(make_user("alan", "admin", cast.academy, first_name="Alan"))
    other.post("/keys/end", {"key": token.pk})
    answer = admin.post(path, {"key": token.pk, "grace": "0"})
    assert answer.status_code == 404
    assert "Alan revoked this key on" in answer.content.decode()
    assert AuditEntry.objects.count() == 1
    own = client_of(cast.owner).post("/account/key/end", {"key": token.pk})
    assert "Alan revoked this key on" in own.content.decode()


@pytest.mark.parametrize("scope", ["read", "write"])
def test_for_a_person_only_a_key_that_sends_is_made(cast: Cast, scope: str) -> None:
    answer = made(client_of(cast.colleague), scope=scope, name="typed")
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "only a key that sends telemetry" in page
    assert 'value="ada"' in page
    assert 'value="typed"' in page
    assert not Token.objects.exists()


@pytest.mark.parametrize("scope", ["read", "write"])
def test_a_persons_own_key_is_not_rotated_into_an_admins_hands(cast: Cast, scope: str) -> None:
    token, key = Token.issue(cast.owner, scope=scope)
    admin = client_of(cast.colleague)
    assert f'>Revoke…<span class="hidden"> {token.prefix}' in admin.get("/keys").content.decode()
    assert "Create the new key" not in admin.get(f"/keys/{token.pk}").content.decode()
    answer = admin.post("/keys/rotate", {"key": token.pk, "grace": "0"})
    assert answer.status_code == 400
    assert "only a key that sends telemetry" in answer.content.decode()
    assert opens(key)
    assert Token.objects.count() == 1


@pytest.mark.parametrize("role", ["staff", "assistant"])
def test_a_program_gets_a_key_that_reads(cast: Cast, role: str) -> None:
    program = make_user("grader", role, cast.academy)
    program.set_unusable_password()
    program.save()
    assert opens(key_in(made(client_of(cast.colleague), account="grader", scope="read")))


def test_keys_that_would_open_another_academy_are_neither_shown_nor_changed(cast: Cast) -> None:
    both = make_user("bea", "student", cast.academy, first_name="Bea")
    Membership.objects.create(user=both, academy=cast.elsewhere, role="admin")
    granted = make_user("gus", "student", cast.academy)
    Grant.objects.create(user=granted, permission="upload_any_telemetry")
    operator = make_user("olga", "admin", cast.academy, is_superuser=True)
    admin = client_of(cast.colleague)
    for user in (both, granted, operator, cast.strange_learner):
        token, key = Token.issue(user, name=f"secret of {user.username}")
        assert made(admin, account=str(user.pk)).status_code in (400, 404)
        for path in ("/keys/end", "/keys/rotate"):
            assert admin.post(path, {"key": token.pk, "grace": "0"}).status_code == 404
        assert opens(key)
    page = admin.get("/keys").content.decode()
    assert "secret of" not in page
    assert "3 accounts are not only this academy" in page
    assert "Lee" not in admin.get(f"/keys?for={cast.strange_learner.pk}").content.decode()


def test_a_key_that_an_admin_made_ends_when_its_owner_joins_another_academy(cast: Cast) -> None:
    admin = client_of(cast.colleague)
    made_key = key_in(made(admin))
    old = Token.objects.get()
    rotated = key_in(admin.post("/keys/rotate", {"key": old.pk, "grace": "24"}))
    _own, own_key = Token.issue(cast.owner, scope="write")
    assert all(opens(key) for key in (made_key, rotated, own_key))
    _row, token = invite(cast.elsewhere, cast.stranger, email="", role="student", cohorts=[], days=7)
    answer = client_of(cast.owner).post(f"/invitation/{token}", follow=True)
    assert "Keys that others had created for you have ended" in answer.content.decode()
    assert [opens(key) for key in (made_key, rotated, own_key)] == [False, False, True]
    ended = AuditEntry.objects.get(action="token.revoked")
    assert (ended.subject_id, ended.actor_id) == (cast.owner.pk, cast.owner.pk)


def by_roster(cast: Cast, imported: Import) -> None:
    imported(f"memberships:\n- {{user: ada, academy: {cast.elsewhere.slug}, role: student}}\n")


def by_administration(cast: Cast, _imported: Import) -> None:
    client = client_of(User.objects.create_superuser("operator"))
    body = {"user": cast.owner.pk, "academy": cast.elsewhere.pk, "role": "student", "status": "ACTIVE"}
    assert client.post("/admin/accounts/membership/add/", body).status_code == 302


def by_moving(cast: Cast, _imported: Import) -> None:
    client = client_of(User.objects.create_superuser("operator"))
    body = {"user": cast.owner.pk, "academy": cast.elsewhere.pk, "role": "student", "status": "ACTIVE"}
    path = f"/admin/accounts/membership/{cast.owner.memberships.get().pk}/change/"
    assert client.post(path, body).status_code == 302


def by_merge(cast: Cast, _imported: Import) -> None:
    merge(cast.strange_learner, cast.owner)


@pytest.mark.parametrize("join", [by_roster, by_administration, by_moving, by_merge])
def test_such_a_key_ends_with_a_membership_elsewhere_however_it_is_made(
    cast: Cast,
    imported: Import,
    join: Callable[[Cast, Import], None],
) -> None:
    admin = client_of(cast.colleague)
    key = key_in(made(admin))
    _own, own_key = Token.issue(cast.owner, scope="write")
    other, other_key = Token.issue(make_user("bo", "student", cast.academy))
    join(cast, imported)
    assert [opens(one) for one in (key, own_key, other_key)] == [False, True, True]
    assert AuditEntry.objects.get(action="token.revoked").subject_id == cast.owner.pk
    assert cast.elsewhere.pk in cast.owner.memberships.values_list("academy_id", flat=True)
    assert Token.objects.filter(pk=other.pk).exists()


def test_such_a_key_stays_with_what_is_written_of_its_own_academy(
    cast: Cast,
    imported: Import,
) -> None:
    key = key_in(made(client_of(cast.colleague)))
    membership = cast.owner.memberships.get()
    membership.status = Membership.Status.INACTIVE
    membership.save()
    imported(f"memberships:\n- {{user: ada, academy: {cast.academy.slug}, role: assistant}}\n")
    assert Token.objects.get().prefix == key[:8]
    assert cast.owner.memberships.get().role == "assistant"


@pytest.mark.parametrize("role", ["assistant", "teacher", "staff", "student"])
def test_only_admins_manage_keys(cast: Cast, role: str) -> None:
    client = client_of(make_user("tina", role, cast.academy))
    token, key = Token.issue(cast.owner)
    assert client.get("/keys").status_code == 403
    for path in ("/keys/make", "/keys/rotate", "/keys/end"):
        assert client.post(path, {"key": token.pk, "grace": "0", "account": "ada"}).status_code == 403
    assert opens(key)
    assert 'href="/keys"' not in client.get("/account").content.decode()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"account": "nobody"}, "has no account “nobody”"),
        ({"account": ""}, "has no account"),
        ({"account": "sam"}, "has no account “sam”"),
        ({"account": "ada\0"}, ""),
        ({"scope": "all"}, "Choose what the key is for"),
        ({"days": "-1"}, "Choose what the key is for"),
        ({"days": "99999"}, "Choose what the key is for"),
    ],
)
def test_what_is_refused_says_why_and_keeps_what_was_typed(cast: Cast, fields: dict[str, str], sentence: str) -> None:
    answer = made(client_of(cast.colleague), **fields)
    page = answer.content.decode()
    if sentence:
        assert answer.status_code in (400, 404)
        assert sentence in page
        assert 'value="laptop"' in page
    assert Token.objects.count() == (0 if sentence else 1)


def test_accounts_have_so_many_keys_and_inactive_ones_none(cast: Cast) -> None:
    admin = client_of(cast.colleague)
    for _ in range(MOST):
        Token.issue(cast.owner)
    assert "as many as one user may have" in made(admin).content.decode()
    User.objects.filter(pk=cast.owner.pk).update(is_active=False)
    assert "is not active" in made(admin).content.decode()
    assert Token.objects.count() == MOST


def test_the_list_is_searched_and_shows_what_expired(cast: Cast) -> None:
    expired, _key = Token.issue(cast.owner, expires_at=timezone.now() - timedelta(days=1), name="old laptop")
    Token.issue(make_user("bo", "student", cast.academy, first_name="Bo"), name="phone")
    admin = client_of(cast.colleague)
    assert "old laptop" not in admin.get("/keys").content.decode()
    assert "old laptop" in admin.get("/keys?state=expired&q=lovelace+lap").content.decode()
    assert "old laptop" in admin.get(f"/keys?state=expired&q={expired.prefix}").content.decode()
    assert "No key matches" in admin.get("/keys?q=nothing").content.decode()
    assert "phone" in admin.get("/keys?q=Bo").content.decode()


def test_the_diagnosis_of_an_expired_token_leads_admins_to_a_new_key(cast: Cast) -> None:
    make_graded_asset("intro", academy=cast.academy)
    make_task(cast.owner, "intro")
    Refusal.objects.create(
        path="/v1/assignment/me/telemetry", status_code=401, reason="expired-token", user=cast.owner, size=10
    )
    path = f"/keys?for={cast.owner.pk}"
    asked = "/diagnosis?user=ada&asset=intro"
    admin = client_of(cast.colleague)
    assert f'href="{path}#make"' in admin.get(asked).content.decode()
    teacher = client_of(make_user("tina", "teacher", cast.academy))
    assert path not in teacher.get(asked).content.decode()
    form = admin.get(path).content.decode()
    assert 'value="ada"' in form
    assert '<option value="telemetry" selected>' in form
