"""What `/telemetry` and, to learners, `/` tell whom; the pages' looks and their script are tested in tests/browser."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.utils import timezone, translation
from pytest_django import DjangoAssertNumQueries, Settings

from learntrace.accounts.models import Academy, Membership, User
from learntrace.dashboard.health.overview import AcademyHealth, health_of
from learntrace.dashboard.health.volume import PERIODS
from learntrace.dashboard.health.volume_chart import chart_of, scale_top
from learntrace.dashboard.layout.page import PARTS_HEADER, reach_of
from learntrace.intake.models import Refusal
from learntrace.intake.refusal_counts import REASONS
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.webhook_log.volume import Slot
from learntrace.notebooks.models import Event
from learntrace.registry.models import Asset
from tests.browser.scene import Scene, build_scene, person
from tests.support.builders import Response, make_rejected, make_stored_event, make_user
from tests.support.notebooks import make_event


@pytest.fixture(autouse=True)
def _nothing_left_by_others() -> Iterator[None]:
    cache.clear()
    yield
    translation.deactivate()


@pytest.fixture
def scene(db: None) -> Scene:
    return build_scene()


@pytest.fixture
def harbour(scene: Scene) -> Academy:
    return Academy.objects.create(slug="harbour", name="Harbour")


def signed_in(user: User, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(user)
    return client


def webhook(student: User | None, slug: str = "somewhere", **fields: Any) -> Webhook:
    return Webhook.objects.create(
        is_streaming=False, event="batch", payload={}, package_slug=slug, student=student, **fields
    )


def academy_status(academy: Academy) -> AcademyHealth:
    return health_of(academy, PERIODS[0])


def subjects(academy: Academy) -> list[str]:
    return [row.subject for row in academy_status(academy).newest]


def text_of(response: Response) -> str:
    return response.content.decode()


# Scope


def test_an_academy_sees_its_members_rows_and_no_others(scene: Scene, harbour: Academy) -> None:
    lee = person("lee", "Lee Elsewhere", {harbour: "student"})
    webhook(lee, "of-lee")
    webhook(None, "of-nobody")
    webhook(scene.learner, "of-ada")
    assert subjects(scene.academy)[0] == "of-ada"
    assert subjects(harbour) == ["of-lee"]
    assert sum(hour.total for hour in academy_status(harbour).slots) == 1
    assert academy_status(harbour).lately == 1
    webhook(scene.learner, "of-ada", created_at=timezone.now() - timedelta(days=1))
    assert academy_status(harbour).waiting.since == Webhook.objects.get(package_slug="of-lee").created_at


def test_a_row_on_another_academys_asset_is_seen_there_only(scene: Scene, harbour: Academy) -> None:
    Membership.objects.create(user=scene.learner, academy=harbour, role="student")
    webhook(scene.learner, asset=Asset.objects.create(slug="of-harbour", academy=harbour))
    assert subjects(harbour)[0] == "of-harbour"
    assert "of-harbour" not in subjects(scene.academy)


def test_refusals_are_those_of_the_academys_members(scene: Scene, harbour: Academy) -> None:
    lee = person("lee", "Lee Elsewhere", {harbour: "student"})
    for user, hours in ((lee, 1), (lee, 2), (lee, 30), (None, 1)):
        Refusal.objects.create(
            path="/",
            status_code=401,
            reason="invalid-json",
            user=user,
            size=1,
            created_at=timezone.now() - timedelta(hours=hours),
        )
    assert [(row.reason, row.requests, row.learners) for row in academy_status(harbour).refusals] == [
        ("invalid-json", 2, 1)
    ]
    reasons = {row.reason: row.requests for row in academy_status(scene.academy).refusals}
    assert reasons == {"expired-token": 14, "telemetry-of-another-user": 3, "body-too-large": 1}


@pytest.mark.parametrize(
    ("role", "status", "academy_status", "reads"),
    [
        ("teacher", "ACTIVE", "ACTIVE", True),
        ("assistant", "ACTIVE", "ACTIVE", True),
        ("student", "ACTIVE", "ACTIVE", False),
        ("admin", "INACTIVE", "ACTIVE", False),
        ("admin", "ACTIVE", "INACTIVE", False),
        ("admin", "ACTIVE", "DELETED", False),
    ],
)
def test_only_an_active_role_that_reads_opens_an_academy(
    db: None, role: str, status: str, academy_status: str, reads: bool
) -> None:
    academy = Academy.objects.create(slug="harbour", name="Harbour", status=academy_status)
    user = person("una", "Una User", {academy: role})
    user.memberships.update(status=status)
    assert reach_of(user).academy == (academy if reads else None)
    for path in (f"/telemetry?academy={academy.pk}", f"/class?academy={academy.pk}"):
        response = signed_in(user).get(path)
        assert response.status_code == (200 if reads else 403)
        assert ("Harbour" in text_of(response)) <= reads


def test_a_superuser_without_a_role_reads_no_academy(scene: Scene) -> None:
    root = User.objects.create_superuser("root", password="x")
    response = signed_in(root).get(f"/telemetry?academy={scene.academy.pk}")
    assert response.status_code == 403
    page = text_of(signed_in(root).get("/me"))
    assert "You run this server and belong to no academy yet." in page
    assert "Administration" in page


# Notebooks


def test_an_academy_that_sends_notebook_events_only_is_told_that_they_arrive(harbour: Academy) -> None:
    lee = person("lee", "Lee Elsewhere", {harbour: "student"})
    client = signed_in(person("tess", "Tess Teacher", {harbour: "teacher"}))
    assert "Nothing has arrived yet" in text_of(client.get("/telemetry"))
    opened = make_stored_event(lee, harbour, verb="opened", result={})
    found = academy_status(harbour)
    assert (found.ever, found.lately, found.last_at, found.events) == (True, 1, opened.created_at, ())
    failed = make_stored_event(lee, harbour, result={"outcome": "error", "error_name": "NameError"})
    rejected = make_rejected(lee, harbour, make_event(verb="danced"))
    found = academy_status(harbour)
    assert (found.lately, found.last_at) == (3, max(failed.created_at, rejected.updated_at))
    assert [(row.learner, row.event, row.status) for row in sorted(found.events, key=lambda row: row.status)] == [
        ("Lee Elsewhere", "cell run", "done"),
        ("Lee Elsewhere", "unknown-verb", "rejected"),
    ]
    page = text_of(client.get("/telemetry"))
    assert "Not yet" not in page
    assert "Nothing has arrived yet" not in page
    assert "Newest from notebooks" in page
    assert "NameError" in page
    assert "Unknown verb danced" in page
    assert "Verbo desconocido danced" in text_of(client.get("/telemetry", headers={"Accept-Language": "es"}))


def test_what_came_before_the_last_minutes_has_arrived_though_not_lately(harbour: Academy) -> None:
    lee = person("lee", "Lee Elsewhere", {harbour: "student"})
    event = make_stored_event(lee, harbour)
    Event.objects.update(created_at=timezone.now() - timedelta(hours=1))
    found = academy_status(harbour)
    assert (found.ever, found.lately) == (True, 0)
    assert [row.id for row in found.events] == [str(event.pk)]


def test_notebook_events_are_seen_by_their_academy_and_their_learner_only(scene: Scene, harbour: Academy) -> None:
    lee = person("lee", "Lee Elsewhere", {harbour: "student"})
    make_stored_event(lee, harbour)
    make_rejected(lee, harbour, make_event(verb="danced"))
    assert academy_status(scene.academy).events == ()
    assert len(academy_status(harbour).events) == 2


# The page


def test_the_number_of_queries_does_not_grow(
    scene: Scene, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for user, path, most in ((scene.teacher, "/telemetry", 30), (scene.learner, "/me", 34)):
        client = signed_in(user)
        client.get(path)  # the first request of a process also looks for migrations
        with django_assert_max_num_queries(most):
            assert client.get(path).status_code == 200


def test_pages_are_kept_by_nobody(scene: Scene) -> None:
    for path in ("/", "/status", "/telemetry", "/class"):
        assert "no-store" in signed_in(scene.teacher).get(path).headers["Cache-Control"]


def test_the_moving_parts_say_401_once_the_session_has_ended(db: None) -> None:
    response = Client().get("/telemetry", headers={PARTS_HEADER: "1"})
    assert (response.status_code, response.content) == (401, b"")


def test_who_has_not_signed_in_is_led_to_the_sign_in_and_the_first_one_to_the_set_up(db: None) -> None:
    assert Client().get("/").headers["Location"] == "/set-up"
    assert Client().get("/learners").headers["Location"] == "/sign-in?next=/learners"
    make_user("olga", is_superuser=True)
    assert Client().get("/").headers["Location"] == "/sign-in?next=/"


def test_every_reason_has_words_in_both_languages(package_texts: Catalog) -> None:
    for sentence in REASONS.values():
        with translation.override("es"):
            spanish = str(sentence)
        with translation.override("en"):
            assert str(sentence) in package_texts
            assert str(sentence) != spanish


def test_an_hour_of_the_chart_counts_each_status(db: None) -> None:
    academy = Academy.objects.create(slug="harbour", name="Harbour")
    lee = person("lee", "Lee Elsewhere", {academy: "student"})
    now = timezone.now()
    for status, hours in (("DONE", 0), ("DONE", 0), ("ERROR", 0), ("IGNORED", 2), ("PENDING", 2), ("DONE", 25)):
        webhook(lee, status=status, created_at=now - timedelta(hours=hours))
    slots = academy_status(academy).slots
    assert len(slots) == 24
    assert (slots[-1].done, slots[-1].error, slots[-1].total) == (2, 1, 3)
    assert (slots[-3].ignored, slots[-3].pending, slots[-3].total) == (1, 1, 2)
    assert sum(slot.total for slot in slots) == 5


def test_bars_stand_on_each_other_and_reach_the_scale() -> None:
    start = timezone.now()
    hours = [Slot(start + timedelta(hours=index), done=index, error=1) for index in range(20)]
    chart = chart_of(hours)
    assert [line.value for line in chart.lines] == [20, 10]
    last = chart.bars[-1]
    done, error = last.parts
    assert (done.state, done.y, done.height) == ("done", "7.2", "136.8")
    assert (error.state, error.y) == ("error", "0.0")
    assert dict(chart.sums) == {"done": 190, "ignored": 0, "pending": 0, "error": 20}


@pytest.mark.parametrize(
    ("most", "top"), [(0, 2), (2, 2), (3, 4), (5, 10), (11, 20), (21, 40), (101, 200), (999, 1000)]
)
def test_the_scale_ends_at_a_round_number(most: int, top: int) -> None:
    assert scale_top(most) == top


# Signing in


def sign_in(client: Client, name: str, password: str, **fields: str) -> Response:
    return client.post("/sign-in", {"name": name, "password": password, **fields})


@pytest.mark.parametrize(
    ("wanted", "target"),
    [
        ("/docs", "/docs"),
        ("/?academy=3", "/?academy=3"),
        ("", "/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("foo", "/"),
        ("./foo", "/"),
        ("foo/bar.html", "/"),
        ("sign-in", "/"),
        ("http://testserver/docs", "http://testserver/docs"),
        ("http://testserver@evil.example/", "/"),
        ("http:evil.example", "/"),
        ("http:///evil.example", "/"),
        ("HTTPS://evil.example", "/"),
        ("\t//evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"),
        ("//[", "/"),
        ("http://[", "/"),
        ("///evil.example", "/"),
        ("/" + "x" * 20000, "/"),
        ("?next=//evil.example", "/"),
        ("#", "/"),
    ],
)
def test_one_goes_on_to_pages_of_this_server_only(db: None, wanted: str, target: str) -> None:
    academy = Academy.objects.create(slug="harbour", name="Harbour")
    person("una", "Una User", {academy: "teacher"})
    client = Client()
    response = sign_in(client, "una", "correct horse battery staple", next=wanted)
    assert response.headers["Location"] == target
    # Already signed in: as well.
    assert client.get("/sign-in", {"next": wanted}).headers["Location"] == target
    assert client.post("/language", {"language": "es", "next": wanted}).headers["Location"] == target


@pytest.mark.parametrize("name", ["", "una", "UNA@example.org", "nobody", "una\0", "x" * 5000])
def test_wrong_credentials_are_told_alike(db: None, name: str) -> None:
    person("una", "Una User", {})
    response = sign_in(Client(), name, "wrong")
    assert response.status_code == 400
    assert "Wrong name or password." in text_of(response)


def test_an_inactive_account_opens_nothing(db: None) -> None:
    una = person("una", "Una User", {}, is_active=False)
    for name in (una.username, una.email):
        assert sign_in(Client(), name, "correct horse battery staple").status_code == 400


def test_too_many_failures_are_slowed_down(db: None, settings: Settings) -> None:
    person("una", "Una User", {})
    settings.ACCOUNT_GUESSES = 2
    for _attempt in range(2):
        assert sign_in(Client(), "una", "wrong").status_code == 400
    response = sign_in(Client(), "una", "correct horse battery staple")
    assert response.status_code == 429
    assert "Too many failed attempts." in text_of(response)


def test_forms_need_their_token(db: None) -> None:
    for path in ("/sign-in", "/sign-out", "/language", "/theme"):
        response = Client(enforce_csrf_checks=True).post(path, headers={"Accept": "text/html"})
        assert response.status_code == 403
        assert "This form has expired." in text_of(response)


def test_signing_out_is_a_post_and_ends_the_session(scene: Scene) -> None:
    client = signed_in(scene.teacher)
    assert client.get("/sign-out").status_code == 405
    assert client.post("/sign-out").headers["Location"] == "/sign-in"
    assert client.get("/").status_code == 302


def test_only_a_language_that_we_speak_is_remembered(db: None) -> None:
    client = Client()
    client.post("/language", {"language": "xx"})
    assert settings.LANGUAGE_COOKIE_NAME not in client.cookies
    client.post("/language", {"language": "es"})
    assert "Iniciar sesión" in text_of(client.get("/sign-in"))


def test_messages_come_in_the_language_that_was_chosen_on_a_page(scene: Scene) -> None:
    client = signed_in(scene.teacher)
    client.post("/language", {"language": "es"})
    scene.teacher.refresh_from_db()
    assert scene.teacher.language == "es"


def test_the_icon_is_where_browsers_look_for_it(db: None) -> None:
    response = Client().get("/favicon.ico")
    assert response.headers["Location"] == "/static/dashboard/logo.svg"


def test_pages_hold_no_inline_script_or_style(scene: Scene) -> None:
    for client in (Client(), signed_in(scene.teacher), signed_in(scene.learner)):
        for path in ("/sign-in", "/", "/me", "/telemetry", "/class", "/learners", "/nothing-here"):
            page = text_of(client.get(path, headers={"Accept": "text/html"}))
            assert " style=" not in page
            assert "<style" not in page
            assert page.count("<script") == page.count("<script src=")
            assert " onclick" not in page
