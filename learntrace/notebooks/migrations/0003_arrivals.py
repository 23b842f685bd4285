import django.contrib.postgres.fields
import django.db.models.functions.datetime
from django.db import migrations, models

# What was stored before anybody looked at it waits to be looked at.
WAITING = """
INSERT INTO notebooks_arrival (events)
SELECT array_agg(id ORDER BY arrival)
  FROM (SELECT id, arrival, (row_number() OVER (ORDER BY arrival) - 1) / 500 AS part FROM events) AS numbered
 GROUP BY part ORDER BY part
"""


class Migration(migrations.Migration):
    dependencies = [
        ("notebooks", "0002_what_staff_filters_by"),
    ]

    operations = [
        migrations.CreateModel(
            name="Arrival",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("events", django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), size=None)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("attempts", models.PositiveIntegerField(db_default=0, default=0)),
                ("retry_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("fault", models.TextField(blank=True, db_default="", default="")),
            ],
            options={
                'verbose_name': 'arrival',
                'verbose_name_plural': 'arrivals',
            },
        ),
        migrations.RunSQL(WAITING, migrations.RunSQL.noop),
    ]
