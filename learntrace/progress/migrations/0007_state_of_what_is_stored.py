from django.db import migrations

# What of a step was executed; until now its object told so.
PARTS = """
UPDATE progress_activity SET part = object_id WHERE source = 'learnpack' AND object_id IN ('compile', 'test') AND part IS NULL
"""
# The steps that have a test: of which there was one, or that a document calls testable.
CHECKED = """
INSERT INTO progress_checkedassignment (academy_id, key, part)
SELECT DISTINCT academy_id, assignment, 'test' FROM progress_activity
 WHERE source = 'learnpack' AND part = 'test' AND assignment IS NOT NULL
UNION
SELECT DISTINCT p.academy_id, p.assignment, 'test'
  FROM assignments_assignmenttelemetry t
 CROSS JOIN LATERAL jsonb_array_elements(
       CASE WHEN jsonb_typeof(t.telemetry -> 'steps') = 'array' THEN t.telemetry -> 'steps' ELSE '[]' END) AS step
  JOIN progress_progress p
    ON p.user_id = t.user_id AND p.assignment = t.asset_slug || '/' || left(btrim(step ->> 'slug'), 200)
 WHERE t.receipt IS NOT NULL AND t.telemetry ->> 'agent' IS DISTINCT FROM 'jupyter'
   AND (step -> 'is_testeable' = 'true' OR jsonb_typeof(step -> 'tests') = 'array' AND step -> 'tests' <> '[]')
ON CONFLICT DO NOTHING
"""
# Until a learner is recomputed, what was called done still is.
DONE = "UPDATE progress_progress SET done_because = 'ran', done_by = 'run' WHERE done_at IS NOT NULL AND done_because IS NULL"
RECOMPUTE = """
INSERT INTO progress_recomputation (run, user_id, fault)
SELECT run.id, seen.user_id, ''
  FROM (SELECT gen_random_uuid() AS id) AS run, (SELECT DISTINCT user_id FROM progress_progress) AS seen
"""


class Migration(migrations.Migration):
    """The evidence of states in what is stored: parts, what is checked, and a recomputation of everybody."""

    dependencies = [
        ("progress", "0006_state"),
        ("assignments", "0002_telemetry_compression"),
    ]

    operations = [
        migrations.RunSQL(statement, migrations.RunSQL.noop) for statement in (PARTS, CHECKED, DONE, RECOMPUTE)
    ]
