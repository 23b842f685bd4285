"""Queue notifications of signals, in the transaction that opens them: one for each signal and destination."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from learntrace.accounts.roles import roles_with
from learntrace.core.sql import execute, fetch
from learntrace.signals.models import Signal
from learntrace.signals.notifications.quiet import Timing

# Announced by the caller of `queue_for`, after the commit.
TOPIC = "notifications"
CAPABILITY = "read_assignment"
# A signal that a replay or a late event finds and that opened longer ago is no news: it is only listed.
NEWS = timedelta(hours=1)

# Nobody needs help with what is done. Rules are locked until the commit, so that none is deleted before its notification is
# inserted.
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
   AND (NOT member.only_cohorts OR EXISTS (
        SELECT FROM accounts_membership_cohorts own JOIN assignments_task task ON task.cohort_id = own.cohort_id
         WHERE own.membership_id = member.id AND task.user_id = signal.user_id))
 WHERE signal.id = ANY(%(signals)s) AND signal.state = 'open' AND signal.opened_at >= %(since)s
   AND NOT EXISTS (SELECT FROM progress_progress done
                    WHERE done.user_id = signal.user_id AND done.academy_id = signal.academy_id
                      AND done.assignment = signal.assignment AND done.done_at IS NOT NULL)
 ORDER BY rule.id, signal.id
   FOR KEY SHARE OF rule
"""
# Of a teacher's rules with the same destination the one that is due first gets it. ON CONFLICT is for both constraints: what
# a rule has sent before its target changed isn't sent again either.
_INSERT = """
INSERT INTO signals_notification (rule_id, user_id, academy_id, signal_id, destination, due_at)
SELECT rule.id, rule.user_id, rule.academy_id, r.signal_id,
       encode(sha256(convert_to(concat_ws(' ', rule.user_id, rule.channel,
              coalesce(nullif(rule.target_digest, ''),
                       encode(sha256(convert_to(lower(teacher.email), 'UTF8')), 'hex'))), 'UTF8')), 'hex'),
       r.due_at
  FROM unnest(%(rules)s::bigint[], %(signals)s::bigint[], %(due)s::timestamptz[]) AS r(rule_id, signal_id, due_at)
  JOIN signals_notificationrule rule ON rule.id = r.rule_id
  JOIN accounts_user teacher ON teacher.id = rule.user_id
 ORDER BY r.signal_id, r.due_at, rule.id
    ON CONFLICT DO NOTHING
"""


def queue_for(signals: Sequence[Signal], now: datetime | None = None) -> int:
    """Queue notifications of signals by the active rules, in the open transaction; return how many are new.

    A signal that was queued before for a rule or a destination, whatever its outcome, isn't queued there again.
    """
    if not signals:
        return 0
    now = now or timezone.now()
    signal_ids = [signal.pk for signal in signals]
    asked = {"signals": signal_ids, "roles": roles_with(CAPABILITY), "since": now - NEWS}
    matches = fetch(_MATCHES, asked)
    if not matches:
        return 0
    return execute(
        _INSERT,
        {
            "rules": [rule for rule, *_ in matches],
            "signals": [signal for _rule, signal, *_ in matches],
            "due": [Timing(*timing).due(now, waiting_until) for _rule, _signal, *timing, waiting_until in matches],
        },
    )
