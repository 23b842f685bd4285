from django.db import migrations, models

# Until a learner is recomputed, each stored error is a group of its own, solved by nobody.
GROUPS = """
UPDATE progress_errorcount SET group_digest = digest, kind = left(name, 500), pattern = message WHERE group_digest = ''
"""
RECOMPUTE = """
INSERT INTO progress_recomputation (run, user_id, fault)
SELECT run.id, met.user_id, ''
  FROM (SELECT gen_random_uuid() AS id) AS run,
       (SELECT DISTINCT p.user_id FROM progress_progress p WHERE p.errors > 0) AS met
"""
# `repeated_error` opens after so many versions of the code, no longer after so many attempts.
VERSIONS = """
UPDATE accounts_academysettings
   SET signal_features = jsonb_set(signal_features #- '{repeated_error,errors}', '{repeated_error,versions}',
                                   signal_features #> '{repeated_error,errors}')
 WHERE jsonb_typeof(signal_features #> '{repeated_error,errors}') = 'number'
"""


class Migration(migrations.Migration):
    """Errors have groups, and when they were solved; a recomputation of everybody who met one fills both in."""

    dependencies = [
        ("progress", "0011_asked_by_operator"),
        ("accounts", "0004_cohort_dates"),
    ]

    operations = [
        migrations.AddField(
            model_name="errorcount",
            name="group_digest",
            field=models.CharField(db_default="", default="", editable=False, max_length=32),
        ),
        migrations.AddField(
            model_name="errorcount",
            name="kind",
            field=models.CharField(blank=True, db_default="", default="", help_text="the group's type", max_length=500),
        ),
        migrations.AddField(
            model_name="errorcount",
            name="pattern",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="the group's message, with placeholders", max_length=500
            ),
        ),
        migrations.AddField(
            model_name="errorcount",
            name="solved_at",
            field=models.DateTimeField(
                blank=True, help_text="the first success on the assignment after it was met first", null=True
            ),
        ),
        migrations.RunSQL(GROUPS, migrations.RunSQL.noop),
        migrations.RunSQL(VERSIONS, migrations.RunSQL.noop),
        migrations.RunSQL(RECOMPUTE, migrations.RunSQL.noop),
    ]
