"""Undo what recomputations did to records: they made some of LearnPack's assets anew, as if from a notebook.

Such a record names its steps as their assignments are named, after the asset. Where the next batch replaced it, it was read
as a client's, so that its attempts counted a second time, on assignments like "asset/asset/step". Here both go. The newest
batch of which a record was lost waits for its turn again; the learners are recomputed.
"""

from django.db import migrations

REPAIR = (
    """
CREATE TEMPORARY TABLE made_record ON COMMIT DROP AS
SELECT t.id, t.user_id, t.asset_slug FROM assignments_assignmenttelemetry t
 WHERE t.telemetry ->> 'agent' = 'jupyter' AND NOT t.by_staff
   AND EXISTS (SELECT FROM jsonb_path_query(t.telemetry, 'lax $.steps[*].slug') AS step(slug)
                WHERE starts_with(step.slug #>> '{}', t.asset_slug || '/'))
""",
    "DELETE FROM assignments_assignmenttelemetry t USING made_record made WHERE t.id = made.id",
    """
UPDATE learnpack_webhook w
   SET status = 'PENDING', status_text = NULL, reason = '', reason_values = '{}', attempts = 0,
       retry_at = statement_timestamp()
  FROM (SELECT DISTINCT ON (made.id) batch.id
          FROM made_record made
          JOIN registry_asset canonical ON canonical.slug = made.asset_slug
          JOIN registry_asset named
            ON named.id = canonical.id OR named.translation_group_id = canonical.translation_group_id
          JOIN learnpack_webhook batch
            ON batch.student_id = made.user_id AND (batch.asset_id = named.id OR batch.payload ->> 'slug' = named.slug)
           AND batch.event = 'batch' AND batch.status = 'DONE'
         ORDER BY made.id, batch.id DESC) AS newest
 WHERE w.id = newest.id
""",
    """
INSERT INTO progress_stale (user_id, asset_slug, source, turn_academy)
SELECT made.user_id, made.asset_slug, 'notebook', coalesce(a.academy_id, 0)
  FROM made_record made JOIN registry_asset a ON a.slug = made.asset_slug
    ON CONFLICT DO NOTHING
""",
    "DELETE FROM learnpack_unreaddocument WHERE document ->> 'agent' = 'jupyter'",
    # LearnPack's steps are folders: no name of one has a slash.
    """
WITH twice AS (
    DELETE FROM progress_activity a
     WHERE a.source = 'learnpack' AND split_part(a.assignment, '/', 3) <> ''
       AND split_part(a.assignment, '/', 1) = split_part(a.assignment, '/', 2)
    RETURNING a.user_id
), learner AS (
    SELECT user_id FROM twice UNION SELECT user_id FROM made_record
)
INSERT INTO progress_recomputation (run, user_id, due_at, fault)
SELECT gen_random_uuid(), learner.user_id, statement_timestamp(), ''
  FROM learner
 WHERE NOT EXISTS (SELECT FROM progress_recomputation r WHERE r.user_id = learner.user_id AND r.done_at IS NULL)
""",
)


class Migration(migrations.Migration):
    dependencies = [
        ("learnpack", "0012_room_for_updates"),
        ("assignments", "0006_room_for_updates"),
        ("progress", "0015_state_apart"),
        ("registry", "0003_asset_changes"),
    ]
    operations = [migrations.RunSQL(list(REPAIR), migrations.RunSQL.noop)]
