from django.db import migrations

# As for the webhooks' payloads: where the server was built with lz4.
_LZ4 = """
DO $$ BEGIN
    ALTER TABLE assignments_assignmenttelemetry ALTER COLUMN telemetry SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN NULL;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("assignments", "0001_initial")]
    operations = [migrations.RunSQL(_LZ4, migrations.RunSQL.noop)]
