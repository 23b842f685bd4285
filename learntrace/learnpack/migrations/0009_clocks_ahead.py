"""Activities that a client's clock had put into the future get the time of their receipt; their learners are recomputed.

Here those of notebooks, whose events know their receipt. LearnPack's follow with the recomputation of their learner
(`attempts.clocks_ahead`).
"""

from django.db import migrations

REPAIR = """
WITH moved AS (
    UPDATE progress_activity a SET at = e.created_at
      FROM events e
     WHERE e.id = a.id AND a.source = 'notebook' AND a.at > e.created_at + interval '5 minutes'
    RETURNING a.user_id
), learner AS (
    SELECT user_id FROM moved
     UNION
    SELECT user_id FROM progress_activity WHERE source = 'learnpack' AND at > now() + interval '5 minutes'
)
INSERT INTO progress_recomputation (run, user_id, due_at, fault)
SELECT gen_random_uuid(), learner.user_id, statement_timestamp(), ''
  FROM learner
 WHERE NOT EXISTS (SELECT FROM progress_recomputation r WHERE r.user_id = learner.user_id AND r.done_at IS NULL)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("learnpack", "0008_earlier_ids"),
        ("notebooks", "0004_fair_turns"),
        ("progress", "0010_step_renames"),
    ]

    operations = [migrations.RunSQL(REPAIR, migrations.RunSQL.noop)]
