"""An index of the activities whose ids have the earlier form (`attempts.earlier_ids`): empty once all are changed."""

from django.db import migrations

# Beside running workers: a table of millions of rows stays open for writing meanwhile. What an interruption has left is
# no index that is used.
_INDEX = """
CREATE INDEX CONCURRENTLY activity_earlier_id ON progress_activity (user_id)
 WHERE source = 'learnpack' AND get_byte(uuid_send(id), 6) >> 4 = 5
"""


class Migration(migrations.Migration):

    atomic = False

    dependencies = [('learnpack', '0007_unread_documents'), ('progress', '0005_history_only_grows')]

    operations = [
        migrations.RunSQL("DROP INDEX IF EXISTS activity_earlier_id", migrations.RunSQL.noop),
        migrations.RunSQL(_INDEX, "DROP INDEX activity_earlier_id"),
    ]
