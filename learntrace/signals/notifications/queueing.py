"""Queue notifications of signals, in the transaction that opens them: one for each concern and destination.

A teacher is told of a learner's trouble on an assignment once, whatever further signals it makes, until it is over.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from learntrace.accounts.people.cohort_learners import COHORT_LEARNERS
from learntrace.accounts.roles import roles_with
from learntrace.core.sql import execute, fetch
from learntrace.signals.concerns.changes import handled_signals
from learntrace.signals.concerns.class_wide import ClassConcern
from learntrace.signals.concerns.handling import PAUSE
from learntrace.signals.models import Signal
from learntrace.signals.notifications.quiet import Timing

# Announced by the caller of `queue_for`, after the commit.
TOPIC = "notifications"
CAPABILITY = "read_assignment"
# A signal that a replay or a late event finds and that opened longer ago is no news: it is only listed.
NEWS = timedelta(hours=1)

# Nobody needs help with what is done. Rules are locked until the commit, so that none is deleted before its notification is
# inserted.
_MATCHES = f"""
SELECT rule.id, signal.id, rule.quiet_from, rule.quiet_until, rule.timezone, rule.digest_minutes,
       (SELECT min(other.due_at) FROM signals_notification other
         WHERE rule.digest_minutes > 0 AND other.rule_id = rule.id AND other.state = 'waiting' AND other.delivery IS NULL)
  FROM signals_signal signal
  JOIN signals_notificationrule rule
    ON rule.academy_id = signal.academy_id AND rule.active AND rule.least_severity <= signal.severity
   AND (rule.kinds = '[]'::jsonb OR rule.kinds @> to_jsonb(signal.kind))
   AND (rule.cohort_id IS NULL OR EXISTS (SELECT FROM {COHORT_LEARNERS} place
                                           WHERE place.user_id = signal.user_id AND place.cohort_id = rule.cohort_id))
  JOIN accounts_user teacher ON teacher.id = rule.user_id AND teacher.is_active
  JOIN accounts_membership member
    ON member.user_id = rule.user_id AND member.academy_id = rule.academy_id AND member.status = 'ACTIVE'
   AND member.role = ANY(%(roles)s)
   AND (NOT member.only_cohorts OR EXISTS (
        SELECT FROM accounts_membership_cohorts own JOIN {COHORT_LEARNERS} place ON place.cohort_id = own.cohort_id
         WHERE own.membership_id = member.id AND place.user_id = signal.user_id))
 WHERE signal.id = ANY(%(signals)s) AND signal.state = 'open' AND signal.opened_at >= %(since)s
   AND NOT EXISTS (SELECT FROM progress_progress done
                    WHERE done.user_id = signal.user_id AND done.academy_id = signal.academy_id
                      AND done.assignment = signal.assignment AND done.done_at IS NOT NULL)
 ORDER BY rule.id, signal.id
   FOR KEY SHARE OF rule
"""  # noqa: S608 (only texts of ours)
# A teacher's place for messages: the user, the channel and the target.
DESTINATION = """encode(sha256(convert_to(concat_ws(' ', rule.user_id, rule.channel,
                  coalesce(nullif(rule.target_digest, ''),
                           encode(sha256(convert_to(lower(teacher.email), 'UTF8')), 'hex'))), 'UTF8')), 'hex')"""
# Of a teacher's rules with the same destination the one that is due first gets it. ON CONFLICT is for both constraints: what
# a rule has sent before its target changed isn't sent again either.
_INSERT = f"""
WITH matched AS (
    SELECT rule.id AS rule_id, rule.user_id, rule.academy_id, r.signal_id, r.due_at, signal.severity, signal.opened_at,
           signal.user_id AS learner, signal.assignment, signal.asset_slug,
           {DESTINATION} AS destination
      FROM unnest(%(rules)s::bigint[], %(signals)s::bigint[], %(due)s::timestamptz[]) AS r(rule_id, signal_id, due_at)
      JOIN signals_notificationrule rule ON rule.id = r.rule_id
      JOIN accounts_user teacher ON teacher.id = rule.user_id
      JOIN signals_signal signal ON signal.id = r.signal_id
), first_of_concern AS (
    SELECT DISTINCT ON (destination, learner, assignment, CASE WHEN assignment IS NULL THEN asset_slug END) *
      FROM matched
     ORDER BY destination, learner, assignment, CASE WHEN assignment IS NULL THEN asset_slug END,
              due_at, severity DESC, signal_id, rule_id
)
INSERT INTO signals_notification (rule_id, user_id, academy_id, signal_id, destination, due_at)
SELECT f.rule_id, f.user_id, f.academy_id, f.signal_id, f.destination, f.due_at
  FROM first_of_concern f
 WHERE NOT EXISTS (
       SELECT FROM signals_signal told JOIN signals_notification earlier ON earlier.signal_id = told.id
        WHERE told.user_id = f.learner AND told.academy_id = f.academy_id
          AND told.assignment IS NOT DISTINCT FROM f.assignment
          AND (f.assignment IS NOT NULL OR told.asset_slug IS NOT DISTINCT FROM f.asset_slug)
          AND told.id <> f.signal_id AND earlier.destination = f.destination AND earlier.state <> 'dropped'
          AND (told.resolved_at IS NULL OR told.resolved_at > f.opened_at - %(pause)s::interval))
 ORDER BY f.signal_id, f.due_at, f.rule_id
    ON CONFLICT DO NOTHING
"""  # noqa: S608 (only texts of this module)
# Of rules for whole classes: those of kinds don't name one. A rule for a cohort, or of a member who is limited to some, is for
# what is a concern of one of them.
_RULES = """
SELECT rule.id, rule.quiet_from, rule.quiet_until, rule.timezone, rule.digest_minutes
  FROM signals_notificationrule rule
  JOIN accounts_user teacher ON teacher.id = rule.user_id AND teacher.is_active
  JOIN accounts_membership member
    ON member.user_id = rule.user_id AND member.academy_id = rule.academy_id AND member.status = 'ACTIVE'
   AND member.role = ANY(%(roles)s)
 WHERE rule.academy_id = %(academy)s AND rule.active AND rule.kinds = '[]'::jsonb AND rule.least_severity <= %(severity)s
   AND (rule.cohort_id IS NULL OR rule.cohort_id = ANY(%(cohorts)s))
   AND (NOT member.only_cohorts OR EXISTS (
        SELECT FROM accounts_membership_cohorts own
         WHERE own.membership_id = member.id AND own.cohort_id = ANY(%(cohorts)s)
           AND own.cohort_id = coalesce(rule.cohort_id, own.cohort_id)))
 ORDER BY rule.id
   FOR KEY SHARE OF rule
"""
_INSERT_OF_CLASS = f"""
INSERT INTO signals_notification (rule_id, user_id, academy_id, concern_id, destination, due_at)
SELECT DISTINCT ON (destination) matched.*
  FROM (SELECT rule.id, rule.user_id, rule.academy_id, %(concern)s::bigint, {DESTINATION} AS destination, r.due_at
          FROM unnest(%(rules)s::bigint[], %(due)s::timestamptz[]) AS r(rule_id, due_at)
          JOIN signals_notificationrule rule ON rule.id = r.rule_id
          JOIN accounts_user teacher ON teacher.id = rule.user_id) AS matched
 WHERE NOT EXISTS (SELECT FROM signals_notification earlier
                    WHERE earlier.concern_id = %(concern)s AND earlier.destination = matched.destination
                      AND earlier.created_at > %(since)s)
 ORDER BY destination, due_at, id
"""  # noqa: S608 (only texts of this module)
# A concern of the class that comes and goes within a lesson is told once.
CLASS_AGAIN = timedelta(hours=3)


def queue_for(signals: Sequence[Signal], now: datetime | None = None) -> int:
    """Queue notifications of signals by the active rules, in the open transaction; return how many are new.

    A signal that was queued before for a rule or a destination, whatever its outcome, isn't queued there again; nor is
    another one of the same concern, or one of a concern that staff has acknowledged or snoozed.
    """
    if not signals:
        return 0
    now = now or timezone.now()
    signal_ids = [signal.pk for signal in signals]
    asked = {"signals": signal_ids, "roles": roles_with(CAPABILITY), "since": now - NEWS}
    matches = fetch(_MATCHES, asked)
    quiet = handled_signals(signals) if matches else frozenset()
    matches = [match for match in matches if match[1] not in quiet]
    if not matches:
        return 0
    return execute(
        _INSERT,
        {
            "rules": [rule for rule, *_ in matches],
            "signals": [signal for _rule, signal, *_ in matches],
            "pause": PAUSE,
            "due": [Timing(*timing).due(now, waiting_until) for _rule, _signal, *timing, waiting_until in matches],
        },
    )


def queue_for_class(concern: ClassConcern, now: datetime | None = None) -> int:
    """Queue notifications of a concern of the class that has appeared, in the open transaction; return how many are new.

    A rule for a cohort is told where it is a concern of the cohort.
    """
    now = now or timezone.now()
    if concern.state != "open" or concern.since < now - NEWS:
        return 0
    asked = {
        "academy": concern.row.academy_id,
        "cohorts": sorted(concern.cohorts),
        "roles": roles_with(CAPABILITY),
        "severity": concern.severity,
    }
    due = {rule: Timing(*timing).due(now, None) for rule, *timing in fetch(_RULES, asked)}
    if not due:
        return 0
    rows = {"rules": list(due), "due": list(due.values()), "concern": concern.row.pk, "since": now - CLASS_AGAIN}
    return execute(_INSERT_OF_CLASS, rows)
