from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', "0013_first_setup"),
    ]

    operations = [
        migrations.AddField(
            model_name='academysettings',
            name='page_features',
            field=models.JSONField(blank=True, db_default={}, default=dict),
        ),
    ]
