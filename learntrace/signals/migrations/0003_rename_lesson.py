from django.db import migrations


class Migration(migrations.Migration):
    """The model `Lesson` is called `AssetComparison`. Its table keeps its name, so older workers go on beside this version."""

    dependencies = [("signals", "0002_standing_signals")]

    operations = [
        # Both change the state alone: the table's name is the same before and after.
        migrations.AlterModelTable("lesson", "signals_lesson"),
        migrations.RenameModel("Lesson", "AssetComparison"),
    ]
