"""Who a real JupyterHub's user is to us, at the front door and in the views."""

import asyncio
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx
import pytest
from django.db import close_old_connections, connection
from django.utils import timezone
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from learntrace.accounts.jupyterhub import client as asking
from learntrace.accounts.jupyterhub.members import (
    CREATE_USERS,
    HubMembers,
    HubUserUnfit,
    find_hub_member,
    is_unfit_name,
)
from learntrace.accounts.models import Academy, Grant, Membership, User
from learntrace.accounts.roles import UPLOAD_ANY, UPLOAD_OWN
from learntrace.config.commands import doctor
from learntrace.intake.models import Refusal
from learntrace.learnpack.models import Webhook
from learntrace.notebooks.models import Event, RejectedEvent
from tests.support.asgi import asgi_client
from tests.support.builders import Api, make_academy, make_graded_asset, make_key, make_task, make_user
from tests.support.hub import Hub
from tests.support.learnpack_inbox import Client
from tests.support.notebooks import Sender, make_event
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

ME = "/v1/auth/user/me"
SETTINGS = "/v1/auth/academy/settings"
TASKS = "/v1/assignment/user/me/task"
REFUSED = {
    "error": "Invalid or Inactive Token",
    "is_authenticated": "False",
    "status_code": 401,
    "detail": "Invalid or Inactive Token",
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with Hub(tmp_path_factory.mktemp("hub")) as one:
        yield one


@pytest.fixture
def academy() -> Academy:
    return make_academy("downtown")


@pytest.fixture(autouse=True)
def _asked_anew(hub: Hub, academy: Academy, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test knows what the hub said in another."""
    settings.HUB_API_URL, settings.HUB_ACADEMY, settings.HUB_CREATE_USERS = hub.api_url, "downtown", True
    monkeypatch.setattr(asking, "_hub", None)
    yield
    if asking._hub is not None:
        asking._hub.close()


@pytest.fixture
def door() -> Iterator[Client]:
    client = Client("")
    yield client
    client.close()


def post(door: Client, token: str, body: Any = None, **headers: str) -> httpx.Response:
    return door.post(body or {"slug": "intro"}, Authorization=f"JupyterHub {token}", **headers)


def get(path: str, token: str, academy: Academy | None = None, scheme: str = "JupyterHub") -> Any:
    return Api(None, academy)("GET", path, Authorization=f"{scheme} {token}")


def told(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("slug")


def refusal() -> tuple[int, str, User | None]:
    newest = Refusal.objects.order_by("-id")[0]
    return newest.status_code, newest.reason, newest.user


def test_a_hub_user_who_is_new_becomes_a_student_of_the_hubs_academy(hub: Hub, door: Client, academy: Academy) -> None:
    token = hub.token_for("ana")
    assert [post(door, token).text for _time in range(2)] == ["ok", "ok"]
    ana = User.objects.get()
    assert (ana.username, ana.email, ana.is_staff, ana.is_superuser) == ("ana", "", False, False)
    assert not ana.has_usable_password()
    assert [(one.academy, one.role, one.status) for one in ana.memberships.all()] == [(academy, "student", "ACTIVE")]
    assert list(Webhook.objects.values_list("student_id", "sender_id")) == [(ana.pk, ana.pk)] * 2


def test_a_known_member_stays_who_it_is(hub: Hub, door: Client, academy: Academy) -> None:
    ana = make_user("ana", "student", academy, email="ana@example.org", first_name="Ana", id=77)
    assert post(door, hub.token_for("ana")).text == "ok"
    assert Webhook.objects.get().sender == ana
    assert User.objects.get().email == "ana@example.org"


@pytest.mark.parametrize("scheme", ["JupyterHub", "jupyterhub", "JUPYTERHUB"])
def test_the_scheme_is_case_insensitive(hub: Hub, door: Client, scheme: str) -> None:
    token = hub.token_for("ana")
    assert door.post({"slug": "x"}, Authorization=f"{scheme} {token}").text == "ok"
    assert get(ME, token, scheme=scheme).json()["username"] == "ana"


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        ("JupyterHub", "Invalid token header. No credentials provided."),
        ("JupyterHub a b", "Invalid token header. Token string should not contain spaces."),
    ],
)
def test_an_unreadable_hub_token_says_why(door: Client, header: str, detail: str) -> None:
    for answer in (door.post({"slug": "x"}, Authorization=header), Api()("GET", ME, Authorization=header)):
        assert (answer.status_code, answer.json()["detail"]) == (401, detail)


@pytest.mark.parametrize("token", ["forged-0123456789abcdef", "x" * 5000, "caf\xe9", "a\x7fb"])
def test_a_forged_token_is_refused_alike_at_the_door_and_in_the_views_and_recorded(door: Client, token: str) -> None:
    answer = door.post({"slug": "x"}, Authorization=f"JupyterHub {token}".encode("latin-1"))
    assert (answer.status_code, answer.json(), answer.headers["www-authenticate"]) == (401, REFUSED, "Token")
    assert refusal() == (401, "hub-token-refused", None)
    assert not User.objects.exists()
    seen = get(ME, token)
    assert (seen.status_code, seen.json(), seen.headers["www-authenticate"]) == (401, REFUSED, "Token")


def test_of_a_refused_hub_token_only_the_beginning_is_kept(door: Client) -> None:
    post(door, "0123456789abcdef0123456789abcdef")
    row = Refusal.objects.get()
    assert row.token_prefix == "01234567"
    assert "89abcdef" not in str(Refusal.objects.values().get())


def test_a_revoked_token_is_believed_no_longer_than_its_minute(
    hub: Hub, door: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = hub.token_for("ana")
    assert post(door, token).text == "ok"
    hub.revoke_tokens("ana")
    assert post(door, token).text == "ok"
    monkeypatch.setattr(asking, "BELIEVED_SECONDS", 0)
    assert post(door, token).status_code == 401
    monkeypatch.setattr(asking, "BELIEVED_SECONDS", 60)
    assert post(door, token).status_code == 401


def test_an_expired_token_is_refused(hub: Hub, door: Client) -> None:
    token = hub.token_for("ana", expires_in=1)
    header = {"Authorization": f"token {token}"}
    wait_until(
        lambda: httpx.get(f"{hub.api_url}/user", headers=header, trust_env=False).status_code == 403, "it expires"
    )
    assert post(door, token).json() == REFUSED


def test_a_token_that_may_nothing_else_still_says_whose_it_is(hub: Hub, door: Client) -> None:
    assert post(door, hub.token_for("ana", scopes=["access:servers!user"])).text == "ok"


def test_a_services_token_is_no_users(hub: Hub, door: Client) -> None:
    assert told(post(door, hub.admin_token)) == (403, "hub-token-of-no-user")
    assert refusal() == (403, "hub-token-of-no-user", None)
    assert get(ME, hub.admin_token).status_code == 403


@pytest.mark.parametrize("role", ["student", "admin", None])
def test_a_name_that_belongs_to_somebody_outside_the_academy_opens_nothing(
    hub: Hub, door: Client, role: str | None
) -> None:
    make_user("root", role or "student", *([make_academy("elsewhere")] if role else []), is_superuser=True)
    token = hub.token_for("root")
    assert told(post(door, token)) == (403, "hub-user-of-another-academy")
    # Nobody there did this: it isn't shown as theirs.
    assert refusal() == (403, "hub-user-of-another-academy", None)
    assert get(ME, token).status_code == 403
    assert (User.objects.count(), Membership.objects.filter(academy__slug="downtown").count()) == (1, 0)


def test_a_learner_can_not_send_in_anothers_name(hub: Hub, door: Client, academy: Academy) -> None:
    make_user("bob", "student", academy, id=999)
    assert told(post(door, hub.token_for("ana"), {"slug": "x", "user_id": 999})) == (403, "telemetry-of-another-user")
    assert refusal() == (403, "telemetry-of-another-user", User.objects.get(username="ana"))


@pytest.mark.parametrize(
    ("change", "status", "slug"),
    [
        (lambda user, academy: User.objects.update(is_active=False), 401, None),
        (lambda user, academy: Membership.objects.update(status="INACTIVE"), 403, "hub-membership-inactive"),
        (lambda user, academy: Academy.objects.update(status="INACTIVE"), 403, "hub-academy-closed"),
        (lambda user, academy: Academy.objects.update(status="DELETED"), 403, "hub-academy-closed"),
        (lambda user, academy: Membership.objects.update(role="assistant"), 403, None),
    ],
)
def test_whoever_may_not_send_is_refused_though_the_hub_knows_them(
    hub: Hub, door: Client, academy: Academy, change: Callable[..., Any], status: int, slug: str | None
) -> None:
    ana = make_user("ana", "student", academy)
    token = hub.token_for("ana")
    assert post(door, token).text == "ok"
    change(ana, academy)
    assert told(post(door, token)) == (status, slug)
    assert refusal()[2] == ana


def test_an_academy_that_is_closed_gets_no_new_users(hub: Hub, door: Client) -> None:
    Academy.objects.update(status="INACTIVE")
    assert told(post(door, hub.token_for("ana"))) == (403, "hub-academy-closed")
    assert not User.objects.exists()


def test_unknown_users_are_refused_where_none_are_to_be_made(hub: Hub, door: Client, settings: Settings) -> None:
    settings.HUB_CREATE_USERS = False
    token = hub.token_for("ana")
    assert told(post(door, token)) == (403, "hub-user-unknown")
    assert told(get(ME, token)) == (403, "hub-user-unknown")
    assert not User.objects.exists()


@pytest.mark.parametrize("slug", ["", "nowhere"])
def test_without_an_academy_the_client_keeps_its_events_and_the_operator_is_told(
    hub: Hub, door: Client, settings: Settings, slug: str
) -> None:
    settings.HUB_ACADEMY = slug
    answer = post(door, hub.token_for("ana"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert "LEARNTRACE_HUB_ACADEMY" in answer.json()["detail"]
    assert refusal()[:2] == (503, "hub-academy-missing")


def test_without_a_hub_its_tokens_are_no_credentials(hub: Hub, door: Client, settings: Settings) -> None:
    settings.HUB_API_URL = ""
    answer = post(door, hub.token_for("ana"))
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Token")
    assert "LEARNTRACE_HUB_API_URL" in answer.json()["detail"]
    assert refusal()[:2] == (401, "no-hub")


def test_a_refusal_is_told_in_the_clients_language(hub: Hub, door: Client, settings: Settings) -> None:
    settings.HUB_CREATE_USERS = False
    answer = post(door, hub.token_for("ana"), Accept_Language="es")
    assert answer.json()["detail"] == "El usuario de JupyterHub ana no se conoce aquí"


def test_while_the_hub_is_away_the_client_keeps_its_events_and_then_they_are_taken(
    hub: Hub, door: Client, settings: Settings
) -> None:
    known, token = hub.token_for("bob"), hub.token_for("ana")
    assert post(door, known).text == "ok"
    hub.stop()
    try:
        answer = post(door, token)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert refusal()[:2] == (503, "hub-unreachable")
        assert get(ME, token).status_code == 503
        assert post(door, known).text == "ok", "whom the hub vouched for just now need not wait for it"
        assert [one.result for one in doctor._hub()] == ["warn"]
    finally:
        hub.start()
    wait_until(lambda: post(door, token).text == "ok", "the hub's word counts again")
    assert Webhook.objects.filter(student__username="ana").count() == 1


def test_a_hub_token_gives_the_role_in_the_hubs_academy_and_no_grants(hub: Hub, academy: Academy) -> None:
    tina = make_user("tina", "teacher", academy)
    elsewhere = make_academy("elsewhere")
    Membership.objects.create(user=tina, academy=elsewhere, role="admin")
    Grant.objects.create(user=tina, permission=UPLOAD_ANY)
    me = get(ME, hub.token_for("tina")).json()
    assert (me["username"], me["permissions"]) == ("tina", [])
    assert [role["academy"]["slug"] for role in me["roles"]] == ["downtown"]
    by_key = Api()("GET", ME, Authorization=f"Token {make_key(tina)}").json()
    assert by_key["permissions"] == [UPLOAD_ANY, UPLOAD_OWN]
    assert [role["academy"]["slug"] for role in by_key["roles"]] == ["downtown", "elsewhere"]


def test_neither_a_grant_nor_a_role_elsewhere_lets_a_hubs_caller_send(hub: Hub, door: Client, academy: Academy) -> None:
    tina = make_user("tina", "teacher", academy)
    Membership.objects.create(user=tina, academy=make_academy("elsewhere"), role="student")
    Grant.objects.create(user=tina, permission=UPLOAD_OWN)
    assert post(door, hub.token_for("tina")).status_code == 403
    assert refusal() == (403, "missing-permission", tina)


def test_no_role_lets_a_hubs_caller_send_for_others(hub: Hub, door: Client, academy: Academy) -> None:
    make_user("bob", "student", academy, id=999)
    token = hub.token_for("sam")
    make_user("sam", "staff", academy)
    assert post(door, token).text == "ok"
    assert told(post(door, token, {"slug": "x", "user_id": 999})) == (403, "telemetry-of-another-user")
    event = {"event": "package_published", "slug": "x"}
    assert post(door, token, event).status_code == 403
    assert get(ME, token).json()["permissions"] == [UPLOAD_OWN]


def test_a_hub_token_opens_no_academy_but_the_hubs(hub: Hub, academy: Academy) -> None:
    tina = make_user("tina", "admin", academy)
    elsewhere = make_academy("elsewhere")
    Membership.objects.create(user=tina, academy=elsewhere, role="admin")
    token = hub.token_for("tina")
    assert get(SETTINGS, token, academy).status_code == 200
    refused = get(SETTINGS, token, elsewhere)
    assert refused.status_code == 403
    assert f"for academy {elsewhere.pk}" in refused.json()["detail"]
    assert Api(tina, elsewhere).get(SETTINGS).status_code == 200


def test_staffs_reading_of_a_task_keeps_to_the_hubs_academy_too(hub: Hub, academy: Academy) -> None:
    elsewhere = make_academy("elsewhere")
    learner = make_user("lee", "student", elsewhere)
    make_graded_asset("intro", academy=elsewhere)
    task = make_task(learner, "intro")
    tina = make_user("tina", "teacher", academy)
    Membership.objects.create(user=tina, academy=elsewhere, role="teacher")
    assert Api(tina, elsewhere).get(f"/v1/assignment/task/{task.pk}").status_code == 200
    assert get(f"/v1/assignment/task/{task.pk}", hub.token_for("tina"), elsewhere).status_code in (403, 404)


def test_a_hub_sees_nothing_of_what_its_users_do_in_other_academies(hub: Hub, academy: Academy) -> None:
    ana = make_user("ana", "student", academy)
    make_task(ana, "intro", title="intro")
    token = hub.token_for("ana")
    assert [task["title"] for task in get(TASKS, token).json()] == ["intro"]
    Membership.objects.create(user=ana, academy=make_academy("elsewhere"), role="student")
    assert told(get(TASKS, token)) == (403, "hub-academy-only")
    assert get(ME, token).status_code == 200


def test_a_notebooks_events_are_the_hub_users_and_of_the_hubs_academy_whatever_they_claim(hub: Hub) -> None:
    headers = {"Authorization": f"JupyterHub {hub.token_for('ana')}"}
    with Sender("") as server:
        claimed = make_event(actor="bob")
        answer = server.send(make_event(), claimed, **headers)
        assert (answer["accepted"], [one["code"] for one in answer["rejected"]]) == (1, ["telemetry-of-another-user"])
        ana = User.objects.get()
        other = make_academy("elsewhere")
        Membership.objects.create(user=ana, academy=other, role="student")
        assert server.send(make_event(), **headers)["accepted"] == 1
        assert told(server.post([make_event()], **headers, Academy=str(other.pk))) == (403, "not-a-member")
    assert set(Event.objects.values_list("actor", "user", "academy__slug")) == {("ana", ana.pk, "downtown")}
    assert RejectedEvent.objects.get().sender == ana


def together(calls: list[Any]) -> list[Any]:
    """Make all calls at the same moment, each in a thread with connections of its own."""
    start = threading.Barrier(len(calls))

    def run(call: Any) -> Any:
        start.wait()
        try:
            return call()
        finally:
            close_old_connections()
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def at_doors(count: int, bodies: list[list[str]]) -> list[int]:
    """The statuses when several doors, each with a connection of its own, get a crowd of hub tokens at once."""

    def crowd(tokens: list[str]) -> list[int]:
        door = Client("")

        async def send() -> list[int]:
            async with asgi_client(door.door) as client:
                answers = await asyncio.gather(
                    *(
                        client.post(
                            "/v1/assignment/me/telemetry",
                            json={"slug": "x"},
                            headers={"Authorization": f"JupyterHub {token}"},
                        )
                        for token in tokens
                    )
                )
            return [answer.status_code for answer in answers]

        try:
            return door.loop.run_until_complete(send())
        finally:
            door.close()

    return [status for one in together([partial(crowd, body) for body in bodies[:count]]) for status in one]


def test_a_new_user_who_comes_over_eight_connections_at_once_is_made_once(hub: Hub, academy: Academy) -> None:
    token = hub.token_for("ana")
    assert at_doors(8, [[token]] * 8) == [200] * 8
    assert (User.objects.count(), Membership.objects.count(), Webhook.objects.count()) == (1, 1, 8)


def test_new_users_who_come_crosswise_over_eight_connections_wait_for_no_circle(hub: Hub, academy: Academy) -> None:
    tokens = [hub.token_for(f"learner-{number}") for number in range(12)]
    before = asking.QUESTIONS.labels("accepted")._value.get()
    crossing = [tokens[shift:] + tokens[:shift] for shift in range(8)]
    assert at_doors(8, [one if index % 2 else one[::-1] for index, one in enumerate(crossing)]) == [200] * 96
    assert (User.objects.count(), Membership.objects.count(), Webhook.objects.count()) == (12, 12, 96)
    assert asking.QUESTIONS.labels("accepted")._value.get() - before == len(tokens), "one question for each token"


def test_many_new_users_who_are_made_in_any_order_at_once_never_deadlock(academy: Academy) -> None:
    names = [f"learner-{number}" for number in range(300)]

    def make(number: int) -> None:
        shuffled = random.Random(number).sample(names, len(names))
        with connection.cursor() as cursor:
            cursor.execute(CREATE_USERS, [shuffled, ["!"] * len(names), academy.pk])

    together([partial(make, number) for number in range(8)])
    assert (User.objects.count(), Membership.objects.count()) == (300, 300)


def test_the_views_make_a_new_user_once_too(academy: Academy) -> None:
    found = together([lambda: find_hub_member("ana").user_id] * 8)
    assert len(set(found)) == 1
    assert (User.objects.count(), Membership.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    "name", ["josé á", "a@b+c.d-e_f", "auth0|5f7c8ec7c33c6c004bbafe82", "x" * 150, "李雷", "12345"]
)
def test_names_that_a_hub_may_have_are_names_here(hub: Hub, door: Client, name: str) -> None:
    assert post(door, hub.token_for(name)).text == "ok"
    assert User.objects.get().username == name


@pytest.mark.parametrize("name", ["x" * 151, "ana\u200b"])
def test_names_of_a_real_hub_that_do_not_fit_are_refused_and_harm_no_neighbour(
    hub: Hub, door: Client, name: str
) -> None:
    odd, good = hub.token_for(name), hub.token_for("ana")
    assert told(post(door, odd)) == (403, "hub-user-name-unfit")
    assert refusal()[:2] == (403, "hub-user-name-unfit")
    assert told(get(ME, odd)) == (403, "hub-user-name-unfit")
    assert post(door, good).text == "ok"


@pytest.mark.parametrize("name", ["", " ana", "ana ", "a\nb", "a\0b", "\ud800", "a\u2028b", "\u202eana", "x" * 151])
def test_names_that_hide_something_or_are_too_long_are_unfit(academy: Academy, name: str) -> None:
    assert is_unfit_name(name)
    with pytest.raises(HubUserUnfit):
        find_hub_member(name)
    with pytest.raises(HubUserUnfit):
        HubMembers([(1, "ACTIVE", None, None, None, None, None, None)]).member(name)


@pytest.mark.django_db
@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@example(names=["jose\u0301", "jos\u00e9", "JOSÉ", "\uff41na", "ana", "\u0430na"])
@given(names=st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=4, unique=True))
def test_of_names_that_only_look_alike_each_is_a_user_of_its_own(academy: Academy, names: list[str]) -> None:
    made = {name: find_hub_member(name).user_id for name in names if not is_unfit_name(name)}
    assert len(set(made.values())) == len(made)
    assert {name: User.objects.get(pk=user_id).username for name, user_id in made.items()} == {
        name: name for name in made
    }
    assert {name: find_hub_member(name).user_id for name in made} == made


def test_the_doctor_finds_the_hub_and_what_is_missing(hub: Hub, academy: Academy, settings: Settings) -> None:
    def found() -> list[tuple[str, str]]:
        return [(one.check, one.result) for look in (doctor._hub, doctor._hub_academy) for one in look()]

    assert found() == [("JupyterHub", "ok"), ("hub's academy", "ok")]
    assert next(doctor._hub()).seen.startswith("6.")
    settings.HUB_ACADEMY = "nowhere"
    assert found() == [("JupyterHub", "ok"), ("hub's academy", "fail")]
    settings.HUB_ACADEMY = ""
    assert found() == [("JupyterHub", "ok"), ("hub's academy", "fail")]
    settings.HUB_API_URL = hub.url + "nothing"
    assert found()[0] == ("JupyterHub", "fail")
    settings.HUB_API_URL, settings.HUB_ACADEMY = "", "downtown"
    assert found() == [("JupyterHub", "ok"), ("hub's academy", "warn")]
    Academy.objects.update(status="INACTIVE", updated_at=timezone.now())
    assert found()[1] == ("hub's academy", "fail")
    settings.HUB_ACADEMY = ""
    assert found() == [("JupyterHub", "ok")]
