"""Which signals a teacher is told of, and when."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from learntrace.accounts.models import Membership
from learntrace.signals.models import Notification, NotificationRule
from tests.support.builders import Cast, make_cohort, make_task, make_user
from tests.support.notifications import make_rule, make_signal, queue

pytestmark = pytest.mark.django_db


def told(rule: NotificationRule) -> list[int]:
    return list(Notification.objects.filter(rule=rule).order_by("signal_id").values_list("signal_id", flat=True))


def test_a_rule_tells_of_its_academys_signals_and_of_no_other(cast: Cast) -> None:
    rule = make_rule(cast.colleague, cast.academy)
    strange = make_rule(cast.stranger, cast.elsewhere)
    mine, theirs = make_signal(cast.owner, cast.academy), make_signal(cast.strange_learner, cast.elsewhere)
    assert queue(mine, theirs) == 2
    assert (told(rule), told(strange)) == ([mine.pk], [theirs.pk])


def test_a_signal_without_an_academy_is_nobodys(cast: Cast) -> None:
    make_rule(cast.colleague, cast.academy)
    assert queue(make_signal(cast.owner, None)) == 0
    assert queue() == 0


def test_kinds_severity_and_cohort_narrow_a_rule(cast: Cast) -> None:
    fall = make_cohort("fall", cast.academy)
    learner = make_user("linus", "student", cast.academy)
    make_task(learner, "intro", cohort=fall)
    make_task(learner, "outro", cohort=fall)
    stuck = make_signal(learner, cast.academy, kind="stuck", severity=3)
    fast = make_signal(cast.owner, cast.academy, kind="rapid_fire", severity=1)
    narrowed: dict[str, dict[str, Any]] = {
        "all": {},
        "kind": {"kinds": ["rapid_fire", "wheel_spinning"]},
        "severe": {"least_severity": 2},
        "fall": {"cohort": fall},
        "off": {"active": False},
    }
    rules = {
        name: make_rule(cast.colleague, cast.academy, target=f"{name}@example.org", **fields)
        for name, fields in narrowed.items()
    }
    queue(stuck, fast)
    assert told(rules["all"]) == sorted([stuck.pk, fast.pk])
    assert told(rules["kind"]) == [fast.pk]
    assert told(rules["severe"]) == told(rules["fall"]) == [stuck.pk]
    assert told(rules["off"]) == []


def test_who_may_no_longer_see_learners_is_not_told(cast: Cast) -> None:
    rule = make_rule(cast.colleague, cast.academy)
    role = Membership.objects.get(user=cast.colleague)
    for change in ({"role": "student"}, {"role": "admin", "status": "INACTIVE"}):
        Membership.objects.filter(pk=role.pk).update(**change)
        assert queue(make_signal(cast.owner, cast.academy)) == 0
    Membership.objects.filter(pk=role.pk).update(role="assistant", status="ACTIVE")
    signal = make_signal(cast.owner, cast.academy)
    assert queue(signal) == 1
    assert told(rule) == [signal.pk]


def test_a_signal_is_queued_once_however_often_it_changes(cast: Cast) -> None:
    make_rule(cast.colleague, cast.academy)
    signal = make_signal(cast.owner, cast.academy)
    assert [queue(signal), queue(signal, signal)] == [1, 0]
    Notification.objects.update(state="sent")
    signal.severity = 3
    signal.save()
    assert queue(signal) == 0


def test_two_rules_that_lead_to_the_same_place_tell_once_the_sooner_one(cast: Cast) -> None:
    slow = make_rule(cast.colleague, cast.academy, digest_minutes=60)
    quick = make_rule(cast.colleague, cast.academy, target=cast.colleague.email.upper())
    chat = make_rule(cast.colleague, cast.academy, channel="chat", target="slack://x")
    signal = make_signal(cast.owner, cast.academy)
    assert queue(signal) == 2
    assert (told(slow), told(quick), told(chat)) == ([], [signal.pk], [signal.pk])


def test_two_teachers_are_each_told(cast: Cast) -> None:
    other = make_user("alan", "teacher", cast.academy)
    rules = [make_rule(user, cast.academy, target="room@example.org") for user in (cast.colleague, other)]
    signal = make_signal(cast.owner, cast.academy)
    queue(signal)
    assert [told(rule) for rule in rules] == [[signal.pk], [signal.pk]]


def test_a_deleted_and_remade_rule_does_not_tell_again(cast: Cast) -> None:
    rule = make_rule(cast.colleague, cast.academy)
    signal = make_signal(cast.owner, cast.academy)
    queue(signal)
    rule.delete()
    make_rule(cast.colleague, cast.academy)
    assert queue(signal) == 0


def test_a_worse_signal_reaches_who_waits_for_severe_ones(cast: Cast) -> None:
    rule = make_rule(cast.colleague, cast.academy, least_severity=3)
    signal = make_signal(cast.owner, cast.academy, severity=2)
    assert queue(signal) == 0
    signal.severity = 3
    signal.save()
    assert queue(signal) == 1
    assert told(rule) == [signal.pk]


def test_what_is_of_long_ago_or_already_over_is_no_news(cast: Cast) -> None:
    make_rule(cast.colleague, cast.academy)
    now = datetime(2026, 11, 25, 12, tzinfo=UTC)
    old = make_signal(cast.owner, cast.academy, at=now - timedelta(minutes=61))
    over = make_signal(cast.owner, cast.academy, at=now, state="resolved")
    fresh = make_signal(cast.owner, cast.academy, at=now - timedelta(minutes=59))
    assert queue(old, over, fresh, now=now) == 1
    assert Notification.objects.get().signal == fresh


def test_it_waits_for_the_end_of_quiet_hours(cast: Cast) -> None:
    make_rule(cast.colleague, cast.academy, quiet_from=time(22), quiet_until=time(7), timezone="Europe/Madrid")
    now = datetime(2026, 11, 25, 23, tzinfo=UTC)
    queue(make_signal(cast.owner, cast.academy, at=now), now=now)
    assert Notification.objects.get().due_at == datetime(2026, 11, 26, 6, tzinfo=UTC)


def test_a_digest_collects_from_the_first_one_on(cast: Cast) -> None:
    make_rule(cast.colleague, cast.academy, digest_minutes=30)
    first = datetime(2026, 11, 25, 12, tzinfo=UTC)
    for minutes in (0, 10, 20):
        now = first + timedelta(minutes=minutes)
        queue(make_signal(cast.owner, cast.academy, at=now), now=now)
    assert set(Notification.objects.values_list("due_at", flat=True)) == {first + timedelta(minutes=30)}


def test_any_number_of_signals_and_rules_takes_two_statements(cast: Cast) -> None:
    for number in range(20):
        make_rule(make_user(f"t{number}", "teacher", cast.academy), cast.academy)
    signals = [make_signal(cast.owner, cast.academy) for _ in range(20)]
    with CaptureQueriesContext(connection) as queries:
        assert queue(*signals) == 400
    assert len([query for query in queries if "SAVEPOINT" not in query["sql"]]) == 2
