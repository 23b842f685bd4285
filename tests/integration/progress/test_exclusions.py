"""Excluded attempts count for nothing, at once and everywhere, until they are taken back; then all is as before."""

import io
import random
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client

from learntrace.accounts.models import Academy, User
from learntrace.core.models import LiveEvent
from learntrace.measures.activity import Activity, Failure
from learntrace.progress.corrections import exclusions
from learntrace.progress.corrections.exclusions import Meant
from learntrace.progress.models import Activity as ActivityRow
from learntrace.progress.models import ErrorCount, Exclusion, Progress
from learntrace.progress.recording import recomputation, sources
from learntrace.progress.recording.activity_store import LearnerActivity
from learntrace.signals.models import Signal, Watch
from tests.integration.progress.test_recording import MEASURES, TAGS, a_lesson, take
from tests.support.builders import NOW, Api, Cast, make_user

pytestmark = pytest.mark.django_db


def everything(user: User) -> dict[str, Any]:
    """All that follows from a learner's activities."""
    signals = Signal.objects.filter(user=user).exclude(state="withdrawn").order_by("kind", "group", "key")
    return {
        "measures": list(Progress.objects.filter(user=user).order_by("assignment").values_list(*MEASURES)),
        "errors": list(
            ErrorCount.objects.filter(progress__user=user)
            .order_by("progress__assignment", "digest")
            .values_list("progress__assignment", "digest", "count", "first_at", "last_at")
        ),
        "signals": list(
            signals.values_list("kind", "group", "key", "state", "count", "opened_at", "last_seen_at", "evidence")
        ),
        "states": list(
            Watch.objects.filter(user=user).order_by("kind", "group").values_list("kind", "group", "state", "last_at")
        ),
    }


def recompute(user: User) -> Any:
    with transaction.atomic():
        return recomputation.recompute_learner(user.pk)


def meant(user: User, **fields: Any) -> Meant:
    return Meant(frozenset({user.pk}), **fields)


@pytest.mark.parametrize("seed", range(4))
class TestWhatIsExcludedCountsForNothing:
    def test_a_session_that_is_excluded_was_never_there_and_its_return_brings_all_back(
        self, cast: Cast, seed: int
    ) -> None:
        lesson = a_lesson(seed)
        take(cast.owner, cast.academy, lesson)
        before = everything(cast.owner)
        twin = make_user("twin", "student", cast.academy)
        kept = [replace(one, id=str(uuid.uuid4())) for one in lesson if one.session_id != "s1"]
        take(twin, cast.academy, kept)
        (exclusion,) = exclusions.exclude(
            cast.academy, meant(cast.owner, session_id="s1"), "a preview", cast.colleague, None
        )
        assert without_ids(everything(cast.owner)) == without_ids(everything(twin))
        assert exclusions.lift(cast.academy, [exclusion], cast.colleague) == 1
        assert everything(cast.owner) == before

    def test_what_arrives_later_in_an_excluded_session_is_excluded_and_any_order_is_the_same(
        self, cast: Cast, seed: int
    ) -> None:
        lesson = a_lesson(seed)
        take(cast.owner, cast.academy, lesson[:20])
        (exclusion,) = exclusions.exclude(cast.academy, meant(cast.owner, session_id="s1"), "junk", None, None)
        rest = lesson[20:]
        random.Random(seed).shuffle(rest)
        for part in (rest[:10], rest[10:]):
            take(cast.owner, cast.academy, part)
        sessions = ActivityRow.objects.filter(user=cast.owner).values_list("session_id", "exclusion_id").distinct()
        assert set(sessions) == {("s1", exclusion.pk), ("s2", None)}
        excluded = everything(cast.owner)
        exclusions.lift(cast.academy, [exclusion], None)
        twin = make_user("twin", "student", cast.academy)
        take(twin, cast.academy, [replace(one, id=str(uuid.uuid4())) for one in lesson])
        assert without_ids(everything(cast.owner)) == without_ids(everything(twin))
        exclusions.exclude(cast.academy, meant(cast.owner, session_id="s1"), "junk", None, None)
        # Not the signals: a silence that was seen stays seen, and the academy's clock has gone on with what was lifted.
        assert everything(cast.owner)["measures"] == excluded["measures"]

    def test_a_recomputation_changes_nothing(self, cast: Cast, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
        lesson = a_lesson(seed)
        derived = [LearnerActivity(cast.owner.pk, cast.academy.pk, one) for one in lesson]
        source = sources.Source("notebook", lambda user_id: derived, lambda assignment: [])
        monkeypatch.setattr(sources, "SOURCES", {"notebook": source})
        monkeypatch.setattr(recomputation, "SOURCES", {"notebook": source})
        take(cast.owner, cast.academy, lesson)
        exclusions.exclude(
            cast.academy, meant(cast.owner, since=NOW, until=NOW + timedelta(minutes=40)), "junk", None, None
        )
        before = everything(cast.owner)
        assert recompute(cast.owner) == recomputation.Changed()
        assert everything(cast.owner) == before


def without_ids(found: dict[str, Any]) -> dict[str, Any]:
    """What follows from activities, but for the ids of the activities themselves, which name signals' evidence."""
    return {
        **found,
        "signals": sorted(
            (kind, state, count, opened, seen) for kind, _g, _k, state, count, opened, seen, _e in found["signals"]
        ),
        "states": [(kind, group, at) for kind, group, _state, at in found["states"]],
    }


class TestOneAttempt:
    def test_it_can_be_excluded_by_its_id(self, cast: Cast) -> None:
        failing(cast.owner, cast.academy, 3)
        last = ActivityRow.objects.latest("at")
        exclusions.exclude(cast.academy, meant(cast.owner, activity_id=last.pk), "shared account", None, None)
        assert Progress.objects.get(user=cast.owner).attempts == 2
        assert not Signal.objects.filter(user=cast.owner, kind="consecutive_errors", state="open").exists()

    def test_two_exclusions_cover_it_until_both_are_lifted(self, cast: Cast) -> None:
        failing(cast.owner, cast.academy, 2)
        last = ActivityRow.objects.latest("at")
        (one,) = exclusions.exclude(cast.academy, meant(cast.owner, activity_id=last.pk), "junk", None, None)
        (whole,) = exclusions.exclude(cast.academy, meant(cast.owner, session_id="s1"), "junk", None, None)
        exclusions.lift(cast.academy, [one], None)
        last.refresh_from_db()
        assert last.exclusion_id == whole.pk
        exclusions.lift(cast.academy, [whole], None)
        assert Progress.objects.get(user=cast.owner).attempts == 2


class TestLive:
    def test_a_learner_with_nothing_left_is_told_as_not_started(self, cast: Cast) -> None:
        failing(cast.owner, cast.academy, 3)
        LiveEvent.objects.all().delete()
        exclusions.exclude(cast.academy, meant(cast.owner), "a preview", None, None)
        assert not Progress.objects.filter(user=cast.owner).exists()
        told = [event.data for event in LiveEvent.objects.filter(kind="progress")]
        assert [(one["state"], one["attempts"]) for one in told] == [("not_started", 0)]


class TestBadInput:
    def test_a_reason_is_required_and_nothing_changes_without(self, cast: Cast) -> None:
        failing(cast.owner, cast.academy, 1)
        with pytest.raises(exclusions.InvalidExclusion):
            exclusions.exclude(cast.academy, meant(cast.owner), "  ", None, None)
        assert not Exclusion.objects.exists()

    def test_a_class_is_excluded_only_with_its_number_of_attempts(self, cast: Cast) -> None:
        learners = [make_user(f"l{n}", "student", cast.academy) for n in range(2)]
        for learner in learners:
            failing(learner, cast.academy, 2)
        all_of_them = Meant(frozenset(learner.pk for learner in learners), assignment=TAGS[0])
        for confirm in (None, 3):
            with pytest.raises(exclusions.NotConfirmed, match="4 attempts of 2 learners"):
                exclusions.exclude(cast.academy, all_of_them, "junk", None, confirm)
        assert not ActivityRow.objects.filter(exclusion_id__isnull=False).exists()
        made = exclusions.exclude(cast.academy, all_of_them, "junk", None, 4)
        assert len(made) == 2
        assert not Progress.objects.exists()

    def test_another_academys_attempts_are_left_alone(self, cast: Cast) -> None:
        failing(cast.owner, cast.academy, 1)
        with pytest.raises(exclusions.NothingToExclude):
            exclusions.exclude(
                cast.elsewhere, meant(cast.owner, activity_id=ActivityRow.objects.get().pk), "junk", None, None
            )
        exclusions.exclude(cast.elsewhere, meant(cast.owner), "junk", None, None)
        assert ActivityRow.objects.get().exclusion_id is None


class TestTheApi:
    PATH = "/v1/progress/academy/exclusion"

    def test_a_session_is_excluded_listed_and_lifted(self, cast: Cast, teacher: Api) -> None:
        failing(cast.owner, cast.academy, 3)
        wanted = {"learner": ["ada"], "session": "s1", "assignment": "lesson-03-exercise-1", "reason": "a preview"}
        told = teacher.post(f"{self.PATH}?dry_run=1", wanted)
        assert told.json() == {"attempts": 3, "learners": 1, "confirm": False}
        assert not Exclusion.objects.exists()
        answer = teacher.post(self.PATH, wanted)
        assert answer.status_code == 201
        (made,) = answer.json()
        assert (made["learner"]["username"], made["session"], made["reason"]) == ("ada", "s1", "a preview")
        assert made["excluded_by"]["id"]
        assert made["lifted_at"] is None
        attempts = teacher.get(f"/v1/progress/academy/assignment/{TAGS[0]}/learner/{cast.owner.pk}/attempt?explain=1")
        assert [one["excluded"]["reason"] for one in attempts.json()] == ["a preview"] * 3
        assert [one["explain"]["counts"]["inputs"]["counts"] for one in attempts.json()] == [False] * 3
        assert teacher.delete(f"{self.PATH}/{made['id']}?dry_run=1").json() == {"lifted": 1}
        assert teacher.delete(f"{self.PATH}/{made['id']}").json() == {"lifted": 1}
        assert teacher.get(f"{self.PATH}?standing=1").json() == []
        assert teacher.get(f"{self.PATH}?learner=ada").json()[0]["lifted_by"] is not None
        assert Progress.objects.get(user=cast.owner).attempts == 3

    def test_a_class_asks_with_the_count(self, cast: Cast, teacher: Api) -> None:
        for number in range(6):
            failing(make_user(f"l{number}", "student", cast.academy), cast.academy, 2)
        wanted = {"everyone": True, "assignment": TAGS[0], "reason": "the room was shared"}
        answer = teacher.post(self.PATH, wanted)
        assert answer.status_code == 400
        assert (answer.json()["slug"], answer.json()["attempts"], answer.json()["learners"]) == (
            "confirm-exclusion",
            12,
            6,
        )
        assert not Exclusion.objects.exists()
        answer = teacher.post(self.PATH, {**wanted, "confirm": 12})
        assert len(answer.json()) == 6
        assert teacher.delete(f"{self.PATH}/{answer.json()[0]['id']}?together=1").json() == {"lifted": 6}
        assert Progress.objects.count() == 6

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"learner": None}, "Say whose attempts are meant"),
            ({"learner": ["nobody"]}, "Unknown learner: nobody"),
            ({"learner": ["lee"]}, "Unknown learner: lee"),
            ({"cohort": "spring", "learner": None}, "Unknown cohort: spring"),
            ({"attempt": "x", "learner": None}, "`attempt` must be the id of an attempt"),
            ({"since": "yesterday"}, "`since` must be a date and time"),
            ({"since": "2027-01-02T00:00:00Z", "until": "2027-01-01T00:00:00Z"}, "ends before it begins"),
            ({"reason": ""}, "A reason of 1 to 500 characters"),
            ({"assignment": "lesson-99-exercise-1"}, "not found"),
            ({"session": 5}, "`session` must be a text"),
            ({"session": "s" * 201}, "`session` must have at most 200 characters"),
            ({"assignment": "a" * 421}, "`assignment` must have at most 420 characters"),
            ({"confirm": "all"}, "`confirm` must be the number"),
        ],
    )
    def test_bad_input_gets_a_sentence_and_changes_nothing(
        self, cast: Cast, teacher: Api, change: dict[str, Any], sentence: str
    ) -> None:
        failing(cast.owner, cast.academy, 1)
        answer = teacher.post(self.PATH, {"learner": ["ada"], "reason": "junk", **change})
        assert answer.status_code in (400, 404), answer.content
        assert sentence in answer.json()["detail"]
        assert not Exclusion.objects.exists()

    def test_who_may_not_correct_telemetry_excludes_nothing(self, cast: Cast) -> None:
        failing(cast.owner, cast.academy, 1)
        body = {"learner": ["ada"], "reason": "junk"}
        for user in (cast.owner, make_user("ann", "assistant", cast.academy), cast.stranger):
            assert Api(user, cast.academy).post(self.PATH, body).status_code == 403
        (made,) = exclusions.exclude(cast.academy, meant(cast.owner), "junk", None, None)
        assert Api(cast.stranger, cast.elsewhere).delete(f"{self.PATH}/{made.pk}").status_code == 404
        assert Api(cast.stranger, cast.elsewhere).get(self.PATH).json() == []


class TestTheCommand:
    def test_without_confirm_it_only_tells_the_count(self, cast: Cast) -> None:
        failing(cast.owner, cast.academy, 2)
        told = run("downtown", "--learner", "ada", "--reason", "junk")
        assert "Would exclude 2 attempts of 1 learners" in told
        assert not Exclusion.objects.exists()
        told = run("downtown", "--learner", "ada", "--reason", "junk", "--confirm", "2")
        assert "Excluded 2 attempts" in told
        assert not Progress.objects.exists()
        run("downtown", "--lift", str(Exclusion.objects.get().pk))
        assert Progress.objects.get().attempts == 2

    def test_a_wrong_count_or_name_changes_nothing(self, cast: Cast) -> None:
        failing(cast.owner, cast.academy, 2)
        for arguments in (("--confirm", "3"), ("--learner", "nobody"), ("--assignment", "x")):
            with pytest.raises(CommandError):
                run("downtown", "--learner", "ada", "--reason", "junk", *arguments)
        assert not Exclusion.objects.exists()


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("exclude_attempts", *arguments, stdout=out)
    return out.getvalue()


class TestThePage:
    def test_an_attempt_is_excluded_shown_struck_out_and_counted_again(self, cast: Cast, client: Client) -> None:
        failing(cast.owner, cast.academy, 3)
        client.force_login(cast.colleague)
        attempt = ActivityRow.objects.latest("at")
        page = f"/assignment/lesson-03-exercise-1/learner/{cast.owner.pk}"
        form = f"{page}/exclude?attempt={attempt.pk}"
        assert form in client.get(page).content.decode()
        shown = client.get(form).content.decode()
        assert "This attempt" in shown
        assert "3 attempts" in shown
        answer = client.post(form, {"what": "attempt", "reason": "I tried <b>it</b>"})
        assert answer["Location"] == page
        html = client.get(page).content.decode()
        assert 'class="excluded"' in html
        assert "I tried &lt;b&gt;it&lt;/b&gt;" in html
        assert "Excluded by Grace Hopper" in html
        assert ",yes" in client.get(f"{page}?format=csv").content.decode()
        assert Progress.objects.get().attempts == 2
        client.post(f"/exclusion/{Exclusion.objects.get().pk}/lift", {"next": page})
        assert 'class="excluded"' not in client.get(page).content.decode()
        assert Progress.objects.get().attempts == 3

    def test_a_span_is_excluded_and_a_bad_one_keeps_the_form(self, cast: Cast, client: Client) -> None:
        failing(cast.owner, cast.academy, 3)
        client.force_login(cast.colleague)
        form = f"/assignment/lesson-03-exercise-1/learner/{cast.owner.pk}/exclude"
        answer = client.post(form, {"what": "span", "reason": "junk"})
        assert answer.status_code == 400
        assert "when the period begins" in answer.content.decode()
        client.post(
            form, {"what": "span", "reason": "junk", "since": "2026-11-22T10:31", "until": "2026-11-22T10:31:00"}
        )
        assert Progress.objects.get().attempts == 2

    def test_a_class_is_excluded_only_after_a_second_look(self, cast: Cast, client: Client) -> None:
        for number in range(6):
            failing(make_user(f"l{number}", "student", cast.academy), cast.academy, 2)
        client.force_login(cast.colleague)
        form = "/assignment/lesson-03-exercise-1/exclude"
        answer = client.post(form, {"what": "assignment", "reason": "junk"})
        assert answer.status_code == 400
        assert "Yes, exclude 12 attempts of 6 learners" in answer.content.decode()
        assert not Exclusion.objects.exists()
        client.post(form, {"what": "assignment", "reason": "junk", "confirm": "12"})
        assert Exclusion.objects.count() == 6

    def test_an_assistant_sees_no_such_form(self, cast: Cast, client: Client) -> None:
        failing(cast.owner, cast.academy, 1)
        client.force_login(make_user("ann", "assistant", cast.academy))
        page = f"/assignment/lesson-03-exercise-1/learner/{cast.owner.pk}"
        assert "/exclude" not in client.get(page).content.decode()
        assert client.get(f"{page}/exclude").status_code == 403
        assert client.post(f"{page}/exclude", {"what": "all", "reason": "junk"}).status_code == 403


def failing(user: User, academy: Academy, number: int) -> None:
    """Failed attempts with the same code, a minute apart."""
    take(
        user,
        academy,
        [
            Activity(
                id=str(uuid.uuid4()),
                at=NOW + timedelta(minutes=place),
                arrival=place,
                verb="executed",
                assignment=TAGS[0],
                outcome="error",
                failures=(Failure("NameError", "name 'x' is not defined"),),
                session_id="s1",
                object_id="c1",
                code_hash="a" * 64,
            )
            for place in range(number)
        ],
    )
