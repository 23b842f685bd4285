"""Connect: what to copy, a key that is shown once, and lights that tell what arrives or what stands in its way."""

import json
import re
from html import unescape
from urllib.parse import urljoin

import pytest
from django.test import Client, override_settings

from learntrace.accounts.audit.models import AuditEntry
from learntrace.accounts.models import Academy, Membership, Token, User
from learntrace.intake.models import Refusal
from tests.support.builders import Cast, make_academy, make_rejected, make_stored_event, make_user, make_webhook
from tests.support.notebooks import make_event

LEARNPACK, NOTEBOOKS = "/v1/assignment/me/telemetry", "/v1/notebook/me/events"


@pytest.fixture
def client(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.colleague)
    return client


def light(client: Client, source: str) -> tuple[str, str]:
    """The state of a source's light, and the words beside and below it."""
    page = client.get("/connect", headers={"Learntrace-Parts": "1"}).content.decode()
    part = re.search(rf'data-part="{source}">(.*?)</div>', page, re.DOTALL)
    assert part is not None
    state = re.search(r'class="light (\w+)"', part[1])
    assert state is not None
    return state[1], " ".join(re.sub(r"<[^>]*>", " ", part[1]).split())


def refuse(path: str, reason: str, **fields: object) -> None:
    Refusal.objects.create(path=path, status_code=401, reason=reason, size=1, **fields)


def test_a_light_waits_until_something_of_its_source_and_academy_arrives(client: Client, cast: Cast) -> None:
    make_webhook(cast.strange_learner)
    make_stored_event(cast.strange_learner, cast.elsewhere)
    for source in ("learnpack", "notebooks"):
        state, words = light(client, source)
        assert (state, "Nothing has arrived yet" in words, "What to check" in words) == ("waiting", True, True)
    make_stored_event(cast.owner, cast.academy)
    assert light(client, "learnpack")[0] == "waiting"
    state, words = light(client, "notebooks")
    assert (state, "Connected , last event" in words) == ("connected", True)
    make_webhook(cast.owner, status="DONE")
    assert light(client, "learnpack")[0] == "connected"


def test_a_connected_source_says_what_comes_next_as_far_as_the_role_goes(client: Client, cast: Cast) -> None:
    def steps(reader: Client) -> list[str]:
        part = reader.get("/connect").content.decode().partition('data-part="next"')[2].partition("</div>")[0]
        return re.findall(r'class="button[^"]*" href="([^"]+)"', part)

    assert steps(client) == []
    make_webhook(cast.owner, status="DONE")
    assert steps(client) == ["/people/invitations", "/people/import", "/class"]
    assert "It is connected." in client.get("/connect").content.decode()
    make_stored_event(cast.owner, cast.academy)
    assert "Both are connected." in client.get("/connect").content.decode()
    teacher = Client()
    teacher.force_login(make_user("tina", "teacher", cast.academy))
    assert steps(teacher) == ["/class"]


@pytest.mark.parametrize("others", ['"slug": "intro"', '"slug": "intro", "config": {"a": 1}'])
def test_the_line_for_learn_json_is_pasted_after_the_first_brace(client: Client, others: str) -> None:
    page = client.get("/connect", headers={"Host": "localhost:8000"}).content.decode()
    line = re.search(r'id="copy-learn-json"[^>]*>(.*?)</pre>', page, re.DOTALL)
    assert line is not None
    told = json.loads("{" + unescape(line[1]) + others + "}")
    assert told["telemetry"]["batch"].startswith(f"http://localhost:8000{LEARNPACK}?academy=")
    assert told["slug"] == "intro"


def test_what_arrives_and_cannot_be_used_is_green_and_says_why(client: Client, cast: Cast) -> None:
    make_webhook(cast.owner, status="ERROR", status_text="No tasks for that slug", package_slug="intro")
    state, words = light(client, "learnpack")
    assert (state, "could not be used: No tasks for that slug" in words) == ("connected", True)
    page = client.get("/connect").content.decode()
    assert f"/diagnosis?user=id:{cast.owner.pk}&amp;asset=intro" in page


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("invalid-token", "a key that nobody has"),
        ("expired-token", "a key that has expired"),
        ("missing-permission", "may not send telemetry"),
        ("not-a-member", "another academy"),
        ("telemetry-of-another-user", "for whom their key may not send"),
        ("body-too-large", "larger than this server accepts"),
        ("invalid-json", "can&#x27;t read"),
        ("hub-token-refused", "JupyterHub were refused"),
        ("something-new", "Requests were refused."),
    ],
)
def test_a_light_that_stays_grey_says_what_was_refused(client: Client, cast: Cast, reason: str, sentence: str) -> None:
    refuse(NOTEBOOKS, reason, user=None if reason == "invalid-token" else cast.owner, times=3)
    state, words = light(client, "notebooks")
    assert (state, sentence in words, "3 requests" in words) == ("trouble", True, True)
    assert light(client, "learnpack")[0] == "waiting"


def test_a_light_tells_what_a_batch_lacks_and_not_the_events_after_it(client: Client, cast: Cast) -> None:
    make_webhook(cast.owner, status="ERROR", status_text="No such asset", package_slug="intro")
    streamed = make_webhook(
        cast.owner,
        status="ERROR",
        status_text="Not implemented",
        is_streaming=True,
        event="open_step",
        package_slug="03-goodbye",
    )
    assert "could not be used: No such asset" in light(client, "learnpack")[1]
    page = client.get("/connect").content.decode()
    assert f"/diagnosis?user=id:{cast.owner.pk}&amp;asset=intro" in page
    assert "03-goodbye" not in page
    # Before any batch the newest event is told, whose slug is a step's.
    type(streamed).objects.exclude(pk=streamed.pk).delete()
    assert "could not be used: Not implemented" in light(client, "learnpack")[1]
    assert "03-goodbye" not in client.get("/connect").content.decode()


def test_a_light_knows_rejected_events_and_nothing_of_other_academies(client: Client, cast: Cast) -> None:
    refuse(LEARNPACK, "expired-token", user=cast.strange_learner)
    make_rejected(cast.strange_learner, cast.elsewhere, make_event(verb="danced"))
    assert (light(client, "learnpack")[0], light(client, "notebooks")[0]) == ("waiting", "waiting")
    make_rejected(cast.owner, cast.academy, make_event(verb="danced"))
    state, words = light(client, "notebooks")
    assert (state, "were rejected" in words) == ("trouble", True)
    # What was rejected is counted by event: a request may hold hundreds.
    assert "1 event, at" in words
    assert "request" not in words


def test_a_key_is_made_for_telemetry_and_shown_once_in_what_is_copied(client: Client, cast: Cast) -> None:
    page = client.post("/connect/key", {"source": "learnpack"}).content.decode()
    token = Token.objects.get()
    assert (token.user_id, token.scope, token.name) == (cast.colleague.pk, "telemetry", "LearnPack")
    assert AuditEntry.objects.get(action="token.made").object_id == token.pk
    found = re.search(r'class="key">(\w{40})<', page)
    assert found is not None
    assert f"Authorization: Token {found[1]}" in page
    assert f"LEARNTRACE_TOKEN={found[1]}" in page
    assert found[1] not in client.get("/connect").content.decode()
    assert client.post("/connect/key", {"source": "elsewhere"}).status_code == 302
    assert Token.objects.count() == 1


def test_whoever_manages_keys_is_led_to_those_of_learners(client: Client, cast: Cast) -> None:
    assert 'href="/keys?make=1"' in client.get("/connect").content.decode()
    teacher = Client()
    teacher.force_login(make_user("tess", "teacher", cast.academy))
    assert "/keys" not in teacher.get("/connect").content.decode()


def test_a_teacher_whose_keys_would_be_refused_is_told_so(cast: Cast) -> None:
    teacher = Client()
    teacher.force_login(make_user("tina", "teacher", cast.academy))
    page = teacher.get("/connect").content.decode()
    assert "Your role sends no telemetry itself" in page
    assert "connect-key" not in page
    assert 'name="source"' not in page
    assert "Sample data" not in page
    learner = Client()
    learner.force_login(cast.owner)
    assert learner.get("/connect").status_code == 403


def test_the_lines_name_the_server_as_its_clients_know_it(client: Client, cast: Cast) -> None:
    page = client.get("/connect", headers={"Host": "localhost:8000"}).content.decode()
    assert f"http://localhost:8000{LEARNPACK}?academy={cast.academy.pk}" in page
    assert "which only this computer can reach" in page
    with override_settings(PUBLIC_URL="https://learn.school.example"):
        page = client.get("/connect").content.decode()
    assert "LEARNTRACE_URL=https://learn.school.example" in page
    assert f"LEARNTRACE_HUB_ACADEMY={cast.academy.slug}" in page
    assert "which only this computer can reach" not in page


EMPTY = ("/class", "/assignments", "/learners", "/assets", "/telemetry", "/telemetry/webhooks", "/telemetry/rejected")


@pytest.mark.django_db
@pytest.mark.parametrize("path", EMPTY)
def test_an_empty_page_says_its_next_step_with_a_button_and_no_command(path: str) -> None:
    academy = make_academy("new")
    second = make_academy("second")
    admin = make_user("olga", "admin", academy, second)
    Membership.objects.filter(user=admin).update(role="admin")
    client = Client()
    client.force_login(admin)
    # Learners has a row as soon as somebody is a member: it is empty for a cohort of nobody only.
    page = client.get(f"{path}?academy={second.pk}").content.decode()
    if path == "/learners":
        return
    step = re.search(r'class="next-step"><a class="button" href="(/[\w/-]+)\?academy=(\d+)"', page)
    assert step is not None, path
    assert step[1] in ("/connect", "/telemetry")
    assert int(step[2]) == second.pk
    assert "roster import" not in page
    assert "jupyter assignments" not in page
    if path == "/class":
        assert f'<a class="button" href="/people?academy={second.pk}">Add somebody</a>' in page


def test_my_learning_that_is_empty_leads_to_ones_keys(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.owner)
    page = client.get("/me").content.decode()
    assert 'class="button" href="/account#keys"' in page


READER_PAGES = (
    "/class", "/assignments", "/learners", "/assets", "/telemetry/webhooks", "/telemetry/rejected", "/search?q=zzz", "/search",
    "/people?q=zzz", "/people/cohorts", "/people/due-dates", "/people/invitations", "/keys", "/keys?q=zzz", "/notifications",
    "/reports/cohorts", "/telemetry/webhooks?event=none", "/telemetry/rejected?code=none", "/audit?action=data.erased",
)  # fmt: skip
_NEXT_STEP = re.compile(r'<p class="next-step"><a class="button" href="([^"]+)"')


def test_every_empty_page_has_a_button_that_its_reader_may_use(cast: Cast) -> None:
    academy = Academy.objects.create(slug="empty", name="Empty")
    for role in ("admin", "teacher", "assistant"):
        client = Client()
        client.force_login(make_user(f"{role}-of-nobody", role, academy))
        for path in READER_PAGES:
            answer = client.get(path)
            if answer.status_code == 403:
                continue
            page = answer.content.decode()
            assert 'class="empty"' in page, (role, path)
            steps = _NEXT_STEP.findall(page)
            # What the reader may not make has no button: only an admin makes cohorts, only a teacher due dates.
            assert steps or role != "admin", path
            for step in map(unescape, steps):
                if step.startswith("#"):
                    assert f'id="{step[1:]}"' in page, (role, path, step)
                else:
                    assert (
                        client.get(urljoin(f"http://here{path}", step).removeprefix("http://here")).status_code == 200
                    ), step
    client.force_login(User.objects.get(username="admin-of-nobody"))
    assert 'id="new" open' in client.get("/notifications?new=1").content.decode()
    assert 'id="make" open' in client.get("/keys?make=1").content.decode()
