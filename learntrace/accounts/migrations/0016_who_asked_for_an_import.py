"""Who asked for what is done with an import of a roster, and through which door: a colleague may apply what another has uploaded."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0015_people_invitations_and_roster_jobs")]

    operations = [
        migrations.AddField(
            model_name="rosterjob",
            name="asked_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="rosterjob",
            name="asked_from",
            field=models.CharField(blank=True, db_default="", default="", max_length=45),
        ),
        migrations.AddField(
            model_name="rosterjob",
            name="asked_door",
            field=models.CharField(blank=True, db_default="page", default="page", max_length=20),
        ),
    ]
