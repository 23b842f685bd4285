from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("learnpack", "0010_reading_positions")]

    operations = [
        migrations.AddField(
            model_name="webhook",
            name="replaced",
            field=models.JSONField(blank=True, db_default=[], default=list, editable=False),
        ),
    ]
