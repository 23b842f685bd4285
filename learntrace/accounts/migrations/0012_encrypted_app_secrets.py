"""Encrypts the secrets of authenticator apps, one for each person of the staff who has an app."""

from django.db import migrations

import learntrace.core.encryption.fields


def encrypt(apps, schema_editor):
    for authenticator in apps.get_model("accounts", "AuthenticatorApp").objects.all():
        # Writing the column encrypts it.
        authenticator.save(update_fields=["secret"])


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0011_audit_log"),
    ]

    operations = [
        migrations.AlterField(
            model_name="authenticatorapp",
            name="secret",
            field=learntrace.core.encryption.fields.EncryptedTextField(editable=False, max_length=64),
        ),
        migrations.RunPython(encrypt, migrations.RunPython.noop),
    ]
