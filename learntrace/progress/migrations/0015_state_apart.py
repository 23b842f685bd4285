"""The states that activities continue get a table of their own, so that rows of measures are small.

One rewrite of the measures, in which workers wait: to copy 200,000 rows takes seconds. Moved in batches, each small row would
stay in a page of large ones that have gone.
"""

import django.db.models.deletion
from django.db import migrations, models

# What a worker writes between the copy and the rewrite would be lost.
_LOCK = "LOCK TABLE progress_progress IN ACCESS EXCLUSIVE MODE"
_COPY = """
ALTER TABLE progress_progressstate SET (fillfactor = 70);
INSERT INTO progress_progressstate (progress_id, state)
SELECT id, state FROM progress_progress WHERE state ? 'version' ORDER BY id;
ALTER TABLE progress_progressstate
  ADD CONSTRAINT progress_state_of_progress FOREIGN KEY (progress_id) REFERENCES progress_progress (id)
   ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
"""
_REWRITE = """
ALTER TABLE progress_progress
  ALTER COLUMN state TYPE jsonb
  USING jsonb_strip_nulls(jsonb_build_object('checked', state -> 'checked', 'checked_part', state -> 'checked_part'))
"""
_PUT_BACK = """
UPDATE progress_progress p SET state = s.state
  FROM progress_progressstate s WHERE s.progress_id = p.id AND NOT p.state ? 'version'
"""


class Migration(migrations.Migration):
    dependencies = [("progress", "0014_room_for_updates")]
    operations = [
        migrations.CreateModel(
            name="ProgressState",
            fields=[
                (
                    "progress",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="continued",
                        serialize=False,
                        to="progress.progress",
                    ),
                ),
                ("state", models.JSONField()),
            ],
            options={"verbose_name": "state of progress", "verbose_name_plural": "states of progress"},
        ),
        migrations.RunSQL(_LOCK, migrations.RunSQL.noop),
        migrations.RunSQL(_COPY, _PUT_BACK),
        migrations.RunSQL(_REWRITE, migrations.RunSQL.noop),
    ]
