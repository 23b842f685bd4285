"""Queueing notifications of signals, in the transaction that opens them: one for each signal and place."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from learntrace.accounts.roles import roles_with
from learntrace.signals.models import Signal
from learntrace.signals.notifications.quiet import Timing

# Announced after the commit by whoever has queued.
TOPIC = "notifications"
CAPABILITY = "read_assignment"
# What a replay or a late event finds of longer ago is no news: it is in the list of signals.
NEWS = timedelta(hours=1)

# A rule is held until the commit, so that it can't be deleted between here and its notification.
_MATCHES = """
SELECT rule.id, signal.id, rule.quiet_from, rule.quiet_until, rule.timezone, rule.digest_minutes,
       (SELECT min(other.due_at) FROM signals_notification other
         WHERE rule.digest_minutes > 0 AND other.rule_id = rule.id AND other.state = 'waiting' AND other.delivery IS NULL)
  FROM signals_signal signal
  JOIN signals_notificationrule rule
    ON rule.academy_id = signal.academy_id AND rule.active AND rule.least_severity <= signal.severity
   AND (rule.kinds = '[]'::jsonb OR rule.kinds @> to_jsonb(signal.kind))
   AND (rule.cohort_id IS NULL OR EXISTS (SELECT FROM assignments_task task
                                           WHERE task.user_id = signal.user_id AND task.cohort_id = rule.cohort_id))
  JOIN accounts_user teacher ON teacher.id = rule.user_id AND teacher.is_active
  JOIN accounts_membership member
    ON member.user_id = rule.user_id AND member.academy_id = rule.academy_id AND member.status = 'ACTIVE'
   AND member.role = ANY(%(roles)s)
 WHERE signal.id = ANY(%(signals)s) AND signal.state = 'open' AND signal.opened_at >= %(since)s
 ORDER BY rule.id, signal.id
   FOR KEY SHARE OF rule
"""
# Of two rules of a teacher that lead to the same place the sooner one has it. Both constraints are meant: what a rule has
# told before its target changed isn't told again either.
_INSERT = """
INSERT INTO signals_notification (rule_id, user_id, academy_id, signal_id, destination, due_at)
SELECT rule.id, rule.user_id, rule.academy_id, r.signal_id,
       encode(sha256(convert_to(concat_ws(' ', rule.user_id, rule.channel,
              CASE WHEN rule.channel <> 'email' THEN rule.target
                   ELSE lower(coalesce(nullif(rule.target, ''), teacher.email)) END), 'UTF8')), 'hex'),
       r.due_at
  FROM unnest(%(rules)s::bigint[], %(signals)s::bigint[], %(due)s::timestamptz[]) AS r(rule_id, signal_id, due_at)
  JOIN signals_notificationrule rule ON rule.id = r.rule_id
  JOIN accounts_user teacher ON teacher.id = rule.user_id
 ORDER BY r.signal_id, r.due_at, rule.id
    ON CONFLICT DO NOTHING
"""


def queue_for(signals: Sequence[Signal], now: datetime | None = None) -> int:
    """Queue what the active rules want to be told of, in the open transaction; return how many notifications are new.

    A signal that was queued before for a rule or a place, whatever became of it, isn't queued there again.
    """
    now = now or timezone.now()
    asked: Mapping[str, Any] = {
        "signals": [signal.pk for signal in signals], "roles": roles_with(CAPABILITY), "since": now - NEWS
    }  # fmt: skip
    if not signals:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_MATCHES, asked)
        matches = cursor.fetchall()
        if not matches:
            return 0
        due = [Timing(*timing).due(now, waiting_until) for _rule, _signal, *timing, waiting_until in matches]
        rules, found = [match[0] for match in matches], [match[1] for match in matches]
        cursor.execute(_INSERT, {"rules": rules, "signals": found, "due": due})
        return int(cursor.rowcount)
