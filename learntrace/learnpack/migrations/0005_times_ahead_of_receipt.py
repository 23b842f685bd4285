"""Telemetry records that a client's clock had put into the future get the time of their receipt.

No batch was ever newer than such a record: it was frozen. The receipt is that of the webhook where it is still kept, else
the last change of the record.
"""

from django.db import migrations

REPAIR = """
UPDATE assignments_assignmenttelemetry t
   SET last_interaction_at = received.at
  FROM (SELECT r.id, coalesce(w.created_at, r.updated_at) AS at
          FROM assignments_assignmenttelemetry r
          LEFT JOIN learnpack_webhook w ON w.id = r.receipt AND w.student_id = r.user_id
         WHERE r.last_interaction_at > r.updated_at + interval '5 minutes'
            OR r.last_interaction_at > w.created_at + interval '5 minutes') AS received
 WHERE t.id = received.id AND t.last_interaction_at > received.at + interval '5 minutes'
"""


class Migration(migrations.Migration):
    dependencies = [
        ("learnpack", "0004_webhook_failed"),
        ("assignments", "0002_telemetry_compression"),
    ]

    operations = [migrations.RunSQL(REPAIR, migrations.RunSQL.noop)]
