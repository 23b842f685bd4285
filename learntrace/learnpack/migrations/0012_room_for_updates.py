from django.db import migrations

# Rows that each of a learner's batches updates. With room in its page for a row's next version, no index has to be written
# and no vacuum has to clean one (a HOT update); pages that are full already get room as their rows move on.
_ROOM = """
ALTER TABLE learnpack_readingposition SET (fillfactor = 70);
"""
_FULL = """
ALTER TABLE learnpack_readingposition RESET (fillfactor);
"""


class Migration(migrations.Migration):
    dependencies = [("learnpack", "0011_replaced_characters")]
    operations = [migrations.RunSQL(_ROOM, _FULL)]
