"""Encrypts the targets and secrets of notification rules, of which there are few."""

import hashlib

from django.db import migrations, models

import learntrace.core.encryption.fields


def encrypt(apps, schema_editor):
    rules = apps.get_model("signals", "NotificationRule")
    for rule in rules.objects.all():
        same = rule.target.lower() if rule.channel == "email" else rule.target
        rule.target_digest = hashlib.sha256(same.encode()).hexdigest() if same else ""
        # Writing a column encrypts it.
        rule.save(update_fields=["target", "target_digest", "secret"])


class Migration(migrations.Migration):

    dependencies = [
        ('signals', '0007_class_notifications'),
    ]

    operations = [
        migrations.AddField(
            model_name='notificationrule',
            name='target_digest',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=64),
        ),
        migrations.AlterField(
            model_name='notificationrule',
            name='target',
            field=learntrace.core.encryption.fields.EncryptedTextField(blank=True, default='', max_length=500),
        ),
        migrations.AlterField(
            model_name='notificationrule',
            name='secret',
            field=learntrace.core.encryption.fields.EncryptedTextField(blank=True, default='', editable=False, max_length=64),
        ),
        migrations.RunPython(encrypt, migrations.RunPython.noop),
    ]
