

import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('progress', '0002_step_lists'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='recomputation',
            name='due_at',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
        ),
        migrations.AddField(
            model_name='stale',
            name='turn_academy',
            field=models.BigIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddIndex(
            model_name='recomputation',
            index=models.Index(fields=['user', '-done_at'], name='recomputation_learner'),
        ),
        migrations.AddIndex(
            model_name='stale',
            index=models.Index(fields=['source', 'turn_academy', 'user', 'since', 'id'], name='stale_turn'),
        ),
    ]
