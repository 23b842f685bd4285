"""Index and check notifications of concerns while workers go on writing notifications."""

from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("signals", "0008_encrypted_targets")]

    operations = [
        AddIndexConcurrently(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("concern__isnull", False)), fields=["concern"], name="notification_concern"
            ),
        ),
        ValidateConstraint(model_name="notification", name="notification_of_something"),
    ]
