"""Which signals a teacher is told of, and when."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from learntrace.accounts.models import Membership
from learntrace.signals.concerns.acts import Wanted, handle
from learntrace.signals.concerns.of_class import concerns_of_learner
from learntrace.signals.models import Notification, NotificationRule, Signal
from learntrace.signals.notifications.claims import claim_next
from tests.support.builders import Cast, make_cohort, make_task, make_user
from tests.support.notifications import make_rule, make_signal, queue

pytestmark = pytest.mark.django_db
SAME = "assignment:lesson-03-exercise-1"


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
    assert Notification.objects.count() == 3
    assert set(Notification.objects.values_list("due_at", flat=True)) == {first + timedelta(minutes=30)}


def test_a_concern_is_told_once_however_many_signals_it_has(cast: Cast) -> None:
    """Three learners who make fourteen signals in twelve minutes make three messages."""
    rule = make_rule(cast.colleague, cast.academy)
    people = [make_user(name, "student", cast.academy) for name in ("a", "b", "c")]
    now = datetime(2026, 11, 25, 12, tzinfo=UTC)
    for number in range(14):
        at = now + timedelta(seconds=50 * number)
        kind = ("consecutive_errors", "repeated_error", "stuck")[number % 4 % 3]
        queue(make_signal(people[number % 3], cast.academy, assignment=SAME, kind=kind, at=at), now=at)
    told_of = Notification.objects.filter(rule=rule).values_list("signal__user__username", flat=True)
    assert sorted(told_of) == ["a", "b", "c"]


def test_signals_of_one_concern_that_open_together_are_told_once_by_the_worst(cast: Cast) -> None:
    rule = make_rule(cast.colleague, cast.academy)
    mild = make_signal(cast.owner, cast.academy, assignment=SAME, severity=2)
    grave = make_signal(cast.owner, cast.academy, assignment=SAME, kind="stuck", severity=3)
    assert queue(mild, grave) == 1
    assert told(rule) == [grave.pk]


def test_trouble_after_a_pause_is_told_again_and_before_it_is_not(cast: Cast) -> None:
    make_rule(cast.colleague, cast.academy)
    now = datetime(2026, 11, 25, 12, tzinfo=UTC)
    queue(make_signal(cast.owner, cast.academy, assignment=SAME, at=now, state="open"), now=now)
    Signal.objects.update(state="resolved", resolved_at=now + timedelta(minutes=5))
    soon, later = now + timedelta(minutes=15), now + timedelta(minutes=40)
    back = make_signal(cast.owner, cast.academy, assignment=SAME, at=soon)
    assert queue(back, now=soon) == 0
    Signal.objects.filter(pk=back.pk).update(state="resolved", resolved_at=soon)
    assert queue(make_signal(cast.owner, cast.academy, assignment=SAME, at=later), now=later) == 1


def test_a_concern_that_somebody_handles_is_not_told(cast: Cast) -> None:
    first = make_signal(cast.owner, cast.academy, assignment=SAME)
    number = concerns_of_learner(cast.academy, cast.owner)[0].concern.row.pk
    handle(cast.academy, number, Wanted("acknowledge"), cast.colleague)
    make_rule(cast.colleague, cast.academy)
    assert queue(make_signal(cast.owner, cast.academy, assignment=SAME, kind="repeated_error")) == 0
    assert queue(make_signal(cast.owner, cast.academy, assignment=SAME, kind="stuck", severity=3)) == 1
    assert first.severity == 2


def test_where_the_told_signal_is_over_the_message_tells_of_another_of_the_concern(cast: Cast) -> None:
    rule = make_rule(cast.colleague, cast.academy, digest_minutes=30)
    first = make_signal(cast.owner, cast.academy, assignment=SAME)
    queue(first)
    other = make_signal(cast.owner, cast.academy, assignment=SAME, kind="stuck", severity=3)
    assert queue(other) == 0
    Signal.objects.filter(pk=first.pk).update(state="withdrawn")
    delivery = claim_next(timezone.now() + timedelta(minutes=31))
    assert delivery is not None
    assert [signal.pk for signal in delivery.signals] == [other.pk]
    assert delivery.rule == rule


def test_any_number_of_signals_and_rules_takes_few_statements(cast: Cast) -> None:
    for number in range(20):
        make_rule(make_user(f"t{number}", "teacher", cast.academy), cast.academy)
    signals = [make_signal(cast.owner, cast.academy) for _ in range(20)]
    with CaptureQueriesContext(connection) as queries:
        assert queue(*signals) == 400
    assert len([query for query in queries if "SAVEPOINT" not in query["sql"]]) <= 6
