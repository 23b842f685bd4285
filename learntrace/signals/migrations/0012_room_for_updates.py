from django.db import migrations

# Rows that nearly each execution of a learner updates. With room in its page for a row's next version, no index has to be
# written and no vacuum has to clean one (a HOT update); pages that are full already get room as their rows move on.
_ROOM = """
ALTER TABLE signals_watch SET (fillfactor = 70);
"""
_FULL = """
ALTER TABLE signals_watch RESET (fillfactor);
"""


class Migration(migrations.Migration):
    dependencies = [("signals", "0011_plain_words")]
    operations = [migrations.RunSQL(_ROOM, _FULL)]
