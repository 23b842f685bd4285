from django.db import migrations

# Rows that nearly each execution of a learner updates. With room in its page for a row's next version, no index has to be
# written and no vacuum has to clean one (a HOT update); pages that are full already get room as their rows move on.
_ROOM = """
ALTER TABLE progress_progress SET (fillfactor = 70);
ALTER TABLE progress_errorcount SET (fillfactor = 70);
"""
_FULL = """
ALTER TABLE progress_progress RESET (fillfactor);
ALTER TABLE progress_errorcount RESET (fillfactor);
"""


class Migration(migrations.Migration):
    dependencies = [("progress", "0013_weekly_summaries")]
    operations = [migrations.RunSQL(_ROOM, _FULL)]
