from django.db import migrations

TROUBLES = """
UPDATE progress_progress p
   SET trouble_since = standing.trouble_since, stuck_since = standing.stuck_since
  FROM (SELECT user_id, academy_id, assignment, min(opened_at) AS trouble_since,
               min(opened_at) FILTER (WHERE kind = 'stuck') AS stuck_since
          FROM signals_signal
         WHERE state IN ('open', 'acknowledged') AND assignment IS NOT NULL
           AND kind IN ('consecutive_errors', 'repeated_error', 'stuck', 'wheel_spinning')
         GROUP BY user_id, academy_id, assignment) AS standing
 WHERE p.user_id = standing.user_id AND p.assignment = standing.assignment
   AND p.academy_id IS NOT DISTINCT FROM standing.academy_id
"""


class Migration(migrations.Migration):
    """Since when the open signals of trouble stand, where progress is read."""

    dependencies = [
        ("signals", "0004_fair_turns"),
        ("progress", "0006_state"),
    ]

    operations = [migrations.RunSQL(TROUBLES, migrations.RunSQL.noop)]
