"""Keep by how much a wrong clock of a learner was ahead, beside the times that it told."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("notebooks", "0006_plain_words")]

    operations = [
        migrations.AddField(
            model_name="event",
            name="clock_offset_ms",
            field=models.BigIntegerField(
                blank=True,
                help_text="by how much the learner's clock was ahead, where it was wrong and told so",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="rejectedevent",
            name="clock_offset_ms",
            field=models.BigIntegerField(
                blank=True,
                help_text="by how much the sender's clock was ahead, where it told its time",
                null=True,
            ),
        ),
        AddIndexConcurrently(
            model_name="event",
            index=models.Index(
                F("user"), F("clock_offset_ms"), condition=Q(clock_offset_ms__isnull=False), name="events_clocks"
            ),
        ),
        AddIndexConcurrently(
            model_name="event",
            index=models.Index(
                F("academy"),
                F("created_at").desc(),
                condition=Q(clock_offset_ms__isnull=False),
                name="events_clocks_off",
            ),
        ),
    ]
