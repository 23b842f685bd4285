

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notebooks', '0003_arrivals'),
    ]

    operations = [
        migrations.AddField(
            model_name='arrival',
            name='turn_academy',
            field=models.BigIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name='arrival',
            name='turn_learner',
            field=models.BigIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddIndex(
            model_name='arrival',
            index=models.Index(fields=['turn_academy', 'turn_learner', 'retry_at', 'id'], name='arrival_turn'),
        ),
    ]
